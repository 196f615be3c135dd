// SPDX-License-Identifier: BSL-1.0
// Tasks that wait for each other for ever are told, while the rest goes on.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/json.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"
#include "support/sample_report.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using roost::deadlock_link;
using roost::mutex;
using test::json;
using test::task_in;

namespace {

/// A scope with a task that runs, so that the scope as a whole goes on.
struct busy_scope {
  busy_scope() {
    scope.spawn("busy", [this] { gate.pass(); });
    gate.wait_for_arrivals(1);
  }
  busy_scope(const busy_scope&) = delete;
  busy_scope& operator=(const busy_scope&) = delete;
  ~busy_scope() { gate.open(); }

  test::gate gate;
  roost::task_scope scope{{.exit = roost::on_exit::stop}};
};

std::vector<std::string> names(const std::vector<deadlock_link>& links) {
  std::vector<std::string> all;
  for (const deadlock_link& l : links)
    all.push_back(l.task != 0 ? l.name : "owner of " + l.name);
  std::sort(all.begin(), all.end());
  return all;
}

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("a task that waits for one that its thread runs may be in a circle", "[report]") {
  std::optional<roost::task_handle<void>> asks;
  std::optional<roost::task_handle<void>> inner;
  std::optional<roost::task_handle<void>> other;
  test::gate made;
  busy_scope busy;
  busy.scope.spawn("scope around", [&] {
    roost::task_scope one({.limit = 1});
    asks = one.spawn("asks", [&] { made.pass(), inner->get(); });
    inner = one.spawn("inner", [&] { other->get(); }); // queued, until it is asked for
    other = busy.scope.spawn("other", [&] { made.pass(), asks->get(); });
    made.open();
    one.join();
  });
  test::wait_until([&] { return !busy.scope.report().deadlocks.empty(); });
  const roost::report r = busy.scope.report();
  INFO(to_text(r));
  REQUIRE(r.deadlocks.size() == 1);
  CHECK(names(r.deadlocks[0].circle) == strings{"asks", "inner", "other"});
}

TEST_CASE("tasks that wait for each other's end are told while others run", "[report]") {
  std::optional<roost::task_handle<void>> a;
  std::optional<roost::task_handle<void>> b;
  std::optional<roost::task_handle<void>> c;
  test::gate made;
  busy_scope busy;
  a = busy.scope.spawn("a", [&] { made.pass(), b->get(); });
  b = busy.scope.spawn("b", [&] { made.pass(), a->get(); });
  const std::size_t line = __LINE__ - 2;
  c = busy.scope.spawn("c", [&] { made.pass(), a->wait_for(1h) ? void() : void(); });
  made.open();
  test::wait_until_blocked(busy.scope, 3);
  const roost::report r = busy.scope.report();
  INFO(to_text(r));
  REQUIRE(r.deadlocks.size() == 1);
  const std::vector<deadlock_link>& circle = r.deadlocks[0].circle;
  CHECK(names(circle) == strings{"a", "b"});
  CHECK(r.deadlocks[0].others.empty()); // c has a time limit
  REQUIRE(circle.size() == 2);
  const std::size_t first = circle[0].name == "a" ? 0 : 1;
  const deadlock_link& of_a = circle[first];
  CHECK(of_a.task == task_in(r, "a").id);
  CHECK(of_a.for_task == task_in(r, "b").id);
  CHECK(of_a.scope == task_in(r, "a").scope);
  CHECK(of_a.operation == "task_handle::get");
  CHECK(of_a.where.line == line);
  CHECK(circle[1 - first].for_name == "a");
}

TEST_CASE("a chain of waits that ends in a task that may go on is no deadlock", "[report]") {
  std::optional<roost::task_handle<void>> last;
  std::optional<roost::task_handle<void>> middle;
  test::gate made;
  roost::event event;
  busy_scope busy;
  SECTION("as it runs") {
    last = busy.scope.spawn("last", [&] { busy.gate.pass(); });
    busy.gate.wait_for_arrivals(2);
  }
  SECTION("as anybody may wake it") {
    last = busy.scope.spawn("last", [&] { event.wait(); });
  }
  SECTION("as it has a time limit") {
    last = busy.scope.spawn("last", [&] { (void)event.wait_for(1h); });
  }
  SECTION("as it takes what comes first") {
    last = busy.scope.spawn("last", [&] {
      made.pass();
      roost::select(roost::on_done(*middle), roost::on_set(event));
    });
  }
  middle = busy.scope.spawn("middle", [&] { last->get(); });
  busy.scope.spawn("first", [&] { middle->get(); });
  made.open();
  test::wait_until([&] {
    const roost::report r = busy.scope.report();
    return task_in(r, "middle").blocked && task_in(r, "first").blocked &&
           (task_in(r, "last").blocked || busy.gate.arrivals() == 2);
  });
  CHECK(busy.scope.report().deadlocks.empty());
}

TEST_CASE("a select of waits that all never end is in a deadlock", "[report]") {
  std::optional<roost::task_handle<void>> a;
  std::optional<roost::task_handle<void>> b;
  test::gate made;
  busy_scope busy;
  a = busy.scope.spawn("a", [&] { made.pass(), b->get(); });
  b = busy.scope.spawn("b", [&] {
    made.pass();
    roost::selector both;
    both.add(roost::on_done(*a));
    both.select();
  });
  made.open();
  test::wait_until_blocked(busy.scope, 2);
  const roost::report r = busy.scope.report();
  INFO(to_text(r));
  REQUIRE(r.deadlocks.size() == 1);
  CHECK(names(r.deadlocks[0].circle) == strings{"a", "b"});
}

TEST_CASE("a holder that waits for what waits for its mutex is in a deadlock", "[report]") {
  mutex m("m");
  std::optional<roost::task_handle<void>> wants;
  test::gate locked;
  busy_scope busy;
  busy.scope.spawn("holds", [&] {
    const mutex::guard held(m);
    locked.pass();
    wants->get();
  });
  locked.wait_for_arrivals(1);
  wants = busy.scope.spawn("wants", [&] { const mutex::guard held(m); });
  busy.scope.spawn("wants too", [&] { const mutex::guard held(m); });
  test::wait_until_waiting(m, 2);
  locked.open();
  test::wait_until_blocked(busy.scope, 3);
  const roost::report r = busy.scope.report();
  const std::string text = to_text(r);
  INFO(text);
  REQUIRE(r.deadlocks.size() == 1);
  const deadlock_link& holder =
      *std::find_if(r.deadlocks[0].circle.begin(),
                    r.deadlocks[0].circle.end(),
                    [](const deadlock_link& l) { return l.name == "holds"; });
  CHECK(holder.for_name == "wants");
  CHECK(names(r.deadlocks[0].circle) == strings{"holds", "wants"});
  CHECK(names(r.deadlocks[0].others) == strings{"wants too"});
  CHECK(text.substr(0, 10) == "deadlock: ");
  CHECK(text.find(" (mutex::lock on \"m\" at ") != std::string::npos);
  CHECK(text.find("; behind them \"wants too\" #") != std::string::npos);
}

TEST_CASE("a task that joins while a task inside wants its mutex is in a deadlock", "[report]") {
  mutex m("m");
  busy_scope busy;
  busy.scope.spawn("joins", [&] {
    const mutex::guard held(m);
    roost::task_scope inner({.name = "inner"});
    roost::task_scope innermost({.name = "innermost"}); // its join comes first, and ends
    innermost.join();
    inner.spawn("wants", [&] { const mutex::guard wanted(m); });
    inner.spawn("ends", [] {});
    inner.join();
  });
  test::wait_until_waiting(m, 1);
  test::wait_until([&] { return !busy.scope.report().deadlocks.empty(); });
  const roost::report r = busy.scope.report();
  INFO(to_text(r));
  CHECK(names(r.deadlocks.at(0).circle) == strings{"joins", "wants"});
  CHECK(r.deadlocks[0].others.empty()); // this thread runs
}

TEST_CASE("an owner that joins while it holds a mutex is in a deadlock", "[report]") {
  mutex m("m");
  roost::report r;
  std::optional<roost::task_scope> scope;
  {
    roost::background_scope watch; // not covered by this thread's join
    scope.emplace(roost::scope_options{.name = "joined"});
    m.lock();
    scope->spawn("wants", [&] { const mutex::guard wanted(m); });
    watch.spawn([&] {
      test::wait_until_waiting(m, 1);
      test::wait_until([&] {
        r = scope->report();
        return !r.deadlocks.empty();
      });
      scope->request_stop();
    });
    scope->join();
    m.unlock();
    scope.reset();
  }
  INFO(to_text(r));
  CHECK(names(r.deadlocks.at(0).circle) == strings{"owner of joined", "wants"});
}

TEST_CASE("several deadlocks are told one by one, and a join behind them", "[report]") {
  std::vector<std::optional<roost::task_handle<void>>> all(4);
  test::gate made;
  busy_scope busy;
  busy.scope.spawn("joins", [&] {
    roost::task_scope inner;
    for (std::size_t i = 0; i < 4; ++i) {
      all[i] = inner.spawn(std::string(1, static_cast<char>('a' + i)), [&, i] {
        made.pass();
        all[i % 2 == 0 ? i + 1 : i - 1]->get();
      });
    }
    made.wait_for_arrivals(4);
    made.open();
    inner.join();
  });
  test::wait_until([&] {
    const roost::report r = busy.scope.report();
    return r.deadlocks.size() == 2 &&
           r.deadlocks[0].others.size() + r.deadlocks[1].others.size() == 1;
  });
  const roost::report r = busy.scope.report();
  INFO(to_text(r));
  REQUIRE(r.deadlocks.size() == 2);
  const std::size_t first = names(r.deadlocks[0].circle) == strings{"a", "b"} ? 0 : 1;
  CHECK(names(r.deadlocks[first].circle) == strings{"a", "b"});
  CHECK(names(r.deadlocks[1 - first].circle) == strings{"c", "d"});
  const std::size_t joined = r.deadlocks[0].others.empty() ? 1 : 0;
  CHECK(names(r.deadlocks[joined].others) == strings{"joins"});
}

TEST_CASE("deadlocks have the last character of their text and JSON", "[report]") {
  test::sample_report sample;
  sample.scope(1, "ingest");
  const deadlock_link a{3, 1, "a", "task_handle::get", "b", {"x.cpp", "f", 3}, 4, 1, "b"};
  const deadlock_link b{4, 1, "b", "mutex::lock", "m", {"y.cpp", "g", 9}, 3, 1, "a"};
  const deadlock_link owner{
      0, 1, "ingest", "task_scope::join", "ingest", {"z.cpp", "h", 1}, 3, 1, "a"};
  sample.r.deadlocks.push_back({{a, b}, {owner}});
  CHECK(to_text(sample.r).substr(0, to_text(sample.r).find('\n')) ==
        "deadlock: \"a\" #3 waits for \"b\" #4 (task_handle::get at x.cpp:3), \"b\" #4 waits for "
        "\"a\" #3 (mutex::lock on \"m\" at y.cpp:9); behind them the owner of scope \"ingest\" #1");
  const json j = json::read(to_json(sample.r));
  REQUIRE(j["deadlocks"].size() == 1);
  const json& circle = j["deadlocks"][0]["circle"];
  REQUIRE(circle.size() == 2);
  CHECK(circle[1].keys() == strings{"for_name",
                                    "for_scope",
                                    "for_task",
                                    "name",
                                    "object",
                                    "operation",
                                    "scope",
                                    "task",
                                    "where"});
  CHECK(circle[1]["task"].number() == 4);
  CHECK(circle[1]["for_task"].number() == 3);
  CHECK(circle[1]["where"].text() == "y.cpp:9");
  CHECK(j["deadlocks"][0]["others"][0]["task"].is_null());
}
