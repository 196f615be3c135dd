// SPDX-License-Identifier: BSL-1.0

#include <roost.hpp>
#include <roost/testing.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"

#include <stdexcept>
#include <string>

using roost::testing::wait_until_blocked;

TEST_CASE("wait_until_blocked comes behind the waits of tasks", "[testing]") {
  const test::no_thread_left check;
  roost::semaphore permits(3);
  auto all = permits.acquire(3);
  std::size_t got = 0;
  roost::task_scope scope;
  for (int i = 0; i < 3; ++i)
    scope.spawn([&] { const auto permit = permits.acquire(); });
  wait_until_blocked(scope, 3);
  for (const auto& t : scope.report().tasks)
    if (t.blocked && t.blocked->operation == "semaphore::acquire")
      ++got;
  CHECK(got == 3);
  all.release();
}

TEST_CASE("wait_until_blocked with no task returns at once", "[testing]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  wait_until_blocked(scope, 0);
}

TEST_CASE("more tasks than wanted may be blocked", "[testing]") {
  const test::no_thread_left check;
  roost::event done;
  roost::task_scope scope;
  scope.spawn([&] { done.wait(); });
  scope.spawn([&] { done.wait(); });
  wait_until_blocked(scope, 2);
  wait_until_blocked(scope, 1);
  done.set();
}

TEST_CASE("a task that waits for a scope in it is blocked, and those inside do not count",
          "[testing]") {
  const test::no_thread_left check;
  test::gate gate; // of the standard library: roost does not know that a task waits there
  roost::event done;
  roost::task_scope scope;
  scope.spawn("outer", [&] {
    roost::with_scope([&](roost::task_scope& inner) {
      inner.spawn([&] { done.wait(); });
      inner.spawn([&] { done.wait(); });
      wait_until_blocked(inner, 2);
      gate.pass();
    });
  });
  gate.wait_for_arrivals(1);
  for (const auto& t : scope.report().tasks)
    CHECK((t.state == roost::task_state::blocked) == (t.name != "outer"));
  gate.open();
  wait_until_blocked(scope, 1);
  done.set();
}

TEST_CASE("a blocking_region counts, a computation does not", "[testing]") {
  const test::no_thread_left check;
  test::gate gate;
  roost::task_scope scope;
  scope.spawn([&] {
    const roost::blocking_region region("the test's gate");
    gate.pass();
  });
  wait_until_blocked(scope, 1);
  gate.open();
}

TEST_CASE("an owner that waits for tasks to block gets the failure of one that fails first",
          "[testing]") {
  const test::no_thread_left check;
  std::string what;
  try {
    roost::task_scope scope;
    scope.spawn([] { throw std::runtime_error("no such file"); });
    wait_until_blocked(scope, 1);
  } catch (const std::runtime_error& e) {
    what = e.what();
  }
  CHECK(what == "no such file");
}
