// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/lockstep.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::random_numbers;
using test::rounds;

TEST_CASE("a wait group that is destroyed as soon as it was waited for is not touched any more",
          "[wait_group][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(15'000);
  constexpr int workers = 2;
  test::lockstep step(1 + workers);
  roost::wait_group* shared = nullptr; // written before the threads meet
  int written[workers] = {0, 0};
  int wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int w = 0; w < workers; ++w) {
      threads.emplace_back([&, w] {
        random_numbers random(static_cast<std::uint64_t>(10 + w));
        for (int round = 0; round < count; ++round) {
          step.meet();
          roost::wait_group& g = *shared;
          test::dither(random, 400);
          written[w] = round; // seen by the thread that waited
          g.done();
        }
      });
    }
    random_numbers random(1);
    for (int round = 0; round < count; ++round) {
      const auto mine = std::make_unique<roost::wait_group>();
      mine->add(workers);
      shared = mine.get();
      step.meet();
      test::dither(random, 300);
      if (random.one_in(2)) {
        mine->wait();
      } else {
        wrong += !mine->wait_for(1h);
      }
      wrong += written[0] != round || written[1] != round;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a wait group left while stops and timeouts race with it is at zero or it is not",
          "[wait_group][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(1000);
  random_numbers random(3);
  int too_early = 0;
  int unstopped = 0;
  int left = 0;
  int passed = 0;
  int stopped = 0;
  for (int round = 0; round < count; ++round) {
    roost::wait_group g;
    std::atomic<int> open = 3;
    std::atomic<int> too_early_here = 0;
    std::atomic<int> unstopped_here = 0;
    std::atomic<int> passed_here = 0;
    std::atomic<int> stopped_here = 0;
    g.add(3);
    {
      std::atomic<bool> go = false;
      const std::jthread worker([&, turns = random.below(20'000)] {
        random_numbers mine(static_cast<std::uint64_t>(turns));
        test::wait_until([&] { return go.load(); });
        for (int i = 0; i < 3; ++i) {
          test::dither(mine, 1 + turns);
          --open;
          g.done();
        }
      });
      roost::task_scope scope;
      const roost::outside_waker outside(scope);
      for (int i = 0; i < 2; ++i) {
        scope.spawn([&, timeout = std::chrono::microseconds(random.below(150)), i] {
          try {
            if (i == 0 && !g.wait_for(timeout))
              return;
            g.wait();
            too_early_here += open != 0;
            ++passed_here;
          } catch (const roost::stopped&) {
            unstopped_here += !scope.stop_requested();
            ++stopped_here;
          }
        });
      }
      if (random.one_in(2))
        test::wait_until([&] { return test::waiting(g) > 0; });
      go = true;
      test::dither(random, 30'000);
      if (random.one_in(2))
        scope.request_stop();
      scope.join();
    }
    left += test::waiting(g) != 0 || !g.wait_for(0ns);
    too_early += too_early_here;
    unstopped += unstopped_here;
    passed += passed_here;
    stopped += stopped_here;
  }
  CHECK(too_early == 0);
  CHECK(unstopped == 0);
  CHECK(left == 0);
  CHECK((passed > 0 || count < 200));
  CHECK((stopped > 0 || count < 200));
}

TEST_CASE("a wait group that leaves zero while others wait keeps its count",
          "[wait_group][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(200'000);
  roost::wait_group g;
  std::atomic<int> inside = 0;
  int negative = 0;
  {
    roost::task_scope scope;
    for (std::uint64_t i = 0; i < 2; ++i) {
      scope.spawn([&, i] {
        random_numbers random(i);
        for (int n = 0; n < count; ++n) {
          if (random.one_in(2)) {
            const auto token = g.enter();
            ++inside;
            test::dither(random, 20);
            --inside;
          } else {
            g.add(2);
            g.done();
            g.done();
          }
        }
      });
      scope.spawn([&, i] {
        random_numbers random(20 + i);
        for (int n = 0; n < count / 4; ++n) {
          if (random.one_in(2)) {
            g.wait();
          } else {
            static_cast<void>(g.wait_for(std::chrono::microseconds(random.below(20))));
          }
        }
      });
    }
  }
  negative += inside != 0;
  CHECK(negative == 0);
  CHECK(g.wait_for(0ns));
  CHECK(test::waiting(g) == 0);
  CHECK_THROWS_AS(g.done(), std::logic_error);
}

TEST_CASE("each generation of a wait group waits for its own work", "[wait_group][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int generations = rounds(3'000);
  constexpr int workers = 3;
  roost::wait_group g;
  std::vector<roost::sender<int>> work;
  int results[workers] = {};
  int wrong = 0;
  roost::task_scope scope;
  for (int& result : results) {
    auto ch = roost::make_channel<int>(1);
    work.push_back(std::move(ch.tx));
    scope.spawn([&g, &result, rx = std::move(ch.rx)] {
      for (const int generation : rx) {
        result = generation; // plain: the group orders it before the owner's look
        g.done();
      }
    });
  }
  for (int generation = 0; generation < generations; ++generation) {
    g.add(workers);
    for (const auto& tx : work)
      (void)tx.send(generation);
    g.wait();
    for (const int result : results)
      wrong += result != generation;
  }
  work.clear();
  scope.join();
  CHECK(wrong == 0);
}
