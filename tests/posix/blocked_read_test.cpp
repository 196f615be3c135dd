// SPDX-License-Identifier: BSL-1.0
// A call of the system that no stop interrupts: see scope/leaks_test.cpp for the other shapes.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <stop_token>
#include <unistd.h>

TEST_CASE("a read of a pipe that nobody closes is ended by a stop callback", "[leaks]") {
  const test::no_thread_left check;
  int ends[2] = {};
  REQUIRE(pipe(ends) == 0);
  roost::task_scope scope;
  auto reader = scope.spawn("reader", [&] {
    const std::stop_callback wake(roost::this_task::stop_token(), [&] {
      const char byte = 0;
      (void)!write(ends[1], &byte, 1);
    });
    char byte = 0;
    const auto count = read(ends[0], &byte, 1);
    roost::this_task::checkpoint();
    return count;
  });
  test::wait_until([&] { return test::scope_probe::started_tasks(scope) == 1; });
  scope.request_stop();
  scope.join();
  CHECK(test::thrown_by([&] { (void)reader.get(); }) == "stopped");
  close(ends[0]);
  close(ends[1]);
}
