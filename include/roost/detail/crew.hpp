// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/task.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>

namespace roost::inline v0::detail {

/// Counts the tasks of a scope, and knows whose threads are to be joined: each task has a
/// std::jthread of its own.
///
/// INVARIANT: a thread is joined once, after its spawner has stored it and its task was counted
/// down, whichever comes second. After that its thread touches nothing of the scope. They are
/// joined by a task's thread before that is counted down, so that a spawn never joins and no thread
/// joins itself; a bounded number that have ended wait for it.
///
/// The scope's mutex guards it: callers hold it, except for join().
class crew {
 public:
  /// Nothing runs, and no spawn is under way.
  bool idle() const noexcept { return running_ == 0 && starting_ == 0; }
  /// Some task's work is not over: its handle does not yet go on.
  bool has_work() const noexcept { return working_ > 0; }

  /// A spawn begins: counts its task. One of the next two ends the spawn.
  void begin_spawn() noexcept {
    ++working_;
    ++running_;
    ++starting_;
  }
  void thread_stored(task& t) noexcept {
    t.thread_stored = true;
    if (t.ended)
      add_finished(t);
    --starting_;
    notify_if_idle();
  }
  void no_thread() noexcept {
    --working_;
    --running_;
    --starting_;
    notify_if_idle();
  }

  /// A task's work is over. Its thread is to join those that are returned, if any, before it counts
  /// itself down: when there are many, because most have exited by then and are not waited for.
  task* work_over() noexcept {
    constexpr std::size_t many = 32;
    --working_;
    return finished_count_ < many ? nullptr : take_finished();
  }

  /// The last thing that a task's thread does.
  void count_down(task& t) noexcept {
    t.ended = true;
    if (t.thread_stored)
      add_finished(t);
    --running_;
    notify_if_idle();
  }

  /// The tasks whose threads are about to exit. The caller joins them with no lock held.
  task* take_finished() noexcept {
    finished_count_ = 0;
    return std::exchange(finished_, nullptr);
  }

  /// Joins their threads and lets go of the tasks.
  static void join(task* finished) noexcept {
    while (finished != nullptr) {
      task* const next = finished->next_finished;
      finished->thread.join();
      finished->release();
      finished = next;
    }
  }

  /// Waits for idle(), notify() or the time; false when the time has come.
  bool wait(std::unique_lock<std::mutex>& lock, clock::time_point until) {
    if (until != no_deadline)
      return changed_.wait_until(lock, until) == std::cv_status::no_timeout;
    changed_.wait(lock);
    return true;
  }
  void notify() noexcept { changed_.notify_all(); }

 private:
  void add_finished(task& t) noexcept {
    t.next_finished = std::exchange(finished_, &t);
    ++finished_count_;
  }
  void notify_if_idle() noexcept {
    if (idle())
      notify();
  }

  std::size_t working_ = 0;  // tasks whose work is not over
  std::size_t running_ = 0;  // tasks not counted down
  std::size_t starting_ = 0; // spawns under way
  task* finished_ = nullptr; // linked by next_finished
  std::size_t finished_count_ = 0;
  std::condition_variable changed_;
};

} // namespace roost::inline v0::detail
