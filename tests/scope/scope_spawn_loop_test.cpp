// SPDX-License-Identifier: BSL-1.0
// An owner that spawns and never waits.
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <stdexcept>

namespace {

struct fails {
  void operator()() const { throw std::runtime_error("disk full"); }
};

} // namespace

TEST_CASE("spawn is no checkpoint: what it is given after a failure is dropped", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  bool ran = false;
  int spawned = 0;
  SECTION("in the block of a task_scope") {
    const auto body = [&] {
      roost::task_scope scope;
      scope.spawn(fails());
      test::wait_until([&] { return scope.stop_requested(); });
      for (; spawned < 3; ++spawned)
        scope.spawn([&] { ran = true; });
    };
    CHECK(test::thrown_by(body) == "disk full");
  }
  SECTION("in a destructor that runs because of the stop") {
    const auto body = [&] {
      roost::with_scope([&](roost::task_scope& scope) {
        const test::at_exit last([&] {
          for (; spawned < 3; ++spawned)
            scope.spawn([&] { ran = true; });
        });
        scope.spawn(fails());
        test::wait_until([&] { return scope.stop_requested(); });
        roost::this_task::checkpoint();
      });
    };
    CHECK(test::thrown_by(body) == "disk full");
  }
  CHECK(spawned == 3);
  CHECK_FALSE(ran);
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a loop of spawns that calls checkpoint hears of a failure", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  std::atomic<int> served{0};
  const auto serve = [&](roost::task_scope& scope) {
    for (int i = 0;; ++i) { // ends by the failure alone
      roost::this_task::checkpoint();
      if (i == 10)
        scope.spawn(fails());
      else
        scope.spawn([&] { ++served; });
    }
  };
  SECTION("in the block of a task_scope") {
    const auto body = [&] {
      roost::task_scope scope({.limit = 2});
      serve(scope);
    };
    CHECK(test::thrown_by(body) == "disk full");
  }
  SECTION("in a with_scope") {
    CHECK(test::thrown_by([&] { roost::with_scope({.limit = 2}, serve); }) == "disk full");
  }
  CHECK(served > 0);
  CHECK(test::unobserved_failures::messages().empty());
}
