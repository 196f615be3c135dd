// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/atomic.hpp>

#include <chrono>
#include <cstdint>
#include <utility>

namespace roost::inline v0::detail::sync {

/// A thread of a bubble (roost/testing.hpp): by it roost reaches the time and the sleep of the
/// bubble instead of the system's. Whether a thread has one is asked at run time, and only where it
/// reads the clock, sleeps, wakes a thread that sleeps in a bubble, or starts a thread, and where a
/// call of roost begins: so code that was compiled without testing.hpp can be tested, too, and all
/// other code pays one load there.
///
/// Lifetime: never destroyed, and used again, so that a late wake() hits one that is there.
class bubble_thread {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  virtual time_point now() noexcept = 0;

  /// As word_sleep::wait_while(). By its own thread.
  virtual void sleep_while(const atomic<std::uint32_t>& word,
                           std::uint32_t value,
                           time_point deadline) noexcept = 0;

  /// As word_sleep::wake(). By any thread of the program.
  virtual void wake() noexcept = 0;

  /// A call of roost begins, which may concern `object`: another thread may be chosen to go on
  /// first. The caller holds no lock of roost.
  virtual void at_call(const void* object) noexcept = 0;

  /// A wait for the system begins: meanwhile others have the turn. Its deadline never comes, as no
  /// time passes. By its own thread.
  virtual void go_outside(time_point deadline) noexcept = 0;
  virtual void come_back() noexcept = 0;

  /// While it is set, at_call() keeps the turn with this thread.
  bool keeps_turn = false;

  /// A random number for roost's own choices, below `n`; `n` itself: it is not the bubble's to say.
  virtual std::uint64_t choose_below(std::uint64_t n) noexcept = 0;

  /// What is due at the same time comes in the order of these numbers. A sleep takes one when it
  /// begins, unless it is made for something that was asked for before.
  virtual std::uint64_t ask() noexcept = 0;
  virtual void sleeps_for_asked(std::uint64_t number) noexcept = 0;

  /// A thread of the bubble that is about to be started, by any thread. It counts as awake from now
  /// on. May throw bad_alloc.
  virtual bubble_thread& add_thread() = 0;
  virtual void begin() noexcept = 0; // by that thread, first
  virtual void end() noexcept = 0;   // by it, last; or by its starter if it could not be started
  virtual void await_end() noexcept = 0; // by any
  virtual void joined() noexcept = 0;    // it has ended, and is not looked at any more

  /// That of the bubble's first thread, which outlives all others.
  virtual bubble_thread& first() noexcept = 0;

  /// Scopes were made in the bubble, and are perhaps kept outside: first() stays until all are
  /// dropped. By any.
  virtual void add_tree() noexcept = 0;
  virtual void drop_tree() noexcept = 0;

  /// Something outside of the bubble may wake one of its threads, until it is dropped. By any.
  virtual void add_outside_waker() noexcept = 0;
  virtual void drop_outside_waker() noexcept = 0;

 protected:
  ~bubble_thread() = default;
};

/// The calling thread's; null for all that are in no bubble. One in the whole program, also where
/// shared libraries hide their symbols.
[[gnu::visibility("default")]] inline constinit thread_local bubble_thread* bubble_here = nullptr;

[[gnu::always_inline]] inline bool is_in_bubble() noexcept {
  return bubble_here != nullptr;
}

/// See bubble_thread::at_call().
[[gnu::always_inline]] inline void at_call(const void* object) noexcept {
  if (bubble_here != nullptr) [[unlikely]]
    bubble_here->at_call(object);
}

/// While it lives, no call of roost on this thread gives the turn away: for a thread on which a
/// callback of std::stop_callback runs. Its destructor waits for the callback in the standard
/// library, where no turn can be given.
class turn_kept {
 public:
  turn_kept() noexcept
      : was_(bubble_here != nullptr && std::exchange(bubble_here->keeps_turn, true)) {}
  ~turn_kept() {
    if (bubble_here != nullptr)
      bubble_here->keeps_turn = was_;
  }
  turn_kept(const turn_kept&) = delete;
  turn_kept& operator=(const turn_kept&) = delete;

 private:
  const bool was_;
};

} // namespace roost::inline v0::detail::sync
