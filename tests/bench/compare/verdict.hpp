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

/// The least CPU time of a peer whose tasks run on threads, of those that roost is held against:
/// fibers of one thread switch without the kernel.
inline std::optional<std::string> least_cpu_peer(const result& each, const comparison& held) {
  return lowest(each, "cpu", [&](const std::string& name) {
    return is_thread_peer(name) && held.counts(name);
  });
}

inline std::optional<std::string>
best_peer(const result& each, const std::string& figure, const comparison& held) {
  return lowest(
      each, figure, [&](const std::string& name) { return is_peer(name) && held.counts(name); });
}

/// None where roost or all that could be the best are missing, or took no time at all.
inline std::optional<verdict> verdict_of(const result& each,
                                         const std::string& figure,
                                         const std::optional<std::string>& peer,
                                         std::optional<double> target) {
  const std::optional<summary> ours = each.of("roost", figure);
  const std::optional<summary> theirs = peer ? each.of(*peer, figure) : std::nullopt;
  if (!ours || !theirs || theirs->median <= 0)
    return std::nullopt;
  return verdict{*peer, ours->median / theirs->median, target};
}

inline std::optional<verdict>
verdict_of(const result& each, const std::string& figure, const comparison& held) {
  return verdict_of(each, figure, best_peer(each, figure, held), held.target);
}

/// The processor time of roost against that of the most frugal peer.
inline std::optional<verdict> cpu_verdict_of(const result& each, const comparison& held) {
  constexpr double most = 1.5;
  return verdict_of(each, "cpu", least_cpu_peer(each, held), most);
}

/// roost against its older build.
inline std::optional<verdict> verdict_to_before(const result& each, const std::string& figure) {
  constexpr double most = 1.1;
  return verdict_of(each, figure, "before", most);
}

} // namespace bench
