// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/report_types.hpp>
#include <roost/stop.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Words that all forms of a report share.

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

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

/// Appends `outside roost, thread 4242, sleeping`: the thread is in code that roost does not know.
ROOST_COLD_BODY void
append_outside(std::string& text, std::uint64_t thread, std::string_view thread_state) {
  text += "outside roost";
  if (thread != 0)
    append(text, {", thread ", thread});
  if (!thread_state.empty())
    append(text, {", ", thread_state});
}

/// Appends `on "rows" (2/2, 1 receiver)`, or nothing.
ROOST_COLD_BODY void
append_object(std::string& text, std::string_view name, std::string_view detail) {
  if (!name.empty())
    append(text, {" on ", in_quotes(name)});
  if (!detail.empty())
    append(text, {" (", in_one_line(detail), ")"});
}

/// Appends `sender::send on "rows" (2/2, 1 receiver) at parse.cpp:88`, or `wait_readable of fd 7 at
/// serve.cpp:5`.
ROOST_COLD_BODY void append_call(std::string& text, const blocked_report& b) {
  text += b.operation;
  const object_report* const only = b.waits_for.size() == 1 ? &b.waits_for.front() : nullptr;
  if (only != nullptr && only->kind == "descriptor") { // it has no name
    append(text, {" of ", b.detail});
  } else {
    // The operation tells its kind.
    const bool is_unnamed = only != nullptr && only->name.empty() && b.object == only->kind;
    append_object(text, is_unnamed ? std::string_view() : b.object, b.detail);
  }
  append(text, {" at ", b.where});
}

/// How many bytes the UTF-8 character at the beginning of `text` takes; 0 if there is none.
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
  // Overlong forms, surrogates, and code points beyond U+10FFFF.
  const bool wrong =
      length > 1 && ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0) ||
                     (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90));
  return wrong ? 0 : length;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
