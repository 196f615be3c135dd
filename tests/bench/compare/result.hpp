// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/run_peer.hpp"
#include "bench/compare/statistics.hpp"
#include "bench/compare/work.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// What all rounds of one work gave.
struct result {
  work what;
  std::map<std::string, std::vector<figures>> rounds = {}; // by the name of who was measured
  std::vector<std::string> notes = {};                     // who failed, and how

  /// Nothing where `who` does not offer the work, or has failed.
  std::optional<summary> of(const std::string& who, const std::string& figure) const {
    const auto found = rounds.find(who);
    if (found == rounds.end())
      return std::nullopt;
    std::vector<double> values;
    for (const figures& round : found->second)
      if (const auto value = round.find(figure); value != round.end())
        values.push_back(value->second);
    return values.empty() ? std::nullopt : std::optional(summary_of(std::move(values)));
  }
};

} // namespace bench
