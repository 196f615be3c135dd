// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model/runtime.hpp"

#include <cstddef>

namespace roost::inline v0::detail {

/// As many as the case says.
inline std::size_t hardware_threads() noexcept {
  return model::processors();
}

inline std::size_t threads_at_work() noexcept {
  return hardware_threads();
}

inline std::size_t worth_waking() noexcept {
  return threads_at_work() > 1 ? threads_at_work() - 1 : 1;
}

} // namespace roost::inline v0::detail
