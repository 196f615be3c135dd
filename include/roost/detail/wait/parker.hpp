// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/word_sleep.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace roost::inline v0::detail {

/// Puts one thread to sleep until another wakes it: a token that unpark() leaves and park() takes.
/// A wake that comes first is kept, several count as one, and park() may return without cause:
/// callers look again at what they wait for.
///
/// Threads: one parks, any may unpark. Parkers come from a pool that never frees them, so a late
/// unpark() may hit a parker that serves another operation by now: that one looks again.
///
/// Sleep is how it sleeps; see word_sleep.hpp.
/// Errors: none. The lock() of a std::mutex may throw where a thread locks it twice, or where it
/// was not made by its constructor; so functions of roost that lock one are noexcept all the same.
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
  enum token : std::uint32_t { none, parked, notified };

  // none     --park--> parked    the sleeper is inside, or about to enter, the wait
  // none     --unpark--> notified    kept for the next park
  // parked   --unpark--> notified    the sleeper is woken and takes it
  // notified --park--> none
  sync::atomic<std::uint32_t> token_{none};
  Sleep sleep_;

  friend class parker_pool;
  friend struct wait_probe;
  basic_parker* next_free_ = nullptr; // guarded by the pool's mutex
};

using parker = basic_parker<word_sleep>;

/// The parkers that no thread holds. Never destroyed, so that threads may block and be woken while
/// the program's statics are destroyed.
class parker_pool {
 public:
  static parker_pool& instance() {
    static parker_pool& pool = *new parker_pool;
    return pool;
  }

  parker& take() {
    {
      const std::lock_guard lock(mutex_);
      if (free_ != nullptr)
        return *std::exchange(free_, free_->next_free_);
    }
    return *new parker;
  }

  void give_back(parker& p) noexcept {
    const std::lock_guard lock(mutex_);
    p.next_free_ = std::exchange(free_, &p);
  }

 private:
  friend struct wait_probe;

  sync::mutex mutex_;
  parker* free_ = nullptr; // guarded by mutex_
};

/// The parker of one blocked operation: the thread's own, or one from the pool while the thread's
/// locals are being destroyed.
class parker_lease {
 public:
  parker_lease();
  ~parker_lease();
  parker_lease(const parker_lease&) = delete;
  parker_lease& operator=(const parker_lease&) = delete;

  parker& get() noexcept { return parker_; }

 private:
  parker& parker_;
};

// --- implementation ---------------------------------------------------------

template <class Sleep>
bool basic_parker<Sleep>::park_until(clock::time_point deadline) noexcept {
  std::uint32_t seen = none;
  // relaxed: announces the sleeper, publishes nothing; a token that is there is taken below
  if (token_.compare_exchange_strong(seen, parked, std::memory_order_relaxed)) {
    // relaxed: the loop only asks whether to go on waiting; the exchange below acquires
    while (token_.load(std::memory_order_relaxed) == parked) {
      sleep_.wait_while(token_, parked, deadline);
      if (deadline != no_deadline && sync::now() >= deadline)
        break;
    }
  }
  // acquire: sees what the waker did before unpark(); pairs with release in unpark()
  return token_.exchange(none, std::memory_order_acquire) == notified;
}

template <class Sleep>
void basic_parker<Sleep>::unpark() noexcept {
  // release: publishes what the waker did; pairs with acquire in park_until()
  if (token_.exchange(notified, std::memory_order_release) == parked)
    sleep_.wake(token_);
}

// A thread's parker stays with it between its blocked operations and returns to the pool with the
// thread. Destructors of other thread_locals may run later and block as well: they find `gone`.
struct thread_parker {
  parker* own = nullptr;
  bool gone = false;
};
inline constinit thread_local thread_parker this_thread_parker;

struct thread_parker_return {
  thread_parker_return() = default;
  thread_parker_return(const thread_parker_return&) = delete;
  thread_parker_return& operator=(const thread_parker_return&) = delete;
  ~thread_parker_return() {
    this_thread_parker.gone = true;
    parker_pool::instance().give_back(*std::exchange(this_thread_parker.own, nullptr));
  }
};

inline parker& lease_parker() {
  thread_parker& mine = this_thread_parker;
  if (mine.own != nullptr)
    return *mine.own;
  parker& taken = parker_pool::instance().take();
  if (!mine.gone) {
    mine.own = &taken;
    thread_local const thread_parker_return at_thread_exit;
  }
  return taken;
}

inline parker_lease::parker_lease() : parker_(lease_parker()) {}

inline parker_lease::~parker_lease() {
  if (this_thread_parker.own != &parker_)
    parker_pool::instance().give_back(parker_);
}

} // namespace roost::inline v0::detail
