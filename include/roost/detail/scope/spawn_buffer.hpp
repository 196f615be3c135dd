// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/spin_lock.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>

namespace roost::inline v0::detail {

/// Tasks of a limited scope that were spawned while the limit was reached. It has a lock of its
/// own: while it is open, spawns put their tasks here, and leave the scope's lock to workers. A
/// worker that finds the queue empty takes over all tasks in here at once. So the two sides meet
/// once for many tasks, not once for each.
///
/// Threads: any may add(), and ask for the hints. The rest is called under the scope's lock. Order
/// of locks: the scope's, then this one.
///
/// A bounded list, not a push-only stack: how many tasks may come is checked together with the
/// push, and the tasks come out in order without a second walk.
class spawn_buffer {
 public:
  enum class answer { added, full, closed };

  /// Adds `t` if the buffer is open and has a place; then nothing else is to be done for the spawn.
  answer add(task& t) noexcept {
    const std::lock_guard guard(lock_);
    if (!may_be_open())
      return answer::closed;
    if (places_ == 0)
      return answer::full;
    --places_;
    // relaxed, here and below: a hint for threads that do not hold the lock
    count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    t.is_queued = true;
    tasks_.push_back(t);
    return answer::added;
  }

  /// A hint, needs no lock: a task was added.
  bool may_have_tasks() const noexcept {
    // relaxed: a hint; its caller looks again under the locks
    return count_.load(std::memory_order_relaxed) != 0;
  }

  /// A hint like that.
  bool may_be_open() const noexcept {
    return open_.load(std::memory_order_relaxed); // relaxed: likewise
  }

  /// From now on `places` tasks may be added.
  void open(std::size_t places) noexcept {
    const std::lock_guard guard(lock_);
    is_open_ = true;
    places_ = places;
    open_.store(true, std::memory_order_relaxed); // relaxed: see add()
  }

  /// From now on none may be added. Calls `take(tasks, count)` with those that are here.
  template <class Take>
  void close(Take take) noexcept {
    if (!is_open_)
      return;
    const std::lock_guard guard(lock_);
    is_open_ = false;
    open_.store(false, std::memory_order_relaxed); // relaxed: see add()
    take(tasks_, empty());
  }

  /// Calls `take(tasks, count)` with the tasks that are here, and stays open. `take` returns how
  /// many may be added from now on.
  template <class Take>
  void drain(Take take) noexcept {
    if (!is_open_)
      return;
    const std::lock_guard guard(lock_);
    places_ = take(tasks_, empty());
  }

 private:
  std::size_t empty() noexcept {
    return count_.exchange(0, std::memory_order_relaxed); // relaxed: see add()
  }

  bool is_open_ = false; // the same as open_; guarded by the scope's lock alone

  spin_lock lock_;                     // guards what follows
  sync::atomic<bool> open_{false};     // written under the lock
  std::size_t places_ = 0;             // how many more may be added
  sync::atomic<std::size_t> count_{0}; // of tasks; written under the lock
  intrusive_list<context> tasks_;
};

} // namespace roost::inline v0::detail
