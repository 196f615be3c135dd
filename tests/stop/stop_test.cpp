// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;

namespace {

/// Spawns a task that waits for an event and tells what stopped it.
roost::task_handle<roost::stop_cause> spawn_witness(roost::task_scope& scope, roost::event& never) {
  return scope.spawn("witness", [&never] {
    try {
      never.wait();
    } catch (const roost::stopped& s) {
      return s.cause();
    }
    return roost::stop_cause();
  });
}

} // namespace

TEST_CASE("stopped is no std::exception and can be copied without throwing", "[stop]") {
  STATIC_REQUIRE_FALSE(std::is_base_of_v<std::exception, roost::stopped>);
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<roost::stopped>);
  STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, roost::timeout_error>);
  STATIC_REQUIRE(std::is_base_of_v<std::logic_error, roost::scope_closed>);
  STATIC_REQUIRE(
      std::is_same_v<decltype(std::declval<roost::stopped&>().cause()), const roost::stop_cause&>);
  STATIC_REQUIRE(noexcept(std::declval<roost::stopped&>().cause()));
}

TEST_CASE("a scope that was not stopped has no cause", "[stop]") {
  const roost::task_scope scope;
  const roost::stop_cause cause = scope.cause();
  CHECK(cause.reason == roost::stop_reason::none);
  CHECK(cause.message.empty());
  CHECK(cause.task.empty());
  CHECK(cause.error == nullptr);
  CHECK(cause.where.line == 0);
}

TEST_CASE("the cause of a requested stop tells who asked and where and why", "[stop]") {
  const test::no_thread_left check;
  unsigned line = 0;
  roost::event never;
  roost::task_scope scope({.covers_owner = false});
  auto witness = spawn_witness(scope, never);
  test::wait_until_blocked(scope, 1);
  SECTION("a task") {
    scope.spawn("manager", [&] {
      line = __LINE__ + 1;
      scope.request_stop("a reason that is longer than a short string");
    });
    CHECK(scope.wait_for(1h));
    CHECK(scope.cause().task == "manager");
  }
  SECTION("a plain thread") {
    line = __LINE__ + 1;
    scope.request_stop("a reason that is longer than a short string");
    CHECK(scope.cause().task.empty());
  }
  const roost::stop_cause cause = witness.get();
  CHECK(cause.reason == roost::stop_reason::requested);
  CHECK(cause.message == "a reason that is longer than a short string");
  CHECK(cause.where.line == line);
  CHECK(std::string(cause.where.file).find("stop_test.cpp") != std::string::npos);
  CHECK(cause.error == nullptr);
  CHECK(scope.cause().where.line == line);
}

TEST_CASE("the first cause wins", "[stop]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  roost::event never;
  SECTION("a request before a failure") {
    roost::task_scope scope;
    auto witness = spawn_witness(scope, never);
    test::wait_until_blocked(scope, 1);
    scope.spawn([&] {
      test::wait_until([&] { return scope.stop_requested(); });
      throw std::runtime_error("later");
    });
    test::wait_until([&] { return test::scope_probe::started_tasks(scope) == 2; });
    CHECK(scope.request_stop("first"));
    CHECK(test::thrown_by([&] { scope.join(); }) == "later");
    CHECK(scope.cause().message == "first");
    CHECK(witness.get().message == "first");
  }
  SECTION("a failure before a request") {
    roost::task_scope scope;
    scope.spawn("culprit", [] { throw std::runtime_error("first"); });
    test::wait_until([&] { return scope.stop_requested(); });
    CHECK_FALSE(scope.request_stop("later"));
    CHECK(scope.cause().reason == roost::stop_reason::failure);
    CHECK(scope.cause().message == "first");
    CHECK(scope.cause().task == "culprit");
    CHECK(test::thrown_by([&] { scope.join(); }) == "first");
  }
  SECTION("the scope's own stop before that of the one around") {
    roost::task_scope outer({.covers_owner = false});
    auto inner_cause = outer.spawn([&] {
      roost::task_scope inner;
      inner.request_stop("inner");
      outer.request_stop("outer");
      return inner.cause();
    });
    CHECK(outer.wait_for(1h));
    CHECK(inner_cause.get().message == "inner");
    CHECK(outer.cause().message == "outer");
  }
  SECTION("the deadline before a request") {
    roost::task_scope scope({.timeout = 0ms});
    CHECK_FALSE(scope.request_stop("later"));
    CHECK(scope.cause().reason == roost::stop_reason::deadline);
  }
  SECTION("a request before the scope's exit") {
    std::optional<roost::task_handle<roost::stop_cause>> witness;
    {
      roost::task_scope scope({.exit = roost::on_exit::stop});
      witness.emplace(spawn_witness(scope, never));
      test::wait_until_blocked(scope, 1);
      scope.request_stop("first");
    }
    CHECK(witness->get().message == "first");
  }
}

TEST_CASE("nested scopes inherit what stopped the outermost", "[stop]") {
  const test::no_thread_left check;
  roost::event never;
  roost::stop_cause seen;
  roost::task_scope top({.covers_owner = false});
  top.spawn([&] {
    roost::task_scope middle;
    middle.spawn([&] {
      roost::task_scope bottom;
      bottom.spawn([&] {
        try {
          never.wait();
        } catch (const roost::stopped& s) {
          seen = s.cause();
          throw;
        }
      });
    });
  });
  test::wait_until_waiting(never, 1);
  SECTION("a request") {
    top.request_stop("why");
    const unsigned line = __LINE__ - 1;
    top.join();
    CHECK(seen.message == "why");
    CHECK(seen.where.line == line);
  }
  SECTION("a failure") {
    const unsigned line = __LINE__ + 1;
    top.spawn("culprit", [] { throw std::runtime_error("boom"); });
    CHECK(test::thrown_by([&] { top.join(); }) == "boom");
    CHECK(seen.message == "boom");
    CHECK(seen.task == "culprit");
    CHECK(seen.where.line == line);
    CHECK(test::message_of(seen.error) == "boom");
  }
  CHECK(seen.reason == roost::stop_reason::parent);
}

TEST_CASE("a cause outlives the scope that it tells of", "[stop]") {
  const test::no_thread_left check;
  std::exception_ptr error;
  {
    roost::task_scope scope;
    scope.request_stop("kept");
    error = test::exception_of([] { roost::this_task::checkpoint(); });
  }
  try {
    std::rethrow_exception(error);
  } catch (const roost::stopped& s) {
    CHECK(s.cause().message == "kept");
  }
}

TEST_CASE("stop callbacks run on the thread that stops", "[stop]") {
  const test::no_thread_left check;
  roost::task_scope scope({.covers_owner = false});
  std::thread::id ran_on;
  const std::stop_callback note(scope.get_stop_token(),
                                [&] { ran_on = std::this_thread::get_id(); });
  scope.request_stop();
  CHECK(ran_on == std::this_thread::get_id());
}
