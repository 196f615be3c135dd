// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model/runtime.hpp"

#include <roost/detail/sync/hardware_threads.hpp>

namespace roost::inline v0::detail {

inline void pause(model::place at = model::place::here()) noexcept {
  model::spin(at);
}

inline bool spinning_helps() noexcept {
  return hardware_threads() > 1;
}

} // namespace roost::inline v0::detail
