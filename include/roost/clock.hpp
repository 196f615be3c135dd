// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>

namespace roost::inline v0 {

/// The only clock roost uses. It is steady: setting the system's time wakes and delays nothing.
using clock = std::chrono::steady_clock;

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

/// Now plus `timeout`, for any duration type. What does not fit becomes no_deadline, and what is
/// negative lies in the past.
template <class Rep, class Period>
clock::time_point deadline_after(std::chrono::duration<Rep, Period> timeout) noexcept {
  using seconds = std::chrono::duration<double>;
  // A century is for ever, and far enough from the limits that adding it to now() is safe.
  constexpr seconds for_ever(100.0 * 365 * 24 * 3600);
  const seconds wanted(timeout);
  if (!(wanted < for_ever))
    return no_deadline;
  if (wanted < -for_ever)
    return clock::time_point{};
  return clock::now() + std::chrono::ceil<clock::duration>(timeout);
}

} // namespace detail
} // namespace roost::inline v0
