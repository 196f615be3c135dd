// SPDX-License-Identifier: BSL-1.0
// Tests of code that waits, here with Catch2. In a bubble an hour passes as soon as all tasks wait,
// so the test of a day takes microseconds, and times are exact. What waits for ever is told.
#define CATCH_CONFIG_MAIN // Catch2 2.x; with 3.x, link Catch2::Catch2WithMain
#include <roost.hpp>
#include <roost/testing.hpp>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

using namespace std::chrono_literals;

// What is tested: tries until it succeeds, after 1 s, 2 s, 4 s, ... and then every 10 min.
void connect(const std::function<bool()>& attempt) {
  for (auto pause = 1s; !attempt(); pause = std::min<std::chrono::seconds>(2 * pause, 10min))
    roost::this_task::sleep_for(pause);
}

TEST_CASE("pauses between attempts double") {
  roost::testing::bubble([] {
    const auto start = roost::clock::now();
    std::vector<roost::clock::duration> tried_after;
    connect([&] {
      tried_after.push_back(roost::clock::now() - start);
      return tried_after.size() == 5;
    });
    CHECK(tried_after == std::vector<roost::clock::duration>{0s, 1s, 3s, 7s, 15s});
  });
}

TEST_CASE("a client that cannot connect for an hour gives up after exactly that") {
  roost::testing::bubble([] {
    const auto start = roost::clock::now();
    int attempts = 0;
    const auto never = [&] { return ++attempts == 0; };
    CHECK_THROWS_AS(roost::with_scope({.timeout = 1h}, [&](roost::task_scope&) { connect(never); }),
                    roost::timeout_error);
    CHECK(roost::clock::now() - start == 1h);
    CHECK(attempts == 15);
  });
}

TEST_CASE("a consumer that nobody feeds is a deadlock, not a test that hangs") {
  const roost::testing::leak_check check; // and nothing is left of it
  const auto consume = [] {
    const auto jobs = roost::make_channel<int>(8, "jobs");
    roost::task_scope scope;
    scope.spawn("consumer", [&] { (void)jobs.rx.receive(); });
    roost::testing::wait_until_blocked(scope, 1);
  };
  CHECK_THROWS_AS(roost::testing::bubble(consume), roost::deadlock_error);
}
