// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model/runtime.hpp"

#include <chrono>

namespace roost::inline v0::detail::sync {

inline void yield(model::place at = model::place::here()) noexcept {
  model::yield(at);
}

/// What naps looks again afterwards: so it is one that spins.
inline void sleep_for(std::chrono::microseconds, model::place at = model::place::here()) noexcept {
  model::spin(at);
}

} // namespace roost::inline v0::detail::sync
