// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

using roost::task_state;
using test::call_in;
using test::task_in;

TEST_CASE("a task in a blocking_region is shown as blocked there", "[report]") {
  STATIC_REQUIRE(!std::is_copy_constructible_v<roost::blocking_region>);
  STATIC_REQUIRE(std::is_nothrow_constructible_v<roost::blocking_region, std::string_view>);
  test::gate gate;
  roost::task_scope scope;
  scope.spawn("reads", [&] {
    const std::string what = "read(fd 7)"; // which may go before the region is shown
    const roost::blocking_region region(what);
    gate.pass();
  });
  const unsigned line = __LINE__ - 3;
  gate.wait_for_arrivals(1);
  const roost::report r = scope.report();
  gate.open();
  CHECK(task_in(r, "reads").state == task_state::blocked);
  CHECK(call_in(r, "reads").operation == "blocking_region");
  CHECK(call_in(r, "reads").object == "read(fd 7)");
  CHECK(call_in(r, "reads").where.line == line);
  CHECK(call_in(r, "reads").waits_for.empty());
  CHECK(to_text(r).find("blocking_region on \"read(fd 7)\" at ") != std::string::npos);
  CHECK(to_dot(r).find("blocking_region on \\\"read(fd 7)\\\" at ") != std::string::npos);
}

TEST_CASE("behind its blocking_region a task runs", "[report]") {
  test::gate gate;
  roost::task_scope scope;
  scope.spawn("runs", [&] {
    { const roost::blocking_region region("over"); }
    gate.pass();
  });
  gate.wait_for_arrivals(1);
  const roost::report r = scope.report();
  gate.open();
  CHECK(task_in(r, "runs").state == task_state::running);
}

TEST_CASE("a task that runs is shown with the line where it has slept last", "[report]") {
  test::gate gate;
  unsigned line = 0;
  roost::task_scope scope;
  scope.spawn("slept", [&] {
    line = __LINE__ + 1;
    roost::this_task::sleep_for(std::chrono::milliseconds(10));
    gate.pass();
  });
  gate.wait_for_arrivals(1);
  const roost::report r = scope.report();
  gate.open();
  CHECK(task_in(r, "slept").last_blocked.line == line);
  CHECK(to_text(r).find(", last blocked at " + std::string(__FILE__) + ":" + std::to_string(line) +
                        "\n") != std::string::npos);
  CHECK(to_json(r).find(":" + std::to_string(line) + "\"") != std::string::npos);
}

TEST_CASE("a task that runs is not shown with where one before it has slept", "[report]") {
  test::gate gate;
  roost::task_scope scope({.limit = 1});
  scope.spawn("slept", [] { roost::this_task::sleep_for(std::chrono::milliseconds(10)); });
  scope.spawn("follows", [&] { gate.pass(); }); // on the same thread
  gate.wait_for_arrivals(1);
  const roost::report r = scope.report();
  gate.open();
  CHECK(task_in(r, "follows").last_blocked.line == 0);
  CHECK(to_text(r).find("last blocked") == std::string::npos);
  CHECK(to_json(r).find("\"last_blocked\": null") != std::string::npos);
}

TEST_CASE("the innermost of nested blocking_regions is shown, and then the one around",
          "[report]") {
  test::gate inner;
  test::gate outer;
  roost::task_scope scope;
  scope.spawn("nests", [&] {
    const roost::blocking_region around("around");
    {
      const roost::blocking_region region("inside");
      inner.pass();
    }
    outer.pass();
  });
  inner.wait_for_arrivals(1);
  const roost::report first = scope.report();
  inner.open();
  outer.wait_for_arrivals(1);
  const roost::report second = scope.report();
  outer.open();
  CHECK(call_in(first, "nests").object == "inside");
  CHECK(call_in(second, "nests").object == "around");
}

TEST_CASE("a wait inside a blocking_region is shown as what it is, and the region afterwards",
          "[report]") {
  test::gate gate;
  roost::event go_on;
  roost::task_scope scope;
  scope.spawn("both", [&] {
    const roost::blocking_region region("region");
    go_on.wait();
    gate.pass();
  });
  test::wait_until_blocked(scope, 1);
  const roost::report first = scope.report();
  go_on.set();
  gate.wait_for_arrivals(1);
  const roost::report second = scope.report();
  gate.open();
  CHECK(call_in(first, "both").operation == "event::wait");
  CHECK(call_in(second, "both").object == "region");
}

TEST_CASE("a task that runs inside another one's wait in a blocking_region is not shown there",
          "[report]") {
  test::gate gate;
  test::gate spawned;
  std::optional<roost::task_handle<void>> inner;
  roost::task_scope scope({.limit = 1});
  scope.spawn("outer", [&] {
    spawned.pass();
    const roost::blocking_region region("region");
    inner->get(); // runs it, as it is queued
  });
  inner = scope.spawn("inner", [&] { gate.pass(); });
  spawned.open();
  gate.wait_for_arrivals(1);
  const roost::report r = scope.report();
  gate.open();
  CHECK(call_in(r, "outer").operation == "task_handle::get");
  CHECK(task_in(r, "inner").state == task_state::running);
}
