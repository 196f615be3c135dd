// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/contenders.hpp"
#include "bench/compare/options.hpp"
#include "bench/compare/result.hpp"
#include "bench/compare/run_program.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace bench {

/// How long the example tree_search takes to search /usr/include, beside the tools that do the
/// same. All must find the same number of lines.
class search_time {
 public:
  explicit search_time(const options& given) : given_(given) {}

  result measure() {
    result all{{"A program: tree_search",
                "search",
                {},
                0,
                {{"search /usr/include for a word", "time", {{{"grep"}}, {{"rg"}}}}}}};
    std::vector<named_command> commands{
        {"roost", {(given_.programs / "bench_tree_search").string(), word, folder}},
        {"grep", {"grep", "-rnI", word, folder}},
        {"rg", {"rg", "-n", "--no-ignore", "--hidden", "--no-heading", word, folder}}};
    for (int round = -1; round < given_.rounds; ++round) { // the first fills the system's cache
      for (const named_command& each : std::vector<named_command>(commands)) {
        try {
          const double time = search(each.second);
          if (round >= 0)
            all.rounds[each.first].push_back({{"time", time}});
        } catch (const std::exception& error) {
          all.rounds.erase(each.first);
          all.notes.push_back("search: " + title_of(each.first) + ": " + error.what());
          std::erase(commands, each);
        }
      }
      std::reverse(commands.begin(), commands.end());
    }
    return all;
  }

 private:
  using named_command = std::pair<std::string, std::vector<std::string>>;

  static constexpr const char* word = "hardware_concurrency";
  static constexpr const char* folder = "/usr/include";

  double search(const std::vector<std::string>& command) {
    const program_end end = run_program(command, std::chrono::seconds(120));
    if (end.exit_code != 0)
      throw std::runtime_error(command.front() + " did not find the word, or is not there");
    const auto lines = std::count(end.output.begin(), end.output.end(), '\n');
    if (lines_ < 0)
      lines_ = lines;
    if (lines != lines_)
      throw std::runtime_error(command.front() + " found " + std::to_string(lines) +
                               " lines, and not " + std::to_string(lines_));
    return end.nanoseconds;
  }

  const options& given_;
  std::ptrdiff_t lines_ = -1; // that the first search found
};

} // namespace bench
