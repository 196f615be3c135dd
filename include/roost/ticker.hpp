// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>

namespace roost::inline v0 {

namespace detail {
template <class F>
class tick_case;
} // namespace detail

/// What becomes of the ticks whose time passes while no thread takes them: the oldest one stays
/// pending, the others are left out. This says when the next one is due.
enum class missed_ticks {
  shift, ///< a whole period after the late one was taken, if others were left out
  skip   ///< at its old place: all ticks stay at whole periods from the first
};

/// Ticks at fixed intervals, for loops that do something every so often. It is a time to look at,
/// not a thread. To wait once, take this_task::sleep_for or a case on_timeout.
///
/// ```cpp
/// roost::ticker every(100ms);
/// for (;;) { every.wait(); publish(statistics()); }   // until the task is stopped
/// ```
///
/// Wait first for whatever else is needed, such as a permit: then the tick is fresh. A thread that
/// comes late finds one tick pending, never more, and is told how many were left out; missed_ticks
/// says when the next one is due then. A thread that comes in time does not shift the ticks that
/// follow. Lifetime: it must outlive the waits for it. Threads: any number share the ticks; each
/// tick goes to one of them. Cancellation: wait() throws when its task is stopped. Cost: no
/// allocation, no thread.
class ticker {
 public:
  /// The first tick is one period from now. Throws std::invalid_argument for a period that is not
  /// positive.
  template <class Rep, class Period>
  explicit ticker(std::chrono::duration<Rep, Period> period,
                  missed_ticks missed = missed_ticks::shift)
      : period_(checked(period)),
        missed_(missed),
        next_(after(detail::sync::now()).time_since_epoch().count()) {}

  /// The first tick is at `first`: pending at once, if that is now or in the past.
  template <class Rep, class Period>
  ticker(detail::any_time_point first,
         std::chrono::duration<Rep, Period> period,
         missed_ticks missed = missed_ticks::shift)
      : period_(checked(period)),
        missed_(missed),
        next_(not_too_long_ago(first).time_since_epoch().count()) {}
  ~ticker() = default;
  ticker(const ticker&) = delete;
  ticker& operator=(const ticker&) = delete;

  /// Waits for the next tick and takes it. Returns how many ticks after it were left out because
  /// this thread came late: mostly 0.
  std::int64_t wait(site where = site::current());

  /// The time between two ticks.
  clock::duration period() const noexcept { return period_; }

 private:
  class tick;
  template <class F>
  friend class detail::tick_case;

  template <class Rep, class Period>
  static clock::duration checked(std::chrono::duration<Rep, Period> period);

  static constexpr std::int64_t not_due = -1;

  // So that the time from then to now fits into the clock's type.
  static clock::time_point not_too_long_ago(clock::time_point t) noexcept {
    constexpr clock::time_point earliest{-(detail::no_timeout / 2)};
    return t < earliest ? earliest : t;
  }

  clock::time_point after(clock::time_point t) const noexcept;
  clock::time_point next() const noexcept;
  std::int64_t take() noexcept; // not_due, or how many ticks after it are left out

  const clock::duration period_;
  const missed_ticks missed_;
  detail::sync::atomic<clock::rep>
      next_; // when the next tick is due; the thread that moves it on has taken it
};

/// One wait for the next tick.
class ticker::tick final : public detail::operation {
 public:
  explicit tick(ticker& from) noexcept : operation({}, nullptr, nullptr), from_(from) {}

  bool try_locked() noexcept override { return (left_out_ = from_.take()) != not_due; }
  void conclude(detail::wait_state) noexcept override {}
  clock::time_point due() const noexcept override { return from_.next(); }
  void describe(detail::object_note& note) const noexcept override {
    note.object = &from_;
    note.kind = "ticker";
  }

  std::int64_t left_out() const noexcept { return left_out_; }

 private:
  ticker& from_;
  std::int64_t left_out_ = not_due;
};

// --- implementation ---------------------------------------------------------

template <class Rep, class Period>
clock::duration ticker::checked(std::chrono::duration<Rep, Period> period) {
  if (!(period > period.zero())) {
    throw std::invalid_argument(
        "roost::ticker: the period must be more than zero; to act as often as possible take a "
        "loop with this_task::checkpoint()");
  }
  constexpr clock::duration longest = detail::no_timeout / 4;
  const clock::duration wanted = detail::any_duration(period);
  return wanted < longest ? wanted : longest;
}

inline clock::time_point ticker::after(clock::time_point t) const noexcept {
  return t < detail::no_deadline - period_ ? t + period_ : detail::no_deadline;
}

inline clock::time_point ticker::next() const noexcept {
  // relaxed: a time, which publishes nothing
  return clock::time_point(clock::duration(next_.load(std::memory_order_relaxed)));
}

inline std::int64_t ticker::take() noexcept {
  const clock::time_point due = next();
  const clock::time_point now = detail::sync::now();
  if (now < due)
    return not_due;
  const std::int64_t left_out = (now - due) / period_;
  const clock::time_point from =
      left_out != 0 && missed_ == missed_ticks::shift ? now : due + left_out * period_;
  clock::rep expected = due.time_since_epoch().count();
  // relaxed: only one moves it on from there; nothing else is published
  const bool taken = next_.compare_exchange_strong(
      expected, after(from).time_since_epoch().count(), std::memory_order_relaxed);
  return taken ? left_out : not_due;
}

#if ROOST_HAS_BODIES

ROOST_BODY std::int64_t ticker::wait(site where) {
  detail::throw_if_stopped();
  tick next_tick(*this);
  for (;;) {
    switch (detail::wait_for_one(next_tick, {"ticker::wait", {}, where}, detail::no_deadline)) {
    case detail::wait_state::stopped:
      detail::raise_stop();
    case detail::wait_state::done:
      return next_tick.left_out();
    default: // it was due: now take it, or another thread was faster
      break;
    }
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
