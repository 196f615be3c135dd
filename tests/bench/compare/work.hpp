// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// Whom roost is held against. Peers that are not among them are shown beside.
struct comparison {
  std::vector<std::string> against;  // names of peers; empty: all
  std::optional<double> target = {}; // roost's median by that of the best of them, at most
  bool in_chart = false;

  bool counts(const std::string& peer) const {
    return against.empty() || std::find(against.begin(), against.end(), peer) != against.end();
  }
};

/// One line of a table, made of one figure that the programs print.
struct line {
  std::string title;
  std::string figure;
  std::vector<comparison> comparisons; // at least one
};

/// What each program is asked to do: `<program> <command>...`.
struct work {
  std::string group;
  std::string name;
  std::vector<std::string> command; // "#" stands for `count`
  long count = 0;
  std::vector<line> lines;
  bool on_one_cpu = false;
  bool items_alike = false; // a slow contender may do fewer
};

} // namespace bench
