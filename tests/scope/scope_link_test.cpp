// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <optional>
#include <stop_token>

using namespace std::chrono_literals;

TEST_CASE("a stop flows down to nested scopes and never up", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  roost::stop_cause seen;
  roost::task_scope top({.name = "top"});
  roost::task_scope aside({.name = "aside", .inherit = false, .covers_owner = false});
  test::gate ready;
  bool middle_stopped = true;
  top.spawn("middle", [&] {
    roost::task_scope middle;
    {
      roost::task_scope below;
      below.request_stop("below only");
    }
    middle_stopped = middle.stop_requested();
    middle.spawn("bottom", [&] {
      roost::task_scope bottom;
      bottom.spawn("leaf", [&] {
        ready.open();
        const test::at_exit note([&] { seen = roost::this_task::cause(); });
        never.wait();
      });
    });
  });
  ready.pass();
  test::wait_until_waiting(never, 1);
  top.request_stop("from the top");
  const unsigned line = __LINE__ - 1;
  top.join();
  CHECK_FALSE(middle_stopped);
  CHECK(seen.reason == roost::stop_reason::parent);
  CHECK(seen.message == "from the top");
  CHECK(seen.where.line == line);
  CHECK_FALSE(aside.stop_requested());
}

TEST_CASE("a scope made after the stop of the one around it is stopped from the start",
          "[task_scope]") {
  const test::no_thread_left check;
  bool ran = false;
  bool went_on = false;
  roost::stop_cause cause;
  roost::task_scope outer;
  auto unused = outer.spawn([&] {
    outer.request_stop("too late");
    {
      const roost::task_scope nested;
      cause = nested.cause();
    }
    return 1; // nothing was cut short
  });
  CHECK(outer.wait_for(1h));
  outer.join();
  CHECK(unused.get() == 1);
  CHECK(cause.reason == roost::stop_reason::parent);
  CHECK(cause.message == "too late");

  roost::task_scope second;
  auto used = second.spawn([&] {
    second.request_stop("too late");
    {
      roost::task_scope nested;
      nested.spawn([&] { ran = true; });
    }
    went_on = true;
  });
  second.join();
  CHECK_FALSE(ran);
  CHECK_FALSE(went_on); // its work was not done, so the nested scope ended by stopped
  CHECK_THROWS_AS(used.get(), roost::stopped);
  CHECK(second.failures().empty());
}

TEST_CASE("a scope whose work an outer stop cut short ends by stopped", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  bool went_on = false;
  roost::task_scope outer;
  auto task = outer.spawn([&] {
    {
      roost::task_scope nested;
      nested.spawn([&] { never.wait(); });
    }
    went_on = true;
  });
  test::wait_until_waiting(never, 1);
  outer.request_stop("outer");
  outer.join();
  CHECK_FALSE(went_on);
  CHECK(test::thrown_by([&] { task.get(); }) == "stopped");
}

TEST_CASE("a stop after the last result was got cuts nothing short", "[task_scope]") {
  const test::no_thread_left check;
  int cut_short = 0;
  for (int i = 0; i < 200; ++i) {
    roost::task_scope outer;
    roost::task_scope inner;
    auto only = inner.spawn([] { return 1; });
    (void)only.get();
    outer.request_stop();
    cut_short += test::thrown_by([&] { inner.join(); }) == "nothing" ? 0 : 1;
  }
  CHECK(cut_short == 0);
}

TEST_CASE("a scope that does not inherit is not stopped by the task that made it", "[task_scope]") {
  const test::no_thread_left check;
  bool stopped = true;
  bool owner_waited = false;
  roost::task_scope outer({.timeout = 1h});
  outer.spawn([&] {
    roost::task_scope own({.inherit = false});
    outer.request_stop();
    stopped = own.stop_requested();
    roost::event done;
    own.spawn([&] { done.set(); });
    done.wait(); // its own scope covers the thread now
    owner_waited = roost::this_task::deadline() == roost::clock::time_point::max();
  });
  outer.join();
  CHECK_FALSE(stopped);
  CHECK(owner_waited);
}

TEST_CASE("a stop has reached the scopes below when callbacks run", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope outer({.covers_owner = false});
  bool below_stopped = false;
  std::optional<roost::task_scope> below;
  const std::stop_callback early(outer.get_stop_token(),
                                 [&] { below_stopped = below->stop_requested(); });
  auto made = outer.spawn([&] {
    below.emplace(roost::scope_options{.covers_owner = false});
    return 1;
  });
  CHECK(made.get() == 1);
  outer.request_stop();
  CHECK(below_stopped);
  below.reset();
}

TEST_CASE("a stop does not reach the scopes beside", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope left({.covers_owner = false});
  roost::task_scope right({.covers_owner = false});
  left.request_stop();
  CHECK_FALSE(right.stop_requested());
  CHECK(right.spawn([] { return 1; }).get() == 1);
}

TEST_CASE("a scope that covers no thread still hands its maker's stops to its tasks",
          "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  roost::task_scope outer;
  roost::task_scope member({.covers_owner = false});
  member.spawn([&] { never.wait(); });
  test::wait_until_blocked(member, 1);
  outer.request_stop("outer");
  CHECK(member.wait_for(1h));
  CHECK(member.cause().reason == roost::stop_reason::parent);
  CHECK(test::thrown_by([&] { member.join(); }) == "stopped");
}

TEST_CASE("a scope that was stopped after its end reaches nobody", "[task_scope]") {
  const test::no_thread_left check;
  std::optional<roost::task_scope> around;
  around.emplace();
  roost::task_scope inner;
  around->join();
  CHECK_FALSE(around->request_stop("too late"));
  CHECK_FALSE(inner.stop_requested());
}
