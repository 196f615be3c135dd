// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/pause.hpp>
#include <roost/detail/sync/yield.hpp>

#include <atomic>
#include <chrono>

namespace roost::inline v0::detail {

/// A one-word lock for short critical sections that never block, allocate or run user code: mostly
/// some dozen instructions, a few hundred moves where a batch of items goes through.
///
/// unlock() is one store and the last touch of the lock. So the next holder may destroy the lock,
/// and with it the object that it alone guards, as soon as it has unlocked it. A futex-like lock
/// cannot promise that: it wakes its sleepers after the store. The price: a thread that finds the
/// lock held for longer, because its holder lost the processor, sleeps for short times that no
/// unlock() ends.
///
/// Cost: one exchange and one store when no other thread is there.
class spin_lock {
 public:
  [[gnu::always_inline]] void lock() noexcept {
    if (!try_lock())
      wait();
  }

  [[gnu::always_inline]] bool try_lock() noexcept {
    // acquire: sees all that the last holder did; pairs with release in unlock(). An exchange is
    // shorter than a compare-exchange. It writes even where it fails, so wait() reads first while
    // it spins.
    return !locked_.exchange(true, std::memory_order_acquire);
  }

  [[gnu::always_inline]] void unlock() noexcept {
    // release: publishes the critical section; pairs with acquire in try_lock()
    locked_.store(false, std::memory_order_release);
  }

 private:
  [[gnu::cold]] void wait() noexcept; // so it stays out of lock()

  sync::atomic<bool> locked_{false}; // written by holder and taker; true while held
};

/// A std::lock_guard for the shortest paths: compilers always inline this one, and do not always
/// inline that one.
class spin_guard {
 public:
  [[gnu::always_inline]] explicit spin_guard(spin_lock& lock) noexcept : lock_(lock) {
    lock_.lock();
  }
  [[gnu::always_inline]] ~spin_guard() { lock_.unlock(); }
  spin_guard(const spin_guard&) = delete;
  spin_guard& operator=(const spin_guard&) = delete;

 private:
  spin_lock& lock_;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

// Looks again at doubling distances: under contention the holder then gets several turns in a row
// with the lock's cache line in its core, which is far cheaper for both than taking turns. A holder
// that has lost the processor may want this one, so the waiter offers it before it sleeps.
ROOST_BODY void spin_lock::wait() noexcept {
  constexpr int longest_spin = 64;
  constexpr int offers = 4;
  for (int offered = 0; offered < offers; ++offered) {
    for (int spins = 1; spins <= longest_spin && spinning_helps(); spins *= 2) {
      for (int i = 0; i < spins; ++i)
        pause();
      // relaxed: only a hint that try_lock() may succeed now
      if (!locked_.load(std::memory_order_relaxed) && try_lock())
        return;
    }
    sync::yield();
    if (try_lock())
      return;
  }
  for (std::chrono::microseconds nap{20}; !try_lock();
       nap *= nap < std::chrono::milliseconds{1} ? 2 : 1)
    sync::sleep_for(nap);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
