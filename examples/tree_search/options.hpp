// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <getopt.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace tree_search {

inline constexpr std::string_view usage =
    "usage: tree_search [-i] [-l] [-E] [-j N] [--timeout SECONDS] PATTERN PATH...\n"
    "Prints the lines that hold PATTERN in all text files below the paths, as grep -rn does.\n"
    "  -i                 upper and lower case are alike (ASCII)\n"
    "  -l                 print only the names of the files\n"
    "  -E                 PATTERN is an ECMAScript regular expression, not a fixed string\n"
    "  -j N               search N files at once (1 to 1024; default: the hardware threads)\n"
    "  --timeout SECONDS  stop then, with what was found so far (1.5 is fine)\n"
    "Exit code: 0 found, 1 not found, 2 an error, 124 the time was up, 130 interrupted.\n";

struct options {
  bool ignore_case = false;
  bool names_only = false;
  bool regex = false;
  unsigned searchers = std::max(1u, std::thread::hardware_concurrency());
  roost::clock::duration timeout = roost::clock::duration::max();
  bool show_names = true; // false: only one file is searched, as with grep -r
  std::string pattern;
  std::vector<std::string> paths;
};

/// The command line is not as `usage` says.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline unsigned parse_searchers(std::string_view text) {
  unsigned count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count < 1 || count > 1024)
    throw usage_error("-j takes a number from 1 to 1024, not '" + std::string(text) + "'");
  return count;
}

inline roost::clock::duration parse_timeout(const std::string& text) {
  constexpr double longest = 1e9; // 31 years: more would not fit a clock that counts nanoseconds
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  const bool whole = !text.empty() && end == text.c_str() + text.size();
  if (!whole || !std::isfinite(seconds) || std::signbit(seconds))
    throw usage_error("--timeout takes a number of seconds, not '" + text + "'");
  return std::chrono::duration_cast<roost::clock::duration>(
      std::chrono::duration<double>(std::min(seconds, longest)));
}

/// nullopt: the user asked for help. Throws usage_error.
inline std::optional<options> parse_options(int argc, char** argv) {
  static constexpr option long_options[] = {{"timeout", required_argument, nullptr, 't'},
                                            {"help", no_argument, nullptr, 'h'},
                                            {nullptr, 0, nullptr, 0}};
  options chosen;
  opterr = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
  for (int flag = 0; (flag = getopt_long(argc, argv, "ilEj:", long_options, nullptr)) != -1;) {
    switch (flag) {
    case 'i':
      chosen.ignore_case = true;
      break;
    case 'l':
      chosen.names_only = true;
      break;
    case 'E':
      chosen.regex = true;
      break;
    case 'j':
      chosen.searchers = parse_searchers(optarg);
      break;
    case 't':
      chosen.timeout = parse_timeout(optarg);
      break;
    case 'h':
      return std::nullopt;
    default:
      throw usage_error("unknown option, or its value is missing");
    }
  }
  if (argc - optind < 2)
    throw usage_error("PATTERN and at least one PATH are needed");
  std::error_code ignored; // the walker will meet it again
  chosen.pattern = argv[optind];
  chosen.paths.assign(argv + optind + 1, argv + argc);
  chosen.show_names =
      chosen.paths.size() > 1 || std::filesystem::is_directory(chosen.paths[0], ignored);
  return chosen;
}

} // namespace tree_search
