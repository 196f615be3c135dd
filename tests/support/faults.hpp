// SPDX-License-Identifier: BSL-1.0
#pragma once

// Lets the n-th allocation, or the n-th thread, of a whole operation fail, in any of its threads,
// for every n; and that one with all that follow. Only for a program of one file.

#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/expect.hpp"
#include "support/probe.hpp"
#include "support/thread_creation.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>
#include <thread>

namespace test {

enum class refusal { none, one_allocation, all_allocations, one_thread, all_threads };

/// What fails next; set by with_each_fault() before each run of a scenario.
struct next_fault {
  const char* scenario = "";
  refusal what = refusal::none;
  long before = 0; // this many go well first
  bool reached = false;
};
inline next_fault now_failing;

inline void start_fault() {
  const bool lasts =
      now_failing.what == refusal::all_allocations || now_failing.what == refusal::all_threads;
  if (now_failing.what == refusal::one_allocation || now_failing.what == refusal::all_allocations)
    failing_allocations.start(now_failing.before, lasts);
  if (now_failing.what == refusal::one_thread || now_failing.what == refusal::all_threads)
    refused_threads.start(now_failing.before, lasts);
}

inline void stop_fault() {
  const bool allocation = failing_allocations.stop();
  const bool thread = refused_threads.stop();
  now_failing.reached = now_failing.reached || allocation || thread;
}

/// Calls `f()` while things fail. What it throws; null if nothing.
template <class F>
std::exception_ptr attack(F f) {
  std::exception_ptr thrown;
  start_fault();
  try {
    f();
  } catch (...) {
    thrown = std::current_exception();
  }
  stop_fault();
  return thrown;
}

/// It says that there was no memory or no thread.
inline bool is_refusal(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (...) {
    return is_no_thread(error);
  }
}

/// Null, or that there was no memory or no thread; and the latter only if that was so.
inline void expect_refusal_or_nothing(const std::exception_ptr& error,
                                      roost::site where = roost::site::current()) {
  expect(error == nullptr || (is_refusal(error) && now_failing.reached),
         "only what was refused is thrown",
         where);
}

inline void expect_usable(roost::task_scope& scope, roost::site where = roost::site::current()) {
  expect(!scope.stop_requested(), "the scope is not stopped", where);
  expect(scope.spawn([] { return 1; }).get() == 1, "the scope takes further tasks", where);
}

[[noreturn]] inline void tell_and_abort() {
  std::printf("terminated in \"%s\", fault %d after %ld\n",
              now_failing.scenario,
              static_cast<int>(now_failing.what),
              now_failing.before);
  std::fflush(stdout);
  std::abort();
}

/// Runs it on a thread that has never waited, while the pool has no parker. True if something
/// failed.
inline bool run_with_fault(void (*scenario)()) {
  now_failing.reached = false;
  const std::size_t threads = count_threads();
  const int failed_before = failed_expectations;
  roost::detail::parker* const hidden = wait_probe::hide_parkers();
  const long before = living_allocations;
  std::thread(scenario).join();
  const long made = living_allocations - before;
  expect(threads_back_to(threads), "no thread is left");
  expect(made == wait_probe::show_parkers(wait_probe::hide_parkers()),
         "no memory is lost, but for parkers");
  (void)wait_probe::show_parkers(hidden);
  if (failed_expectations != failed_before)
    std::printf("in \"%s\", fault %d after %ld\n",
                now_failing.scenario,
                static_cast<int>(now_failing.what),
                now_failing.before);
  return now_failing.reached;
}

/// For what a process makes once, at its first use: each allocation of that fails in turn, and if
/// it needs a thread, that is refused before. Before anything else has used it.
inline void with_each_fault_at_first(const char* name, bool needs_thread, void (*scenario)()) {
  now_failing = {.scenario = name};
  std::set_terminate(&tell_and_abort);
  if (needs_thread && can_refuse_threads) {
    now_failing.what = refusal::one_thread;
    scenario();
    expect(now_failing.reached, "it needs a thread");
  }
  now_failing.what = refusal::one_allocation;
  do {
    now_failing.reached = false;
    scenario();
    ++now_failing.before;
  } while (now_failing.reached);
  expect(now_failing.before > 1, "it needs memory");
}

inline void with_each_fault(const char* name, void (*scenario)()) {
  now_failing = {.scenario = name};
  std::set_terminate(&tell_and_abort);
  (void)run_with_fault(scenario); // makes what is kept
  (void)run_with_fault(scenario);
  for (const refusal what : {refusal::one_allocation,
                             refusal::all_allocations,
                             refusal::one_thread,
                             refusal::all_threads}) {
    now_failing.what = what;
    for (now_failing.before = 0; run_with_fault(scenario); ++now_failing.before) {
    }
    std::printf(
        "%s: fault %d survived %ld times\n", name, static_cast<int>(what), now_failing.before);
  }
}

} // namespace test
