// SPDX-License-Identifier: BSL-1.0
// What a trace records, as its trace events tell it.
#include <roost.hpp>
#include <roost/testing.hpp>
#include <roost/trace.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"
#include "support/traces.hpp"

#include <chrono>
#include <cstddef>
#include <ios>
#include <locale>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using test::chrome_trace;
using test::json;
using test::trace_of;

namespace {

std::string line(const char* file, unsigned number) {
  return std::string(file) + ":" + std::to_string(number);
}

/// The name of the lane in which an event is.
std::string lane_of(const chrome_trace& t, const json& event) {
  for (const json* const e : t.named("M", "__metadata", "thread_name")) {
    if ((*e)["tid"].number() == event["tid"].number())
      return (*e)["args"]["name"].text();
  }
  return {};
}

/// Without the number: "parse".
std::string task_of(const chrome_trace& t, const json& event) {
  const std::string name = lane_of(t, event);
  return name.substr(name.find(' ') + 1);
}

/// Until the recorder knows of a sleep in this operation.
void wait_until_traced(const roost::trace_recorder& recorder, const std::string& name) {
  test::wait_until([&] { return !trace_of(recorder).named("X", "wait", name).empty(); });
}

} // namespace

TEST_CASE("a trace tells when a task ran, where it was spawned, and how it ended", "[trace]") {
  roost::trace_recorder recorder;
  {
    roost::task_scope scope({.name = "work", .errors = roost::on_error::collect});
    scope.spawn("good", [] {});
    scope.spawn("bad", [] { throw std::runtime_error("no \"such\" file"); });
    CHECK_THROWS(scope.join());
  }
  const unsigned spawned = __LINE__ - 3;
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  const json& good = t.only("X", "task", "good");
  CHECK(good["args"]["result"].text() == "finished");
  CHECK(good["args"]["spawned"].text() == line(__FILE__, spawned - 1));
  CHECK_FALSE(chrome_trace::is_open(good));
  CHECK(t.only("X", "task", "bad")["args"]["result"].text() == "failed");
  const json& failure = t.only("i", "failure", "failure");
  CHECK(task_of(t, failure) == "bad");
  CHECK(failure["args"]["message"].text() == "no \"such\" file");
  CHECK(failure["args"]["where"].text() == line(__FILE__, spawned));
  CHECK(t.only("b", "scope", "work")["args"]["made"].text() == line(__FILE__, spawned - 2));
  CHECK_FALSE(chrome_trace::is_open(t.only("e", "scope", "work")));
}

TEST_CASE("an arrow leads from each spawn to the begin of the task", "[trace]") {
  roost::trace_recorder recorder;
  {
    roost::task_scope scope;
    scope.spawn("outer", [&] { scope.spawn("inner", [] {}); });
  }
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  CHECK(t.of("s", "spawn").size() == 2);
  for (const json* const end : t.of("f", "spawn")) {
    for (const json* const start : t.of("s", "spawn")) {
      if ((*start)["id"].number() != (*end)["id"].number())
        continue;
      const json& begun = t.only("X", "task", task_of(t, *end));
      CHECK(chrome_trace::begin_of(begun) == chrome_trace::begin_of(*end));
      CHECK((task_of(t, *start) == "outer") == (task_of(t, *end) == "inner"));
    }
  }
}

TEST_CASE("a trace tells what a task slept in, and which task woke it", "[trace]") {
  roost::trace_recorder recorder;
  auto rows = roost::make_channel<int>(1, "rows");
  {
    roost::task_scope scope;
    scope.spawn("takes", [&] { (void)rows.rx.receive(); });
    const unsigned received = __LINE__ - 1;
    wait_until_traced(recorder, "receiver::receive rows");
    scope.spawn("gives", [&] { (void)rows.tx.send(1); });
    scope.join();
    const chrome_trace t = trace_of(recorder);
    CHECK(t.faults() == "");
    const json& wait = t.only("X", "wait", "receiver::receive rows");
    CHECK(task_of(t, wait) == "takes");
    CHECK(wait["args"]["operation"].text() == "receiver::receive");
    CHECK(wait["args"]["object"].text() == "rows");
    CHECK(wait["args"]["where"].text() == line(__FILE__, received));
    CHECK(wait["args"]["result"].text() == "done");
    const std::string waker = wait["args"]["woken_by"].text();
    CHECK(waker.substr(waker.find(' ') + 1) == "gives");
    CHECK(t.of("s", "wake").size() >= 1);
  }
}

