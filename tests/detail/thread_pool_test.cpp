// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"
#include "support/virtual_time.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>

using namespace std::chrono_literals;
using roost::detail::thread_pool;

namespace {

std::thread::id id_here() {
  return std::this_thread::get_id();
}

/// Runs `count` tasks that all have to run at once to end.
void run_together(roost::task_scope& scope, int count) {
  test::gate meeting;
  for (int i = 0; i < count; ++i)
    scope.spawn([&] { meeting.pass(); });
  meeting.wait_for_arrivals(count);
  meeting.open();
  (void)scope.wait_for(1h); // the gate is to outlive them
}

struct counting_job final : roost::detail::job {
  void run_on_pool() noexcept override {
    thread = id_here();
    go.pass();
  }
  void fail_on_pool(const std::exception_ptr&) noexcept override { go.pass(); }
  std::thread::id thread; // read after the thread has gone or is idle
  test::gate go;
};

std::atomic<int> living_thread_locals{0};

struct counted_thread_local {
  counted_thread_local() { ++living_thread_locals; }
  counted_thread_local(const counted_thread_local&) = delete;
  counted_thread_local& operator=(const counted_thread_local&) = delete;
  ~counted_thread_local() { --living_thread_locals; }
  int uses = 0;
};

int use_thread_local() {
  thread_local counted_thread_local mine;
  return ++mine.uses;
}

} // namespace

TEST_CASE("no task waits for another one, right after a burst of others either", "[thread_pool]") {
  const test::no_thread_left check;
  const int tasks = GENERATE(1, 2, 5, int{thread_pool::most_idle} + 6);
  const int rounds = tasks > 10 ? 10 : 100;
  roost::task_scope scope;
  for (int round = 0; round < rounds; ++round)
    run_together(scope, 1 + (tasks * (round % 4)) / 3);
}

TEST_CASE("tasks that follow each other at once are not kept waiting by the threads that come free",
          "[thread_pool]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  for (int round = 0; round < 200; ++round) {
    // Threads that come free may be given the next tasks, but not more tasks than there are
    // threads.
    for (int i = 0; i < 3; ++i)
      scope.spawn([] {});
    run_together(scope, 2);
  }
}

TEST_CASE("a bounded number of idle threads is kept", "[thread_pool]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  std::array<counting_job, thread_pool::most_idle + 20> many;
  std::array<counting_job, 10> few;
  thread_pool threads(1h);
  const auto run_at_once = [&](auto& jobs) {
    for (counting_job& j : jobs)
      threads.start(j);
    for (counting_job& j : jobs)
      j.go.wait_for_arrivals(1);
    for (counting_job& j : jobs)
      j.go.open();
    test::wait_until(
        [&] { return test::pool_probe::idle_threads(threads) >= thread_pool::most_idle; });
    CHECK(test::threads_back_to(before + thread_pool::most_idle));
    CHECK(test::pool_probe::idle_threads(threads) == thread_pool::most_idle);
  };
  run_at_once(many);
  run_at_once(few);
}

TEST_CASE("idle threads exit after a while and new ones come when they are needed",
          "[thread_pool]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  std::array<counting_job, 3> jobs;
  std::array<counting_job, 2> later;
  thread_pool threads(1ms);
  for (counting_job& j : jobs)
    threads.start(j);
  for (counting_job& j : jobs)
    j.go.wait_for_arrivals(1);
  CHECK((!test::can_count_threads() || test::count_threads() == before + jobs.size()));
  for (counting_job& j : jobs)
    j.go.open();
  CHECK(test::threads_back_to(before));
  // There are none by now, but where threads cannot be counted.
  test::wait_until([&] { return test::pool_probe::idle_threads(threads) == 0; });

  for (counting_job& j : later) {
    threads.start(j);
    j.go.wait_for_arrivals(1);
    j.go.open();
  }
  CHECK(test::threads_back_to(before));
}

TEST_CASE("no more threads are woken at once than can run, and all jobs run at once all the same",
          "[thread_pool]") {
  const test::no_thread_left check;
  const auto woken_at_once = GENERATE(as<std::size_t>(), 1, 2, 3);
  std::array<counting_job, 4> first;
  std::array<counting_job, 4> jobs;
  thread_pool threads(1h, woken_at_once);
  for (counting_job& j : first)
    threads.start(j);
  for (counting_job& j : first) {
    j.go.wait_for_arrivals(1);
    j.go.open();
  }
  test::wait_until([&] { return test::pool_probe::idle_threads(threads) == first.size(); });
  CHECK(test::pool_probe::start_together(threads, jobs) == woken_at_once);
  for (counting_job& j : jobs)
    j.go.wait_for_arrivals(1);
  for (counting_job& j : jobs)
    j.go.open();
}

