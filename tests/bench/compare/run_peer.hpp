// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/one_cpu.hpp"
#include "bench/compare/run_program.hpp"
#include "bench/compare/work.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace bench {

using figures = std::map<std::string, double>;

/// One round of one program.
struct round_end {
  enum class kind { measured, not_offered, failed };

  kind how = kind::failed;
  figures values = {};
  std::string reason = {}; // why it failed
  std::chrono::nanoseconds lasted = {};
};

/// Lines `<figure> <number>`.
inline figures figures_in(const std::string& output) {
  figures values;
  std::istringstream lines(output);
  std::string name;
  double value = 0;
  while (lines >> name >> value)
    values[name] = value;
  return values;
}

inline round_end round_end_of(const program_end& end, const work& each) {
  using kind = round_end::kind;
  if (!end.exit_code)
    return {kind::failed, {}, "was killed, or took too long"};
  if (*end.exit_code == 2)
    return {kind::not_offered};
  if (*end.exit_code != 0)
    return {kind::failed, {}, "ended with " + std::to_string(*end.exit_code)};
  figures values = figures_in(end.output);
  for (const line& wanted : each.lines)
    if (!values.contains(wanted.figure))
      return {kind::failed, {}, "printed no " + wanted.figure};
  const std::chrono::duration<double, std::nano> lasted(end.nanoseconds);
  return {kind::measured,
          std::move(values),
          {},
          std::chrono::duration_cast<std::chrono::nanoseconds>(lasted)};
}

/// `program` does one round of the work, with a part of its count.
inline round_end run_peer(const std::filesystem::path& program, const work& each, long divisor) {
  constexpr std::chrono::seconds time_limit{20};
  std::vector<std::string> command = each.command;
  std::replace(command.begin(),
               command.end(),
               std::string("#"),
               std::to_string(std::max(each.count / divisor, 1L)));
  command.insert(command.begin(), program.string());
  try {
    std::optional<one_cpu> pinned;
    if (each.on_one_cpu)
      pinned.emplace();
    return round_end_of(run_program(command, time_limit), each);
  } catch (const std::system_error& error) {
    return {round_end::kind::failed, {}, error.what()};
  }
}

} // namespace bench
