// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace ordered_pipeline {

struct options {
  bool unpacks = false;
  bool tells = false;
  std::size_t at_once = 8; // 0: without any task, to compare with
  std::string from;
  std::string to;
};

/// Nothing if the arguments make no sense.
inline std::optional<options> parse(int argc, char** argv) {
  options chosen;
  int i = 1;
  for (; i < argc && argv[i][0] == '-'; ++i) {
    const std::string_view word = argv[i];
    if (word == "-d") {
      chosen.unpacks = true;
    } else if (word == "-v") {
      chosen.tells = true;
    } else if (word == "-j" && i + 1 < argc) {
      const std::string_view count = argv[++i];
      const char* const end = count.data() + count.size();
      const auto [last, error] = std::from_chars(count.data(), end, chosen.at_once);
      if (error != std::errc() || last != end || chosen.at_once > 1024)
        return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  if (argc - i != 2)
    return std::nullopt;
  chosen.from = argv[i];
  chosen.to = argv[i + 1];
  return chosen;
}

} // namespace ordered_pipeline
