// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/site.hpp>

#include <cstdio>
#include <exception>

namespace roost::inline v0::detail {

/// For errors of the program where nothing can be thrown.
[[noreturn]] inline void die(const char* message) noexcept {
  std::fprintf(stderr, "roost: %s\n", message);
  std::terminate();
}
[[noreturn]] inline void die(const char* message, const site& where) noexcept {
  std::fprintf(stderr, "roost: %s (made at %s:%zu)\n", message, where.file, where.line);
  std::terminate();
}

} // namespace roost::inline v0::detail
