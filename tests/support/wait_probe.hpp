// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>

namespace roost::inline v0::detail {

/// How many threads wait at a primitive, and how they sleep.
struct wait_probe {
  static std::size_t waiting(const wait_queue& queue) {
    return queue.locked([&] { return queue.waiters_.size(); });
  }
  static std::size_t waiting(const event& e) { return waiting(e.waiters_); }
  static std::size_t waiting(const wait_group& g) { return waiting(g.waiters_); }
  static std::size_t waiting(const barrier& b) { return waiting(b.waiters_); }
  static std::size_t waiting(const semaphore& s) {
    const std::lock_guard guard(s.lock_);
    return s.waiters_.size();
  }
  static std::size_t waiting(const mutex& m) {
    const std::lock_guard guard(m.lock_);
    return m.waiters_.size();
  }

  /// The first waiter is not handed the mutex from now on, but called.
  static void put_off_hand_over(mutex& m) {
    const std::lock_guard guard(m.lock_);
    m.hand_over_at_ = no_deadline;
  }

  /// Whether the thread that completes the record has to wake its waiter.
  static bool is_asleep(const wait_record& record) {
    return (record.state_.load(std::memory_order_relaxed) & wait_record::asleep) !=
           0; // relaxed: alone
  }

  /// Takes all parkers that no thread holds from the pool, so that a thread that waits for the
  /// first time has to make one.
  static parker* hide_parkers() {
    parker_pool& pool = parker_pool::instance();
    const std::lock_guard lock(pool.mutex_);
    return std::exchange(pool.free_, nullptr);
  }
  /// Gives them back, and says how many they are.
  static long show_parkers(parker* hidden) {
    long count = 0;
    for (; hidden != nullptr; ++count)
      parker_pool::instance().give_back(*std::exchange(hidden, hidden->next_free_));
    return count;
  }

  /// True if no thread has left a T, such as a parker, for the next one.
  template <class T>
  static bool is_pool_empty() {
    pool_of<T>& pool = pool_of<T>::instance();
    const std::lock_guard lock(pool.mutex_);
    return pool.free_ == nullptr;
  }
};

} // namespace roost::inline v0::detail
