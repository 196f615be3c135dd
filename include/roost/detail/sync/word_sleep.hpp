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
// which returns at once if the word has another value, else when wake() is called after a change,
// when the deadline has passed, or without cause. The waker changes the word first and then calls
// wake(word).
//
// INVARIANT: no wake is lost. The sleeper looks at the word and begins to sleep in one step, as
// far as wake() can tell: either it sees the change, or wake() finds it asleep.

/// Made of the standard's own parts: the mutex makes the look and the beginning of the sleep one
/// step. Cost: the waker takes the mutex, and the sleeper takes it again when it wakes.
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
    // The sleeper looks at the word under the mutex: once we have held it, the sleeper either
    // sleeps already or sees the change.
    { const std::lock_guard lock(mutex_); }
    changed_.notify_one();
  }

 private:
  // Sleeps for at most a day. False when that time or the deadline has passed: callers look which.
  // The standard library converts the deadline. A deadline that is long past may overflow there, so
  // it is not handed on; one that is more than a day away may not fit into the system's type, for
  // instance where that has seconds of 32 bits. (Where the library counts by the clock that people
  // set, it hands on a time of that clock. If the clock is set back, a sleep under way lasts longer
  // by as much, however short it was meant to be. So a limit below a day would not help.)
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
/// Made of Linux's futex, where the kernel makes it one step: one system call to sleep and one to
/// wake, and no lock that the woken thread must take again.
class futex_word_sleep {
 public:
  void wait_while(const sync::atomic<std::uint32_t>& word,
                  std::uint32_t value,
                  clock::time_point deadline) noexcept {
    // The kernel counts the deadline of this call by that clock.
    static_assert(std::is_same_v<clock::time_point::clock, std::chrono::steady_clock>);
    static_assert(std::is_same_v<clock::period, std::nano>);
    // The kernel refuses negative times; and floor() of the lowest one would overflow.
    const auto since_start =
        deadline < clock::time_point() ? clock::duration::zero() : deadline.time_since_epoch();
    const auto whole = std::chrono::floor<std::chrono::seconds>(since_start);
    timespec until{};
    until.tv_sec = whole.count();
    until.tv_nsec = (since_start - whole).count();
    // An error means that a change came first, a signal, or the deadline: each makes the caller
    // look. The user's errno stays.
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
