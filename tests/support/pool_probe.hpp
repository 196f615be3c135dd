// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/scope_probe.hpp"

#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>

namespace roost::inline v0::detail {

/// Which threads a pool has, and what it would do next.
struct pool_probe {
  /// Threads that have nothing to do and are kept; of a scope, which must be open, all in its tree.
  static std::size_t idle_threads(thread_pool& threads) {
    const std::lock_guard guard(threads.lock_);
    return threads.idle_.size();
  }
  static std::size_t idle_threads(const task_scope& scope) {
    return idle_threads(scope_probe::threads(scope));
  }

  /// Starts jobs for which there are idle threads, all before any of those wakes. How many are
  /// woken for them from here.
  template <class Jobs>
  static std::size_t start_together(thread_pool& threads, Jobs& jobs) {
    claimed_list woken;
    std::size_t count = 0;
    {
      const std::lock_guard guard(threads.lock_);
      for (job& j : jobs) {
        threads.ready_.push_back(j);
        ++threads.ready_count_;
        if (wait_record* const one = threads.call_next()) {
          woken.push(*one);
          ++count;
        }
      }
    }
    woken.complete(wait_state::done);
    return count;
  }

  /// If there is none but the lookout: whether that one counts for a job that is started.
  static std::optional<bool> lookout_is_there_for_jobs(thread_pool& threads) {
    const std::lock_guard guard(threads.lock_);
    const std::size_t others = threads.looking_ + threads.idle_count_ + threads.ready_count_;
    if (threads.lookout_ == nullptr || others != 0)
      return std::nullopt;
    return threads.has_thread_for_one_more();
  }

  /// Whether forks were ever offered in the scope's tree, and how many wait there for forks to end.
  static bool has_had_forks(const task_scope& scope) {
    thread_pool& threads = scope_probe::threads(scope);
    const std::lock_guard guard(threads.lock_);
    return threads.watch_.is_busy_ || threads.watch_.pause_number_ != 1;
  }
  static std::size_t absent(const task_scope& scope) {
    thread_pool& threads = scope_probe::threads(scope);
    const std::lock_guard guard(threads.lock_);
    return threads.absent_;
  }

  /// Whether a thread that came now would take a fork that has just been offered.
  static bool gives_fork_a_thread_at_once(thread_pool& threads) {
    struct one final : job {
      void run_on_pool() noexcept override {}
      void fail_on_pool(const std::exception_ptr&) noexcept override {}
    } fork;
    const std::lock_guard guard(threads.lock_);
    threads.forks_.push_back(fork);
    fork.offered_ = threads.watch_.offered();
    const bool is_due = threads.fork_is_due(thread_pool::coming::called);
    threads.forks_.erase(fork);
    return is_due;
  }
};

} // namespace roost::inline v0::detail
