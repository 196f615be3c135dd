// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <thread>

namespace roost::inline v0::detail::sync {

/// Offers the processor to other threads. See mutex.hpp.
inline void yield() noexcept {
  std::this_thread::yield();
}

/// Sleeps, whatever happens meanwhile.
inline void sleep_for(std::chrono::microseconds time) {
  std::this_thread::sleep_for(time);
}

} // namespace roost::inline v0::detail::sync
