// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/site.hpp>

#include <cstdio>
#include <string_view>

namespace test {

/// The checks of programs that are not under Catch2: main() returns exit_code().
inline int failed_expectations = 0;

inline void expect(bool holds, std::string_view what, roost::site where = roost::site::current()) {
  if (holds)
    return;
  ++failed_expectations;
  std::printf(
      "%s:%zu: not so: %.*s\n", where.file, where.line, static_cast<int>(what.size()), what.data());
}

inline int exit_code() {
  return failed_expectations == 0 ? 0 : 1;
}

} // namespace test
