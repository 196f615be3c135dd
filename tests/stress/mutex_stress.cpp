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
#include <memory>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using roost::mutex;
using test::random_numbers;
using test::rounds;

TEST_CASE("a mutex has one holder whoever gives up or fails or is stopped", "[mutex][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(200);
  mutex m("m");
  long changes = 0;             // guarded by m, and by nothing else
  std::atomic<long> locked = 0; // as many
  for (int round = 0; round < count; ++round) {
    roost::task_scope scope({.on_failure = [](const roost::failure&) {}});
    for (std::uint64_t task = 0; task < 4; ++task) {
      scope.spawn([&, task] {
        random_numbers random(static_cast<std::uint64_t>(round) * 10 + task);
        for (int turn = 0; turn < 100; ++turn) {
          std::unique_lock<mutex> held(m, std::defer_lock);
          if (random.one_in(3)) {
            (void)held.try_lock();
          } else if (random.one_in(2)) {
            (void)held.try_lock_for(std::chrono::microseconds(random.below(20)));
          } else {
            held.lock();
          }
          if (!held)
            continue;
          ++changes;
          ++locked;
          test::dither(random, 100);
          if (random.one_in(500))
            throw std::runtime_error("failed with it");
          if (random.one_in(4))
            held.unlock();
        }
      });
    }
    if (round % 2 == 0) {
      random_numbers random(static_cast<std::uint64_t>(round));
      const long enough = locked + random.below(200);
      test::wait_until([&] { return locked >= enough || scope.wait_for(0ns); });
      scope.request_stop();
    }
  }
  CHECK(changes == locked);
  CHECK(m.try_lock());
  m.unlock();
  CHECK(test::waiting(m) == 0);
}

TEST_CASE("a mutex may be destroyed by the last that unlocks it", "[mutex][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(3000);
  struct shared {
    mutex m;
    int users = 3;
  };
  std::atomic<shared*> current = nullptr;
  test::lockstep step(3);
  const auto use = [&](std::uint64_t stream) {
    random_numbers random(stream);
    for (int round = 0; round < count; ++round) {
      step.meet();
      shared* const s = current;
      test::dither(random, 300);
      bool last = false;
      {
        const mutex::guard held(s->m);
        test::dither(random, 300);
        last = --s->users == 0;
      }
      if (last)
        delete s; // NOLINT(cppcoreguidelines-owning-memory): that is what is tested
      step.meet();
    }
  };
  const std::jthread one([&] { use(1); });
  const std::jthread two([&] { use(2); });
  random_numbers random(3);
  for (int round = 0; round < count; ++round) {
    auto made = std::make_unique<shared>();
    shared* const s = current = made.release();
    step.meet();
    test::dither(random, 300);
    bool last = false;
    {
      const mutex::guard held(s->m);
      last = --s->users == 0;
    }
    if (last)
      delete s; // NOLINT(cppcoreguidelines-owning-memory): that is what is tested
    step.meet();
  }
}

TEST_CASE("a stop and an unlock that race leave the mutex with exactly one side",
          "[mutex][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(1000);
  mutex m;
  int wrong = 0;
  random_numbers random(5);
  for (int round = 0; round < count; ++round) {
    bool got = false;
    roost::task_scope scope;
    m.lock();
    scope.spawn([&] {
      const mutex::guard held(m);
      got = true;
    });
    if (random.one_in(2))
      test::wait_until_waiting(m, 1);
    if (random.one_in(20)) {
      const auto until = roost::clock::now() + 1ms;
      test::wait_until([&] { return roost::clock::now() >= until; });
    }
    scope.spawn([&] { scope.request_stop(); });
    test::dither(random, 3000);
    m.unlock();
    scope.join();
    wrong += m.try_lock() ? 0 : 1;
    m.unlock();
  }
  CHECK(wrong == 0);
  CHECK(test::waiting(m) == 0);
}

TEST_CASE("tasks that lock in any order are told of circles, and never hang", "[mutex][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(60);
  constexpr int mutexes = 4;
  std::atomic<int> told = 0;
  std::atomic<int> got = 0;
  for (int round = 0; round < count; ++round) {
    std::vector<mutex> all(mutexes);
    roost::task_scope scope;
    for (std::uint64_t task = 0; task < 4; ++task) {
      scope.spawn([&, task] {
        random_numbers random(static_cast<std::uint64_t>(round) * 10 + task);
        for (int turn = 0; turn < 50; ++turn) {
          const auto first = static_cast<std::size_t>(random.below(mutexes));
          const auto second = (first + 1 + static_cast<std::size_t>(random.below(mutexes - 1))) %
                              std::size_t{mutexes};
          try {
            const mutex::guard held(all[first]);
            test::dither(random, 2000);
            const mutex::guard both(all[second]);
            ++got;
          } catch (const std::system_error&) {
            ++told;
          }
        }
      });
    }
    scope.spawn([&] { (void)scope.report(); });
  }
  CHECK(got > 0);
  CHECK(got + told == count * 4 * 50);
}

TEST_CASE("tasks that lock in one order are never told of a circle", "[mutex][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(60);
  constexpr std::size_t mutexes = 4;
  for (int round = 0; round < count; ++round) {
    std::vector<mutex> all(mutexes);
    std::atomic<bool> over = false;
    std::size_t deadlocks = 0;
    roost::task_scope scope;
    auto watch = scope.spawn([&] {
      while (!over)
        deadlocks += scope.report().deadlocks.size();
    });
    roost::task_scope workers;
    for (std::uint64_t task = 0; task < 4; ++task) {
      workers.spawn([&, task] {
        random_numbers random(static_cast<std::uint64_t>(round) * 10 + task);
        for (int turn = 0; turn < 50; ++turn) {
          std::vector<std::unique_lock<mutex>> held;
          for (mutex& m : all) {
            if (random.one_in(2))
              held.emplace_back(m);
            test::dither(random, 200);
          }
        }
      });
    }
    CHECK_NOTHROW(workers.join());
    over = true;
    watch.get();
    CHECK(deadlocks == 0);
  }
}

TEST_CASE("a task that is stopped, and so about to unlock, closes no circle", "[mutex][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(20);
  constexpr std::size_t tasks = 50; // so many that the last take their time to awake
  int told = 0;
  for (int round = 0; round < count; ++round) {
    std::vector<mutex> all(tasks);
    mutex wanted;
    roost::task_scope scope({.covers_owner = false});
    const mutex::guard held(wanted);
    for (mutex& own : all) {
      scope.spawn([&] {
        const mutex::guard first(own);
        const mutex::guard second(wanted);
      });
    }
    test::wait_until_blocked(scope, tasks);
    scope.request_stop();
    for (std::size_t i = tasks; i > 0; --i) {
      try {
        const mutex::guard given_back_soon(all[i - 1]);
      } catch (const std::system_error&) {
        ++told;
      }
    }
    scope.join();
  }
  CHECK(told == 0);
}

TEST_CASE("one that waits gets the mutex although others never pause", "[mutex][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(50);
  mutex m;
  std::atomic<bool> done = false;
  {
    roost::task_scope scope;
    for (int task = 0; task < 3; ++task) {
      scope.spawn([&] {
        while (!done)
          const mutex::guard held(m);
      });
    }
    for (int turn = 0; turn < count; ++turn) {
      const mutex::guard held(m);
      if (turn % 10 == 0)
        std::this_thread::yield();
    }
    done = true;
  }
  CHECK(m.try_lock());
  m.unlock();
}
