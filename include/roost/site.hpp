// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>

#include <chrono>
#include <cstddef>
#include <type_traits>

namespace roost::inline v0 {

/// A line of the user's program. Every spawn and every blocking call takes one as its last,
/// defaulted parameter and so records where it was called. It holds pointers to literals only:
/// cheap to copy, valid for ever.
///
/// Not std::source_location, which clang 14 with libstdc++ 12 does not have.
struct site {
  const char* file = "";     ///< the source file, as the compiler was told it
  const char* function = ""; ///< the function around
  std::size_t line = 0;      ///< 0: no line is known

  /// No line.
  constexpr site() noexcept = default;
  /// A line; the texts must live as long as copies of it, as literals do.
  constexpr site(const char* in_file, const char* in_function, std::size_t at_line) noexcept
      : file(in_file),
        function(in_function),
        line(at_line) {}

  /// Refused: a time limit would land here, where a call takes none.
  template <class Rep, class Period>
  // NOLINTNEXTLINE(google-explicit-constructor): to refuse it in words
  site(std::chrono::duration<Rep, Period>) {
    static_assert(detail::never<Rep>,
                  "roost: this call waits for as long as it takes; with a time limit its name ends "
                  "in _for: send_for, receive_for, wait_for, select_for, acquire_for");
  }

  /// The calling line; as a default argument, the line of the outermost call.
  static constexpr site current(const char* file = __builtin_FILE(),
                                const char* function = __builtin_FUNCTION(),
                                std::size_t line = __builtin_LINE()) noexcept {
    return {file, function, line};
  }
};

namespace detail {

/// True if what a call is given after its callable is more than a site: arguments for the callable,
/// as std::thread takes them.
template <class... Args>
inline constexpr bool are_arguments = sizeof...(Args) > 1 ||
                                      (!std::is_same_v<std::remove_cvref_t<Args>, site> || ...);

} // namespace detail
} // namespace roost::inline v0
