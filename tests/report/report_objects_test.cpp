// SPDX-License-Identifier: BSL-1.0
// What a report says of what a task waits for.
#include <roost.hpp>

#include "support/busy_scope.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::call_in;
using test::task_in;

namespace {

/// The report of a scope where a task named "waits" is blocked in `wait()`.
roost::report report_of(const std::function<void()>& wait) {
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("waits", wait);
  test::wait_until_blocked(scope, 1);
  return scope.report();
}

/// The one thing that a task named "waits" waits for.
roost::object_report object_of(const std::function<void()>& wait) {
  const roost::report r = report_of(wait);
  REQUIRE(call_in(r, "waits").waits_for.size() == 1);
  return call_in(r, "waits").waits_for[0];
}

} // namespace

TEST_CASE("a channel tells its fill, and how many there are at the other end", "[report]") {
  const auto ch = roost::make_channel<int>(2, "rows");
  SECTION("to a sender") {
    (void)ch.tx.send(1);
    (void)ch.tx.send(2);
    const auto second = ch.rx;
    const roost::report r = report_of([&] { (void)ch.tx.send(3); });
    CHECK(call_in(r, "waits").operation == "sender::send");
    CHECK(call_in(r, "waits").object == "rows");
    CHECK(call_in(r, "waits").detail == "2/2, 2 receivers");
    CHECK(call_in(r, "waits").waits_for.at(0).kind == "channel");
    CHECK(call_in(r, "waits").waits_for.at(0).id == 1);
    CHECK_FALSE(call_in(r, "waits").waits_for.at(0).peer);
  }
  SECTION("to a receiver") {
    CHECK(object_of([&] { (void)ch.rx.receive(); }).detail == "0/2, 1 sender");
  }
}

TEST_CASE("channels without a queue, and without a limit, tell so", "[report]") {
  const auto none = roost::make_channel<int>(0);
  CHECK(object_of([&] { (void)none.rx.receive(); }).detail == "capacity 0, 1 sender");
  const auto all = roost::make_channel<int>(roost::unbounded);
  CHECK(object_of([&] { (void)all.rx.receive(); }).detail == "0 items, 1 sender");
}

TEST_CASE("a channel tells which task waited last at its other end", "[report]") {
  const auto ch = roost::make_channel<int>(1, "rows");
  roost::event never;
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("merge", [&] {
    (void)ch.rx.receive();
    never.wait();
  });
  const unsigned line = __LINE__ - 3;
  test::wait_until_asleep(scope, "merge");
  scope.spawn("parse", [&] {
    for (;;)
      (void)ch.tx.send(1);
  });
  // A task that is woken counts as blocked in its call until its thread runs.
  test::wait_until([&] {
    const roost::report now = scope.report();
    const roost::task_report& merge = task_in(now, "merge");
    return merge.blocked && merge.blocked->operation == "event::wait" &&
           task_in(now, "parse").blocked;
  });
  const roost::report r = scope.report();
  const roost::object_report& o = call_in(r, "parse").waits_for.at(0);
  REQUIRE(o.peer);
  CHECK(o.peer->name == "merge");
  CHECK(o.peer->task == task_in(r, "merge").id);
  CHECK(o.peer->where.line == line);
  const std::string text = to_text(r);
  CHECK(text.find("\"merge\" #" + std::to_string(o.peer->task) +
                  " waited last at the other end, at ") != std::string::npos);
  CHECK(text.find("and is now blocked") != std::string::npos);
}

TEST_CASE("tasks that wait at one channel name the same object", "[report]") {
  const auto one = roost::make_channel<int>(1);
  const auto other = roost::make_channel<int>(1);
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("a", [&] { (void)one.rx.receive(); });
  scope.spawn("b", [&] { (void)one.rx.receive(); });
  scope.spawn("c", [&] { (void)other.rx.receive(); });
  test::wait_until_blocked(scope, 3);
  const roost::report r = scope.report();
  const auto id = [&](const char* name) { return call_in(r, name).waits_for.at(0).id; };
  CHECK(id("a") == id("b"));
  CHECK(id("a") != id("c"));
}

