// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/lockstep.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <thread>

using namespace std::chrono_literals;
using test::random_numbers;
using test::rounds;

TEST_CASE("a stop that comes while a tick is due takes no tick with it", "[ticker][stress]") {
  ROOST_TEST_SHOW_SEED();
  constexpr auto period = 100us;
  const int count = rounds(800);
  random_numbers random(1);
  int lost = 0;
  int too_many = 0;
  int stops = 0;
  for (int round = 0; round < count; ++round) {
    const auto start = roost::clock::now();
    roost::ticker t(period);
    const auto made = roost::clock::now();
    std::atomic<int> ticks = 0;
    {
      roost::task_scope scope;
      scope.spawn([&] {
        if (round % 2 == 0) {
          t.wait();
        } else {
          roost::select(roost::on_tick(t));
        }
        ++ticks;
      });
      if (random.one_in(2))
        test::wait_until(
            [&] { return ticks == 1 || test::scope_probe::blocked_tasks(scope) == 1; });
      test::dither(random, 60'000);
      stops += scope.request_stop();
    }
    too_many += roost::clock::now() - start < ticks.load() * period;
    if (ticks == 0) { // then the first one is still there
      roost::this_task::sleep_until(made + period);
      lost += roost::select(roost::on_tick(t), roost::otherwise()) != 0;
    }
  }
  CHECK(lost == 0);
  CHECK(too_many == 0);
  CHECK(stops == count);
}

TEST_CASE("each tick goes to one of many that want it", "[ticker][stress]") {
  ROOST_TEST_SHOW_SEED();
  constexpr auto period = 2us;
  const int count = rounds(15);
  int too_many = 0;
  std::int64_t all = 0;
  for (int round = 0; round < count; ++round) {
    std::atomic<std::int64_t> ticks = 0;
    const auto start = roost::clock::now();
    roost::ticker t(period);
    {
      roost::task_scope scope({.name = "ticking"});
      for (int task = 0; task < 4; ++task) {
        scope.spawn([&, task] {
          for (;;) {
            if (task % 2 == 0) {
              t.wait();
            } else {
              roost::select(roost::on_tick(t), roost::on_timeout(1h));
            }
            ++ticks;
          }
        });
      }
      test::wait_until([&] { return ticks > 2000; });
      scope.request_stop();
    }
    too_many += roost::clock::now() - start < ticks.load() * period;
    all += ticks;
  }
  CHECK(too_many == 0);
  CHECK(all > 2000);
}

TEST_CASE("of two threads that want the same tick at once exactly one gets it",
          "[ticker][stress]") {
  ROOST_TEST_SHOW_SEED();
  constexpr auto period = 1s;
  const int count = rounds(3000);
  int compared = 0;
  int wrong = 0;
  while (compared == 0) { // once, unless a thread is held up for a whole period
    const auto second_ticks = roost::clock::now() + 2 * period; // none is due before
    std::deque<roost::ticker> tickers;
    for (int i = 0; i < count; ++i)
      tickers.emplace_back(period);
    roost::ticker(period).wait(); // now the first ticks of all are due
    test::lockstep step(2);
    std::atomic<int> taken = 0;
    const auto try_tick = [&](roost::ticker& t) {
      roost::select(roost::on_tick(t, [&] { ++taken; }), roost::otherwise());
    };
    const std::jthread other([&] {
      random_numbers random(2);
      for (roost::ticker& t : tickers) {
        step.meet();
        test::dither(random, 20);
        try_tick(t);
        step.meet();
      }
    });
    random_numbers random(1);
    for (roost::ticker& t : tickers) {
      taken = 0;
      step.meet();
      test::dither(random, 20);
      try_tick(t);
      step.meet();
      if (roost::clock::now() >= second_ticks)
        continue; // too late to tell one tick from the next
      ++compared;
      wrong += taken != 1;
    }
  }
  CHECK(wrong == 0);
}
