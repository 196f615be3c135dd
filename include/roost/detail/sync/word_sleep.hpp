// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/condition_variable.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/now.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <ratio>
#include <type_traits>
#if defined(__LP64__) && __has_include(<linux/futex.h>) && __has_include(<sys/syscall.h>)
#include <cerrno>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace roost::inline v0::detail {

// How one thread sleeps until another has changed a word. The sleeper calls
//
//     wait_while(word, value, deadline)
//
// which returns once the word has another value and wake() has been called, or when the deadline
// has passed, or without cause. The waker changes the word first and then calls wake(word).
//
// INVARIANT: no wake is lost. The sleeper looks at the word and begins to sleep in one step, as
// far as wake() can tell: either it sees the change, or wake() finds it asleep.

/// With what the standard has everywhere: the mutex makes the look and the beginning of the sleep
/// one step. Cost: the waker takes the mutex, and the sleeper takes it again when it wakes.
class portable_word_sleep {
 public:
  void wait_while(const sync::atomic<std::uint32_t>& word,
                  std::uint32_t value,
                  clock::time_point deadline) noexcept {
    std::unique_lock lock(mutex_);
    // relaxed: whether to sleep; the caller acquires what it needs from the word
    while (word.load(std::memory_order_relaxed) == value) {
      if (deadline == no_deadline) {
        changed_.wait(lock);
      } else if (!wait_for_a_while(lock, deadline)) {
        return;
      }
    }
  }

  void wake(const sync::atomic<std::uint32_t>&) noexcept {
    // The sleeper looked at the word under the mutex: once we have held it, the sleeper sleeps or
    // has seen the change.
    { const std::lock_guard lock(mutex_); }
    changed_.notify_one();
  }

 private:
  // The standard library makes other times of the deadline. One that is long past may overflow
  // there, and so it is not handed on; and one that is further away than a day may not fit into
  // what the system takes, as where that has seconds of 32 bits. False when some time has passed:
  // callers look whether it was enough. (Where the library counts by the clock that people set, a
  // sleep under way is longer by as much as that is set back, however short it was to be: what is
  // handed on is a time of that clock. So no lower limit would help.)
  bool wait_for_a_while(std::unique_lock<sync::mutex>& lock, clock::time_point deadline) noexcept {
    const clock::time_point now = sync::system_now();
    return deadline > now &&
           changed_.wait_until(lock, earlier(deadline, now + std::chrono::hours(24))) ==
               std::cv_status::no_timeout;
  }

  sync::mutex mutex_;
  sync::condition_variable changed_;
};

#if defined(SYS_futex) && defined(FUTEX_WAIT_BITSET_PRIVATE)
/// With Linux's futex, where the kernel makes it one step: one system call to sleep and one to
/// wake, and no lock that the woken thread must take again.
class futex_word_sleep {
 public:
  void wait_while(const sync::atomic<std::uint32_t>& word,
                  std::uint32_t value,
                  clock::time_point deadline) noexcept {
    // The clock that a deadline of this call counts by.
    static_assert(std::is_same_v<clock::time_point::clock, std::chrono::steady_clock>);
    static_assert(std::is_same_v<clock::period, std::nano>);
    // The kernel refuses negative times; and floor() of the lowest one would overflow.
    const auto since_start =
        deadline < clock::time_point() ? clock::duration::zero() : deadline.time_since_epoch();
    const auto whole = std::chrono::floor<std::chrono::seconds>(since_start);
    timespec until{};
    until.tv_sec = whole.count();
    until.tv_nsec = (since_start - whole).count();
    // An error is a change that came first, a signal, or the deadline: all make the caller look. It
    // is not the user's to see.
    const int users_error = errno;
    (void)syscall(SYS_futex,
                  &word,
                  FUTEX_WAIT_BITSET_PRIVATE,
                  value,
                  deadline == no_deadline ? nullptr : &until,
                  nullptr,
                  FUTEX_BITSET_MATCH_ANY);
    errno = users_error;
  }

  void wake(const sync::atomic<std::uint32_t>& word) noexcept {
    (void)syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }

 private:
  static_assert(sizeof(sync::atomic<std::uint32_t>) == sizeof(std::uint32_t));
};
using word_sleep = futex_word_sleep;
#else
using word_sleep = portable_word_sleep;
#endif

} // namespace roost::inline v0::detail
