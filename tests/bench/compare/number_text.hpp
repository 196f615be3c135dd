// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/statistics.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <string>

namespace bench {

/// With at least two digits that count: 0.012, 0.34, 1.20, 12.3, 123.
inline std::string number_text(double value) {
  int decimals = 0;
  if (value != 0 && std::abs(value) < 99.95)
    decimals = std::abs(value) < 0.0995 ? 3 : std::abs(value) < 9.995 ? 2 : 1;
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

struct unit {
  const char* name;
  double size;
};

/// In which `value` is legible, if programs print it under the name `figure`.
inline unit unit_of(const std::string& figure, double value) {
  if (figure == "bytes")
    return {"KiB", 1024};
  if (figure == "cpu_ms")
    return {"ms", 1};
  if (value < 1e3)
    return {"ns", 1};
  if (value < 1e6)
    return {"us", 1e3};
  return value < 1e9 ? unit{"ms", 1e6} : unit{"s", 1e9};
}

inline std::string duration_text(double nanoseconds) {
  const unit in = unit_of("time", nanoseconds);
  return number_text(nanoseconds / in.size) + ' ' + in.name;
}

/// "1.20 us (1.10-1.31)"
inline std::string summary_text(const std::string& figure, const summary& its) {
  const unit in = unit_of(figure, its.median);
  return number_text(its.median / in.size) + ' ' + in.name + " (" + number_text(its.min / in.size) +
         '-' + number_text(its.max / in.size) + ')';
}

} // namespace bench
