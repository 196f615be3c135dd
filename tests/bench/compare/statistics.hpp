// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace bench {

struct summary {
  double median = 0;
  double min = 0;
  double max = 0;
};

/// Of at least one value. The median of an even number of values is the mean of the two in the
/// middle.
inline summary summary_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t upper = values.size() / 2;
  const std::size_t lower = (values.size() - 1) / 2;
  return {(values[lower] + values[upper]) / 2, values.front(), values.back()};
}

} // namespace bench
