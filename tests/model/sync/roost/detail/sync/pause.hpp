// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/hardware_threads.hpp>

#include "model/runtime.hpp"

namespace roost::inline v0::detail {

inline void pause(model::place at = model::place::here()) noexcept {
  model::spin(at);
}

inline bool spinning_helps() noexcept {
  return hardware_threads() > 1;
}

} // namespace roost::inline v0::detail
