// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/no_thread_left.hpp"
#include "support/outcome.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using test::random_numbers;
using test::rounds;
using test::seen;

namespace {

/// Ways to wait until `released`: directly, or with something of the task's own around the wait.
void wait_somehow(int way, roost::event& released) {
  switch (way) {
  case 0:
    released.wait();
    break;
  case 1:
    roost::with_scope([&](roost::task_scope& s) {
      s.spawn([&] { released.wait(); });
      s.spawn([&] { released.wait(); });
    });
    break;
  case 2: {
    const std::stop_callback callback(roost::this_task::stop_token(), [] {});
    released.wait();
    break;
  }
  case 3: {
    const roost::stop_when inner{std::stop_token()};
    roost::with_scope([&](roost::task_scope&) { released.wait(); });
    break;
  }
  default:
    while (!released.wait_for(10us))
      roost::this_task::checkpoint();
    break;
  }
}

} // namespace

TEST_CASE("tasks end that their handles stop at any moment, and only those", "[task_handle]") {
  const test::no_thread_left check;
  ROOST_TEST_SHOW_SEED();
  constexpr int ways = 5;
  for (int round = 0; round < rounds(400); ++round) {
    random_numbers random(static_cast<std::uint64_t>(round) + 1);
    const std::size_t limits[] = {1, 2, roost::unlimited};
    roost::event released;
    std::atomic<int> returned{0};
    roost::task_scope scope({.limit = limits[random.below(3)]});
    std::vector<roost::task_handle<void>> handles;
    const int tasks = 1 + random.below(6);
    for (int i = 0; i < tasks; ++i) {
      const int way = random.below(ways);
      handles.push_back(scope.spawn([&, way] {
        wait_somehow(way, released);
        ++returned;
      }));
      if (random.one_in(3))
        test::dither(random, 2000);
    }
    int stopped = 0;
    for (roost::task_handle<void>& handle : handles) {
      if (random.one_in(2))
        test::dither(random, 3000);
      if (!random.one_in(4)) {
        CHECK(handle.request_stop());
        CHECK(test::outcome_of([&] { handle.get(); }) == seen::stopped);
        ++stopped;
      }
    }
    released.set();
    scope.join();
    CHECK(returned == tasks - stopped);
  }
}

TEST_CASE("stops of tasks, of their scope, and their own end meet", "[task_handle]") {
  const test::no_thread_left check;
  ROOST_TEST_SHOW_SEED();
  for (int round = 0; round < rounds(400); ++round) {
    random_numbers random(static_cast<std::uint64_t>(round) + 1'000'000);
    roost::event released;
    roost::task_scope scope({.limit = random.one_in(2) ? 2 : roost::unlimited});
    std::vector<roost::task_handle<void>> handles;
    const int tasks = 1 + random.below(4);
    for (int i = 0; i < tasks; ++i) {
      const int way = random.below(5);
      handles.push_back(scope.spawn([&, way] { wait_somehow(way, released); }));
    }
    const bool stops_all = random.one_in(2);
    {
      const std::jthread releaser([&] {
        random_numbers own(static_cast<std::uint64_t>(round) + 2'000'000);
        test::dither(own, 4000);
        released.set();
      });
      const std::jthread stopper([&] {
        random_numbers own(static_cast<std::uint64_t>(round) + 3'000'000);
        test::dither(own, 4000);
        if (stops_all)
          scope.request_stop();
      });
      for (roost::task_handle<void>& handle : handles)
        (void)handle.request_stop();
    }
    scope.join();
    for (roost::task_handle<void>& handle : handles) {
      CHECK(handle.ready());
      CHECK_FALSE(handle.request_stop());
    }
  }
}
