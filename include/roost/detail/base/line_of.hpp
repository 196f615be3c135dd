// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/site.hpp>

#include <string>
#include <string_view>

namespace roost::inline v0::detail {

/// True for a line of the standard library: that is what an object records that was made by
/// std::make_unique() or the like. It is of no use to a reader.
inline bool is_of_the_library(const site& where) noexcept {
  return std::string_view(where.file).find("/include/c++/") != std::string_view::npos;
}

/// "app.cpp:12", for messages.
std::string line_of(const site& where);

/// `scope "crawl", made at app.cpp:12`, for messages. Without a name and a line it asks for a name.
std::string
name_and_line(const char* kind, std::string_view name, const char* did, const site& where);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY std::string line_of(const site& where) {
  return is_of_the_library(where) ? "a line of the standard library"
                                  : std::string(where.file) + ":" + std::to_string(where.line);
}

ROOST_COLD_BODY std::string
name_and_line(const char* kind, std::string_view name, const char* did, const site& where) {
  std::string text = kind;
  text += name.empty() ? " (unnamed)" : " \"" + std::string(name) + "\"";
  if (!is_of_the_library(where))
    return text + ", " + did + " at " + line_of(where);
  text += ", ";
  text += did;
  return text + (name.empty() ? " by the standard library: a name would tell which one"
                              : " by the standard library");
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
