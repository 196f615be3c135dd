// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/threads/thread_pool.hpp>

#include "support/catch.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using roost::detail::thread_pool;
using test::random_numbers;
using test::rounds;

namespace {

struct countdown final : roost::detail::job {
  void run_on_pool() noexcept override { --*left; } // the last touch
  void fail_on_pool(const std::exception_ptr&) noexcept override { --*left; }

  std::atomic<int>* left = nullptr;
};

} // namespace

TEST_CASE("a job finds a thread when the idle one is about to give up", "[thread_pool][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const auto idle_time = GENERATE(as<roost::clock::duration>(), 0us, 5us, 20us);
  random_numbers random(1);
  thread_pool threads(idle_time);
  for (int i = 0; i < rounds(5000); ++i) {
    std::atomic<int> left = 1;
    countdown one;
    one.left = &left;
    threads.start(one);
    test::wait_until([&] { return left == 0; });
    test::dither(random, idle_time == 0us ? 800 : 5000);
  }
}

TEST_CASE("every job finds a thread while idle ones are called, give up or are sent away",
          "[thread_pool][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const auto idle_time = GENERATE(as<roost::clock::duration>(), 0us, 20us, 1h);
  const bool dismisses = GENERATE(false, true);
  const int count = rounds(200);
  for (int pools = 0; pools < 3; ++pools) {
    thread_pool threads(idle_time);
    const auto start_jobs = [&](std::uint64_t stream, bool sends_away) {
      random_numbers random(stream);
      std::array<countdown, 4> jobs;
      for (int i = 0; i < count; ++i) {
        if (sends_away && i == count / 2)
          threads.dismiss_idle();
        const bool waits = random.one_in(8);
        if (waits)
          threads.begin_absence();
        std::atomic<int> left = static_cast<int>(jobs.size());
        for (countdown& j : jobs) {
          j.left = &left;
          j.is_fork = random.one_in(2);
          if (j.is_fork && !random.one_in(4))
            threads.offer(j);
          else
            threads.start(j);
          test::dither(random, 2000);
          if (random.one_in(4) && threads.take_back(j))
            j.run_on_pool();
        }
        test::wait_until([&] { return left == 0; });
        if (waits)
          threads.end_absence();
      }
    };
    const std::jthread other([&] { start_jobs(static_cast<std::uint64_t>(2 * pools), false); });
    start_jobs(static_cast<std::uint64_t>(2 * pools + 1), dismisses);
  }
}

TEST_CASE("threads that come free race with tasks that need one", "[thread_pool][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  roost::task_scope scope;
  random_numbers random(1);
  for (int round = 0; round < rounds(2000); ++round) {
    // Were one of them to wait for another's thread, it would be for ever.
    roost::event meeting;
    std::atomic<int> missing{1 + random.below(4)};
    const int tasks = missing;
    for (int i = 0; i < tasks; ++i) {
      scope.spawn([&] {
        if (--missing == 0)
          meeting.set();
        meeting.wait();
      });
      test::dither(random, 100);
    }
    if (random.one_in(2)) {
      (void)scope.wait_for(1h);
    } else {
      meeting.wait();
      (void)scope.wait_for(1h); // what they use goes
    }
  }
  scope.join();
}

TEST_CASE("idle threads that exit race with jobs that come", "[thread_pool][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  struct counting_job final : roost::detail::job {
    std::atomic<int>* done = nullptr;
    void run_on_pool() noexcept override { ++*done; }
    void fail_on_pool(const std::exception_ptr&) noexcept override {} // none is offered
  };
  random_numbers random(1);
  std::atomic<int> done{0};
  std::vector<counting_job> jobs(4);
  for (counting_job& j : jobs)
    j.done = &done;
  for (int time = 0; time < 4; ++time) {
    roost::detail::thread_pool threads(std::chrono::microseconds(5 * time));
    for (int round = 0; round < rounds(500); ++round) {
      done = 0;
      for (counting_job& j : jobs) {
        threads.start(j);
        test::dither(random, 2000);
      }
      test::wait_until([&] { return done == static_cast<int>(jobs.size()); });
    }
    if (random.one_in(2))
      threads.dismiss_idle();
  }
}
