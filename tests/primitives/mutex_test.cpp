// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

using namespace std::chrono_literals;
using roost::mutex;
using test::outcome_of;
using test::seen;

namespace {

constinit mutex made_before_all("static");

/// Until it is handed to the first that waits, and not left to all that come.
void pass_over_for_long_enough() {
  const auto until = roost::clock::now() + 2ms;
  test::wait_until([&] { return roost::clock::now() >= until; });
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a mutex is held by one at a time", "[mutex]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<mutex>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<mutex>);
  mutex m("m");
  {
    const mutex::guard held(m);
    CHECK_FALSE(m.try_lock());
    std::jthread([&] { CHECK_FALSE(m.try_lock()); }).join();
  }
  CHECK(m.try_lock());
  m.unlock();
  m.lock();
  m.unlock();
  const mutex::guard of_a_static(made_before_all);
}

TEST_CASE("a mutex fits the guards of std", "[mutex]") {
  mutex a;
  mutex b;
  {
    const std::lock_guard held(a);
    CHECK_FALSE(a.try_lock());
  }
  {
    const std::scoped_lock both(a, b);
    CHECK_FALSE(a.try_lock());
    CHECK_FALSE(b.try_lock());
  }
  std::unique_lock held(a, 1h);
  CHECK(held.owns_lock());
  const std::unique_lock second(a, 1ms);
  CHECK_FALSE(second.owns_lock());
  held.unlock();
  CHECK(held.try_lock());
}

TEST_CASE("a task that waits for a mutex gets it when it is unlocked", "[mutex]") {
  mutex m;
  bool by_task = false;
  roost::task_scope scope;
  m.lock();
  scope.spawn([&] {
    const mutex::guard held(m);
    by_task = true;
  });
  test::wait_until_waiting(m, 1);
  SECTION("soon") {}
  SECTION("after a while") {
    pass_over_for_long_enough();
  }
  m.unlock();
  scope.join();
  CHECK(by_task);
  CHECK(test::waiting(m) == 0);
  CHECK(m.try_lock());
  m.unlock();
}

TEST_CASE("those that wait for a mutex for long enough get it in order", "[mutex]") {
  mutex m;
  std::vector<int> order;
  roost::task_scope scope;
  m.lock();
  for (int i = 0; i < 3; ++i) {
    scope.spawn([&, i] {
      const mutex::guard held(m);
      order.push_back(i);
    });
    test::wait_until_waiting(m, static_cast<std::size_t>(i) + 1);
  }
  pass_over_for_long_enough();
  m.unlock();
  scope.join();
  CHECK(order == std::vector{0, 1, 2});
}

TEST_CASE("a waiter that is called in vain again and again is handed the mutex in the end",
          "[mutex]") {
  const bool newcomers = GENERATE(false, true);
  std::set<int> times_in_vain;
  roost::testing::explore({.runs = 12, .seed = 1}, [&] {
    mutex m;
    roost::event seen_held;
    const auto lock = [&] {
      const mutex::guard held(m);
      seen_held.wait();
    };
    roost::task_scope scope;
    m.lock();
    scope.spawn(lock);
    int in_vain = 0;
    for (;; ++in_vain) {
      roost::this_task::sleep_for(100us); // afterwards it is blocked
      const roost::detail::sync::turn_kept faster_than_any_called;
      m.unlock();
      if (in_vain > 9 || !m.try_lock())
        break;
      if (newcomers)
        scope.spawn(lock); // while the first is on its way
    }
    times_in_vain.insert(in_vain);
    seen_held.set();
  });
  CHECK(times_in_vain == std::set{9});
}

TEST_CASE("plain threads may share a mutex with tasks", "[mutex]") {
  mutex m;
  long count = 0;
  const auto add = [&] {
    for (int i = 0; i < 2000; ++i) {
      const mutex::guard held(m);
      ++count;
    }
  };
  {
    const std::jthread one(add);
    const std::jthread two(add);
    roost::task_scope scope;
    scope.spawn(add);
    add();
  }
  CHECK(count == 8000);
}

TEST_CASE("a stop wakes those who wait for a mutex and nothing is taken", "[mutex]") {
  mutex m;
  const mutex::guard held(m);
  int stopped = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      stopped += outcome_of([&] { m.lock(); }) == seen::stopped;
      stopped += outcome_of([&] { (void)m.try_lock_for(1h); }) == seen::stopped;
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(stopped == 2);
  CHECK(test::waiting(m) == 0);
}

TEST_CASE("a task that was stopped does not get a mutex although it is free", "[mutex]") {
  mutex m;
  int stopped = 0;
  bool tried = false;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      scope.request_stop();
      stopped += outcome_of([&] { m.lock(); }) == seen::stopped;
      stopped += outcome_of([&] { (void)m.try_lock_for(0s); }) == seen::stopped;
      tried = m.try_lock(); // does not look at stops
      if (tried)
        m.unlock();
    });
  }
  CHECK(stopped == 2);
  CHECK(tried);
  CHECK(m.try_lock());
  m.unlock();
}

