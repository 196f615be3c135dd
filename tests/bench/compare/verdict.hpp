// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/contenders.hpp"
#include "bench/compare/result.hpp"
#include "bench/compare/work.hpp"

#include <optional>
#include <string>

namespace bench {

/// How roost stands in one comparison.
struct verdict {
  std::string peer; // the best of those that it is held against
  double ratio = 0; // lower is better
  std::optional<double> target;

  bool met() const { return !target || ratio <= *target; }
};

/// The contender with the lowest median, of those that `counts` accepts.
template <class Counts>
std::optional<std::string>
lowest(const result& each, const std::string& figure, const Counts& counts) {
  std::optional<std::string> best;
  for (const auto& [name, rounds] : each.rounds) {
    const std::optional<summary> its = each.of(name, figure);
    if (counts(name) && its && (!best || its->median < each.of(*best, figure)->median))
      best = name;
  }
  return best;
}

inline std::optional<std::string>
best_peer(const result& each, const std::string& figure, const comparison& held) {
  return lowest(
      each, figure, [&](const std::string& name) { return is_peer(name) && held.counts(name); });
}

/// None where roost or all who could be the best are missing, or took no time at all.
inline std::optional<verdict>
verdict_of(const result& each, const std::string& figure, const comparison& held) {
  const std::optional<summary> ours = each.of("roost", figure);
  const std::optional<std::string> peer = best_peer(each, figure, held);
  if (!ours || !peer || each.of(*peer, figure)->median <= 0)
    return std::nullopt;
  return verdict{*peer, ours->median / each.of(*peer, figure)->median, held.target};
}

/// How roost stands to its older build; none where that does not take part.
inline std::optional<double> ratio_to_before(const result& each, const std::string& figure) {
  const std::optional<summary> ours = each.of("roost", figure);
  const std::optional<summary> before = each.of("before", figure);
  if (!ours || !before || before->median <= 0)
    return std::nullopt;
  return ours->median / before->median;
}

} // namespace bench
