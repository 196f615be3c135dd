// SPDX-License-Identifier: BSL-1.0
// Forks inside of forks, which get their threads later than others. What holds for tasks holds for
// them: each may block, in whatever way, until any other one has done something.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace {

template <class Leaf>
void tree(int levels, const Leaf& leaf) {
  if (levels == 0) {
    leaf();
    return;
  }
  const auto half = [&] { tree(levels - 1, leaf); };
  roost::when_all(half, half);
}

void nothing() {}

} // namespace

TEST_CASE("all leaves of a tree of when_all run at the same time", "[when_all]") {
  const test::no_thread_left check;
  const int levels = GENERATE(1, 2, 5);
  test::gate meeting; // not roost's
  const std::jthread opener([&] {
    meeting.wait_for_arrivals(1 << levels);
    meeting.open();
  });
  SECTION("outside of scopes") {
    tree(levels, [&] { meeting.pass(); });
  }
  SECTION("in a task") {
    roost::task_scope scope;
    scope.spawn([&] { tree(levels, [&] { meeting.pass(); }); });
    scope.join();
  }
}

TEST_CASE("two forks inside of forks hand items to each other", "[when_all]") {
  const test::no_thread_left check;
  constexpr int items = 300;
  std::atomic<int> sum{0};
  tree(3, [&] {
    auto there = roost::make_channel<int>();
    auto back = roost::make_channel<int>();
    roost::when_all(
        [&] {
          for (int i = 0; i < items; ++i) {
            (void)there.tx.send(i);
            sum += *back.rx.receive();
          }
        },
        [&] {
          for (int i = 0; i < items; ++i)
            (void)back.tx.send(*there.rx.receive());
        });
  });
  CHECK(sum == 8 * items * (items - 1) / 2);
}

TEST_CASE("forks are offered inside of forks, and only there", "[when_all]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  roost::when_all(nothing, nothing);
  scope.spawn([] { roost::when_all(nothing, nothing); }).get();
  roost::when_any(nothing, [] { roost::when_any(nothing, nothing); });
  CHECK_FALSE(test::pool_probe::has_had_forks(scope));
  roost::when_all(nothing, [] { roost::when_all(nothing, nothing); });
  CHECK(test::pool_probe::has_had_forks(scope));
}

TEST_CASE("while a thread waits for its forks another one may be at work", "[when_all]") {
  const test::no_thread_left check;
  roost::event go;
  roost::task_scope scope;
  scope.spawn([&] {
    test::wait_until([&] { return test::pool_probe::absent(scope) == 1; });
    go.set();
  });
  roost::when_all([&] { go.wait(); }, nothing);
  CHECK(test::pool_probe::absent(scope) == 0);
}

TEST_CASE("forks run at once though each has forks that end, until all have come", "[when_all]") {
  const test::no_thread_left check;
  const std::size_t count = std::thread::hardware_concurrency() + 2; // more than have a processor
  std::atomic<std::size_t> come{0};
  const auto comes_and_goes_on = [&] {
    ++come;
    while (come < count)
      roost::when_all(nothing, nothing);
  };
  roost::when_all(nothing, [&] {
    roost::when_all(std::vector<std::function<void()>>(count, comes_and_goes_on));
  });
  CHECK(come == count);
}
