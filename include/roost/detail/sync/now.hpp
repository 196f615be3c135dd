// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>

namespace roost::inline v0::detail::sync {

/// Every reading of the clock. See mutex.hpp.
inline std::chrono::steady_clock::time_point now() noexcept {
  return std::chrono::steady_clock::now();
}

} // namespace roost::inline v0::detail::sync
