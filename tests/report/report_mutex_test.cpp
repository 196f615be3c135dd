// SPDX-License-Identifier: BSL-1.0
// What a report says of mutexes: what a task waits for, and what a blocked task holds.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/json.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"

#include <mutex>
#include <string>

using roost::mutex;
using test::call_in;
using test::json;
using test::task_in;

namespace {

std::string at_line(std::size_t line) {
  return std::string(__FILE__) + ":" + std::to_string(line);
}

} // namespace

TEST_CASE("who waits for a mutex tells who holds it, and since where", "[report]") {
  mutex m("m");
  test::gate busy;
  roost::task_scope scope;
  std::string name = "holder";
  SECTION("a task") {}
  SECTION("a task without a name") {
    name.clear();
  }
  scope.spawn(name, [&] {
    const mutex::guard held(m);
    busy.pass();
  });
  const std::size_t line = __LINE__ - 3;
  busy.wait_for_arrivals(1);
  scope.spawn("waits", [&] { const mutex::guard held(m); });
  test::wait_until_blocked(scope, 1);
  const roost::report r = scope.report();
  busy.open();
  scope.join();
  const roost::blocked_report& b = call_in(r, "waits");
  CHECK(b.operation == "mutex::lock");
  CHECK(b.object == "m");
  const std::string holder =
      name.empty() ? "task #" + std::to_string(task_in(r, "").id) : "\"holder\"";
  CHECK(b.detail == "held by " + holder + " since " + at_line(line));
  REQUIRE(b.waits_for.size() == 1);
  CHECK(b.waits_for[0].kind == "mutex");
  CHECK(b.waits_for[0].name == "m");
  CHECK(r.deadlocks.empty());
}

TEST_CASE("who waits for a mutex of an owner tells that no task holds it", "[report]") {
  mutex m;
  roost::task_scope scope;
  m.lock();
  const std::size_t line = __LINE__ - 1;
  scope.spawn("waits", [&] { const mutex::guard held(m); });
  test::wait_until_blocked(scope, 1);
  const roost::report r = scope.report();
  m.unlock();
  scope.join();
  CHECK(call_in(r, "waits").object == "mutex");
  CHECK(call_in(r, "waits").detail == "held by a thread without a task since " + at_line(line));
}

TEST_CASE("a task that is blocked while it holds mutexes tells so in each form", "[report]") {
  mutex m("m");
  mutex n;
  const auto ch = roost::make_channel<int>(1, "rows");
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("holds", [&] {
    const mutex::guard first(m);
    mutex gone("unlocked before");
    gone.lock();
    const mutex::guard second(n);
    gone.unlock();
    (void)ch.rx.receive();
  });
  const std::size_t line = __LINE__ - 7;
  test::wait_until_blocked(scope, 1);
  scope.spawn("waits", [&] { const mutex::guard held(m); });
  test::wait_until_blocked(scope, 2);
  const roost::report r = scope.report();
  const roost::blocked_report& b = call_in(r, "holds");
  REQUIRE(b.holds.size() == 2);
  CHECK(b.holds[0].name == "m");
  CHECK(b.holds[0].where.line == line);
  CHECK(b.holds[0].id == call_in(r, "waits").waits_for.at(0).id);
  CHECK(b.holds[1].name.empty());
  CHECK(b.holds[1].where.line == line + 3);
  CHECK(r.deadlocks.empty()); // anybody may send

  const std::string text = to_text(r);
  INFO(text);
  CHECK(text.find("; holds mutex \"m\", locked at " + at_line(line) +
                  "; holds mutex (unnamed), locked at " + at_line(line + 3) + "\n") !=
        std::string::npos);
  const json j = json::read(to_json(r));
  const json& holds = j["tasks"][0]["blocked"]["holds"];
  REQUIRE(holds.size() == 2);
  CHECK(holds[0]["name"].text() == "m");
  CHECK(holds[0]["where"].text() == at_line(line));
  CHECK(j["tasks"][1]["blocked"]["holds"].size() == 0);
  const std::string dot = to_dot(r);
  INFO(dot);
  const std::string task = "task" + std::to_string(task_in(r, "holds").id);
  const std::string object = "object" + std::to_string(b.holds[0].id);
  CHECK(dot.find("  " + object + " -> " + task + " [style=solid") != std::string::npos);
  CHECK(dot.find("mutex (unnamed)") == std::string::npos);
  CHECK(dot.find("  object" + std::to_string(b.holds[1].id) + " [label=\"mutex\"") !=
        std::string::npos);
}

TEST_CASE("tasks that hold a mutex are not shown in one line with others", "[report]") {
  mutex m;
  roost::event never;
  roost::task_scope scope({.exit = roost::on_exit::stop});
  for (int i = 0; i < 3; ++i) {
    scope.spawn("same", [&, i] {
      std::unique_lock<mutex> held(m, std::defer_lock);
      if (i == 1)
        held.lock();
      never.wait();
    });
  }
  test::wait_until_blocked(scope, 3);
  const std::string text = to_text(scope.report());
  INFO(text);
  CHECK(text.find("\"same\" x2") != std::string::npos);
  CHECK(text.find("holds mutex") != std::string::npos);
}

TEST_CASE("a task in a blocking_region tells what it holds", "[report]") {
  mutex m("m");
  test::gate busy;
  roost::task_scope scope;
  scope.spawn("reads", [&] {
    const roost::blocking_region region("read");
    const mutex::guard held(m);
    mutex other;
    other.lock();
    other.unlock();
    busy.pass();
  });
  busy.wait_for_arrivals(1);
  const roost::report r = scope.report();
  busy.open();
  scope.join();
  REQUIRE(call_in(r, "reads").holds.size() == 1);
  CHECK(call_in(r, "reads").holds[0].name == "m");
}

TEST_CASE("what a task holds that is set aside is not taken for that of the one in its wait",
          "[report]") {
  mutex m("outer's");
  mutex n("inner's");
  roost::event never;
  roost::task_scope scope({.limit = 1, .exit = roost::on_exit::stop});
  scope.spawn("outer", [&] {
    const mutex::guard held(m);
    scope
        .spawn("inner",
               [&] {
                 const mutex::guard own(n);
                 never.wait();
               })
        .get();
  });
  test::wait_until([&] {
    const roost::report r = scope.report();
    return r.tasks.size() == 2 && task_in(r, "inner").blocked;
  });
  const roost::report r = scope.report();
  REQUIRE(call_in(r, "inner").holds.size() == 1);
  CHECK(call_in(r, "inner").holds[0].name == "inner's");
  REQUIRE(call_in(r, "outer").holds.size() == 1);
  CHECK(call_in(r, "outer").holds[0].name == "outer's");
}
