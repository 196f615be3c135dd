// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/result.hpp"
#include "bench/compare/work.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// How roost stands in one comparison.
struct verdict {
  std::string peer; // the best of those that it is held against
  double ratio = 0; // lower is better
  std::optional<double> target;

  bool met() const { return !target || ratio <= *target; }
};

/// The peer with the lowest median, among `names` unless that is empty.
inline std::optional<std::string>
best_peer(const result& each, const std::string& figure, const std::vector<std::string>& names) {
  std::optional<std::string> best;
  for (const auto& [name, rounds] : each.rounds) {
    const bool counts =
        name != "roost" &&
        (names.empty() || std::find(names.begin(), names.end(), name) != names.end());
    const std::optional<summary> its = each.of(name, figure);
    if (counts && its && (!best || its->median < each.of(*best, figure)->median))
      best = name;
  }
  return best;
}

/// None where roost or all who could be the best are missing, or took no time at all.
inline std::optional<verdict>
verdict_of(const result& each, const std::string& figure, const comparison& held) {
  const std::optional<summary> ours = each.of("roost", figure);
  const std::optional<std::string> peer = best_peer(each, figure, held.against);
  if (!ours || !peer || each.of(*peer, figure)->median <= 0)
    return std::nullopt;
  return verdict{*peer, ours->median / each.of(*peer, figure)->median, held.target};
}

} // namespace bench
