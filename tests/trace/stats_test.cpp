// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

using namespace std::chrono_literals;

TEST_CASE("stats count tasks while they are there and afterwards", "[stats]") {
  STATIC_REQUIRE(noexcept(roost::stats()));
  const roost::counters before = roost::stats();
  CHECK(before.live == 0);
  CHECK(before.blocked == 0);
  roost::event go;
  {
    roost::task_scope scope({.limit = 2});
    for (int i = 0; i < 3; ++i)
      scope.spawn([&] { go.wait(); });
    test::wait_until([] { return roost::stats().blocked == 2; });
    const roost::counters now = roost::stats();
    CHECK(now.spawned - before.spawned == 3);
    CHECK(now.finished == before.finished);
    CHECK(now.live == 3); // with the one that is queued
    go.set();
  }
  const roost::counters after = roost::stats();
  CHECK(after.spawned - before.spawned == 3);
  CHECK(after.finished - before.finished == 3);
  CHECK(after.live == 0);
  CHECK(after.blocked == 0);
  CHECK(after.stops == before.stops);
  CHECK(after.verdicts == before.verdicts);
}

TEST_CASE("stats count whatever a task ends by, and not what is refused", "[stats]") {
  const roost::counters before = roost::stats();
  test::gate gate;
  roost::task_scope scope({.limit = 1, .errors = roost::on_error::collect});
  scope.spawn([&] {
    gate.pass();
    throw std::runtime_error("fails");
  });
  scope.spawn([] {}); // never runs
  gate.wait_for_arrivals(1);
  scope.request_stop();
  scope.spawn([] {}); // is dropped at once
  CHECK(roost::stats().spawned - before.spawned == 3);
  gate.open();
  CHECK_THROWS(scope.join());
  CHECK_THROWS_AS(scope.spawn([] {}), roost::scope_closed);
  CHECK(roost::stats().spawned - before.spawned == 3);
  CHECK(roost::stats().finished - before.finished == 3);
  CHECK(roost::stats().stops - before.stops == 1);
}

TEST_CASE("stats count forks, and stops of scopes and of tasks alone", "[stats]") {
  const roost::counters before = roost::stats();
  (void)roost::when_all([] { return 1; }, [] { return 2; });
  CHECK(roost::stats().spawned - before.spawned == 2);
  CHECK(roost::stats().finished - before.finished == 2);
  roost::event never;
  {
    roost::task_scope scope;
    auto handle = scope.spawn([&] { never.wait(); });
    CHECK(handle.request_stop());
    CHECK_FALSE(handle.request_stop());
    CHECK(roost::stats().stops - before.stops == 1);
    scope.spawn([&] {
      roost::task_scope inner;
      never.wait();
    });
    test::wait_until([&] { return roost::stats().live == 1 && roost::stats().blocked == 1; });
    scope.request_stop();
    CHECK(roost::stats().stops - before.stops == 3); // with the one inside
    scope.join();
  }
  CHECK(roost::stats().stops - before.stops == 3);
}

TEST_CASE("stats count more threads than have a row of their own", "[stats]") {
  const roost::counters before = roost::stats();
  constexpr std::size_t tasks = roost::detail::tallies::own_rows + 44;
  roost::event go;
  {
    roost::task_scope scope;
    for (std::size_t i = 0; i < tasks; ++i)
      scope.spawn([&] { go.wait(); });
    test::wait_until([&] { return roost::stats().blocked == tasks; });
    CHECK(roost::stats().live == tasks);
    go.set();
  }
  CHECK(roost::stats().finished - before.finished == tasks);
  CHECK(roost::stats().blocked == 0);
}

TEST_CASE("a thread that waits outside of scopes is counted as blocked", "[stats]") {
  roost::event go;
  std::jthread plain([&] { go.wait(); });
  test::wait_until([] { return roost::stats().blocked == 1; });
  CHECK(roost::stats().live == 0);
  go.set();
  plain.join();
  CHECK(roost::stats().blocked == 0);
}

TEST_CASE("live is never below what is there, whatever goes on", "[stats]") {
  roost::task_scope scope({.limit = 2, .backlog = 16});
  std::vector<roost::counters> seen;
  for (int i = 0; i < 2000; ++i) {
    scope.spawn([] {});
    seen.push_back(roost::stats());
  }
  scope.join();
  for (const roost::counters& now : seen) {
    CHECK(now.live <= 20); // and not some huge number, which is one below zero
    CHECK(now.finished + now.live == now.spawned);
  }
}

TEST_CASE("stats count each scope that was found where nothing can go on once", "[stats]") {
  const roost::counters before = roost::stats();
  const auto run = [] {
    roost::event never;
    roost::task_scope scope({.on_deadlock = roost::on_deadlock::stop});
    scope.spawn([&] { never.wait(); });
    scope.join();
  };
  CHECK_THROWS_AS(run(), roost::deadlock_error);
  CHECK(roost::stats().verdicts - before.verdicts == 1);
  CHECK(roost::stats().live == 0);
}