TEST_CASE("a thread pool that is dismissed keeps no idle thread but still runs jobs",
          "[thread_pool]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  counting_job first;
  counting_job during;
  counting_job after;
  thread_pool threads(1h);
  first.go.open();
  threads.start(first);
  test::wait_until([&] { return test::pool_probe::idle_threads(threads) == 1; });
  threads.start(during);
  during.go.wait_for_arrivals(1);
  CHECK(during.thread == first.thread);
  threads.dismiss_idle();
  after.go.open();
  threads.start(after);
  after.go.wait_for_arrivals(1);
  CHECK(test::threads_back_to(before + 1));
  during.go.open();
  CHECK(test::threads_back_to(before));
}

TEST_CASE("a job that comes when the idle thread is sent away is not lost", "[thread_pool]") {
  const test::no_thread_left check;
  for (int round = 0; round < 200; ++round) {
    counting_job first;
    counting_job second;
    thread_pool threads(1h);
    first.go.open();
    second.go.open();
    threads.start(first);
    test::wait_until([&] { return test::pool_probe::idle_threads(threads) == 1; });
    threads.dismiss_idle();
    threads.start(second);
    second.go.wait_for_arrivals(1);
  }
}

TEST_CASE("no thread is left and all thread_locals are gone after the outermost scope",
          "[thread_pool]") {
  const test::no_thread_left check;
  constexpr int threads = 7;
  test::gate meeting;
  std::atomic<int> first_uses{0};
  const auto use = [&] { first_uses += use_thread_local() == 1 ? 1 : 0; };
  test::bubble([&] { // there idle threads do not exit after a while
    const std::size_t before = test::count_threads();
    roost::task_scope outer({.covers_owner = false}); // outermost: not of the bubble's own tree
    auto nested = outer.spawn([&] {
      use();
      roost::task_scope inner;
      for (int i = 1; i < threads; ++i) {
        inner.spawn([&] {
          use();
          meeting.pass();
        });
      }
      meeting.wait_for_arrivals(threads - 1);
      meeting.open();
    });
    nested.get();
    CHECK(living_thread_locals == threads); // a nested scope ends no threads
    test::wait_until_idle(outer, threads);
    CHECK(outer.spawn(use_thread_local).get() == 2); // as an earlier task has left it
    outer.join();
    CHECK(living_thread_locals == 0);
    CHECK(test::threads_back_to(before));
  });
  CHECK(first_uses == threads);
}

TEST_CASE("a thread_local's destructor may use a scope of its own and is in no task",
          "[thread_pool][thread_exit]") {
  const test::no_thread_left check;
  static std::atomic<int> ran{0};
  static std::atomic<bool> in_no_task{false};
  ran = 0;
  in_no_task = false;
  struct at_thread_end {
    // NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
    ~at_thread_end() {
      in_no_task = roost::detail::this_thread.task == nullptr &&
                   !roost::this_task::stop_token().stop_possible();
      roost::task_scope scope;
      scope.spawn([] { ++ran; });
    }
    bool used = false;
  };
  {
    roost::task_scope scope;
    scope.spawn("uses it", [] {
      thread_local at_thread_end mine;
      mine.used = true;
    });
  }
  CHECK(ran == 1);
  CHECK(in_no_task);
}

TEST_CASE("a scope that outlives the outermost one around still has threads", "[thread_pool]") {
  const test::no_thread_left check;
  std::unique_ptr<roost::task_scope> inner;
  test::gate held;
  {
    roost::task_scope outer;
    outer.spawn([&] {
      inner = std::make_unique<roost::task_scope>(roost::scope_options{.covers_owner = false});
      inner->spawn([&] { held.pass(); });
    });
    outer.join(); // the inner one's task does not hold it up
  }
  held.wait_for_arrivals(1);
  test::gate meeting;
  for (int i = 0; i < 3; ++i)
    inner->spawn([&] { meeting.pass(); });
  meeting.wait_for_arrivals(3);
  meeting.open();
  held.open();
  CHECK_FALSE(inner->stop_requested());
  CHECK(inner->spawn([] { return 7; }).get() == 7);
  inner.reset();
}

TEST_CASE("a scope that outlives the outermost one ends with its threads", "[thread_pool]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  std::unique_ptr<roost::task_scope> inner;
  {
    roost::task_scope outer;
    outer
        .spawn([&] {
          inner = std::make_unique<roost::task_scope>(
              roost::scope_options{.timeout = 1h, .covers_owner = false});
        })
        .get();
  }
  CHECK(inner->spawn(use_thread_local).get() == 1);
  inner->join();
  CHECK(test::threads_back_to(before));
  CHECK(living_thread_locals == 0);
}
