// SPDX-License-Identifier: BSL-1.0
// How a recorder begins, is full, and ends, and that there may be several.
#include <roost.hpp>
#include <roost/trace.hpp>

#include "support/catch.hpp"
#include "support/expect.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"
#include "support/traces.hpp"

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

using test::chrome_trace;
using test::trace_of;

namespace {

void run_tasks(int count) {
  roost::task_scope scope;
  for (int i = 0; i < count; ++i)
    scope.spawn("task", [] {});
}

} // namespace

TEST_CASE("a recorder that is full keeps what it has, and tells what is missing", "[trace]") {
  STATIC_REQUIRE(!std::is_copy_constructible_v<roost::trace_recorder>);
  const std::size_t most = GENERATE(as<std::size_t>(), 1, 7, 100, 2000);
  const roost::trace_recorder recorder(most);
  run_tasks(1000);
  CHECK(recorder.dropped() > 0);
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  const test::json& about = t.root()["otherData"];
  const auto kept = static_cast<std::size_t>(about["entries"].number());
  CHECK(kept <= most);
  const std::size_t all = kept + static_cast<std::size_t>(about["dropped"].number());
  CHECK((all == 3002 || all == 3004)); // 3 a task, 2 the scope, 2 the join if it sleeps
  CHECK(t.only("i", "recorder", "recorder full")["args"]["dropped"].number() ==
        about["dropped"].number());
  CHECK(test::svg_text(recorder).find("the recorder was full: ") != std::string::npos);
}

TEST_CASE("a recorder that is not full drops nothing", "[trace]") {
  const roost::trace_recorder recorder(100'000);
  run_tasks(1000);
  CHECK(recorder.dropped() == 0);
  const chrome_trace t = trace_of(recorder);
  CHECK(t.named("X", "task", "task").size() == 1000);
  CHECK(t.of("s", "spawn").size() == 1000);
  CHECK(t.named("i", "recorder", "recorder full").empty());
  CHECK(test::svg_text(recorder).find("the recorder was full") == std::string::npos);
}

TEST_CASE("a recorder of more entries than there can be has no memory", "[trace]") {
  constexpr auto most = static_cast<std::size_t>(-1) / sizeof(roost::detail::trace_entry) + 1;
  CHECK_THROWS_AS(roost::trace_recorder(most), std::bad_alloc);
}

TEST_CASE("a recorder without room is refused", "[trace]") {
  try {
    const roost::trace_recorder recorder(0);
    FAIL("it was made");
  } catch (const std::invalid_argument& e) {
    CHECK(std::string(e.what()).find("leave the number out") != std::string::npos);
  }
}

TEST_CASE("each of several recorders records everything from its begin on", "[trace]") {
  const roost::trace_recorder first;
  run_tasks(3);
  std::optional<roost::trace_recorder> second(std::in_place);
  run_tasks(2);
  CHECK(trace_of(first).named("X", "task", "task").size() == 5);
  CHECK(trace_of(*second).named("X", "task", "task").size() == 2);
  second.reset();
  run_tasks(1);
  CHECK(trace_of(first).named("X", "task", "task").size() == 6);
}

TEST_CASE("a recorder that was stopped records no more", "[trace]") {
  roost::trace_recorder recorder;
  run_tasks(1);
  recorder.stop();
  recorder.stop();
  run_tasks(1);
  CHECK(trace_of(recorder).named("X", "task", "task").size() == 1);
  CHECK_FALSE(roost::detail::is_observed());
}

TEST_CASE("a recorder shows what was there before it", "[trace]") {
  test::gate gate;
  roost::event go;
  roost::task_scope scope({.name = "old"});
  scope.spawn("runs", [&] {
    gate.pass();
    go.wait();
  });
  scope.spawn("waits", [&] { go.wait(); });
  gate.wait_for_arrivals(1);
  test::wait_until_asleep(scope, "waits");
  test::wait_until([] { return roost::stats().blocked == 1; });

  const roost::trace_recorder recorder;
  {
    const chrome_trace t = trace_of(recorder);
    CHECK(t.faults() == "");
    CHECK(chrome_trace::is_open(t.only("X", "task", "waits")));
    CHECK(chrome_trace::begin_of(t.only("X", "task", "waits")) == 0);
    CHECK(chrome_trace::is_open(t.only("X", "wait", "event::wait")));
    CHECK(chrome_trace::is_open(t.only("X", "task", "runs")));
    CHECK(chrome_trace::is_open(t.only("e", "scope", "old")));
  }
  gate.open();
  test::wait_until(
      [&] { return trace_of(recorder).named("X", "wait", "event::wait").size() == 2; });
  go.set();
  scope.join();
  const chrome_trace t = trace_of(recorder);
  CHECK(t.faults() == "");
  for (const test::json* const wait : t.named("X", "wait", "event::wait")) {
    CHECK_FALSE(chrome_trace::is_open(*wait));
    CHECK((*wait)["args"]["woken_by"].text().substr(0, 6) == "thread");
  }
  CHECK(t.only("X", "task", "waits")["args"]["result"].text() == "finished");
  CHECK(t.of("f", "spawn").empty());
}

TEST_CASE("a recorder may end while tasks run", "[trace]") {
  roost::event go;
  roost::task_scope scope;
  auto recorder = std::make_unique<roost::trace_recorder>();
  for (int i = 0; i < 8; ++i)
    scope.spawn([&] { go.wait(); });
  test::wait_until_blocked(scope, 8);
  recorder.reset();
  CHECK_FALSE(roost::detail::is_observed());
  const roost::trace_recorder next; // sees the ends of what it has not seen begin
  go.set();
  scope.join();
  CHECK(trace_of(next).faults() == "");
}

TEST_CASE("a picture of more tasks than can be drawn says so", "[trace]") {
  const roost::trace_recorder recorder;
  run_tasks(2100);
  CHECK(test::svg_text(recorder).find("101 later lanes not drawn") != std::string::npos);
  CHECK(trace_of(recorder).named("X", "task", "task").size() == 2100);
}
