// SPDX-License-Identifier: BSL-1.0

#include <roost/channel.hpp>
#include <roost/detail/scope/block_cache.hpp>
#include <roost/event.hpp>
#include <roost/report.hpp>
#include <roost/shield.hpp>
#include <roost/task_handle.hpp>
#include <roost/task_scope.hpp>
#include <roost/wait_group.hpp>
#include <roost/when_all.hpp>

#include "model/model.hpp"

#include <chrono>
#include <cstddef>
#include <stdexcept>

namespace {

using namespace std::chrono_literals;

MODEL_CASE("scope: its end against the end of its task") {
  int done = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] { done = 1; });
  }
  model::check(done == 1, "the task has not run, or its work is not there");
}

MODEL_CASE("scope: two tasks", .random_runs = 2000) {
  int a = 0;
  int b = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] { a = 1; });
    scope.spawn([&] { b = 1; });
  }
  model::check(a + b == 2, "a task has not run");
}

MODEL_CASE("scope: a task spawns the next", .random_runs = 2000) {
  int done = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] { scope.spawn([&] { done = 1; }); });
  }
  model::check(done == 1, "a task has not run");
}

MODEL_CASE("scope: a result") {
  roost::task_scope scope;
  auto handle = scope.spawn([] { return 7; });
  model::check(handle.get() == 7, "the result is not there");
}

MODEL_CASE("scope: a failure stops the others, and comes out", .random_runs = 2000) {
  roost::event never_set;
  bool caught = false;
  bool stopped = false;
  try {
    roost::task_scope scope;
    scope.spawn([&] {
      try {
        never_set.wait();
      } catch (const roost::stopped&) {
        stopped = true;
        throw;
      }
    });
    scope.spawn([] { throw std::runtime_error("x"); });
    scope.join();
  } catch (const std::runtime_error&) {
    caught = true;
  }
  model::check(caught, "the failure does not come out");
  (void)stopped; // the task may be dropped before it runs
}

MODEL_CASE("scope: a stop against its end", .random_runs = 2000) {
  roost::task_scope scope;
  scope.spawn([&] { scope.request_stop(); });
  scope.join();
}

MODEL_CASE("scope: a stop of what waits in it", .random_runs = 2000) {
  roost::event never_set;
  {
    roost::task_scope scope;
    scope.spawn([&] { never_set.wait(); });
    scope.request_stop();
    scope.join();
  }
}

MODEL_CASE("scope: its deadline against its end", .times = 2, .random_runs = 2000) {
  try {
    roost::task_scope scope({.timeout = 1ms});
    scope.spawn([] {});
    scope.join();
  } catch (const roost::timeout_error&) { // if it came first
  }
}

MODEL_CASE("scope: its deadline ends a wait", .times = 2, .random_runs = 2000) {
  roost::event never_set;
  bool late = false;
  try {
    roost::task_scope scope({.timeout = 1ms});
    scope.spawn([&] { never_set.wait(); });
    scope.join();
  } catch (const roost::timeout_error&) {
    late = true;
  }
  model::check(late, "the deadline does not come out");
}

MODEL_CASE("scope: a scope inside a task, while the outer one stops", .random_runs = 3000) {
  roost::event never_set;
  {
    roost::task_scope outer;
    outer.spawn([&] {
      roost::task_scope inner;
      inner.spawn([&] { never_set.wait(); });
      inner.join();
    });
    outer.request_stop();
    outer.join();
  }
}

MODEL_CASE("scope: a task is stopped alone", .random_runs = 2000) {
  roost::event never_set;
  roost::task_scope scope;
  auto handle = scope.spawn([&] { never_set.wait(); });
  handle.request_stop();
  scope.join();
}

MODEL_CASE("scope: a task is stopped alone while it makes a scope", .random_runs = 3000) {
  roost::event never_set;
  roost::task_scope scope;
  auto handle = scope.spawn([&] {
    roost::task_scope inner;
    never_set.wait();
  });
  handle.request_stop();
  scope.join();
}

// --- limits: queue, spawn buffer --------------------------------------------------------

MODEL_CASE("spawn buffer: spawns against the worker that leaves", .random_runs = 4000) {
  int done = 0;
  {
    roost::task_scope scope({.limit = 1});
    for (int i = 0; i < 3; ++i)
      scope.spawn([&] { ++done; });
  }
  model::check(done == 3, "a task has not run");
}

