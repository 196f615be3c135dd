// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

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

/// What a task finds of roost's own state on its thread.
struct surroundings {
  std::thread::id thread;
  std::string name;
  bool stopped = false;
  bool checkpoint_passed = false;
  roost::stop_reason reason{};
  roost::clock::time_point deadline;
  std::stop_token token;
  std::size_t layers = 0; // what is stacked on this thread, the task itself included

  static surroundings here() {
    surroundings s;
    s.thread = id_here();
    s.name = roost::this_task::name();
    s.stopped = roost::this_task::stop_requested();
    s.checkpoint_passed =
        test::thrown_by([] { roost::this_task::checkpoint(); }) == std::string("nothing");
    s.reason = roost::this_task::cause().reason;
    s.deadline = roost::this_task::deadline();
    s.token = roost::this_task::stop_token();
    for (auto* c = roost::detail::this_thread.top; c != nullptr; c = c->outer())
      ++s.layers;
    return s;
  }
};

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

TEST_CASE("the next task runs on the thread of one that has ended", "[thread_pool]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  const std::thread::id first = scope.spawn(id_here).get();
  CHECK(first != id_here());
  for (int i = 0; i < 100; ++i) {
    test::wait_until_idle(scope, 1);
    CHECK(scope.spawn(id_here).get() == first);
  }
}

TEST_CASE("a task that fails leaves its thread to the next one", "[thread_pool]") {
  const test::no_thread_left check;
  roost::task_scope scope({.on_failure = [](const roost::failure&) {}});
  std::thread::id first;
  scope.spawn([&] {
    first = id_here();
    throw std::runtime_error("fails");
  });
  test::wait_until_idle(scope, 1);
  CHECK(scope.spawn(id_here).get() == first);
}

TEST_CASE("a nested scope borrows threads of the outermost one and gives them back",
          "[thread_pool]") {
  const test::no_thread_left check;
  roost::task_scope outer;
  const std::thread::id first = outer.spawn(id_here).get();
  test::wait_until_idle(outer, 1);
  SECTION("made by the same owner") {
    {
      roost::task_scope inner;
      CHECK(inner.spawn(id_here).get() == first);
    }
    test::wait_until_idle(outer, 1);
    CHECK(outer.spawn(id_here).get() == first);
  }
  SECTION("made by a task") {
    std::thread::id of_inner;
    outer
        .spawn([&] { // takes that thread
          roost::task_scope inner;
          of_inner = inner.spawn(id_here).get();
        })
        .get();
    test::wait_until_idle(outer, 2);
    std::set<std::thread::id> both;
    test::gate together;
    auto one = outer.spawn([&] {
      together.pass();
      return id_here();
    });
    auto other = outer.spawn([&] {
      together.pass();
      return id_here();
    });
    together.wait_for_arrivals(2);
    together.open();
    both = {one.get(), other.get()};
    CHECK(both == std::set<std::thread::id>{first, of_inner});
  }
  SECTION("that does not inherit") {
    roost::task_scope inner({.inherit = false});
    CHECK(inner.spawn(id_here).get() == first);
  }
}

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
  roost::task_scope scope;
  for (const int tasks : {int{thread_pool::most_idle} + 20, 10}) {
    run_together(scope, tasks);
    test::wait_until(
        [&] { return test::pool_probe::idle_threads(scope) >= thread_pool::most_idle; });
    CHECK(test::threads_back_to(before + thread_pool::most_idle));
    CHECK(test::pool_probe::idle_threads(scope) == thread_pool::most_idle);
  }
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
  const std::size_t before = test::count_threads();
  constexpr int tasks = 6;
  test::gate meeting;
  std::atomic<int> first_uses{0};
  {
    roost::task_scope outer;
    {
      roost::task_scope inner;
      for (int i = 0; i < tasks; ++i) {
        inner.spawn([&] {
          first_uses += use_thread_local() == 1 ? 1 : 0;
          meeting.pass();
        });
      }
      meeting.wait_for_arrivals(tasks);
      meeting.open();
    }
    CHECK(living_thread_locals == tasks); // a nested scope ends no threads
    test::wait_until_idle(outer, tasks);
    CHECK(outer.spawn(use_thread_local).get() == 2); // as an earlier task has left it
    outer.join();
    CHECK(living_thread_locals == 0);
    CHECK(test::threads_back_to(before));
  }
  CHECK(first_uses == tasks);
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

TEST_CASE("a task finds nothing of the one before on its thread", "[thread_pool]") {
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  roost::task_scope scope({.on_failure = [](const roost::failure&) {}});
  std::thread::id thread;

  const auto then_by_task = [&](auto before) {
    scope.spawn("the one before", [&thread, before] {
      thread = id_here();
      before();
    });
  };
  SECTION("a nested scope was stopped") {
    then_by_task([] {
      roost::task_scope inner({.timeout = 1h});
      inner.request_stop("the inner one's");
    });
  }
  SECTION("a nested scope has stopped its task there") {
    roost::event never;
    roost::task_scope inner({.name = "inner", .timeout = 1h});
    inner.spawn("stopped", [&] {
      thread = id_here();
      never.wait();
    });
    test::wait_until_blocked(inner, 1);
    inner.request_stop();
    inner.join();
  }
  SECTION("a nested scope's task was not even begun") {
    roost::task_scope inner;
    thread = inner.spawn(id_here).get();
    inner.request_stop();
    inner.spawn([] {});
    inner.join();
  }
  SECTION("a stop_when has ended it") {
    std::stop_source source;
    source.request_stop();
    then_by_task([source] {
      const roost::stop_when when(source.get_token());
      roost::this_task::checkpoint();
    });
  }
  SECTION("it had a shield") {
    then_by_task([] {
      const roost::shield s(1h);
      roost::this_task::checkpoint();
    });
  }
  SECTION("it failed under a shield in a scope with a deadline") {
    then_by_task([] {
      const roost::task_scope inner({.timeout = 1h});
      const roost::shield s(1h);
      throw std::runtime_error("fails");
    });
  }
  SECTION("it was in a scope with a limit") {
    roost::task_scope inner({.limit = 1});
    inner.spawn("first", [&] { thread = id_here(); });
    inner.spawn("second", [&] { thread = id_here(); }).get();
    inner.join();
  }

  test::wait_until_idle(scope, 1);
  const surroundings found = scope.spawn(surroundings::here).get();
  CHECK(found.thread == thread);
  CHECK(found.name.empty());
  CHECK_FALSE(found.stopped);
  CHECK(found.checkpoint_passed);
  CHECK(found.reason == roost::stop_reason::none);
  CHECK(found.deadline == roost::clock::time_point::max());
  CHECK_FALSE(found.token.stop_requested());
  scope.request_stop();
  CHECK_FALSE(found.token.stop_requested()); // the task has ended
  CHECK(found.layers == 1);
}

TEST_CASE("a stop of a scope does not reach a task of another one on the same thread",
          "[thread_pool]") {
  const test::no_thread_left check;
  roost::event go;
  roost::task_scope scope;
  auto first = std::make_unique<roost::task_scope>();
  const std::thread::id thread = first->spawn(id_here).get();
  test::wait_until_idle(scope, 1);
  auto second = scope.spawn([&] {
    go.wait();
    return id_here();
  });
  test::wait_until_blocked(scope, 1);
  first->request_stop();
  first.reset();
  CHECK(test::scope_probe::blocked_tasks(scope) == 1);
  go.set();
  CHECK(second.get() == thread);
}
