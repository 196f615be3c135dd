// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model/runtime.hpp"

#include <chrono>

namespace roost::inline v0::detail::sync {

inline std::chrono::steady_clock::time_point now() noexcept {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(model::now()));
}

inline std::chrono::steady_clock::time_point system_now() noexcept {
  return now();
}

inline std::chrono::steady_clock::time_point now_roughly() noexcept {
  return now();
}

} // namespace roost::inline v0::detail::sync
