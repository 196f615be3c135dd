// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace roost::inline v0 {

/// A line of the user's program. Every spawn and every blocking call takes one as its last,
/// defaulted parameter and so records who called. It holds pointers to literals only: cheap to
/// copy, valid for ever.
///
/// Not std::source_location, which clang 14 with libstdc++ 12 does not have.
struct site {
  const char* file = "";
  const char* function = "";
  std::size_t line = 0;

  /// The line that calls; as a default argument, the line of the outermost call.
  static constexpr site current(const char* file = __builtin_FILE(),
                                const char* function = __builtin_FUNCTION(),
                                std::size_t line = __builtin_LINE()) noexcept {
    return {file, function, line};
  }
};

} // namespace roost::inline v0
