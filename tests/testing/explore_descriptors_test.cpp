// SPDX-License-Identifier: BSL-1.0
// In explore() a task never keeps the turn while it waits for the system, which another task makes
// ready; see explore_waits_test.cpp.
#include <roost.hpp>
#include <roost/posix.hpp>
#include <roost/testing.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"

TEST_CASE("a task whose descriptor another task makes ready goes on in any order",
          "[testing][explore]") {
  CHECK_NOTHROW(roost::testing::explore({.runs = 100, .seed = 7}, [] {
    const test::two_ends ends = test::a_pipe();
    roost::task_scope scope;
    scope.spawn("reader", [&] { roost::wait_readable(ends.near); });
    scope.spawn("writer", [&] {
      roost::this_task::checkpoint();
      ends.write();
    });
    scope.join();
  }));
}
