// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/atomic.hpp>

#include <chrono>
#include <cstdint>
#include <utility>

namespace roost::inline v0::detail::sync {

/// A thread of a bubble (roost/testing.hpp). Through it roost reaches the bubble's time and sleep
/// instead of the system's. Roost asks at run time whether the calling thread has one, and only
/// where the thread reads the clock, sleeps, wakes a thread that sleeps in a bubble, or starts a
/// thread, and where a call of roost begins. So code that was compiled without testing.hpp can be
/// tested, too, and threads outside of bubbles pay one load at each of these places.
///
/// Lifetime: never destroyed, only used again; so a late wake() always hits an object that is
/// there.
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

  /// A wait for the system begins; meanwhile other threads have the turn. Its deadline never comes,
  /// as no time passes. By its own thread.
  virtual void go_outside(time_point deadline) noexcept = 0;
  virtual void come_back() noexcept = 0;

  /// While it is set, at_call() keeps the turn with this thread.
  bool keeps_turn = false;

  /// A random number below `n` for roost's own choices; `n` itself if the bubble leaves the choice
  /// to roost.
  virtual std::uint64_t choose_below(std::uint64_t n) noexcept = 0;

  /// Sleeps that are due at the same time end in the order of these numbers. A sleep takes its
  /// number when it begins, unless it sleeps for something that took one with ask() before.
  virtual std::uint64_t ask() noexcept = 0;
  virtual void sleeps_for_asked(std::uint64_t number) noexcept = 0;

  /// A new thread of the bubble, which any thread is about to start. It counts as awake from now
  /// on. May throw bad_alloc.
  virtual bubble_thread& add_thread() = 0;
  virtual void begin() noexcept = 0; // by that thread, first
  virtual void end() noexcept = 0;   // by it, last; or by its starter if it could not be started
  virtual void await_end() noexcept = 0; // by any thread
  virtual void joined() noexcept = 0;    // it has ended, and is not looked at any more

  /// That of the bubble's first thread, which outlives all others.
  virtual bubble_thread& first() noexcept = 0;

  /// Scopes were made in the bubble, and may be kept outside of it: first() stays until all trees
  /// are dropped. By any thread.
  virtual void add_tree() noexcept = 0;
  virtual void drop_tree() noexcept = 0;

  /// Something outside of the bubble may wake one of its threads, until it is dropped. By any
  /// thread.
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

/// While it lives, no call of roost on this thread gives the turn away. For a thread that runs the
/// callback of a std::stop_callback: the destructor of the std::stop_callback waits for the
/// callback inside the standard library, where no turn can be given.
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
