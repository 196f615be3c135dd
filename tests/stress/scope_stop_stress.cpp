// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/lockstep.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// A stop races with whatever its scope does, and the tasks and the owner are told its cause.

using namespace std::chrono_literals;
using test::random_numbers;
using test::rounds;

namespace {

// So many that one is awake and has ended long before the last of them is woken.
void spawn_sleepers(roost::task_scope& scope) {
  for (int i = 0; i < 20; ++i)
    scope.spawn([] { roost::event().wait(); });
}

} // namespace

TEST_CASE("a stop from outside races with the end of the scope", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const int count = rounds(1500);
  test::lockstep step(2);
  std::shared_ptr<roost::task_scope> shared; // written before the threads meet
  int made_it_stop = 0;
  {
    const std::jthread stopper([&] {
      random_numbers mine(2);
      for (int round = 0; round < count; ++round) {
        step.meet();
        // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): the next round replaces it
        const std::shared_ptr<roost::task_scope> scope = shared;
        step.meet();
        test::dither(mine, 400);
        made_it_stop += scope->request_stop("outside") ? 1 : 0;
      }
    });
    random_numbers random(1);
    for (int round = 0; round < count; ++round) {
      const auto scope =
          std::make_shared<roost::task_scope>(roost::scope_options{.covers_owner = false});
      const roost::outside_waker outside(*scope);
      shared = scope;
      step.meet();
      roost::event never;
      auto task = scope->spawn([&never, forever = random.one_in(2)] {
        if (forever)
          never.wait();
      });
      step.meet();
      test::dither(random, 400);
      scope->join(); // needs the stop where the task waits for ever
      CHECK((task.ready() && scope->failures().empty()));
    }
  }
  CHECK(made_it_stop > 0);
}

