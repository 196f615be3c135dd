// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace bench {

/// How many nanoseconds `f()` takes.
template <class F>
double time_of(F f) {
  using nanoseconds = std::chrono::duration<double, std::nano>;
  const auto start = std::chrono::steady_clock::now();
  f();
  return nanoseconds(std::chrono::steady_clock::now() - start).count();
}

inline double median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

} // namespace bench
