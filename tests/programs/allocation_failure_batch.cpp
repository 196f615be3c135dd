// SPDX-License-Identifier: BSL-1.0
// Lets each allocation of the batch operations of channels fail in turn: bad_alloc then comes out,
// what was not sent or received is where it was, and the channel works as before.
#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/channel_forms.hpp"
#include "support/expect.hpp"
#include "support/tracked.hpp"

#include <cstddef>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using test::expect;
using test::item_counts;
using test::no_limit;
using test::owned_item;
using test::tracked_item;
using test::value_of;

namespace {

// Calls `operation`; true if the allocation of this number, from 0, failed in it.
template <class F>
bool fails_at(int number, F operation) {
  bool failed = false;
  test::until_failure = number;
  try {
    operation();
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  test::until_failure = -1;
  return failed;
}

template <class T>
std::vector<T> items(item_counts& counts, int first, int count) {
  std::vector<T> all;
  for (int i = first; i < first + count; ++i)
    all.push_back(test::make_item<T>(counts, i));
  return all;
}

template <class T>
bool are(const std::vector<T>& all, int first, std::size_t count) {
  bool as_wanted = all.size() == count;
  for (const T& item : all)
    as_wanted = as_wanted && value_of(item) == first++;
  return as_wanted;
}

template <class T>
int take_all_in_order(const roost::receiver<T>& rx) {
  int next = 0;
  while (const auto got = rx.try_receive())
    expect(value_of(*got) == next++, "all arrive in order");
  return next;
}

// The first `filled` were sent before; some of `count` more may be sent when one cannot be.
template <class T>
void sending(const char* what, std::size_t capacity, int filled, int count, int allocations) {
  item_counts counts;
  int failures = 0;
  for (bool failed = true; failed; ++failures) {
    const long before = test::living_allocations;
    {
      auto ch = test::make_ends<T>(capacity);
      for (int i = 0; i < filled; ++i)
        expect(bool(ch.tx.try_send(test::make_item<T>(counts, i))), "there is room");
      auto all = items<T>(counts, filled, count);
      std::size_t sent = 0;
      failed = fails_at(failures, [&] { sent = ch.tx.send_all(std::move(all)); });
      // NOLINTBEGIN(bugprone-use-after-move): what was not sent is still there
      const auto in_it = static_cast<int>(ch.rx.size());
      expect(are(all, in_it, static_cast<std::size_t>(filled + count - in_it)),
             "exactly those that were not sent are left");
      if (failed)
        expect(ch.tx.send_all(std::move(all)) == static_cast<std::size_t>(filled + count - in_it),
               "they can be sent again");
      else
        expect(sent == static_cast<std::size_t>(count), "all are sent");
      // NOLINTEND(bugprone-use-after-move)
      expect(take_all_in_order(ch.rx) == filled + count, "all arrive");
    }
    expect(test::living_allocations == before, "no memory is lost");
  }
  expect(counts.live == 0, "each item dies once");
  expect(failures - 1 >= allocations, "it was to allocate");
  std::printf("%s: survived %d\n", what, failures - 1);
}

void sending_copies() {
  int failures = 0;
  for (bool failed = true; failed; ++failures) {
    auto ch = roost::make_channel<std::vector<int>>(3);
    const std::vector<int> all[] = {{1}, {2, 3}};
    failed = fails_at(failures, [&] { (void)ch.tx.send_all(all); });
    if (failed)
      expect(ch.rx.size() == 0, "nothing was sent");
    expect(all[1] == std::vector<int>{2, 3}, "the originals stay");
  }
  expect(failures > 3, "it was to allocate");
  std::printf("send_all of copies: survived %d\n", failures - 1);
}

template <class T>
void receiving(const char* what, int allocations) {
  item_counts counts;
  int failures = 0;
  for (bool failed = true; failed; ++failures) {
    const long before = test::living_allocations;
    {
      auto ch = roost::make_channel<T>(8);
      for (int i = 0; i < 8; ++i)
        expect(bool(ch.tx.try_send(test::make_item<T>(counts, i))), "there is room");
      auto got = items<T>(counts, -1, 1);
      std::size_t count = 0;
      failed = fails_at(failures, [&] { count = ch.rx.receive_some(got, 5); });
      if (failed) {
        expect(ch.rx.size() == 8 && got.size() == 1, "nothing was received");
        count = ch.rx.receive_some(got, 5);
      }
      expect(count == 5 && are(got, -1, 6), "it can be received again");
      expect(ch.rx.size() == 3, "the others are left");
    }
    expect(test::living_allocations == before, "no memory is lost");
  }
  expect(counts.live == 0, "each item dies once");
  expect(failures - 1 >= allocations, "it was to allocate");
  std::printf("%s: survived %d\n", what, failures - 1);
}

// To close a channel needs no memory, with a failure or without.
void failing() {
  auto failure = std::make_exception_ptr(std::runtime_error("the source is gone"));
  auto ch = roost::make_channel<int>(1);
  bool closed = false;
  bool told = false;
  expect(!fails_at(0,
                   [&] {
                     closed = ch.tx.fail(failure);
                     told = ch.rx.receive().error() == failure;
                   }),
         "fail does not allocate");
  expect(closed && told, "the receiver is told");
}

} // namespace

int main() { // NOLINT(bugprone-exception-escape): then the test has failed
  sending<int>("send_all of numbers", 16, 0, 10, 0);
  sending<int>("send_all of numbers to a channel that must grow", no_limit, 1000, 3000, 2);
  sending<owned_item>("send_all of pointers", 16, 0, 10, 0);
  sending<owned_item>("send_all of pointers to a channel that must grow", no_limit, 0, 1500, 2);
  sending<std::string>("send_all of strings to a channel that must grow", 5000, 1020, 10, 1);
  sending<tracked_item>("send_all of a class", 16, 2, 10, 11);
  sending<tracked_item>("send_all of a class to a channel that must grow", no_limit, 1020, 10, 12);
  sending_copies();
  receiving<int>("receive_some of numbers", 1);
  receiving<owned_item>("receive_some of pointers", 1);
  receiving<tracked_item>("receive_some of a class", 2);
  failing();
  return test::exit_code();
}
