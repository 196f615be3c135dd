// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "options.hpp"
#include "regex_weight.hpp"

#include <algorithm>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tree_search {

inline char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// What is searched for: a line matches when it holds one of the strings or one of the regexes.
/// Made once, read by all searchers.
struct pattern {
  bool ignore_case = false;
  std::vector<std::string> strings; // in lower case where the case is ignored
  std::vector<std::regex> regexes;
};

/// A pattern of several lines asks for any of them, as grep's does.
inline std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

inline std::regex compile(const std::string& text, bool ignore_case) {
  if (regex_weight(text).value() > heaviest_regex())
    throw std::runtime_error("bad pattern: it is too large for -E");
  auto flags = std::regex::ECMAScript | std::regex::optimize;
  if (ignore_case)
    flags |= std::regex::icase;
  return std::regex(text, flags);
}

/// Throws std::regex_error, or std::runtime_error.
inline pattern make_pattern(const options& chosen) {
  pattern made{.ignore_case = chosen.ignore_case, .strings = {}, .regexes = {}};
  for (std::string& text : split_lines(chosen.pattern)) {
    if (chosen.regex) {
      made.regexes.push_back(compile(text, chosen.ignore_case));
    } else {
      if (chosen.ignore_case)
        std::transform(text.begin(), text.end(), text.begin(), to_lower);
      made.strings.push_back(std::move(text));
    }
  }
  return made;
}

} // namespace tree_search
