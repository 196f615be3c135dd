// SPDX-License-Identifier: BSL-1.0

#include <roost/detail/threads/thread_pool.hpp>
#include <roost/detail/threads/timekeeper.hpp>
#include <roost/event.hpp>

#include "model/model.hpp"

#include <array>
#include <chrono>
#include <exception>
#include <memory>

namespace {

using namespace std::chrono_literals;
using roost::detail::job;
using roost::detail::thread_pool;
using roost::detail::timekeeper;
using roost::detail::timer;

// Longer than time lasts here: so a job whose thread is not woken is not found because an idle
// one's time is over.
constexpr auto no_end = 48h;

class work final : public job {
 public:
  void run_on_pool() noexcept override {
    ++runs;
    if (waits_for != nullptr)
      waits_for->wait();
    if (says_so_to != nullptr)
      says_so_to->expect_this_thread();
    done.set();
  }
  void fail_on_pool(const std::exception_ptr&) noexcept override {
    model::fail("a job has no thread");
  }

  int runs = 0;
  roost::event done;
  roost::event* waits_for = nullptr;
  thread_pool* says_so_to = nullptr; // before its end
};

MODEL_CASE("thread pool: a job, and the end", .complete_within = 20000) {
  work a;
  {
    thread_pool pool(no_end);
    pool.start(a);
    a.done.wait();
  }
  model::check(a.runs == 1, "a job has not run once");
}

MODEL_CASE("thread pool: a second job for a thread that comes free", .random_runs = 3000) {
  work a;
  work b;
  {
    thread_pool pool(no_end);
    pool.start(a);
    pool.start(b);
    a.done.wait();
    b.done.wait();
  }
  model::check(a.runs == 1 && b.runs == 1, "a job has not run once");
}

MODEL_CASE("thread pool: no job waits for another", .random_runs = 3000) {
  work a;
  work b;
  a.waits_for = &b.done;
  thread_pool pool(no_end);
  pool.start(a);
  pool.start(b);
  a.done.wait();
}

MODEL_CASE("thread pool: two start, where a thread is idle", .random_runs = 3000) {
  work first;
  work a;
  work b;
  thread_pool pool(no_end);
  pool.start(first);
  first.done.wait();
  model::together([&] { pool.start(a); }, [&] { pool.start(b); });
  a.done.wait();
  b.done.wait();
}

// The first thread counts as on its way, and takes the next job or wakes another one for it. Later
// it is idle, and counts no more.
MODEL_CASE("thread pool: jobs for a thread that is expected", .random_runs = 3000) {
  work first;
  std::array<work, 2> second;
  work last;
  thread_pool pool(no_end);
  first.says_so_to = second[0].says_so_to = &pool;
  second[0].waits_for = &second[1].done;
  pool.start(first);
  first.done.wait();
  for (work& each : second)
    pool.start(each);
  for (work& each : second)
    each.done.wait();
  pool.start(last);
  last.done.wait();
}

// Two are idle, and one may be woken at a time: it wakes the other, for which a job is there that
// its own waits for.
MODEL_CASE("thread pool: an idle thread that arrives wakes the next", .random_runs = 4000) {
  std::array<work, 2> first;
  std::array<work, 2> second;
  first[0].waits_for = &first[1].done;
  second[0].waits_for = &second[1].done;
  thread_pool pool(no_end, 1);
  for (auto* const jobs : {&first, &second}) {
    for (work& each : *jobs)
      pool.start(each);
    for (work& each : *jobs)
      each.done.wait();
  }
}

MODEL_CASE("thread pool: a job for an idle thread whose time is over",
           .times = 2,
           .random_runs = 3000) {
  work a;
  work b;
  thread_pool pool(1ms);
  pool.start(a);
  a.done.wait();
  pool.start(b);
  b.done.wait();
}

MODEL_CASE("thread pool: a fork is taken back, or run",
           .random_runs = 3000,
           .complete_within = 20000) {
  work a;
  a.is_fork = true;
  {
    thread_pool pool(no_end);
    pool.offer(a);
    if (pool.take_back(a))
      a.run_on_pool();
    a.done.wait();
  }
  model::check(a.runs == 1, "a job has not run once");
}

MODEL_CASE("thread pool: a fork gets a thread whatever its starter waits for",
           .times = 2,
           .random_runs = 3000) {
  work a;
  work b;
  a.is_fork = b.is_fork = true;
  thread_pool pool(no_end, 1, 0);
  pool.offer(a);
  pool.offer(b);
  b.done.wait();
  a.done.wait();
}

MODEL_CASE("thread pool: one processor", .random_runs = 3000, .processors = 1) {
  work a;
  work b;
  a.is_fork = true;
  thread_pool pool(no_end);
  pool.offer(a);
  pool.start(b);
  a.done.wait();
  b.done.wait();
}

// --- the timekeeper -----------------------------------------------------------------------

class alarm_clock final : public timer {
 public:
  int rings = 0;
  roost::event rang;

 private:
  void expired() noexcept override {
    ++rings;
    rang.set();
  }
};

MODEL_CASE("timekeeper: a time comes", .times = 2, .complete_within = 40000) {
  alarm_clock a;
  timekeeper keeper;
  keeper.add(a, roost::detail::sync::now() + 1ms);
  a.rang.wait();
}

MODEL_CASE("timekeeper: removed while it comes",
           .times = 2,
           .random_runs = 2000,
           .complete_within = 20000) {
  timekeeper keeper;
  auto a = std::make_unique<alarm_clock>();
  keeper.add(*a, roost::detail::sync::now() + 1ms);
  keeper.remove(*a);
  const int rings = a->rings;
  model::check(rings <= 1, "it rings twice");
  a.reset();
}

MODEL_CASE("timekeeper: an earlier one is added",
           .times = 0,
           .random_runs = 2000,
           .complete_within = 20000) {
  alarm_clock late;
  alarm_clock early;
  timekeeper keeper;
  keeper.add(late, roost::detail::sync::now() + 2h);
  keeper.add(early, roost::detail::sync::now() + 1ms);
  early.rang.wait();
  model::check(roost::detail::sync::now() < roost::clock::time_point(1min),
               "it waits for the later time");
  keeper.remove(late);
}

} // namespace
