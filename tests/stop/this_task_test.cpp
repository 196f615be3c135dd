// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

using namespace std::chrono_literals;

TEST_CASE("a plain thread is a task that nobody stops", "[this_task]") {
  STATIC_REQUIRE(noexcept(roost::this_task::stop_token()));
  STATIC_REQUIRE(noexcept(roost::this_task::stop_requested()));
  STATIC_REQUIRE(noexcept(roost::this_task::deadline()));
  STATIC_REQUIRE(noexcept(roost::this_task::name()));
  CHECK_FALSE(roost::this_task::stop_token().stop_possible());
  CHECK_FALSE(roost::this_task::stop_requested());
  CHECK(roost::this_task::cause().reason == roost::stop_reason::none);
  CHECK(roost::this_task::deadline() == roost::clock::time_point::max());
  CHECK(roost::this_task::name().empty());
  CHECK_NOTHROW(roost::this_task::checkpoint());
}

TEST_CASE("a task knows its name", "[this_task]") {
  const test::no_thread_left check;
  const auto name = [] { return std::string(roost::this_task::name()); };
  roost::task_scope scope({.name = "a scope's name is not a task's"});
  CHECK(scope.spawn("parser", name).get() == "parser");
  CHECK(scope.spawn(std::string("built at run time, and rather long"), name).get() ==
        "built at run time, and rather long");
  CHECK(scope.spawn(std::string_view("viewed"), name).get() == "viewed");
  CHECK(scope.spawn(name).get().empty());
  CHECK(name().empty()); // the owner is no task of it
}

TEST_CASE("inside a nested scope the owner keeps its task's name", "[this_task]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto names = scope.spawn("outer task", [] {
    roost::task_scope nested({.name = "nested"});
    const std::string child =
        nested.spawn("inner task", [] { return std::string(roost::this_task::name()); }).get();
    return std::string(roost::this_task::name()) + ", " + child;
  });
  CHECK(names.get() == "outer task, inner task");
}

TEST_CASE("checkpoint throws once the task was asked to stop", "[this_task]") {
  const test::no_thread_left check;
  long rounds = 0;
  roost::task_scope scope;
  auto counts = scope.spawn([&] {
    for (;; ++rounds)
      roost::this_task::checkpoint();
  });
  test::wait_until([&] { return test::scope_probe::started_tasks(scope) == 1; });
  scope.request_stop();
  scope.join();
  CHECK_THROWS_AS(counts.get(), roost::stopped);
}

TEST_CASE("this_task tells of the innermost scope that covers the thread", "[this_task]") {
  const test::no_thread_left check;
  roost::task_scope outer;
  CHECK(roost::this_task::stop_token() == outer.get_stop_token());
  {
    roost::task_scope inner;
    CHECK(roost::this_task::stop_token() == inner.get_stop_token());
    inner.request_stop("inner");
    CHECK(roost::this_task::stop_requested());
    CHECK(roost::this_task::cause().message == "inner");
    inner.join();
    CHECK_FALSE(roost::this_task::stop_requested());
    CHECK(roost::this_task::cause().reason == roost::stop_reason::none);
  }
  CHECK(roost::this_task::stop_token() == outer.get_stop_token());
}

TEST_CASE("a callback on the token of this task is called by the stop", "[this_task]") {
  const test::no_thread_left check;
  test::gate called;
  roost::event never;
  bool token_stopped = false;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      const std::stop_callback callback(roost::this_task::stop_token(), [&] { called.open(); });
      try {
        never.wait();
      } catch (const roost::stopped&) {
        called.pass(); // waits wake first, and with them the callback could go
        token_stopped = roost::this_task::stop_token().stop_requested();
        throw;
      }
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(token_stopped);
}

TEST_CASE("sleep_for sleeps at least so long", "[this_task]") {
  const test::no_thread_left check;
  const auto start = roost::clock::now();
  roost::this_task::sleep_for(10ms); // a plain thread
  CHECK(roost::clock::now() - start >= 10ms);
  roost::task_scope scope;
  auto slept = scope.spawn([] {
    const auto began = roost::clock::now();
    roost::this_task::sleep_for(10ms);
    return roost::clock::now() - began;
  });
  CHECK(slept.get() >= 10ms);
}

TEST_CASE("to sleep until the past takes no time", "[this_task]") {
  const test::no_thread_left check;
  roost::this_task::sleep_until(roost::clock::now() - 1h);
  roost::this_task::sleep_until(roost::clock::time_point::min());
  roost::this_task::sleep_for(0ms);
  roost::this_task::sleep_for(-1h);
  roost::this_task::sleep_for(roost::clock::duration::min());
  SUCCEED();
}

TEST_CASE("a stop wakes a sleeper and keeps others from falling asleep", "[this_task]") {
  const test::no_thread_left check;
  const auto how_long = GENERATE(roost::clock::duration(1h), roost::clock::duration::max());
  roost::task_scope scope;
  auto sleeper = scope.spawn([&] {
    std::string thrown = test::thrown_by([&] { roost::this_task::sleep_for(how_long); });
    thrown += test::thrown_by([&] { roost::this_task::sleep_for(how_long); });
    thrown += test::thrown_by([] { roost::this_task::sleep_for(-1h); });
    return thrown;
  });
  test::wait_until_blocked(scope, 1);
  scope.request_stop();
  scope.join();
  CHECK(sleeper.get() == "stoppedstoppedstopped");
}

TEST_CASE("a stop wakes a wait of std::condition_variable_any that has the task's token",
          "[this_task]") {
  const test::no_thread_left check;
  std::mutex mutex;
  std::condition_variable_any changed;
  bool waits = false; // guarded by mutex, which is free again once it does
  bool thrown = false;
  roost::task_scope scope;
  auto holds = scope.spawn([&] {
    std::unique_lock lock(mutex);
    const bool result = changed.wait(lock, roost::this_task::stop_token(), [&] {
      waits = true;
      return false;
    });
    thrown = test::thrown_by([] { roost::this_task::checkpoint(); }) == "stopped";
    return result;
  });
  test::wait_until([&] {
    const std::lock_guard lock(mutex);
    return waits;
  });
  CHECK_FALSE(holds.ready());
  scope.request_stop();
  scope.join();
  CHECK_FALSE(holds.get());
  CHECK(thrown);
}
