// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <thread>

using namespace std::chrono_literals;
using roost::detail::thread_pool;

namespace {

struct fork_job final : roost::detail::job {
  fork_job() { is_fork = true; }

  void run_on_pool() noexcept override { go.pass(); }
  void fail_on_pool(const std::exception_ptr&) noexcept override {}

  test::gate go;
};

/// One that ends at once. Its last touch is of what outlives it.
struct brief_fork final : roost::detail::job {
  explicit brief_fork(std::atomic<int>& count) : ended(count) { is_fork = true; }

  void run_on_pool() noexcept override { ++ended; }
  void fail_on_pool(const std::exception_ptr&) noexcept override {}

  std::atomic<int>& ended;
};

/// One that is known to roost to run, for as long as it lives. It ends before the thread pool.
class fork_at_work {
 public:
  explicit fork_at_work(thread_pool& threads) {
    threads.start(job_);
    job_.go.wait_for_arrivals(1);
  }
  void end() { job_.go.open(); }

 private:
  fork_job job_;
};

template <class Forks>
void run_together(Forks& forks) {
  for (fork_job& f : forks)
    f.go.wait_for_arrivals(1);
  for (fork_job& f : forks)
    f.go.open();
}

} // namespace

TEST_CASE("every fork gets a thread though none of them ends", "[thread_pool]") {
  const test::no_thread_left check;
  const auto helpers = GENERATE(as<std::size_t>(), 0, 1, 2);
  std::array<fork_job, 7> forks;
  std::array<fork_job, 7> again; // with threads that are idle
  thread_pool threads(1h, 1, helpers);
  for (fork_job& f : forks)
    threads.offer(f);
  run_together(forks);
  test::wait_until([&] { return test::pool_probe::idle_threads(threads) != 0; });
  for (fork_job& f : again)
    threads.offer(f);
  run_together(again);
}

TEST_CASE("every fork gets a thread of a thread pool that keeps no idle ones", "[thread_pool]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  std::array<fork_job, 5> forks;
  thread_pool threads(1h, 1, 0);
  SECTION("it is dismissed before") {
    threads.dismiss_idle();
    for (fork_job& f : forks)
      threads.offer(f);
  }
  SECTION("it is dismissed while they are ready") {
    for (fork_job& f : forks)
      threads.offer(f);
    threads.dismiss_idle();
  }
  run_together(forks);
  CHECK(test::threads_back_to(before));
}

TEST_CASE("every fork gets a thread though others end all the time", "[thread_pool]") {
  const test::no_thread_left check;
  std::array<fork_job, 3> forks;
  std::atomic<bool> ended{false};
  thread_pool threads(1h, 1, 0);
  for (fork_job& f : forks)
    threads.offer(f);
  std::atomic<int> others_run{0};
  const std::jthread others([&] {
    for (int taken = 0; !ended;) {
      brief_fork other(others_run);
      threads.offer(other);
      if (!threads.take_back(other))
        test::wait_until([&, wanted = ++taken] { return others_run == wanted; });
    }
  });
  run_together(forks);
  ended = true;
}

TEST_CASE("a fork that is taken back gets no thread", "[thread_pool]") {
  const test::no_thread_left check;
  fork_job taken_back;
  fork_job other;
  other.go.open();
  thread_pool threads(1h, 1, 0);
  threads.offer(taken_back);
  threads.offer(other);
  const bool back = threads.take_back(taken_back); // unless a thread was very fast
  if (!back) {
    taken_back.go.wait_for_arrivals(1);
    taken_back.go.open();
  }
  other.go.wait_for_arrivals(1);
  CHECK(taken_back.go.arrivals() == (back ? 0 : 1));
  CHECK_FALSE(threads.take_back(other));
}

TEST_CASE("a fork gets a thread at once only while a processor is free for it", "[thread_pool]") {
  const test::no_thread_left check;
  using test::pool_probe;
  thread_pool one_helper(1h, 1, 1);
  thread_pool none(1h, 1, 0);
  CHECK(pool_probe::gives_fork_a_thread_at_once(one_helper));
  CHECK_FALSE(pool_probe::gives_fork_a_thread_at_once(none));

  fork_at_work busy(one_helper);
  CHECK_FALSE(pool_probe::gives_fork_a_thread_at_once(one_helper));
  one_helper.begin_absence();
  CHECK(pool_probe::gives_fork_a_thread_at_once(one_helper));
  one_helper.end_absence();
  CHECK_FALSE(pool_probe::gives_fork_a_thread_at_once(one_helper));
  busy.end();
  test::wait_until([&] { return pool_probe::gives_fork_a_thread_at_once(one_helper); });
}

TEST_CASE("the thread that looks out for forks counts for other jobs, too", "[thread_pool]") {
  const test::no_thread_left check;
  std::atomic<int> run{0};
  thread_pool threads(1h, 1, 0);
  std::optional<bool> counts;
  for (int wanted = 1; !counts; ++wanted) { // it is there for short times
    brief_fork fork(run);
    threads.offer(fork);
    while (!counts && run != wanted)
      counts = test::pool_probe::lookout_is_there_for_jobs(threads);
    test::wait_until([&] { return run == wanted; });
  }
  CHECK(*counts);
}

TEST_CASE("jobs and forks that come together all get threads", "[thread_pool]") {
  const test::no_thread_left check;
  for (int round = 0; round < 100; ++round) {
    std::array<fork_job, 4> jobs;
    thread_pool threads(1h, 1, 0);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      jobs[i].is_fork = i % 2 == 0;
      if (jobs[i].is_fork)
        threads.offer(jobs[i]);
      else
        threads.start(jobs[i]);
    }
    run_together(jobs);
  }
}

TEST_CASE("the thread that looks out for forks exits when there are none for a while",
          "[thread_pool]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  fork_job fork;
  fork.go.open();
  thread_pool threads(1ms, 1, 0);
  threads.offer(fork);
  fork.go.wait_for_arrivals(1);
  CHECK(test::threads_back_to(before));
}