TEST_CASE("a broadcast tells the ends, and the last at the other side", "[report]") {
  roost::broadcast<int> news(1, roost::overflow::block, "news");
  const auto rx = news.subscribe();
  SECTION("to a receiver") {
    const roost::object_report o = object_of([&] { (void)rx.receive(); });
    CHECK(o.kind == "broadcast");
    CHECK(o.name == "news");
    CHECK(o.detail == "1 sender");
  }
  SECTION("to a sender") {
    (void)news.send(1);
    const roost::object_report o = object_of([&] { (void)news.send(2); });
    CHECK(o.detail == "full, 1 kept, 1 receiver");
    CHECK_FALSE(o.peer);
  }
}

TEST_CASE("a semaphore tells its permits and its holders", "[report]") {
  roost::semaphore s(5);
  const auto two = s.acquire(2);
  const auto one = s.acquire();
  const roost::object_report o = object_of([&] { (void)s.acquire(3); });
  CHECK(o.kind == "semaphore");
  CHECK(o.detail == "wants 3, 2 of 5 permits free, 2 holders");
  {
    auto third = s.acquire(2);
    third.release();
    auto moved = s.try_acquire();
    const auto kept = std::move(moved);
    CHECK(object_of([&] { (void)s.acquire(2); }).detail ==
          "wants 2, 1 of 5 permits free, 3 holders");
  }
  CHECK(object_of([&] { (void)s.acquire(3); }).detail == "wants 3, 2 of 5 permits free, 2 holders");
}

TEST_CASE("a wait_group tells its count, a barrier its arrivals, an event nothing", "[report]") {
  roost::wait_group group;
  group.add(2);
  CHECK(object_of([&] { group.wait(); }).detail == "count 2");
  roost::barrier barrier(3);
  CHECK(object_of([&] { barrier.arrive_and_wait(); }).detail == "1 of 3 arrived");
  roost::event event;
  CHECK(object_of([&] { event.wait(); }).detail == "not set");
}

TEST_CASE("a handle tells its task", "[report]") {
  test::gate gate;
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("waits", [h = scope.spawn("asked for", [&] { gate.pass(); })]() mutable { h.get(); });
  test::wait_until_blocked(scope, 1);
  const roost::report r = scope.report();
  gate.open();
  const roost::blocked_report& b = call_in(r, "waits");
  CHECK(b.operation == "task_handle::get");
  CHECK(b.object == "asked for");
  CHECK(b.waits_for.at(0).kind == "task");
  CHECK(b.waits_for.at(0).task == task_in(r, "asked for").id);
}

TEST_CASE("a ticker is one, a sleep waits for nothing else", "[report]") {
  roost::ticker ticker(1h);
  const roost::report r = report_of([&] { ticker.wait(); });
  CHECK(call_in(r, "waits").object == "ticker");
  CHECK(call_in(r, "waits").until_deadline);
  CHECK(call_in(report_of([] { roost::this_task::sleep_for(1h); }), "waits").waits_for.empty());
}

TEST_CASE("a select tells all its cases", "[report]") {
  const auto ch = roost::make_channel<int>(2, "rows");
  roost::event event;
  roost::wait_group group;
  group.add();
  const roost::report r = report_of([&] {
    roost::select(roost::on_receive(ch.rx, [](auto) {}),
                  roost::on_set(event),
                  roost::on_done(group),
                  roost::on_timeout(1h));
  });
  const roost::blocked_report& b = call_in(r, "waits");
  CHECK(b.operation == "select");
  CHECK(b.object.empty());
  CHECK(b.detail == "4 cases");
  std::vector<std::string> kinds;
  for (const roost::object_report& o : b.waits_for)
    kinds.push_back(o.kind + "|" + o.name + "|" + o.detail);
  std::sort(kinds.begin(), kinds.end());
  CHECK(kinds ==
        std::vector<std::string>{
            "channel|rows|0/2, 1 sender", "event||not set", "timer||", "wait_group||count 1"});
}

TEST_CASE("a spawn that waits for a place tells the scope's limits", "[report]") {
  test::full_scope full({.name = "full", .backlog = 1});
  const roost::report r = report_of([&] { full.scope.spawn([] {}); });
  full.busy.open();
  const roost::blocked_report& b = call_in(r, "waits");
  CHECK(b.operation == "task_scope::spawn");
  CHECK(b.object == "full");
  CHECK(b.detail == "limit 1, backlog 1");
}
