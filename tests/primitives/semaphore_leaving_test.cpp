// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <stop_token>

// Waiters for permits leave without: by a timeout or by a stop.

using namespace std::chrono_literals;
using permit = roost::semaphore::permit;
using roost::semaphore;
using test::outcome_of;
using test::seen;

TEST_CASE("a timed acquire gives up at its deadline and not before", "[semaphore]") {
  test::bubble([&] {
    semaphore s(2);
    const auto held = s.acquire();
    const auto deadline = roost::clock::now() + 1h;
    CHECK_FALSE(s.acquire_until(deadline, 2));
    CHECK(roost::clock::now() == deadline);
    const auto start = roost::clock::now();
    CHECK_FALSE(s.acquire_for(1h, 2));
    CHECK(roost::clock::now() == start + 1h);
    CHECK(test::waiting(s) == 0);
    CHECK(s.available() == 1);
    CHECK(s.try_acquire());
  });
}

TEST_CASE("a timeout that is over at once is no obstacle to permits that are free", "[semaphore]") {
  const auto timeout = GENERATE(as<roost::clock::duration>(),
                                0ns,
                                -1ns,
                                -1h,
                                roost::clock::duration::min(),
                                -roost::clock::duration::max());
  semaphore s(1);
  const auto p = s.acquire_for(timeout);
  CHECK(p);
  CHECK_FALSE(s.acquire_for(timeout));
  CHECK_FALSE(s.acquire_until(roost::clock::time_point::min()));
  CHECK(test::waiting(s) == 0);
}

TEST_CASE("an acquire with any large timeout waits until permits come", "[semaphore]") {
  semaphore s(1);
  const auto gets_what_comes = [&](auto acquire) {
    auto held = s.acquire();
    roost::task_scope scope;
    auto got = scope.spawn([&] { return acquire().has_value(); });
    test::wait_until_waiting(s, 1);
    held.release();
    CHECK(got.get());
  };
  using float_hours = std::chrono::duration<float, std::ratio<3600>>;
  using picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  gets_what_comes([&] { return s.acquire_for(roost::clock::duration::max()); });
  gets_what_comes([&] { return s.acquire_for(std::chrono::hours::max()); });
  gets_what_comes([&] { return s.acquire_for(float_hours(1e30F)); });
  gets_what_comes([&] { return s.acquire_for(picoseconds::max()); });
  gets_what_comes([&] { return s.acquire_until(roost::clock::time_point::max()); });
  CHECK(s.available() == 1);
}

TEST_CASE("a stop wakes those who wait for permits and nothing is taken", "[semaphore]") {
  semaphore s(2);
  const auto held = s.acquire();
  int stopped = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      stopped += outcome_of([&] { (void)s.acquire(2); }) == seen::stopped;
      stopped += outcome_of([&] { (void)s.acquire_for(1h, 2); }) == seen::stopped;
      stopped +=
          outcome_of([&] { (void)s.acquire_until(roost::clock::now() + 1h, 2); }) == seen::stopped;
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(stopped == 3);
  CHECK(test::waiting(s) == 0);
  CHECK(s.available() == 1);
}

TEST_CASE("a timed acquire that waits is woken by a stop", "[semaphore]") {
  semaphore s(1);
  const auto held = s.acquire();
  seen end = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] { end = outcome_of([&] { (void)s.acquire_for(1h); }); });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(end == seen::stopped);
  CHECK(test::waiting(s) == 0);
}

TEST_CASE("an outside token wakes one who waits for permits", "[semaphore]") {
  semaphore s(1);
  const auto held = s.acquire();
  std::stop_source outside;
  seen end = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      const roost::stop_when s_too(outside.get_token());
      end = outcome_of([&] { (void)s.acquire(); });
    });
    test::wait_until_waiting(s, 1);
    outside.request_stop();
  }
  CHECK(end == seen::stopped);
}

TEST_CASE("a task that was stopped gets no permits although they are free", "[semaphore]") {
  semaphore s(2);
  int stopped = 0;
  bool tried = false;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      scope.request_stop();
      stopped += outcome_of([&] { (void)s.acquire(); }) == seen::stopped;
      stopped += outcome_of([&] { (void)s.acquire(0); }) == seen::stopped;
      stopped += outcome_of([&] { (void)s.acquire_for(0ns); }) == seen::stopped;
      tried = s.try_acquire().has_value(); // does not look at stops
    });
  }
  CHECK(stopped == 3);
  CHECK(tried);
  CHECK(s.available() == 2);
}

