// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/memory.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/sanitized.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

// Tasks in the queue begin in their turn and none is left behind, while others end.

using namespace std::chrono_literals;
using test::random_numbers;
using test::rounds;

TEST_CASE("a handle of a task in the queue is got while its place comes", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  for (int round = 0; round < rounds(1000); ++round) {
    random_numbers random(static_cast<std::uint64_t>(round));
    std::atomic<int> ran{0};
    std::atomic<int> stopped{0};
    const bool stops = random.one_in(3);
    roost::task_scope scope({.limit = 2, .covers_owner = false});
    scope.spawn([&, turns = random.below(300)] { // its end begins what is in the queue
      random_numbers own(static_cast<std::uint64_t>(turns));
      test::dither(own, turns + 1);
    });
    scope.spawn([&, turns = random.below(300)] {
      auto queued = scope.spawn([&] { return ++ran; });
      random_numbers own(static_cast<std::uint64_t>(turns) + 1000);
      test::dither(own, turns + 1);
      try {
        if (queued.get() != 1)
          ran += 100;
      } catch (const roost::stopped&) {
        ++stopped;
        throw;
      }
    });
    test::dither(random, 500);
    if (stops)
      scope.request_stop();
    scope.join();
    CHECK(scope.failures().empty());
    CHECK((stops || (ran == 1 && stopped == 0)));
    CHECK(ran <= 1);
  }
}

TEST_CASE("tasks that come while the last thread leaves are found", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  random_numbers random(1);
  for (int round = 0; round < rounds(200); ++round) {
    const std::size_t limit = 1 + static_cast<std::size_t>(random.below(2));
    const std::size_t backlog = 1 + static_cast<std::size_t>(random.below(3));
    std::atomic<int> late{0};
    std::atomic<int> too_long{0};
    roost::task_scope scope({.limit = limit, .backlog = backlog});
    const auto spawn_some = [&](std::uint64_t stream) {
      random_numbers mine(stream);
      for (int i = 0; i < 30; ++i) {
        auto last = scope.spawn([] {});
        if (test::scope_probe::queued(scope) > backlog)
          ++too_long;
        // Were it left in the queue with no thread to come for it, this would be for ever.
        if (mine.one_in(2) && !last.wait_for(1h))
          ++late;
        test::dither(mine, 60);
      }
    };
    {
      const std::jthread other([&] { spawn_some(static_cast<std::uint64_t>(round)); });
      spawn_some(static_cast<std::uint64_t>(round) + 1000);
    }
    scope.join();
    CHECK(late == 0);
    CHECK(too_long == 0);
  }
}

TEST_CASE("tasks begin in the order of their spawns while others end", "[task_scope][stress]") {
  const test::no_thread_left check;
  const int count = rounds(20'000);
  const auto backlog = GENERATE(as<std::size_t>(), 1, 5, 1024);
  int next = 0; // the tasks', one at a time
  int wrong = 0;
  {
    roost::task_scope scope({.limit = 1, .backlog = backlog});
    for (int i = 0; i < count; ++i)
      scope.spawn([&, i] { wrong += i == next++ ? 0 : 1; });
  }
  CHECK(next == count);
  CHECK(wrong == 0);
}

TEST_CASE("a million tasks go through a scope with a limit in bounded memory",
          "[task_scope][stress][memory]") {
  const test::no_thread_left check;
#ifdef ROOST_TEST_SANITIZED
  const int tasks = rounds(30'000);
#else
  const int tasks = rounds(1'000'000);
#endif
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = 2});
  const auto spawn = [&] {
    // relaxed: a count, read after the join
    scope.spawn([&] { ran.fetch_add(1, std::memory_order_relaxed); });
  };
  for (int i = 0; i < tasks / 10; ++i)
    spawn();
  const test::memory_growth growth;
  for (int i = tasks / 10; i < tasks; ++i)
    spawn();
  scope.join();
  CHECK(ran == tasks);
  if (!roost::detail::address_sanitized) // it keeps what is freed for a while
    CHECK(growth.kib() < test::noise_kib);
}
