// SPDX-License-Identifier: BSL-1.0
// What a report says of scopes, tasks and owners.
#include <roost.hpp>

#include "support/busy_scope.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#if defined(__linux__)
#include <unistd.h>
#endif

using namespace std::chrono_literals;
using roost::task_state;
using test::call_in;
using test::scope_in;
using test::task_in;

TEST_CASE("a scope without tasks is alone in its report", "[report]") {
  roost::task_scope scope({.name = "empty"});
  const unsigned line = __LINE__ - 1;
  const roost::report r = scope.report();
  REQUIRE(r.scopes.size() == 1);
  CHECK(r.tasks.empty());
  CHECK(r.left_out == 0);
  const roost::scope_report& s = r.scopes[0];
  CHECK(s.name == "empty");
  CHECK(s.where.line == line);
  CHECK(s.id != 0);
  CHECK(s.parent_scope == 0);
  CHECK(s.parent_task == 0);
  CHECK(s.running == 0);
  CHECK(s.limit == roost::unlimited);
  CHECK_FALSE(s.stop);
  CHECK_FALSE(s.owner);
  CHECK(s.owner_thread != 0);
}

TEST_CASE("a report tells running, blocked and queued tasks apart", "[report]") {
  test::gate gate;
  roost::event never;
  roost::task_scope scope({.name = "three", .limit = 2, .exit = roost::on_exit::stop});
  scope.spawn("runs", [&] { gate.pass(); });
  scope.spawn("waits", [&] { never.wait(); });
  const unsigned line = __LINE__ - 1;
  scope.spawn("is queued", [] {});
  gate.wait_for_arrivals(1);
  test::wait_until_blocked(scope, 1);
  const roost::report r = scope.report();
  gate.open();

  CHECK(r.tasks.size() == 3);
  CHECK(task_in(r, "runs").state == task_state::running);
  CHECK(task_in(r, "runs").thread_id != 0);
  CHECK(task_in(r, "waits").state == task_state::blocked);
  CHECK(task_in(r, "waits").spawned.line == line);
  CHECK(task_in(r, "waits").thread_id != task_in(r, "runs").thread_id);
  CHECK(call_in(r, "waits").operation == "event::wait");
  CHECK(call_in(r, "waits").where.line == line);
  CHECK_FALSE(call_in(r, "waits").until_deadline);
  CHECK(task_in(r, "is queued").state == task_state::queued);
  CHECK(task_in(r, "is queued").age == 0ns);
  CHECK(task_in(r, "is queued").thread_id == 0);
  const roost::scope_report& s = scope_in(r, "three");
  CHECK(s.running == 2);
  CHECK(s.queued == 1);
  CHECK(s.limit == 2);
  for (const roost::task_report& t : r.tasks)
    CHECK(t.scope == s.id);
}

TEST_CASE("a task that has ended is not in a report", "[report]") {
  roost::task_scope scope;
  scope.spawn("short", [] {});
  CHECK(scope.wait_for(1h));
  CHECK(scope.report().tasks.empty());
}

TEST_CASE("a report tells for how long a task is blocked, and that a deadline ends it",
          "[report]") {
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("sleeps", [] { roost::this_task::sleep_for(1h); });
  test::wait_until_asleep(scope, "sleeps");
  const auto first = call_in(scope.report(), "sleeps");
  const auto start = roost::clock::now();
  test::wait_until([&] { return roost::clock::now() - start > 2ms; });
  const auto second = call_in(scope.report(), "sleeps");
  CHECK(first.operation == "this_task::sleep");
  CHECK(first.until_deadline);
  CHECK(second.since - first.since > 2ms);
  CHECK(second.since < 1h);
}

TEST_CASE("a nested scope hangs under the task that made it", "[report]") {
  test::gate gate;
  roost::task_scope outer({.name = "outer"});
  outer.spawn("parent", [&] {
    roost::task_scope inner({.name = "inner"});
    inner.spawn("child", [&] { gate.pass(); });
    inner.join();
  });
  gate.wait_for_arrivals(1);
  test::wait_until([&] { return task_in(outer.report(), "parent").blocked.has_value(); });
  const roost::report r = outer.report();
  gate.open();

  CHECK(scope_in(r, "inner").parent_scope == scope_in(r, "outer").id);
  CHECK(scope_in(r, "inner").parent_task == task_in(r, "parent").id);
  CHECK(task_in(r, "child").scope == scope_in(r, "inner").id);
  CHECK(call_in(r, "parent").operation == "task_scope::join");
  CHECK(call_in(r, "parent").object == "inner");
  // The task is the owner, and so both are blocked in the same call.
  REQUIRE(scope_in(r, "inner").owner);
  CHECK(scope_in(r, "inner").owner->operation == "task_scope::join");
  CHECK(scope_in(r, "inner").owner_thread == task_in(r, "parent").thread_id);
}

