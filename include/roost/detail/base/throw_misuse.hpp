// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/site.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace roost::inline v0::detail {

// What a wrong use throws. Out of line: each use of a template would compile the text again.

[[noreturn]] void throw_invalid_argument(const char* message);

/// The message is `before`, the line of `where`, and `after`.
[[noreturn]] void throw_logic_error(const char* before, const site& where, std::string_view after);
[[noreturn]] void throw_deadlock(const char* before, const site& where, std::string_view after);

/// `what` is an end of which there can be several: "this end of a channel".
[[noreturn]] void throw_moved_from(const char* what, const site& where);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY void throw_invalid_argument(const char* message) {
  throw std::invalid_argument(message);
}

ROOST_COLD_BODY void
throw_logic_error(const char* before, const site& where, std::string_view after) {
  throw std::logic_error(joined({before, where, after}));
}

ROOST_COLD_BODY void throw_deadlock(const char* before, const site& where, std::string_view after) {
  throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                          joined({before, where, after}));
}

ROOST_COLD_BODY void throw_moved_from(const char* what, const site& where) {
  throw std::logic_error(joined({"roost: ",
                                 what,
                                 " was moved from, and is used at ",
                                 where,
                                 "; make a copy of it where both are used"}));
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
