// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/line_of.hpp>
#include <roost/detail/base/short_text.hpp>
#include <roost/report_types.hpp>
#include <roost/stop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Words that all forms of a report share.

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

/// "850 ms", "3.1 s", "12 min 5 s", "30 h 2 min".
ROOST_COLD_BODY std::string length_of(clock::duration time) {
  const std::int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  const std::int64_t s = ms / 1000;
  if (ms < 1000)
    return std::to_string(ms) + " ms";
  if (s < 60)
    return std::to_string(s) + "." + std::to_string(ms % 1000 / 100) + " s";
  if (s < 3600)
    return std::to_string(s / 60) + " min " + std::to_string(s % 60) + " s";
  return std::to_string(s / 3600) + " h " + std::to_string(s / 60 % 60) + " min";
}

ROOST_COLD_BODY std::string_view word_for(task_state state) noexcept {
  switch (state) {
  case task_state::queued:
    return "queued";
  case task_state::starting:
    return "starting";
  case task_state::running:
    return "running";
  case task_state::blocked:
    return "blocked";
  case task_state::ending:
    return "ending";
  }
  return "";
}

ROOST_COLD_BODY std::string_view word_for(stop_reason reason) noexcept {
  switch (reason) {
  case stop_reason::none:
    return "none";
  case stop_reason::requested:
    return "requested";
  case stop_reason::deadline:
    return "deadline";
  case stop_reason::failure:
    return "failure";
  case stop_reason::scope_exit:
    return "scope_exit";
  case stop_reason::parent:
    return "parent";
  case stop_reason::token:
    return "token";
  }
  return "";
}

/// "1 task", "3 tasks".
ROOST_COLD_BODY std::string count_of(std::uint64_t number, std::string_view noun) {
  return std::string(short_text<64>().count(number, noun).view());
}

/// A text of the program's, in one line: without control characters.
ROOST_COLD_BODY std::string in_one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return line;
}

/// `"parse"`, or `(unnamed)`.
ROOST_COLD_BODY std::string in_quotes(std::string_view name) {
  return name.empty() ? "(unnamed)" : "\"" + in_one_line(name) + "\"";
}

/// `on "rows" (2/2, 1 receiver)`, or nothing.
ROOST_COLD_BODY std::string object_words(std::string_view name, std::string_view detail) {
  std::string text;
  if (!name.empty())
    text += " on " + in_quotes(name);
  if (!detail.empty())
    text += " (" + in_one_line(detail) + ")";
  return text;
}

/// `sender::send on "rows" (2/2, 1 receiver) at parse.cpp:88`, `wait_readable of fd 7 at
/// serve.cpp:5`.
ROOST_COLD_BODY std::string call_words(const blocked_report& b) {
  if (b.waits_for.size() == 1 && b.waits_for.front().kind == "descriptor")
    return b.operation + " of " + b.detail + " at " + line_of(b.where); // it has no name
  // The operation tells its kind.
  const bool is_unnamed = b.waits_for.size() == 1 && b.waits_for.front().name.empty() &&
                          b.object == b.waits_for.front().kind;
  return b.operation + object_words(is_unnamed ? std::string_view() : b.object, b.detail) + " at " +
         line_of(b.where);
}

/// How many bytes the UTF-8 character takes with which `text` begins; 0 if it begins with none.
ROOST_COLD_BODY std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length > text.size())
    return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80)
      return 0;
  }
  // Those that are too long for what they say, surrogates, and what is beyond U+10FFFF.
  const bool wrong =
      length > 1 && ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0) ||
                     (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90));
  return wrong ? 0 : length;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
