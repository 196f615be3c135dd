// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/lockstep.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

using namespace std::chrono_literals;
using test::random_numbers;
using test::rounds;

TEST_CASE("an event that is destroyed as soon as it was waited for is not touched any more",
          "[event][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::race_time time;
  std::atomic<int> count{rounds(30'000)};
  test::lockstep step(2);
  roost::event* shared = nullptr; // written before the threads meet
  int not_set = 0;
  {
    const std::jthread setter([&] {
      random_numbers random(2);
      for (int round = 0; round < count; ++round) {
        step.meet();
        roost::event& e = *shared;
        test::dither(random, 600);
        e.set();
      }
    });
    random_numbers random(1);
    for (int round = 0; round < count; ++round) {
      const auto mine = std::make_unique<roost::event>();
      shared = mine.get();
      if (time.is_over())
        count = round + 1;
      step.meet();
      test::dither(random, 300);
      switch (random.below(3)) {
      case 0:
        mine->wait();
        break;
      case 1:
        not_set += !mine->wait_for(1h);
        break;
      default:
        test::wait_until([&] { return mine->is_set(); });
      }
    }
  }
  CHECK(not_set == 0);
}

TEST_CASE("an event set while stops and timeouts race with it happens or not and nothing else",
          "[event][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(1000);
  random_numbers random(3);
  test::lockstep step(2);
  std::atomic<roost::event*> event = nullptr;
  std::atomic<bool> may_be_set = false;
  std::atomic<int> too_early = 0;
  std::atomic<int> unstopped = 0;
  int left = 0;
  int endings[3] = {0, 0, 0};
  {
    const std::jthread setter([&] {
      random_numbers mine(4);
      for (int round = 0; round < count; ++round) {
        step.meet();
        test::dither(mine, 30'000);
        may_be_set = true;
        event.load()->set();
        step.meet();
      }
    });
    for (int round = 0; round < count; ++round) {
      roost::event e;
      event = &e;
      may_be_set = false;
      std::atomic<int> ended[3] = {0, 0, 0};
      {
        roost::task_scope scope;
        const roost::outside_waker outside(scope);
        for (std::uint64_t i = 0; i < 3; ++i) {
          scope.spawn([&, timeout = std::chrono::microseconds(random.below(150)), i] {
            try {
              if (i == 2 && !e.wait_for(timeout)) {
                ++ended[1];
                return;
              }
              e.wait();
              too_early += !may_be_set;
              ++ended[0];
            } catch (const roost::stopped&) {
              unstopped += !scope.stop_requested();
              ++ended[2];
            }
          });
        }
        if (random.one_in(2))
          test::wait_until([&] { return test::waiting(e) > 0; });
        step.meet();
        test::dither(random, 30'000);
        if (random.one_in(2))
          scope.request_stop();
        scope.join();
      }
      step.meet();
      left += test::waiting(e) != 0 || !e.is_set();
      for (int i = 0; i < 3; ++i)
        endings[i] += ended[i];
    }
  }
  CHECK(too_early == 0);
  CHECK(unstopped == 0);
  CHECK(left == 0);
  CHECK((endings[0] > 0 || count < 200));
  CHECK((endings[2] > 0 || count < 200));
}

TEST_CASE("all who wait for an event wake whenever they come", "[event][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(150);
  random_numbers random(5);
  int woken_in_all = 0;
  for (int round = 0; round < count; ++round) {
    roost::event e;
    std::atomic<int> woken = 0;
    {
      roost::task_scope scope;
      for (int i = 0; i < 16; ++i) {
        scope.spawn([&] {
          e.wait();
          ++woken;
        });
      }
      test::dither(random, 50'000);
      e.set();
    }
    woken_in_all += woken;
  }
  CHECK(woken_in_all == 16 * count);
}