MODEL_CASE("spawn buffer: two spawn", .random_runs = 3000) {
  int done = 0;
  {
    roost::task_scope scope({.limit = 1});
    const auto spawn = [&] { scope.spawn([&] { ++done; }); };
    model::together(
        [&] {
          spawn();
          spawn();
        },
        [&] {
          spawn();
          spawn();
        });
  }
  model::check(done == 4, "a task has not run");
}

MODEL_CASE("spawn buffer: a spawn that waits for a place", .random_runs = 3000) {
  int done = 0;
  {
    roost::task_scope scope({.limit = 1, .backlog = 1});
    for (int i = 0; i < 4; ++i)
      scope.spawn([&] { ++done; });
  }
  model::check(done == 4, "a task has not run");
}

MODEL_CASE("spawn buffer: a stop while tasks are queued", .random_runs = 3000) {
  roost::task_scope scope({.limit = 1, .backlog = 1});
  model::together(
      [&] {
        try {
          for (int i = 0; i < 3; ++i)
            scope.spawn([] {});
        } catch (const roost::stopped&) { // its wait for a place
        }
      },
      [&] { scope.request_stop(); });
  scope.join();
}

// The task that runs ends when the spawn has: so nothing but the stop can wake that one.
MODEL_CASE("spawn buffer: a deadline while a spawn waits for a place",
           .times = 2,
           .random_runs = 3000) {
  roost::event ready;
  try {
    roost::task_scope scope({.limit = 1, .backlog = 0, .timeout = 1ms});
    scope.spawn([&] {
      const roost::shield under(roost::detail::no_timeout);
      ready.wait();
    });
    model::together([] {},
                    [&] {
                      scope.spawn([] {});
                      ready.set();
                    });
    scope.join();
  } catch (const roost::timeout_error&) { // as it must
  }
}

MODEL_CASE("spawn buffer: two workers", .random_runs = 3000) {
  roost::detail::sync::atomic<int> done{0};
  {
    roost::task_scope scope({.limit = 2});
    for (int i = 0; i < 4; ++i)
      scope.spawn([&] { done.fetch_add(1, std::memory_order_relaxed); }); // relaxed: a count
  }
  model::check(done.load() == 4, "a task has not run");
}

// --- memory of tasks -----------------------------------------------------------------

MODEL_CASE("block cache: taken here, put back there", .complete_within = 40000) {
  roost::detail::block_cache cache;
  constexpr std::size_t size = 300;
  void* const first = cache.take(size);
  model::together(
      [&] {
        auto* const number = static_cast<int*>(cache.take(size));
        *number = 1;
        auto* const other = static_cast<int*>(cache.take(size));
        *other = 2;
        model::check(*number == 1, "two have the same block");
        ::operator delete(number);
        ::operator delete(other);
      },
      [&] {
        *static_cast<int*>(first) = 3;
        roost::detail::block_cache::returns(cache).put(first, size);
      },
      [&] {
        void* const mine = cache.take(size);
        roost::detail::block_cache::returns(cache).put(mine, size);
      });
}

// --- joint tasks ------------------------------------------------------------------------

MODEL_CASE("when_all: two, nested", .random_runs = 3000) {
  int a = 0;
  int b = 0;
  int c = 0;
  roost::when_all([&] { a = 1; }, [&] { roost::when_all([&] { b = 1; }, [&] { c = 1; }); });
  model::check(a + b + c == 3, "a part has not run");
}

MODEL_CASE("wait_group: tokens of tasks", .random_runs = 2000) {
  int done = 0;
  roost::task_scope scope;
  {
    roost::wait_group group;
    group.spawn(scope, [&] { done = 1; });
    group.wait();
    model::check(done == 1, "what was done is not there");
  }
}

// --- reports ------------------------------------------------------------------------------

MODEL_CASE("report: of tasks that block, end and are stopped", .random_runs = 3000) {
  auto [tx, rx] = roost::make_channel<int>();
  roost::task_scope scope;
  scope.spawn([&rx = rx] { (void)rx.receive_for(1ms); });
  model::together([&] { (void)scope.report(); }, [&] { scope.request_stop(); });
  scope.join();
}

} // namespace
