// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "pattern.hpp"
#include "regex_guard.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace tree_search {

/// Where a matching line is in the text, without its newline.
struct found_line {
  std::size_t begin;
  std::size_t end;
  bool refused; // std::regex could not take this line: it may match or not
};

/// Finds the matching lines of a text one after the other. Each searcher has its own.
class line_finder {
 public:
  explicit line_finder(const pattern& wanted) : wanted_(wanted) {}

  /// `text` holds whole lines and stays alive until next() has returned nullopt.
  void start(std::string_view text) {
    text_ = text;
    at_ = 0;
    if (wanted_.ignore_case && !wanted_.strings.empty()) {
      lower_.resize(text.size());
      std::transform(text.begin(), text.end(), lower_.begin(), to_lower);
      text_ = lower_;
    }
  }

  std::optional<found_line> next() {
    return wanted_.strings.size() == 1 ? next_holding(wanted_.strings.front()) : next_by_line();
  }

 private:
  // The usual case: it jumps from match to match, and then looks for the line around the match. Not
  // by string_view::find: its time can be the product of both lengths.
  std::optional<found_line> next_holding(const std::string& string) {
    if (at_ >= text_.size())
      return std::nullopt;
    const void* const hit =
        ::memmem(text_.data() + at_, text_.size() - at_, string.data(), string.size());
    if (hit == nullptr)
      return std::nullopt;
    const auto match = static_cast<std::size_t>(static_cast<const char*>(hit) - text_.data());
    const std::size_t newline_before = match == 0 ? text_.npos : text_.rfind('\n', match - 1);
    const std::size_t begin = newline_before == text_.npos ? 0 : newline_before + 1;
    const std::size_t end = std::min(text_.find('\n', match), text_.size());
    at_ = end + 1;
    return found_line{begin, end, false};
  }

  std::optional<found_line> next_by_line() {
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      const std::size_t end = std::min(text_.find('\n', begin), text_.size());
      at_ = end + 1;
      try {
        if (line_matches(text_.substr(begin, end - begin)))
          return found_line{begin, end, false};
      } catch (const line_too_long&) {
        return found_line{begin, end, true};
      } catch (const std::regex_error&) { // other standard libraries find out by themselves
        return found_line{begin, end, true};
      }
    }
    return std::nullopt;
  }

  bool line_matches(std::string_view line) {
    const auto is_in_line = [&](const std::string& s) { return line.find(s) != line.npos; };
    const auto takes_line = [&](const std::regex& r) { return regex_matches(r, line, guard_); };
    return std::any_of(wanted_.strings.begin(), wanted_.strings.end(), is_in_line) ||
           std::any_of(wanted_.regexes.begin(), wanted_.regexes.end(), takes_line);
  }

  const pattern& wanted_;
  regex_guard guard_;
  std::string lower_;     // the text in lower case where the case is ignored
  std::string_view text_; // what is searched: the text or lower_
  std::size_t at_ = 0;    // the beginning of the first line not looked at
};

} // namespace tree_search
