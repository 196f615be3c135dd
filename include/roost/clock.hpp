// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/now.hpp>

#include <chrono>
#include <ratio>
#include <type_traits>

namespace roost::inline v0 {

/// The only clock roost uses. It is steady: setting the system's time wakes and delays nothing. Its
/// points in time are those of std::chrono::steady_clock, which it reads; but in a bubble of
/// <roost/testing.hpp> it reads the bubble's time.
struct clock {
  using rep = std::chrono::steady_clock::rep;               ///< as the standard wants it
  using period = std::chrono::steady_clock::period;         ///< as the standard wants it
  using duration = std::chrono::steady_clock::duration;     ///< the difference of two times
  using time_point = std::chrono::steady_clock::time_point; ///< a time
  static constexpr bool is_steady = true;                   ///< as the standard wants it

  /// The time now: the bubble's inside one, else the system's.
  static time_point now() noexcept { return detail::sync::now(); }
};

namespace detail {

// The types' limits under names of their own: as functions they collide with a max() macro.
inline constexpr clock::time_point no_deadline = (clock::time_point::max)();
inline constexpr clock::duration no_timeout = (clock::duration::max)();

// Not std::min and std::max: <algorithm> would be a fifth of what roost costs to include.
constexpr clock::time_point earlier(clock::time_point a, clock::time_point b) noexcept {
  return b < a ? b : a;
}
constexpr clock::time_point later(clock::time_point a, clock::time_point b) noexcept {
  return a < b ? b : a;
}

template <class>
inline constexpr bool never = false;

// The limit is half of the clock's range: a longer time is for ever, and a shorter one can be added
// to now().
constexpr bool is_beyond(std::chrono::duration<double> time) noexcept {
  return !(time < std::chrono::duration<double>(no_timeout / 2)); // NaN is beyond, too
}

/// A parameter or member that takes any duration of std::chrono. A duration that does not fit into
/// the clock's own type is for ever: the plain conversion would overflow, mostly into the past.
class any_duration {
 public:
  template <class Rep, class Period>
  // NOLINTNEXTLINE(google-explicit-constructor): that is what it is for
  constexpr any_duration(std::chrono::duration<Rep, Period> time) noexcept
      : time_(converted(time)) {}

  template <class Number>
    requires std::is_arithmetic_v<Number>
    // NOLINTNEXTLINE(google-explicit-constructor): to refuse it in words
    any_duration(Number) {
      static_assert(never<Number>,
                    "roost: a duration needs a unit: 2s, 20ms, std::chrono::hours(1)");
    }

  template <class Clock, class Duration>
  // NOLINTNEXTLINE(google-explicit-constructor): to refuse it in words
  any_duration(std::chrono::time_point<Clock, Duration>) {
    static_assert(never<Clock>,
                  "roost: this takes a duration; a point in time is for the form with _until, or "
                  "for scope_options::deadline");
  }

  // NOLINTNEXTLINE(google-explicit-constructor): it is one
  constexpr operator clock::duration() const noexcept { return time_; }

 private:
  template <class Rep, class Period>
  static constexpr clock::duration converted(std::chrono::duration<Rep, Period> time) noexcept {
    const std::chrono::duration<double> wanted(time);
    if (is_beyond(wanted))
      return no_timeout;
    if (is_beyond(-wanted))
      return -no_timeout;
    // Where neither a tick nor a nanosecond is a multiple of the other, the conversion multiplies
    // first: then even hours may overflow.
    using ratio = std::ratio_divide<Period, clock::period>;
    if constexpr (std::is_integral_v<Rep> && ratio::num != 1 && ratio::den != 1)
      return std::chrono::ceil<clock::duration>(std::chrono::duration<long double, Period>(time));
    else
      return std::chrono::ceil<clock::duration>(time);
  }

  clock::duration time_{};
};

/// The same for points in time of the clock, in any precision.
class any_time_point {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): it is one
  constexpr any_time_point(clock::time_point time) noexcept : time_(time) {}

  template <class Clock, class Duration>
  // NOLINTNEXTLINE(google-explicit-constructor): that is what it is for
  constexpr any_time_point(std::chrono::time_point<Clock, Duration> time) noexcept
      : time_(converted(time)) {}

  template <class Rep, class Period>
  // NOLINTNEXTLINE(google-explicit-constructor): to refuse it in words
  any_time_point(std::chrono::duration<Rep, Period>) {
    static_assert(never<Rep>,
                  "roost: this takes a point in time; a duration is for the form with _for, or for "
                  "scope_options::timeout");
  }

  // NOLINTNEXTLINE(google-explicit-constructor): it is one
  constexpr operator clock::time_point() const noexcept { return time_; }

 private:
  template <class Clock, class Duration>
  static constexpr clock::time_point
  converted(std::chrono::time_point<Clock, Duration> time) noexcept {
    constexpr bool is_steady = std::is_same_v<Clock, std::chrono::steady_clock>;
    static_assert(is_steady || std::is_same_v<Clock, clock>,
                  "roost: a deadline is a time of roost::clock, which nobody can set; for one of "
                  "another clock take the time that is left");
    if constexpr (is_steady || std::is_same_v<Clock, clock>) {
      return clock::time_point(any_duration(time.time_since_epoch()));
    } else {
      return {};
    }
  }

  clock::time_point time_;
};

/// Now plus `timeout`. A sum that does not fit becomes no_deadline; a negative timeout leads into
/// the past.
inline clock::time_point deadline_after(any_duration timeout) noexcept {
  const clock::duration time = timeout;
  const clock::time_point begin = sync::now();
  // In a bubble centuries may have passed.
  const bool is_for_ever = is_beyond(time) || (time > time.zero() && begin > no_deadline - time);
  return is_for_ever ? no_deadline : begin + time;
}

} // namespace detail
} // namespace roost::inline v0
