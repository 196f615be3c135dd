// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/lockstep.hpp"
#include "support/seed.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

// A try that finds nothing to do is an operation like any other: it comes before or after each one
// of the other side, and what its thread did before it is seen after those that come later.

using test::random_numbers;
using test::rounds;

// How a receiver sleeps: it says so, looks once more, and whoever sends then looks whether to wake.
TEST_CASE("a receiver that says it sleeps and finds nothing is seen by who sends next",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::race_time time;
  std::atomic<int> count{rounds(400'000)};
  auto ch = roost::make_channel<int>(1);
  test::lockstep step(2);
  std::atomic<int> asleep{-1};
  bool woken = false;
  int missed = 0;
  {
    const std::jthread sender([&] {
      random_numbers mine(1);
      for (int round = 0; round < count; ++round) {
        step.meet();
        test::dither(mine, 20);
        (void)ch.tx.send(round);
        woken = asleep == round;
        step.meet();
      }
    });
    random_numbers random(2);
    for (int round = 0; round < count; ++round) {
      step.meet();
      test::dither(random, 40);
      asleep = round;
      const bool found = bool(ch.rx.try_receive());
      if (time.is_over())
        count = round + 1;
      step.meet();
      missed += !found && !woken;
      if (!found)
        (void)ch.rx.receive();
    }
  }
  CHECK(missed == 0);
}

// A bell of capacity 1: who cannot ring it relies on the ring that is there already.
TEST_CASE("what is done before a send that finds the channel full is seen by who receives next",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::race_time time;
  std::atomic<int> count{rounds(400'000)};
  auto bell = roost::make_channel<int>(1);
  test::lockstep step(2);
  std::atomic<int> work{-1};
  bool seen = false;
  int missed = 0;
  {
    const std::jthread worker([&] {
      random_numbers mine(3);
      for (int round = 0; round < count; ++round) {
        step.meet();
        test::dither(mine, 20);
        (void)bell.rx.receive();
        seen = work == round;
        step.meet();
      }
    });
    random_numbers random(4);
    for (int round = 0; round < count; ++round) {
      (void)bell.tx.send(0);
      step.meet();
      test::dither(random, 40);
      work = round;
      const bool rung = bool(bell.tx.try_send(1));
      if (time.is_over())
        count = round + 1;
      step.meet();
      missed += !rung && !seen;
      if (rung)
        (void)bell.rx.receive();
    }
  }
  CHECK(missed == 0);
}

// Room is made outside of the locks: by the time it is there another sender may have made more.
TEST_CASE("a channel that many senders fill at once keeps all their items as it grows",
          "[channel][stress]") {
  constexpr std::size_t senders = 16;
  constexpr std::size_t items = 1000; // of each
  using item = std::array<std::size_t, 8>;
  int wrong = 0;
  for (int round = 0; round < rounds(200); ++round) {
    auto ch = roost::make_channel<item>(roost::unbounded);
    test::lockstep step(senders);
    {
      std::vector<std::jthread> threads;
      for (std::size_t s = 0; s < senders; ++s) {
        threads.emplace_back([&, s] {
          step.meet();
          for (std::size_t i = 0; i < items; ++i)
            (void)ch.tx.send({s, i});
        });
      }
    }
    std::array<std::size_t, senders> next{};
    while (const auto got = ch.rx.try_receive()) {
      const std::size_t from = (*got)[0];
      wrong += from >= senders || (*got)[1] != next[from]++;
    }
    for (const std::size_t received : next)
      wrong += received != items;
  }
  CHECK(wrong == 0);
}

// The search that ended well though it was interrupted: its printer looked for reports outside of
// the line when the stop came, and found the channel closed by those that the stop had ended.
TEST_CASE("what comes after a stop is not received by who waited before it", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(20'000);
  random_numbers random(5);
  roost::task_scope threads; // keeps them, so that each round is short
  int received = 0;
  for (int round = 0; round < count; ++round) {
    auto ch = roost::make_channel<int>(64);
    std::atomic<bool> about_to_wait{false};
    roost::task_scope scope;
    scope.spawn([&] {
      about_to_wait = true;
      received += bool(ch.rx.receive());
    });
    while (!about_to_wait)
      std::this_thread::yield();
    test::dither(random, 400);
    scope.request_stop();
    (void)ch.tx.try_send(round);
    scope.join();
  }
  // A few, which the stop has met between their look for it and their first try.
  CHECK(received < count / 4);
}