TEST_CASE("a mutex that was handed over before the stop is the task's", "[mutex]") {
  mutex m;
  seen lock = seen::neither;
  seen next = seen::neither;
  bool was_held = false;
  {
    roost::task_scope scope;
    m.lock();
    scope.spawn([&] {
      lock = outcome_of([&] { m.lock(); });
      roost::event never;
      next = outcome_of([&] { never.wait(); });
      m.unlock();
    });
    test::wait_until_waiting(m, 1);
    test::wait_until_blocked(scope, 1);
    pass_over_for_long_enough();
    m.unlock();
    was_held = !m.try_lock(); // it is the task's already, although it may not know yet
    scope.request_stop();
  }
  CHECK(was_held);
  CHECK(lock == seen::returned);
  CHECK(next == seen::stopped);
  CHECK(m.try_lock());
  m.unlock();
}

TEST_CASE("a timed lock gives up at its deadline and not before", "[mutex]") {
  test::bubble([&] {
    mutex m;
    const mutex::guard held(m);
    roost::task_scope scope;
    auto other = scope.spawn([&] {
      const auto deadline = roost::clock::now() + 1h;
      CHECK_FALSE(m.try_lock_until(deadline));
      CHECK(roost::clock::now() == deadline);
      CHECK_FALSE(m.try_lock_for(-1h));
    });
    other.get();
    CHECK(test::waiting(m) == 0);
    CHECK_FALSE(m.try_lock_for(1h)); // by the caller itself: it ends, so it is no deadlock
  });
}

TEST_CASE("a lock with any large timeout waits until it gets the mutex", "[mutex]") {
  mutex m;
  const auto gets_it = [&](auto lock) {
    m.lock();
    roost::task_scope scope;
    auto got = scope.spawn([&] {
      const bool taken = lock();
      if (taken)
        m.unlock();
      return taken;
    });
    test::wait_until_waiting(m, 1);
    m.unlock();
    CHECK(got.get());
  };
  gets_it([&] { return m.try_lock_for(roost::clock::duration::max()); });
  gets_it([&] { return m.try_lock_for(std::chrono::hours::max()); });
  gets_it([&] { return m.try_lock_until(roost::clock::time_point::max()); });
}

TEST_CASE("when a waiter leaves those behind it get the mutex", "[mutex]") {
  mutex m;
  m.lock();
  roost::task_scope stopped;
  stopped.spawn([&] { m.lock(); });
  test::wait_until_waiting(m, 1);
  test::wait_until_blocked(stopped, 1);
  roost::task_scope others({.inherit = false});
  std::atomic<int> got = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    others.spawn([&] {
      const mutex::guard held(m);
      ++got;
    });
    test::wait_until_waiting(m, 2 + i);
  }
  stopped.request_stop();
  m.unlock();
  others.join();
  stopped.join();
  CHECK(got == 2);
}

TEST_CASE("who does not hold a mutex cannot unlock it", "[mutex]") {
  mutex m("m");
  std::size_t line = 0;
  const auto tells = [&](auto unlock) {
    const std::string says = test::thrown_by(unlock);
    INFO(says);
    CHECK(has(says, "the caller does not hold mutex \"m\"; the task that locks it"));
    CHECK(has(says, std::string(__FILE__) + ":" + std::to_string(line)));
    CHECK_THROWS_AS(unlock(), std::system_error);
  };
  // clang-format off
  line = __LINE__, tells([&] { m.unlock(); });
  // clang-format on
  const mutex::guard held(m);
  const auto unlock = [&] { m.unlock(); };
  line = __LINE__ - 1;
  std::jthread([&] { tells(unlock); }).join();
  SECTION("nor can a task that runs on the holder's thread") {
    roost::task_scope scope({.limit = 1});
    scope.spawn("outer", [&] {
      mutex inside;
      const mutex::guard outers(inside);
      const auto here = std::this_thread::get_id();
      auto inner = scope.spawn([&] {
        CHECK(std::this_thread::get_id() == here);
        CHECK_THROWS_AS(inside.unlock(), std::system_error);
        CHECK_FALSE(inside.try_lock());
        mutex own;
        const mutex::guard inners(own);
      });
      inner.get(); // runs it here
    });
  }
}

TEST_CASE("many mutexes may be unlocked in any order", "[mutex]") {
  std::vector<mutex> all(50);
  for (mutex& m : all)
    m.lock();
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i * 7 % all.size()].unlock();
  for (mutex& m : all)
    CHECK(m.try_lock());
  for (mutex& m : all)
    m.unlock();
}

TEST_CASE("the failure that unlocks a mutex is known before that of the next to lock it",
          "[mutex]") {
  const test::unobserved_failures seconds; // stopped by the first, or not
  mutex m;
  bool is_whole = true;
  roost::task_scope scope;
  test::gate taken;
  scope.spawn("first", [&] {
    const mutex::guard held(m);
    is_whole = false;
    taken.pass();
    throw std::runtime_error("first");
  });
  taken.wait_for_arrivals(1);
  scope.spawn("second", [&] {
    const mutex::guard held(m);
    if (!is_whole)
      throw std::runtime_error("second");
  });
  test::wait_until_waiting(m, 1);
  taken.open();
  CHECK(test::thrown_by([&] { scope.join(); }) == "first");
}
