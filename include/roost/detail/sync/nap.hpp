// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/yield.hpp>

#include <chrono>
#include <cstdint>

namespace roost::inline v0::detail::sync {

/// Sleeps for a moment, where there is no memory for a wait that another thread can end: look again
/// afterwards. In a bubble it is a moment of the bubble's time, and others go on meanwhile.
inline void nap() noexcept {
  constexpr std::chrono::milliseconds moment(1);
  if (bubble_here == nullptr) {
    sleep_for(moment);
  } else {
    const atomic<std::uint32_t> unchanged{0};
    bubble_here->sleep_while(unchanged, 0, bubble_here->now() + moment);
  }
}

} // namespace roost::inline v0::detail::sync
