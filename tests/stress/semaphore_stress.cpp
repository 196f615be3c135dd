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
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using roost::semaphore;
using test::random_numbers;
using test::rounds;

namespace {

// Counts the permits in use and remembers when they were too many.
class usage {
 public:
  explicit usage(std::size_t permits) : permits_(permits) {}

  void use(const semaphore::permit& p) noexcept {
    if ((inside_ += p.count()) > permits_)
      ++faults_;
    inside_ -= p.count();
  }
  int faults() const noexcept { return faults_; }

 private:
  const std::size_t permits_;
  std::atomic<std::size_t> inside_{0};
  std::atomic<int> faults_{0};
};

} // namespace

TEST_CASE("permits are conserved whoever gives up or fails or is stopped", "[semaphore][stress]") {
  ROOST_TEST_SHOW_SEED();
  constexpr std::size_t permits = 5;
  const int count = rounds(200);
  semaphore s(permits);
  usage book(permits);
  std::atomic<int> got = 0;
  for (int round = 0; round < count; ++round) {
    roost::task_scope scope({.on_failure = [](const roost::failure&) {}});
    for (std::uint64_t task = 0; task < 4; ++task) {
      scope.spawn([&, task] {
        random_numbers random(static_cast<std::uint64_t>(round) * 10 + task);
        for (int turn = 0; turn < 100; ++turn) {
          const auto wanted = static_cast<std::size_t>(random.below(int{permits} + 1));
          std::optional<semaphore::permit> p;
          if (random.one_in(3)) {
            p = s.try_acquire(wanted);
          } else if (random.one_in(2)) {
            p = s.acquire_for(std::chrono::microseconds(random.below(20)), wanted);
          } else {
            p = s.acquire(wanted);
          }
          if (!p)
            continue;
          ++got;
          book.use(*p);
          test::dither(random, 100);
          if (random.one_in(500))
            throw std::runtime_error("failed with permits");
          if (random.one_in(4))
            p->release();
        }
      });
    }
    if (round % 2 == 0) {
      random_numbers random(static_cast<std::uint64_t>(round));
      const int enough = got + random.below(200);
      test::wait_until([&] { return got >= enough || scope.wait_for(0ns); });
      scope.request_stop();
    }
  }
  CHECK(book.faults() == 0);
  CHECK(s.available() == permits);
  CHECK(test::waiting(s) == 0);
  CHECK(got > 0);
}

TEST_CASE("a timed acquire and a release that race leave the permit with exactly one side",
          "[semaphore][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(3000);
  semaphore s(1);
  test::lockstep step(2);
  std::optional<semaphore::permit> held; // handed over while both meet
  std::atomic<bool> over = false;        // the acquire of this round
  int wrong = 0;
  int got = 0;
  {
    const std::jthread holder([&] {
      random_numbers random(2);
      for (int round = 0; round < count; ++round) {
        step.meet();
        if (random.one_in(2))
          test::wait_until([&] { return over || test::waiting(s) == 1; });
        test::dither(random, 50'000);
        held.reset();
        step.meet();
      }
    });
    random_numbers random(1);
    for (int round = 0; round < count; ++round) {
      held = s.try_acquire();
      wrong += !held;
      over = false;
      step.meet();
      const auto mine = s.acquire_for(std::chrono::microseconds(random.below(100)));
      over = true;
      step.meet();
      got += mine.has_value();
      wrong += s.available() != (mine ? 0U : 1U);
    }
  }
  CHECK(wrong == 0);
  CHECK(s.available() == 1);
  CHECK(test::waiting(s) == 0);
  CAPTURE(got, count);
}

TEST_CASE("a stop and a release that race leave the permit with exactly one side",
          "[semaphore][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(1500);
  semaphore s(1);
  test::lockstep step(2);
  std::optional<semaphore::permit> held; // handed over while both meet
  int wrong = 0;
  {
    const std::jthread holder([&] {
      random_numbers random(4);
      for (int round = 0; round < count; ++round) {
        step.meet();
        test::dither(random, 400);
        held.reset();
        step.meet();
      }
    });
    random_numbers random(3);
    for (int round = 0; round < count; ++round) {
      held = s.try_acquire();
      wrong += !held;
      std::optional<semaphore::permit> got;
      {
        roost::task_scope scope;
        scope.spawn([&] { got = s.acquire(); });
        if (random.one_in(2))
          test::wait_until_waiting(s, 1);
        step.meet();
        test::dither(random, 400);
        scope.request_stop();
        scope.join();
      }
      step.meet();
      wrong += s.available() != (got ? 0U : 1U);
    }
  }
  CHECK(wrong == 0);
  CHECK(test::waiting(s) == 0);
}

TEST_CASE("the small ones behind a large one that gives up go on without any release",
          "[semaphore][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(1500);
  semaphore s(4);
  const auto held = s.acquire(); // for the whole test: nobody ever gets all four
  test::lockstep step(3);
  std::atomic<int> large = 0;
  std::atomic<int> small = 0;
  {
    const std::jthread wants_all([&] {
      random_numbers random(5);
      for (int round = 0; round < count; ++round) {
        step.meet();
        large += s.acquire_for(std::chrono::microseconds(random.below(10)), 4).has_value();
      }
    });
    const auto wants_few = [&](std::uint64_t stream) {
      random_numbers random(stream);
      for (int round = 0; round < count; ++round) {
        step.meet();
        test::dither(random, 400);
        const auto p = s.acquire(1 + static_cast<std::size_t>(random.below(3)));
        ++small;
      }
    };
    const std::jthread other([&] { wants_few(6); });
    wants_few(7);
  }
  CHECK(large == 0);
  CHECK(small == 2 * count);
  CHECK(s.available() == 3);
}

TEST_CASE("one that wants all permits gets them although others never pause",
          "[semaphore][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(200);
  constexpr std::size_t permits = 3;
  semaphore s(permits);
  usage book(permits);
  std::atomic<bool> done = false;
  std::atomic<int> others = 0;
  {
    roost::task_scope scope;
    for (std::uint64_t task = 0; task < 4; ++task) {
      scope.spawn([&, task] {
        random_numbers random(20 + task);
        while (!done) {
          const auto p = s.acquire();
          book.use(p);
          ++others;
          test::dither(random, 200);
        }
      });
    }
    test::wait_until([&] { return others > 100; });
    for (int turn = 0; turn < count; ++turn) {
      const auto p = s.acquire(permits);
      book.use(p);
    }
    done = true;
  }
  CHECK(book.faults() == 0);
  CHECK(s.available() == permits);
}
