// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/pause.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace roost::inline v0::detail {

/// A one-word lock for short critical sections that never block, allocate or run user code: mostly
/// some dozen instructions, a few hundred moves where a batch of items goes through.
///
/// unlock() is one store and the last touch of the lock. So whoever locks next may destroy the
/// lock, and with it the object it guards, as soon as it has unlocked. A futex-like lock cannot
/// promise that: it wakes its sleepers after the store. The price: a thread that finds the lock
/// held for longer, because its holder lost the processor, sleeps for short fixed times.
///
/// Cost: one compare-exchange and one store when nobody else is there.
class spin_lock {
 public:
  void lock() noexcept {
    if (!try_lock())
      wait();
  }

  bool try_lock() noexcept {
    bool expected = false;
    // acquire: sees all that the last holder did; pairs with release in unlock().
    // relaxed on failure: nothing is read under a lock that was not taken.
    return locked_.compare_exchange_strong(
        expected, true, std::memory_order_acquire, std::memory_order_relaxed);
  }

  void unlock() noexcept {
    // release: publishes the critical section; pairs with acquire in try_lock()
    locked_.store(false, std::memory_order_release);
  }

 private:
  void wait() noexcept;

  std::atomic<bool> locked_{false}; // written by holder and taker; true while held
};

// --- implementation ---------------------------------------------------------

// Looks again at doubling distances: under contention the holder then gets several turns in a row
// with the lock's cache line in its core, which is far cheaper for both than taking turns.
inline void spin_lock::wait() noexcept {
  constexpr int longest_spin = 64;
  for (std::chrono::microseconds nap{20};; nap *= nap < std::chrono::milliseconds{1} ? 2 : 1) {
    for (int spins = 1; spins <= longest_spin && spin_limit() > 0; spins *= 2) {
      for (int i = 0; i < spins; ++i)
        pause();
      // relaxed: only a hint that try_lock() may succeed now
      if (!locked_.load(std::memory_order_relaxed) && try_lock())
        return;
    }
    std::this_thread::sleep_for(nap);
    if (try_lock())
      return;
  }
}

} // namespace roost::inline v0::detail