TEST_CASE("what is still there when a trace is written is marked as open", "[trace]") {
  roost::trace_recorder recorder;
  roost::event go;
  {
    roost::task_scope scope({.name = "still here"});
    scope.spawn("waits", [&] { go.wait(); });
    wait_until_traced(recorder, "event::wait");
    const chrome_trace t = trace_of(recorder);
    CHECK(t.faults() == "");
    CHECK(chrome_trace::is_open(t.only("X", "task", "waits")));
    CHECK(chrome_trace::is_open(t.only("X", "wait", "event::wait")));
    CHECK(chrome_trace::is_open(t.only("e", "scope", "still here")));
    CHECK(t.only("X", "wait", "event::wait")["args"]["result"].text() == "still waits");
    const json& last = *t.of("C").back();
    CHECK(last["args"]["blocked"].number() == 1);
    CHECK(last["args"]["running"].number() == 0);
    go.set();
  }
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  CHECK_FALSE(chrome_trace::is_open(t.only("X", "task", "waits")));
  CHECK(t.only("X", "wait", "event::wait")["args"]["woken_by"].text().substr(0, 6) == "thread");
}

TEST_CASE("a trace marks a stop with its cause, and what it ended", "[trace]") {
  roost::trace_recorder recorder;
  roost::event never;
  {
    roost::task_scope scope({.name = "polls"});
    scope.spawn("waits", [&] { never.wait(); });
    wait_until_traced(recorder, "event::wait");
    scope.request_stop("enough");
    scope.join();
  }
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  const json& stop = t.only("i", "stop", "stop: requested");
  CHECK(stop["args"]["message"].text() == "enough");
  CHECK(stop["args"]["scope_name"].text() == "polls");
  CHECK(stop["args"]["where"].text() == line(__FILE__, __LINE__ - 8));
  CHECK(t.only("X", "task", "waits")["args"]["result"].text() == "stopped");
  CHECK(t.only("X", "wait", "event::wait")["args"]["result"].text() == "stopped");
}

TEST_CASE("a trace tells of the stop of one task alone", "[trace]") {
  roost::trace_recorder recorder;
  roost::event never;
  {
    roost::task_scope scope;
    auto handle = scope.spawn("waits", [&] { never.wait(); });
    wait_until_traced(recorder, "event::wait");
    CHECK(handle.request_stop("not this one"));
    scope.join();
  }
  const chrome_trace t = trace_of(recorder);
  const json& stop = t.only("i", "stop", "stop: requested");
  const std::string of_task = stop["args"]["of_task"].text();
  CHECK(of_task.substr(of_task.find(' ') + 1) == "waits");
  CHECK(stop["args"]["message"].text() == "not this one");
}

TEST_CASE("a deadline in a trace is the timekeeper's", "[trace]") {
  std::optional<roost::trace_recorder> recorder;
  roost::testing::bubble([&] {
    recorder.emplace();
    roost::event never;
    roost::task_scope scope({.name = "late", .timeout = 1h});
    scope.spawn("waits", [&] { never.wait(); });
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
    recorder->stop();
  });
  const chrome_trace t = trace_of(*recorder);
  CHECK(t.faults() == "");
  CHECK(lane_of(t, t.only("i", "stop", "stop: deadline")).substr(0, 10) == "timekeeper");
}

TEST_CASE("a blocking_region lies in a trace as a wait does", "[trace]") {
  roost::trace_recorder recorder;
  roost::event set;
  set.set();
  {
    roost::task_scope scope;
    scope.spawn("reads", [&] {
      const roost::blocking_region outer("read(fd 7)");
      const roost::blocking_region inner("lock");
      roost::this_task::sleep_for(1ms);
    });
  }
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  const json& outer = t.only("X", "foreign", "blocking_region read(fd 7)");
  const json& inner = t.only("X", "foreign", "blocking_region lock");
  const json& sleep = t.only("X", "wait", "this_task::sleep");
  CHECK(chrome_trace::begin_of(outer) <= chrome_trace::begin_of(inner));
  CHECK(chrome_trace::end_of(inner) <= chrome_trace::end_of(outer));
  CHECK(chrome_trace::end_of(sleep) <= chrome_trace::end_of(inner));
  CHECK(sleep["args"]["result"].text() == "timed out");
}

TEST_CASE("a task that never ran, and one that was refused, are told apart", "[trace]") {
  roost::trace_recorder recorder;
  test::gate gate;
  {
    roost::task_scope scope({.limit = 1});
    scope.spawn("runs", [&] { gate.pass(); });
    gate.wait_for_arrivals(1);
    scope.spawn("queued", [] {});
    scope.request_stop();
    gate.open();
    scope.join();
    CHECK_THROWS_AS(scope.spawn("refused", [] {}), roost::scope_closed);
  }
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  CHECK(t.only("X", "queue", "never ran")["args"]["result"].text() == "stopped");
  CHECK(t.named("X", "task", "queued").empty());
  CHECK(test::chrome_text(recorder).find("refused") == std::string::npos);
}

TEST_CASE("what a waiting task runs for another one is in a lane of its own", "[trace]") {
  roost::trace_recorder recorder;
  {
    roost::task_scope scope({.limit = 1});
    scope.spawn("asks", [&] {
      auto inner = scope.spawn("is asked", [] { return 1; });
      (void)inner.get(); // runs it here
    });
  }
  roost::for_each(std::vector<int>(5), [](int) {});
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  const json& asks = t.only("X", "task", "asks");
  const json& asked = t.only("X", "task", "is asked");
  CHECK(asks["tid"].number() != asked["tid"].number());
  CHECK(asks["args"]["thread"].number() == asked["args"]["thread"].number());
  CHECK(chrome_trace::end_of(asked) <= chrome_trace::end_of(asks));
}

