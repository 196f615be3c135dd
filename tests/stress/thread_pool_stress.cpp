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
#include <thread>

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
