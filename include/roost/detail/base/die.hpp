// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/site.hpp>

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>

namespace roost::inline v0::detail {

/// For errors of the program where nothing can be thrown.
[[noreturn]] void die(const char* message) noexcept;

/// The same, and names the object in question, such as a scope that was made at a line.
[[noreturn]] void die(const char* message,
                      const char* kind,
                      std::string_view name,
                      const char* did,
                      const site& where) noexcept;

/// The same for an object that has no name: only its line tells which one it is.
[[noreturn]] void die(const char* message, const char* did, const site& where) noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY void die(const char* message) noexcept {
  std::fprintf(stderr, "roost: %s\n", message);
  std::terminate();
}

ROOST_COLD_BODY void die(const char* message,
                         const char* kind,
                         std::string_view name,
                         const char* did,
                         const site& where) noexcept {
  try {
    const std::string about = name_and_line(kind, name, did, where);
    std::fprintf(stderr, "roost: %s (%s)\n", message, about.c_str());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "roost: %s (%s:%zu)\n", message, where.file, where.line);
  }
  std::terminate();
}

ROOST_COLD_BODY void die(const char* message, const char* did, const site& where) noexcept {
  if (is_of_the_library(where))
    std::fprintf(stderr, "roost: %s (%s by the standard library)\n", message, did);
  else
    std::fprintf(stderr, "roost: %s (%s at %s:%zu)\n", message, did, where.file, where.line);
  std::terminate();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