TEST_CASE("nested scopes race with the stop of the one around", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  random_numbers random(1);
  int failures = 0;
  for (int round = 0; round < rounds(300); ++round) {
    std::atomic<int> bodies{0};
    std::atomic<int> wrong{0};
    roost::task_scope outer;
    for (int i = 0; i < 2; ++i) {
      outer.spawn([&, i] {
        random_numbers mine(static_cast<std::uint64_t>(round * 2 + i));
        for (;;) { // until a nested scope or a wait throws stopped
          roost::task_scope nested;
          ++bodies;
          nested.spawn([&] {
            roost::event never;
            (void)never.wait_for(std::chrono::microseconds(mine.below(50)));
          });
          nested.join();
          wrong += nested.cause().reason == roost::stop_reason::none ||
                           nested.cause().reason == roost::stop_reason::parent
                       ? 0
                       : 1;
          roost::this_task::checkpoint();
        }
      });
    }
    test::dither(random, 20'000);
    outer.request_stop();
    outer.join();
    failures += static_cast<int>(outer.failures().size());
    CHECK(wrong == 0);
  }
  CHECK(failures == 0);
}

TEST_CASE("a deadline is told even if all tasks end as soon as they can see it",
          "[task_scope][stress]") {
  const test::no_thread_left check;
  for (int round = 0; round < rounds(1000); ++round) {
    roost::task_scope scope({.timeout = std::chrono::microseconds(100)});
    scope.spawn([] {
      while (!roost::this_task::stop_requested()) {
      }
    });
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
  }
}

TEST_CASE("whom a stop has woken makes no scope that is not stopped", "[task_scope][stress]") {
  const test::no_thread_left check;
  for (int round = 0; round < rounds(30); ++round) {
    std::atomic<int> unstopped{0};
    roost::task_scope scope;
    for (int i = 0; i < 20; ++i) {
      scope.spawn([&] {
        try {
          roost::event().wait();
        } catch (const roost::stopped&) {
          roost::task_scope late;
          unstopped += late.stop_requested() ? 0 : 1;
          late.spawn([&] { ++unstopped; });
          throw;
        }
      });
    }
    test::wait_until_blocked(scope, 20);
    scope.request_stop();
    scope.join();
    CHECK(unstopped == 0);
  }
}

TEST_CASE("a channel that a stop has closed is no normal end in a scope further in",
          "[task_scope][stress]") {
  const test::no_thread_left check;
  for (int round = 0; round < rounds(30); ++round) {
    auto ch = roost::make_channel<int>();
    std::atomic<bool> committed{false};
    roost::task_scope scope;
    scope.spawn([tx = std::move(ch.tx)] { roost::event().wait(); });
    scope.spawn([&] {
      roost::task_scope inner;
      inner.spawn([&] {
        for (const int item : ch.rx)
          (void)item;
      });
      inner.join();
      committed = true;
    });
    spawn_sleepers(scope);
    test::wait_until_waiting(ch.rx, 1);
    test::wait_until_blocked(scope, 21);
    scope.request_stop();
    scope.join();
    CHECK_FALSE(committed);
  }
}

TEST_CASE("a task that a stop has ended is no failure of who waits for it in a when_any",
          "[task_scope][stress]") {
  const test::no_thread_left check;
  for (int round = 0; round < rounds(30); ++round) {
    std::atomic<bool> waits{false};
    roost::task_scope scope;
    auto task = scope.spawn([] { roost::event().wait(); });
    scope.spawn([&] {
      roost::when_any([&] {
        waits = true;
        task.get();
      });
    });
    spawn_sleepers(scope);
    test::wait_until([&] { return waits && test::scope_probe::blocked_tasks(scope) >= 21; });
    scope.request_stop();
    CHECK(test::thrown_by([&] { scope.join(); }) == "nothing");
  }
}

TEST_CASE("a failure is told to the owner who waits in an inner scope for a task that it ended",
          "[task_scope][stress]") {
  const test::no_thread_left check;
  for (int round = 0; round < rounds(30); ++round) {
    CHECK(test::thrown_by([] {
            roost::task_scope scope;
            auto task = scope.spawn([] { roost::event().wait(); });
            spawn_sleepers(scope);
            test::wait_until_blocked(scope, 21);
            scope.spawn([] { throw std::runtime_error("the failure"); });
            const roost::task_scope inner;
            task.get();
          }) == "the failure");
  }
}

TEST_CASE("a deadline that drops a spawn that waits is told", "[task_scope][stress]") {
  const test::no_thread_left check;
  for (int round = 0; round < rounds(60); ++round) {
    const auto deadline = roost::clock::now() + std::chrono::milliseconds(3);
    const auto end = deadline - std::chrono::microseconds(round * 5);
    bool was_dropped = false;
    std::string told;
    {
      roost::task_scope scope(
          {.limit = 1, .backlog = 0, .deadline = deadline, .covers_owner = false});
      auto first = scope.spawn([&] {
        while (roost::clock::now() < end) {
        }
      });
      roost::task_scope others; // to tell them all takes the first one's thread long
      for (int i = 0; i < 30; ++i)
        others.spawn([&] { (void)first.wait_for(1h); });
      {
        const std::jthread outside(
            [&] { was_dropped = test::thrown_by([&] { scope.spawn([] {}).get(); }) == "stopped"; });
      }
      told = test::thrown_by([&] { scope.join(); });
    }
    CHECK((!was_dropped || told.find("the deadline") != std::string::npos));
  }
}

TEST_CASE("first causes are the same for all who ask", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  random_numbers random(1);
  for (int round = 0; round < rounds(300); ++round) {
    roost::event never;
    std::mutex mutex;
    std::vector<std::string> seen;
    roost::task_scope scope(
        {.timeout = std::chrono::microseconds(random.below(800)), .covers_owner = false});
    for (int i = 0; i < 2; ++i) {
      scope.spawn([&] {
        try {
          never.wait();
        } catch (const roost::stopped& s) {
          const std::lock_guard lock(mutex);
          seen.push_back(s.cause().message);
          throw;
        }
      });
    }
    scope.spawn([turns = random.below(3000)] {
      random_numbers mine(static_cast<std::uint64_t>(turns));
      test::dither(mine, turns + 1);
      throw std::runtime_error("a failure");
    });
    test::dither(random, 3000);
    scope.request_stop("a request");
    (void)test::exception_of([&] { scope.join(); });
    const std::string first = scope.cause().message;
    CHECK((first == "a failure" || first == "a request" || first == "the deadline passed"));
    for (const std::string& message : seen)
      CHECK(message == first);
  }
}

TEST_CASE("a stop races with objects that leave a shield and a token, and with the ends of those",
          "[background_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const int count = rounds(1500);
  test::lockstep step(4);
  struct shared_objects {
    std::optional<roost::background_scope> first;
    std::optional<roost::background_scope> second;
    std::unique_ptr<roost::task_scope> around;
  };
  shared_objects shared;
  int missed = 0;
  const auto ends = [&](std::optional<roost::background_scope>& object, std::uint64_t seed) {
    random_numbers mine(seed);
    for (int round = 0; round < count; ++round) {
      step.meet();
      test::dither(mine, 400);
      object.reset();
      step.meet();
    }
  };
  {
    const std::jthread one([&] { ends(shared.first, 2); });
    const std::jthread other([&] { ends(shared.second, 3); });
    const std::jthread stopper([&] {
      random_numbers mine(4);
      for (int round = 0; round < count; ++round) {
        step.meet();
        test::dither(mine, 400);
        shared.around->request_stop("everything");
        step.meet();
      }
    });
    random_numbers random(1);
    for (int round = 0; round < count; ++round) {
      std::stop_source token;
      std::optional<roost::background_scope> stays;
      shared.around = std::make_unique<roost::task_scope>();
      {
        const roost::stop_when when(token.get_token());
        shared.first.emplace();
        const roost::shield hides(1h);
        shared.second.emplace();
        if (random.one_in(2))
          stays.emplace();
        step.meet();
        test::dither(random, 400);
      }
      step.meet();
      missed += stays && !stays->stop_requested() ? 1 : 0;
      stays.reset();
      shared.around.reset();
    }
  }
  CHECK(missed == 0);
}
