// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <cstddef>

namespace roost::inline v0::detail {

/// What a selector keeps.
struct select_probe {
  /// Cases of a selector, and removed ones for which it still has a place.
  static std::size_t places(const selector& s) { return s.cases_.size(); }
};

} // namespace roost::inline v0::detail
