// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct options {
  std::filesystem::path programs; // where the programs of roost and its peers are
  std::filesystem::path results;
  std::string compiler = "c++";
  std::filesystem::path include; // empty: what it takes to compile is left out
  int rounds = 5;
  std::string only; // what the names of the works begin with
  bool quick = false;

  long divisor() const { return quick ? 10 : 1; }
  bool wants(std::string_view name) const { return name.substr(0, only.size()) == only; }
};

inline constexpr const char* usage =
    "usage: compare <folder of programs> <folder for results> [--compiler=c++] "
    "[--include=<folder>]\n"
    "               [--rounds=5] [--only=<how the names of works begin>] [--quick]\n"
    "A program bench_before in the folder of programs, a build of an older roost, is measured as "
    "well.\n";

inline int rounds_of(std::string_view text) {
  int rounds = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), rounds);
  if (end.ptr != text.data() + text.size() || rounds < 1)
    throw std::invalid_argument("the number of rounds must be 1 or more");
  return rounds;
}

/// Throws std::invalid_argument.
inline options options_of(const std::vector<std::string>& arguments) {
  options given;
  std::vector<std::string> folders;
  const auto take = [](std::string_view text, std::string_view name) {
    return text.substr(0, name.size()) == name ? text.data() + name.size() : nullptr;
  };
  bool rounds_given = false;
  for (const std::string& text : arguments) {
    if (const char* const compiler = take(text, "--compiler="))
      given.compiler = compiler;
    else if (const char* const include = take(text, "--include="))
      given.include = include;
    else if (const char* const only = take(text, "--only="))
      given.only = only;
    else if (const char* const rounds = take(text, "--rounds=")) {
      given.rounds = rounds_of(rounds);
      rounds_given = true;
    } else if (text == "--quick")
      given.quick = true;
    else if (text.substr(0, 2) == "--")
      throw std::invalid_argument(text);
    else
      folders.push_back(text);
  }
  if (folders.size() != 2)
    throw std::invalid_argument("two folders are needed");
  if (!given.include.empty() && !std::filesystem::is_directory(given.include))
    throw std::invalid_argument(given.include.string() + " is not a folder");
  if (given.quick && !rounds_given)
    given.rounds = 1;
  given.programs = folders[0];
  given.results = folders[1];
  return given;
}

} // namespace bench
