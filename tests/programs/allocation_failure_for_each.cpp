// SPDX-License-Identifier: BSL-1.0
// Lets each allocation of a for_each over a receiver fail in turn: each item is handed to the
// function, or is left in the channel.
#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/expect.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <new>
#include <string>

using test::expect;

namespace {

template <class T>
void none_is_lost(const char* what, std::size_t limit) {
  constexpr int items = 8;
  test::item_counts counts;
  int failures = 0;
  for (bool failed = true; failed; ++failures) {
    auto ch = roost::make_channel<T>(items);
    for (int i = 0; i < items; ++i)
      expect(bool(ch.tx.send(test::make_item<T>(counts, i))), "there is room");
    ch.tx.close();
    std::atomic<int> visited{0};
    test::until_failure = failures;
    try {
      roost::for_each(
          ch.rx, [&](const T& item) { visited += test::value_of(item) >= 0; }, {.limit = limit});
    } catch (const std::bad_alloc&) {
      std::fflush(stdout); // what failed may be in any of its parts
    }
    failed = test::until_failure < 0;
    test::until_failure = -1;
    expect(static_cast<std::size_t>(visited) + ch.rx.size() == items, "no item is lost");
  }
  expect(failures > 1, "it was to allocate");
  std::printf("%s, %zu at once: survived %d\n", what, limit, failures - 1);
}

} // namespace

int main() { // NOLINT(bugprone-exception-escape): then the test has failed
  for (const std::size_t limit : {1U, 2U, 4U}) {
    none_is_lost<int>("numbers", limit);
    none_is_lost<std::string>("strings", limit);
    none_is_lost<test::owned_item>("pointers", limit);
    none_is_lost<test::tracked_item>("a class", limit);
  }
  return test::exit_code();
}