TEST_CASE("scopes under a shield and a stop_when are in the report", "[report]") {
  test::gate gate;
  roost::task_scope outer({.name = "outer"});
  outer.spawn("parent", [&] {
    const roost::shield shielded(1h);
    std::stop_source source;
    const roost::stop_when when(source.get_token());
    roost::task_scope inner({.name = "inner"});
    inner.spawn("child", [&] { gate.pass(); });
  });
  gate.wait_for_arrivals(1);
  const roost::report r = outer.report();
  gate.open();
  CHECK(scope_in(r, "inner").parent_scope == scope_in(r, "outer").id);
  CHECK(task_in(r, "child").scope == scope_in(r, "inner").id);
}

TEST_CASE("a scope that is made after the stop of the one around is in the report", "[report]") {
  test::gate gate;
  roost::task_scope outer({.name = "outer"});
  outer.spawn("cleans up", [&] {
    outer.request_stop();
    roost::task_scope inner({.name = "inner"});
    gate.pass();
  });
  gate.wait_for_arrivals(1);
  const roost::report r = outer.report();
  gate.open();
  CHECK(scope_in(r, "inner").parent_task == task_in(r, "cleans up").id);
  REQUIRE(scope_in(r, "inner").stop);
  CHECK(scope_in(r, "inner").stop->reason == roost::stop_reason::parent);
}

TEST_CASE("an owner is blocked in its own call, and not as a task", "[report]") {
  roost::event ready;
  std::optional<roost::report> r;
  roost::task_scope scope({.name = "owned"});
  scope.spawn("observer", [&] {
    test::wait_until_owner_blocked(scope);
    r = scope.report();
    ready.set();
  });
  ready.wait();
  scope.join();
  REQUIRE(r);
  REQUIRE(scope_in(*r, "owned").owner);
  CHECK(scope_in(*r, "owned").owner->operation == "event::wait");
  CHECK(scope_in(*r, "owned").owner->detail == "not set");
  CHECK(r->tasks.size() == 1);
}

TEST_CASE("a task that runs another one inside its wait is blocked in its own call", "[report]") {
  roost::event never;
  std::optional<roost::task_handle<void>> inner;
  test::gate spawned;
  test::busy_scope busy;
  // The one that runs asks for one that is queued: so it runs it.
  roost::task_scope scope({.name = "one", .limit = 1, .exit = roost::on_exit::stop});
  const unsigned line = __LINE__ + 3;
  scope.spawn("asks", [&] {
    spawned.pass();
    inner->get();
  });
  inner = scope.spawn("is asked for", [&] { never.wait(); });
  spawned.open();
  test::wait_until([&] { return task_in(scope.report(), "is asked for").blocked.has_value(); });
  const roost::report r = scope.report();
  CHECK(task_in(r, "is asked for").state == task_state::blocked);
  CHECK(task_in(r, "asks").state == task_state::blocked);
  CHECK(call_in(r, "asks").operation == "task_handle::get");
  CHECK(call_in(r, "asks").object == "is asked for");
  CHECK(call_in(r, "asks").where.line == line);
  CHECK(call_in(r, "asks").runs == task_in(r, "is asked for").id);
  REQUIRE(call_in(r, "asks").waits_for.size() == 1);
  CHECK(call_in(r, "asks").waits_for[0].task == task_in(r, "is asked for").id);
  CHECK(call_in(r, "is asked for").runs == 0);
  CHECK(task_in(r, "asks").thread_id == task_in(r, "is asked for").thread_id);
  const std::string text = roost::to_text(r);
  INFO(text);
  CHECK(text.find("; its thread runs \"is asked for\" #") != std::string::npos);
  busy.busy.open();
}

TEST_CASE("a task that runs one of those that it waits for together is blocked there", "[report]") {
  roost::event end;
  test::gate runs;
  roost::task_scope scope({.name = "outer"});
  scope.spawn("calls", [&] {
    roost::when_all([&] { end.wait(); },
                    [&] { // the last: the caller runs it
                      runs.pass();
                      end.wait();
                    });
  });
  runs.wait_for_arrivals(1);
  const roost::report r = scope.report();
  runs.open();
  end.set();
  scope.join();
  const roost::task_report& caller = task_in(r, "calls");
  REQUIRE(caller.blocked);
  CHECK(caller.state == task_state::blocked);
  CHECK(caller.blocked->operation == "task_scope::join");
  const auto inner = std::find_if(
      r.tasks.begin(), r.tasks.end(), [&](const auto& t) { return t.id == caller.blocked->runs; });
  REQUIRE(inner != r.tasks.end());
  CHECK(inner->state == task_state::running);
  CHECK(inner->thread_id == caller.thread_id);
}