TEST_CASE("permits that were granted before the stop are there and the next wait throws",
          "[semaphore]") {
  semaphore s(1);
  auto held = s.acquire();
  std::size_t got = 0;
  seen next = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      const auto mine = s.acquire();
      got = mine.count();
      roost::event never;
      next = outcome_of([&] { never.wait(); });
    });
    test::wait_until_waiting(s, 1);
    held.release();
    CHECK(s.available() == 0); // it is the task's already, although it may not know yet
    scope.request_stop();
  }
  CHECK(got == 1);
  CHECK(next == seen::stopped);
  CHECK(s.available() == 1);
}

TEST_CASE("when a stop takes the first from the line those behind it that fit go on",
          "[semaphore]") {
  semaphore s(4);
  const auto held = s.acquire();
  seen large = seen::neither;
  roost::task_scope stopped;
  stopped.spawn([&] { large = outcome_of([&] { (void)s.acquire(4); }); });
  test::wait_until_waiting(s, 1);
  test::wait_until_blocked(stopped, 1);
  test::gate inside;
  roost::task_scope others({.inherit = false});
  for (std::size_t i = 0; i < 2; ++i) {
    others.spawn([&] {
      const auto mine = s.acquire();
      inside.pass();
    });
    test::wait_until_waiting(s, 2 + i);
  }
  CHECK(s.available() == 3);
  stopped.request_stop();
  inside.wait_for_arrivals(2); // nobody gave anything back
  CHECK(s.available() == 1);
  inside.open();
  others.join();
  stopped.join();
  CHECK(large == seen::stopped);
  CHECK(s.available() == 3);
}

TEST_CASE("when a timeout takes the first from the line those behind it that fit go on",
          "[semaphore]") {
  test::bubble([] {
    semaphore s(4);
    const auto held = s.acquire();
    roost::task_scope scope;
    auto first = scope.spawn([&] { return s.acquire_for(1h, 4).has_value(); });
    test::wait_until_waiting(s, 1);
    auto second = scope.spawn([&] { return s.acquire(2).count(); });
    test::wait_until_waiting(s, 2);
    CHECK_FALSE(first.get());
    CHECK(second.get() == 2); // nobody gave anything back
    CHECK(s.available() == 3);
  });
}

TEST_CASE("one in the middle of the line that leaves holds nobody up", "[semaphore]") {
  semaphore s(2);
  auto held = s.acquire(2);
  seen middle = seen::neither;
  roost::task_scope scope;
  auto first = scope.spawn([&] { return s.acquire(1).count(); });
  test::wait_until_waiting(s, 1);
  roost::task_scope stopped;
  stopped.spawn([&] { middle = outcome_of([&] { (void)s.acquire(2); }); });
  test::wait_until_waiting(s, 2);
  test::wait_until_blocked(stopped, 1);
  auto last = scope.spawn([&] { return s.acquire(1).count(); });
  test::wait_until_waiting(s, 3);
  stopped.request_stop();
  stopped.join();
  CHECK(test::waiting(s) == 2);
  CHECK(s.available() == 0);
  held.release();
  CHECK(first.get() == 1);
  CHECK(last.get() == 1);
  CHECK(middle == seen::stopped);
  CHECK(s.available() == 2);
}

TEST_CASE("the failure of a task reaches the owner who waits for its permits", "[semaphore]") {
  semaphore s(1);
  roost::task_scope scope;
  test::gate taken;
  scope.spawn([&] {
    const auto mine = s.acquire();
    taken.pass();
    throw std::runtime_error("failed with the permit");
  });
  taken.wait_for_arrivals(1);
  scope.spawn([&] {
    test::wait_until_owner_blocked(scope);
    taken.open();
  });
  const auto wait_twice = [&] {
    const auto mine = s.acquire(); // the permit is back before the failure is known
    roost::event never;
    never.wait();
  };
  CHECK_THROWS_AS(wait_twice(), std::runtime_error);
  CHECK(s.available() == 1);
  CHECK_THROWS_AS(scope.join(), std::runtime_error); // no wait takes a failure
}
