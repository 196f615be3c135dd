// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/result.hpp"
#include "bench/compare/verdict.hpp"

#include <optional>
#include <string>
#include <vector>

namespace bench {

/// A comparison for the chart and the short table.
struct main_line {
  std::string group;
  std::string title;
  verdict what;
  double roost = 0; // the medians
  double peer = 0;
};

inline std::vector<main_line> main_lines_of(const std::vector<result>& results) {
  std::vector<main_line> lines;
  for (const result& each : results)
    for (const line& shown : each.what.lines)
      for (const comparison& held : shown.comparisons)
        if (const std::optional<verdict> what = verdict_of(each, shown.figure, held);
            what && held.in_chart)
          lines.push_back({each.what.group,
                           shown.title,
                           *what,
                           each.of("roost", shown.figure)->median,
                           each.of(what->peer, shown.figure)->median});
  return lines;
}

} // namespace bench
