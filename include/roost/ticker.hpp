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
#include <stdexcept>

namespace roost::inline v0 {

namespace detail {
template <class F>
class tick_case;
}

/// Ticks at fixed distances, for loops that do something every so often. It is a time to look at,
/// not a thread. To wait once, take this_task::sleep_for or a case on_timeout.
///
/// ```cpp
/// roost::ticker every(100ms);
/// for (;;) { every.wait(); publish(statistics()); }   // until the task is stopped
/// ```
///
/// Wait for what else is needed, such as a permit, first: then the tick is fresh. A thread that
/// comes late finds one tick pending, never more: the others are left out, and the next one is a
/// whole period from then. One that comes in time does not shift the ticks that follow. Lifetime:
/// it must outlive the waits for it. Threads: any number share the ticks; each tick goes to one of
/// them. Cancellation: wait() throws when its task is stopped. Cost: no allocation, no thread.
class ticker {
 public:
  /// The first tick is one period from now. Throws std::invalid_argument for a period that is not
  /// positive.
  template <class Rep, class Period>
  explicit ticker(std::chrono::duration<Rep, Period> period)
      : period_(checked(period)),
        next_(first()) {}
  ~ticker() = default;
  ticker(const ticker&) = delete;
  ticker& operator=(const ticker&) = delete;

  /// Waits for the next tick and takes it.
  void wait(site where = site::current());

  /// The distance between two ticks.
  clock::duration period() const noexcept { return period_; }

 private:
  class tick;
  template <class F>
  friend class detail::tick_case;

  template <class Rep, class Period>
  static clock::duration checked(std::chrono::duration<Rep, Period> period);

  clock::rep first() const noexcept {
    return after(detail::sync::now()).time_since_epoch().count();
  }
  clock::time_point after(clock::time_point t) const noexcept;
  clock::time_point next() const noexcept;
  bool take() noexcept;

  const clock::duration period_;
  detail::sync::atomic<clock::rep>
      next_; // when the next tick is due; the thread that moves it on has taken it
};

/// To take the next tick.
class ticker::tick final : public detail::operation {
 public:
  explicit tick(ticker& from) noexcept : operation({}, nullptr, nullptr), from_(from) {}

  bool try_locked() noexcept override { return from_.take(); }
  void conclude(detail::wait_state) noexcept override {}
  clock::time_point due() const noexcept override { return from_.next(); }
  void describe(detail::object_note& note) const noexcept override {
    note.object = &from_;
    note.kind = "ticker";
  }

 private:
  ticker& from_;
};

// --- implementation ---------------------------------------------------------

template <class Rep, class Period>
clock::duration ticker::checked(std::chrono::duration<Rep, Period> period) {
  if (!(period > period.zero())) {
    throw std::invalid_argument(
        "roost::ticker: the period must be more than zero; to act as often as possible take a "
        "loop with this_task::checkpoint()");
  }
  constexpr std::chrono::duration<double> longest = detail::no_timeout / 4;
  return period < longest ? std::chrono::ceil<clock::duration>(period) : detail::no_timeout / 4;
}

inline clock::time_point ticker::after(clock::time_point t) const noexcept {
  return t < detail::no_deadline - period_ ? t + period_ : detail::no_deadline;
}

inline clock::time_point ticker::next() const noexcept {
  // relaxed: a time, which publishes nothing
  return clock::time_point(clock::duration(next_.load(std::memory_order_relaxed)));
}

inline bool ticker::take() noexcept {
  const clock::time_point due = next();
  const clock::time_point now = detail::sync::now();
  if (now < due)
    return false;
  const clock::time_point in_step = after(due);
  const clock::time_point following = in_step > now ? in_step : after(now);
  clock::rep expected = due.time_since_epoch().count();
  // relaxed: only one moves it on from there; nothing else is published
  return next_.compare_exchange_strong(
      expected, following.time_since_epoch().count(), std::memory_order_relaxed);
}

#if ROOST_HAS_BODIES

ROOST_BODY void ticker::wait(site where) {
  detail::throw_if_stopped();
  tick next_tick(*this);
  for (;;) {
    switch (detail::wait_for_one(next_tick, {"ticker::wait", {}, where}, detail::no_deadline)) {
    case detail::wait_state::stopped:
      detail::raise_stop();
    case detail::wait_state::done:
      return;
    default: // it was due: now take it, or another thread was faster
      break;
    }
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