TEST_CASE("names in a trace are escaped", "[trace]") {
  roost::trace_recorder recorder;
  {
    roost::task_scope scope({.name = "a\"b\\c\n\x01\xff"});
    scope.spawn("<&>\"\xff", [] {});
  }
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  CHECK(t.named("X", "task", "<&>\"\xef\xbf\xbd").size() == 1);
  CHECK(t.named("b", "scope", "a\"b\\c\n\x01\xef\xbf\xbd").size() == 1);
}

TEST_CASE("the numbers in a trace do not depend on how its stream writes numbers", "[trace]") {
  struct grouped : std::numpunct<char> {
    char do_thousands_sep() const override { return ','; }
    std::string do_grouping() const override { return "\1"; }
  };
  roost::trace_recorder recorder;
  {
    roost::task_scope scope;
    for (int i = 0; i < 8; ++i) // with more than 20 entries
      scope.spawn([] {});
  }
  recorder.stop();
  std::ostringstream plain;
  recorder.write_chrome(plain);
  std::ostringstream other;
  other.imbue(std::locale(other.getloc(), new grouped));
  other << std::hex << std::showbase;
  recorder.write_chrome(other);
  CHECK(other.str() == plain.str());
}

TEST_CASE("a name in a trace is cut off after a whole character", "[trace]") {
  roost::trace_recorder recorder;
  const std::string name(44, 'x');
  roost::task_scope scope;
  scope.spawn(name + "\u00fc", [] {}).get();
  const chrome_trace t = trace_of(recorder);
  bool is_there = false;
  for (const json* const e : t.named("M", "__metadata", "thread_name")) {
    const std::string lane = (*e)["args"]["name"].text();
    is_there = is_there || (lane.size() >= name.size() &&
                            lane.compare(lane.size() - name.size(), name.size(), name) == 0);
  }
  CHECK(is_there);
}

TEST_CASE("a recorder that was stopped in a bubble can be written afterwards", "[trace]") {
  std::optional<roost::trace_recorder> recorder;
  roost::testing::bubble([&] {
    recorder.emplace();
    roost::this_task::sleep_for(1h);
    roost::task_scope scope;
    scope.spawn("late", [] {}).get();
    recorder->stop();
  });
  bool is_there = false;
  const chrome_trace t = trace_of(*recorder);
  for (const json* const e : t.named("M", "__metadata", "thread_name")) {
    const std::string lane = (*e)["args"]["name"].text();
    is_there = is_there || lane.find("late") != std::string::npos;
  }
  CHECK(is_there);
}

TEST_CASE("the check of traces finds what is wrong", "[trace]") {
  const auto faults = [](const std::string& events) {
    return chrome_trace(
               R"({"traceEvents": [{"ph": "M", "cat": "__metadata", "name": "thread_name", "tid": 1}, )" +
               events + "]}")
        .faults();
  };
  const std::string around =
      R"({"ph": "X", "cat": "c", "name": "a", "tid": 1, "ts": 1.000, "dur": 2.000}, )";
  CHECK(faults(around +
               R"({"ph": "X", "cat": "c", "name": "b", "tid": 1, "ts": 2.000, "dur": 0.999})") ==
        "");
  CHECK(faults(around +
               R"({"ph": "X", "cat": "c", "name": "b", "tid": 1, "ts": 2.000, "dur": 1.001})") ==
        "a slice that crosses another: b\n");
  CHECK(faults(around +
               R"({"ph": "X", "cat": "c", "name": "b", "tid": 1, "ts": 0.500, "dur": 0.100})") ==
        "a slice out of order: b\n");
  CHECK(faults(around +
               R"({"ph": "X", "cat": "c", "name": "b", "tid": 2, "ts": 2.000, "dur": 1.000})") ==
        "a lane without a name: b\n");
  const std::string start =
      R"({"ph": "s", "cat": "c", "name": "go", "id": 1, "tid": 1, "ts": 1.500})";
  CHECK(faults(around + start) == "an arrow without an end: go\n");
  CHECK(faults(around + start +
               R"(, {"ph": "f", "cat": "c", "name": "go", "id": 1, "tid": 1, "ts": 1.400})") ==
        "an arrow back in time: go\n");
  CHECK(faults(around + start +
               R"(, {"ph": "f", "cat": "c", "name": "go", "id": 1, "tid": 1, "ts": 4.000})") ==
        "an arrow in no slice: go\n");
  CHECK(
      faults(around + R"({"ph": "f", "cat": "c", "name": "go", "id": 1, "tid": 1, "ts": 1.400})") ==
      "an arrow without a start: go\n");
  CHECK(faults(R"({"ph": "b", "cat": "scope", "name": "s", "id": 1, "ts": 1})") ==
        "a scope without an end: s\n");
  CHECK_THROWS(faults("{]"));
}