TEST_CASE("a report tells why and since when a scope was stopped", "[report]") {
  test::gate gate;
  roost::task_scope scope({.name = "stopped"});
  scope.spawn("deaf", [&] { gate.pass(); });
  gate.wait_for_arrivals(1);
  scope.request_stop("enough");
  const unsigned line = __LINE__ - 1;
  const roost::report r = scope.report();
  gate.open();
  const roost::scope_report& s = scope_in(r, "stopped");
  REQUIRE(s.stop);
  CHECK(s.stop->reason == roost::stop_reason::requested);
  CHECK(s.stop->message == "enough");
  CHECK(s.stop->where.line == line);
  CHECK(s.stop->age >= 0ns);
  CHECK(s.stop->age <= s.age);
}

TEST_CASE("a scope that was stopped by a failure tells the task", "[report]") {
  roost::task_scope scope({.name = "failed"});
  scope.spawn("bad", [] { throw std::runtime_error("no luck"); });
  test::wait_until([&] { return scope.stop_requested(); });
  const roost::report r = scope.report();
  REQUIRE(scope_in(r, "failed").stop);
  CHECK(scope_in(r, "failed").stop->task == "bad");
  CHECK(scope_in(r, "failed").stop->message == "no luck");
  CHECK_THROWS_AS(scope.join(), std::runtime_error);
}

TEST_CASE("ids of tasks stay the same from report to report, and are no other's", "[report]") {
  test::gate gate;
  roost::task_scope scope({.name = "ids"});
  scope.spawn("a", [&] { gate.pass(); });
  scope.spawn("b", [&] { gate.pass(); });
  gate.wait_for_arrivals(2);
  const roost::report first = scope.report();
  const roost::report second = scope.report();
  gate.open();
  CHECK(task_in(first, "a").id == task_in(second, "a").id);
  CHECK(task_in(first, "a").id != task_in(first, "b").id);
  CHECK(task_in(first, "a").id != scope_in(first, "ids").id);
}

TEST_CASE("a report of all has the scopes of all threads", "[report]") {
  test::gate gate;
  const std::jthread other([&] {
    roost::task_scope scope({.name = "elsewhere"});
    scope.spawn("far", [&] { gate.pass(); });
  });
  roost::task_scope scope({.name = "here"});
  scope.spawn("near", [&] {
    const roost::background_scope apart({.name = "apart", .inherit = false});
    gate.pass();
  });
  gate.wait_for_arrivals(2);
  const roost::report r = roost::report_all();
  const roost::report mine = scope.report();
  gate.open();
  CHECK(task_in(r, "far").scope == scope_in(r, "elsewhere").id);
  CHECK(task_in(r, "near").scope == scope_in(r, "here").id);
  CHECK(scope_in(r, "apart").parent_task == task_in(r, "near").id);
  CHECK(mine.scopes.size() == 1); // the others are no part of it
}

TEST_CASE("a report of all finds no scope that has ended", "[report]") {
  {
    roost::task_scope scope({.name = "gone"});
    scope.join();
    for (const roost::scope_report& s : roost::report_all().scopes)
      CHECK(s.name != "gone");
    CHECK(scope.report().scopes.size() == 1); // asked itself, it still answers
  }
  std::stop_source source;
  const roost::stop_when when(source.get_token());
  roost::task_scope scope({.name = "under a token"});
  CHECK(scope_in(roost::report_all(), "under a token").parent_scope == 0);
}

TEST_CASE("a thread outside of roost may take a report", "[report]") {
  roost::event never;
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("waits", [&] { never.wait(); });
  test::wait_until_blocked(scope, 1);
  roost::report r;
  std::thread([&] { r = scope.report(); }).join();
  CHECK(call_in(r, "waits").operation == "event::wait");
}

TEST_CASE("a long name is cut off", "[report]") {
  roost::task_scope scope({.name = std::string(1000, 'n')});
  CHECK(scope.report().scopes[0].name == std::string(48, 'n'));
}

TEST_CASE("the number of a task's thread is the system's", "[report]") {
  roost::task_scope scope({.name = "own"});
  const roost::report r = scope.report();
#if defined(__linux__)
  CHECK(scope_in(r, "own").owner_thread == static_cast<std::uint64_t>(::gettid()));
  CHECK(scope_in(r, "own").owner_state == "runnable"); // it takes the report
#else
  CHECK(scope_in(r, "own").owner_thread != 0);
#endif
}
