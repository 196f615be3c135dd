// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/word_sleep.hpp>
#include <roost/detail/wait/own_of_thread.hpp>

#include <atomic>
#include <cstdint>

namespace roost::inline v0::detail {

/// Puts one thread to sleep until another wakes it: a token that unpark() leaves and park() takes.
/// A wake that comes first is kept, several count as one, and park() may return without cause:
/// callers look again at what they wait for.
///
/// Threads: one parks, any may unpark. Parkers come from a pool that never frees them, so a late
/// unpark() may hit a parker that serves another operation by now: that one looks again.
///
/// Sleep is how a thread sleeps; see word_sleep.hpp. A thread of a bubble sleeps as its bubble
/// says. Errors: none. The lock() of a std::mutex may throw where a thread locks it twice, or where
/// no constructor made it. Neither happens in roost, so functions that lock one are noexcept.
///
/// Source: the three-state token of Rust's std::thread::park.
template <class Sleep>
class basic_parker {
 public:
  void park() noexcept { (void)park_until(no_deadline); }

  /// False when `deadline` passed without a token.
  bool park_until(clock::time_point deadline) noexcept;

  void unpark() noexcept;

 private:
  enum token : std::uint32_t { none, parked, notified, in_bubble };

  // none     --park--> parked    the sleeper is inside, or about to enter, the wait
  // none     --unpark--> notified    kept for the next park
  // parked   --unpark--> notified    the sleeper is woken and takes it
  // notified --park--> none
  // parked   --deadline--> none
  // in_bubble stands for parked where the sleeper is in a bubble
  sync::atomic<std::uint32_t> token_{none};
  Sleep sleep_;
  sync::atomic<sync::bubble_thread*> sleeper_{nullptr}; // the last in a bubble; see unpark()

  void sleep(token as, clock::time_point deadline) noexcept;

  template <class>
  friend class pool_of;
  friend struct wait_probe;
  basic_parker* next_free_ = nullptr; // guarded by the pool's mutex
};

using parker = basic_parker<word_sleep>;

using parker_pool = pool_of<parker>;
using parker_lease = lease_of<parker>;

// --- implementation ---------------------------------------------------------

template <class Sleep>
bool basic_parker<Sleep>::park_until(clock::time_point deadline) noexcept {
  const token as = sync::is_in_bubble() ? in_bubble : parked;
  if (as == in_bubble) [[unlikely]]
    sleeper_.store(sync::bubble_here, std::memory_order_relaxed); // relaxed: published below
  std::uint32_t seen = none;
  // release: publishes sleeper_; pairs with acquire in unpark(). relaxed: a token that is there is
  // taken below
  if (token_.compare_exchange_strong(
          seen, as, std::memory_order_release, std::memory_order_relaxed)) {
    // relaxed: the loop only asks whether to go on waiting; the exchange below acquires
    while (token_.load(std::memory_order_relaxed) == as) {
      sleep(as, deadline);
      if (deadline != no_deadline && sync::now() >= deadline)
        break;
    }
  }
  // acquire: sees what the waker did before unpark(); pairs with release in unpark()
  return token_.exchange(none, std::memory_order_acquire) == notified;
}

template <class Sleep>
void basic_parker<Sleep>::sleep(token as, clock::time_point deadline) noexcept {
  if (as == in_bubble) [[unlikely]]
    sync::bubble_here->sleep_while(token_, as, deadline);
  else
    sleep_.wait_while(token_, as, deadline);
}

template <class Sleep>
void basic_parker<Sleep>::unpark() noexcept {
  // release: publishes what the waker did; pairs with acquire in park_until(). acquire: sees
  // sleeper_; pairs with release there. The load may find a later sleeper, of the next sleep on
  // this parker: that one is woken without cause, which does no harm.
  const std::uint32_t before = token_.exchange(notified, std::memory_order_acq_rel);
  if (before == parked)
    sleep_.wake(token_);
  else if (before == in_bubble) [[unlikely]]
    sleeper_.load(std::memory_order_relaxed)->wake(); // relaxed: as above
}

} // namespace roost::inline v0::detail
