// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/bubble_thread.hpp>

#include <chrono>
#include <ctime>

namespace roost::inline v0::detail::sync {

/// The system's time, also in a bubble.
inline std::chrono::steady_clock::time_point system_now() noexcept {
  return std::chrono::steady_clock::now();
}

/// Every reading of the clock. See mutex.hpp.
inline std::chrono::steady_clock::time_point now() noexcept {
  if (bubble_here != nullptr) [[unlikely]]
    return bubble_here->now();
  return system_now();
}

/// The same, but up to some milliseconds old, for reports: a fifth of the cost where the system has
/// such a clock.
inline std::chrono::steady_clock::time_point now_roughly() noexcept {
#if defined(__linux__) && defined(CLOCK_MONOTONIC_COARSE)
  timespec time{};
  if (!is_in_bubble() && ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time) == 0) {
    return std::chrono::steady_clock::time_point(std::chrono::seconds(time.tv_sec) +
                                                 std::chrono::nanoseconds(time.tv_nsec));
  }
#endif
  return now();
}

} // namespace roost::inline v0::detail::sync
