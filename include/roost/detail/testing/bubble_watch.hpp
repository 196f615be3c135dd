// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/start_thread.hpp>
#include <roost/detail/sync/word_sleep.hpp>
#include <roost/detail/testing/bubble_threads.hpp>
#include <roost/detail/testing/held_up.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>

namespace roost::inline v0::detail {

/// A thread that looks now and then, by the system's time, whether the time of a bubble is held up,
/// and if so tells the report sink. No thread of the bubble could do that for sure: all of them may
/// be in calls that roost does not know.
///
/// Threads: one makes, uses and ends it; only the look is its own thread's. Errors: where the
/// system has no thread for it, nothing is told.
class bubble_watch {
 public:
  ROOST_COLD_BODY explicit bubble_watch(clock::duration patience) noexcept;
  ROOST_COLD_BODY ~bubble_watch();
  bubble_watch(const bubble_watch&) = delete;
  bubble_watch& operator=(const bubble_watch&) = delete;

  /// From now on it looks at `watched`.
  void begin(bubble& watched) noexcept {
    const std::lock_guard lock(mutex_);
    watched_ = &watched;
  }
  /// It looks at no bubble any more. Waits for a report under way, which uses the bubble's root.
  void end() noexcept {
    const std::lock_guard lock(mutex_);
    watched_ = nullptr;
  }

 private:
  ROOST_COLD_BODY void run() noexcept;
  ROOST_COLD_BODY void look() noexcept;

  const clock::duration pause_; // between two looks
  sync::mutex mutex_;
  bubble* watched_ = nullptr;              // guarded by mutex_, which is held while it is looked at
  sync::atomic<std::uint32_t> is_over_{0}; // on which the thread sleeps
  word_sleep sleep_;
  sync::thread thread_; // the last: it uses the others
};

/// While it lives the bubble is watched.
class bubble_watched {
 public:
  bubble_watched(bubble_watch& watch, bubble& watched) noexcept : watch_(watch) {
    watch_.begin(watched);
  }
  ~bubble_watched() { watch_.end(); }
  bubble_watched(const bubble_watched&) = delete;
  bubble_watched& operator=(const bubble_watched&) = delete;

 private:
  bubble_watch& watch_;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY bubble_watch::bubble_watch(clock::duration patience) noexcept
    : pause_(std::max(patience, clock::duration(std::chrono::milliseconds(2))) /
             bubble::looks_in_patience) {
  if (is_beyond(patience))
    return;
  try {
    thread_ = start_thread([](void* on) { static_cast<bubble_watch*>(on)->run(); }, this, nullptr);
  } catch (const std::exception&) { // no thread, or no memory for one
  }
}

ROOST_COLD_BODY bubble_watch::~bubble_watch() {
  is_over_.store(1, std::memory_order_relaxed); // relaxed: publishes nothing
  sleep_.wake(is_over_);
}

ROOST_COLD_BODY void bubble_watch::run() noexcept {
  for (;;) {
    sleep_.wait_while(is_over_, 0, sync::system_now() + pause_);
    if (is_over_.load(std::memory_order_relaxed) != 0) // relaxed: as above
      return;
    look();
  }
}

ROOST_COLD_BODY void bubble_watch::look() noexcept {
  const std::lock_guard lock(mutex_);
  if (watched_ == nullptr)
    return;
  const time_hold hold = watched_->look();
  if (hold.root == nullptr)
    return;
  if (!tell_time_is_held_up(hold, static_cast<clock::rep>(hold.looks) * pause_))
    watched_->has_not_told();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
