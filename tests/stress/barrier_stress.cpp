// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using test::random_numbers;
using test::rounds;

TEST_CASE("no thread is a phase ahead of the others at a barrier", "[barrier][stress]") {
  ROOST_TEST_SHOW_SEED();
  constexpr int count = 4;
  const int phases = rounds(2000);
  roost::barrier b(count);
  std::vector<int> at(count); // each written by its own thread, and read by all in between
  std::atomic<int> wrong = 0;
  {
    roost::task_scope scope;
    for (std::size_t me = 0; me < count; ++me) {
      scope.spawn([&, me] {
        random_numbers random(me);
        for (int phase = 0; phase < phases; ++phase) {
          at[me] = phase;
          if (random.one_in(2)) {
            b.arrive_and_wait();
          } else {
            const auto arrived = b.arrive();
            roost::select(on_phase_end(b, arrived), roost::on_timeout(1h, [&] { ++wrong; }));
          }
          for (const int other : at)
            wrong += other != phase;
          b.arrive_and_wait();
        }
      });
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("arrivals that time out or are stopped while others come are counted or not",
          "[barrier][stress]") {
  ROOST_TEST_SHOW_SEED();
  constexpr int count = 3;
  const int repeats = rounds(500);
  random_numbers random(9);
  int wrong = 0;
  int given_up = 0;
  for (int round = 0; round < repeats; ++round) {
    roost::barrier b(count);
    std::atomic<int> through = 0;
    std::atomic<int> left = 0;
    const bool all_come = !random.one_in(5); // if not, all that come give up in the end
    {
      roost::task_scope scope;
      for (int i = all_come ? 0 : 1; i < count; ++i) {
        scope.spawn([&, timeout = random.below(80) * 1us] {
          try {
            ++(b.arrive_and_wait_for(timeout) ? through : left);
          } catch (const roost::stopped&) {
            ++left;
          }
        });
      }
      test::dither(random, 30'000);
      if (random.one_in(3))
        scope.request_stop();
      scope.join();
    }
    // All of one phase or none; and those that gave up are not counted.
    wrong += through != 0 && (through != count || !all_come);
    given_up += left;
    auto phase = b.arrive();
    for (int i = 2; i < count; ++i)
      phase = b.arrive();
    wrong += b.wait_for(phase, 0ns);
    (void)b.arrive();
    wrong += !b.wait_for(phase, 0ns);
  }
  CHECK(wrong == 0);
  CHECK((given_up > 0 || repeats < 100));
}

TEST_CASE("a barrier that is destroyed as soon as it was passed is not touched any more",
          "[barrier][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(3000);
  random_numbers random(4);
  roost::task_scope scope;
  for (int round = 0; round < count; ++round) {
    auto mine = std::make_unique<roost::barrier>(2U);
    auto other = scope.spawn([&b = *mine, d = random.below(400)] {
      random_numbers own(static_cast<std::uint64_t>(d));
      test::dither(own, d + 1);
      (void)b.arrive();
    });
    test::dither(random, 300);
    mine->arrive_and_wait();
    mine.reset();
    other.get();
  }
}
