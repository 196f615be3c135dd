// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/contenders.hpp"
#include "bench/compare/options.hpp"
#include "bench/compare/result.hpp"
#include "bench/compare/run_peer.hpp"
#include "bench/compare/work.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Those of the contenders whose programs have been built.
inline std::vector<std::string> present_contenders(const options& given) {
  std::vector<std::string> names;
  for (const contender& each : contenders())
    if (std::filesystem::exists(given.programs / each.program()))
      names.push_back(each.name);
  return names;
}

/// All rounds of one work. In each round all take part one after the other, in turned order every
/// second time: what the machine does meanwhile meets all of them alike.
class interleaved_rounds {
 public:
  interleaved_rounds(const options& given, work what, std::vector<std::string> names)
      : given_(given),
        result_{std::move(what)},
        names_(std::move(names)) {}

  result run() {
    if (result_.what.items_alike)
      find_slow();
    for (int round = 0; round < given_.rounds; ++round) {
      for (const std::string& name : std::vector<std::string>(names_))
        run_one(name);
      std::reverse(names_.begin(), names_.end());
    }
    return std::move(result_);
  }

 private:
  // A contender that would need more than a quarter of a second for a round does a tenth of the
  // items: most of the time would be spent on those that are ten times as slow as the best. Their
  // tenth, which they do once beforehand, still lasts long enough.
  static constexpr std::chrono::milliseconds slow_round{250};
  static constexpr long slow_share = 10;

  void find_slow() {
    for (const std::string& name : names_)
      if (run(name, slow_share).lasted * slow_share > slow_round)
        slow_.insert(name);
  }

  round_end run(const std::string& name, long share) const {
    return run_peer(given_.programs / ("bench_" + name), result_.what, given_.divisor() * share);
  }

  void run_one(const std::string& name) {
    round_end end = run(name, slow_.contains(name) ? slow_share : 1);
    if (end.how == round_end::kind::measured) {
      result_.rounds[name].push_back(std::move(end.values));
      return;
    }
    std::erase(names_, name);
    result_.rounds.erase(name);
    if (end.how == round_end::kind::failed)
      note(name, end.reason);
    else if (name == "roost")
      note(name, "does not offer it");
  }

  void note(const std::string& name, const std::string& reason) {
    result_.notes.push_back(result_.what.name + ": " + name + " " + reason);
    std::cerr << "  " << result_.notes.back() << '\n';
  }

  const options& given_;
  result result_;
  std::vector<std::string> names_; // who still takes part
  std::set<std::string> slow_;
};

} // namespace bench
