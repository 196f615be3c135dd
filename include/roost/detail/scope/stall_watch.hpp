// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/sync/now.hpp>

#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <exception>

namespace roost::inline v0::detail {

class stop_domain;

/// Tells the report sink of what the scope and all inside it wait for; see report/stall_text.hpp.
/// Where there is no memory for that, it tells nothing. No lock is held.
void tell_stall(stop_domain& scope) noexcept;

/// The same, and says that nothing in the scope can go on. `what` says why it is told: the program
/// has asked for it; or it is certain, as the process has no other thread; or it is likely, as only
/// another thread might still do something. False if nothing was told.
enum class standstill { was_asked_for, is_certain, is_likely };
bool tell_standstill(stop_domain& scope, standstill what) noexcept;

/// A deadlock_error, or what is thrown for lack of memory.
std::exception_ptr make_deadlock_error(stop_domain& scope) noexcept;

/// Tells a thread that waits for tasks when to report: once its patience is over after the stop,
/// then at doubled times; likewise while tasks are queued and none begins.
class stall_watch {
 public:
  static constexpr std::size_t no_queue = static_cast<std::size_t>(-1);

  /// What is known of the tasks when it is asked.
  struct progress {
    clock::time_point stopped_at = no_deadline; // no_deadline if they are not stopped
    std::size_t begun = no_queue; // how many have begun so far; no_queue if none is queued
  };

  /// ROOST_STALL_MS overrides `patience`, and then a wait without a stop is watched, too, from now
  /// on.
  explicit stall_watch(clock::duration patience);

  /// What overrides `patience`; if nothing does, `patience`.
  static clock::duration patience_of(clock::duration patience) noexcept {
    return watches_all_waits() ? from_environment() : patience;
  }

  /// no_deadline if there is nothing to report yet.
  clock::time_point next(const progress& now) noexcept;

  /// Reports are made whatever the tasks do, because they are to have stopped, or the environment
  /// wants it.
  bool reports_all() const noexcept { return start_ != queue_stands_since_; }

  /// True if the environment wants reports of any wait.
  static bool watches_all_waits() noexcept { return from_environment() != no_timeout; }

  void reported(clock::time_point now) noexcept {
    patience_ = 2 * (now - start_ > patience_ ? now - start_ : patience_);
  }

 private:
  /// Read once; no_timeout if it is not set or not a number.
  static clock::duration from_environment() noexcept;

  const clock::duration patience_at_first_;
  clock::duration patience_;
  const clock::time_point waiting_since_;
  clock::time_point start_ = no_deadline; // from when it is counted
  clock::time_point queue_stands_since_ = no_deadline;
  std::size_t begun_ = no_queue;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY stall_watch::stall_watch(clock::duration patience)
    : patience_at_first_(patience_of(patience)),
      patience_(patience_at_first_),
      waiting_since_(watches_all_waits() ? sync::now() : no_deadline) {}

ROOST_COLD_BODY clock::time_point stall_watch::next(const progress& now) noexcept {
  if (now.begun != begun_) {
    begun_ = now.begun;
    queue_stands_since_ = begun_ != no_queue ? sync::now() : no_deadline;
  }
  const clock::time_point start = now.stopped_at != no_deadline   ? now.stopped_at
                                  : waiting_since_ != no_deadline ? waiting_since_
                                                                  : queue_stands_since_;
  if (start_ != start)
    patience_ = patience_at_first_; // it starts anew
  start_ = start;
  const bool never = start_ == no_deadline || patience_ > no_deadline - start_;
  return never ? no_deadline : start_ + patience_;
}

ROOST_COLD_BODY clock::duration stall_watch::from_environment() noexcept {
  static const clock::duration interval = []() -> clock::duration {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): safe unless the program changes its environment
    const char* const text = std::getenv("ROOST_STALL_MS");
    if (text == nullptr)
      return no_timeout;
    char* end = nullptr;
    const unsigned long long milliseconds = std::strtoull(text, &end, 10);
    // A sign and blanks, which it accepts, are not part of a number here.
    if (*text < '0' || *text > '9' || *end != '\0' || milliseconds > UINT_MAX)
      return no_timeout;
    return std::chrono::milliseconds(milliseconds != 0 ? milliseconds : 1);
  }();
  return interval;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
