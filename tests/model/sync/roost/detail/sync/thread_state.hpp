// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace roost::inline v0::detail::sync {

/// As where the system tells nothing.
inline std::string_view thread_state(std::uint64_t) {
  return {};
}
inline std::size_t thread_count() {
  return 0;
}

} // namespace roost::inline v0::detail::sync
