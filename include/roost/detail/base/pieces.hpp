// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/site.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

// How messages and reports are put together:
//
//     joined({"scope ", in_quotes(name), " #", id, ", made at ", where})
//
// Not by operator+ on std::string: each use of it would compile another temporary and its end.

namespace roost::inline v0::detail {

/// A part of a text. It refers to its argument, which must outlive it.
class piece {
 public:
  // NOLINTBEGIN(google-explicit-constructor): so that a list of them reads like its text
  piece(std::string_view text) noexcept : piece(kind::text, text.data(), text.size()) {}
  piece(const std::string& text) noexcept : piece(std::string_view(text)) {}
  piece(const char* text) noexcept : piece(std::string_view(text)) {}
  piece(unsigned number) noexcept : piece(kind::number, nullptr, number) {}
  piece(unsigned long number) noexcept : piece(kind::number, nullptr, number) {}
  piece(unsigned long long number) noexcept : piece(kind::number, nullptr, number) {}
  piece(const site& where) noexcept : piece(kind::line, &where, 0) {} // "app.cpp:12"
  // NOLINTEND(google-explicit-constructor)

  /// A text of the program, with each control character replaced by a blank.
  friend piece in_one_line(std::string_view text) noexcept {
    return {kind::one_line, text.data(), text.size()};
  }
  /// `"parse"`, in one line, or `(unnamed)`.
  friend piece in_quotes(std::string_view name) noexcept {
    return {kind::in_quotes, name.data(), name.size()};
  }
  /// "1 task", "3 tasks".
  friend piece count_of(std::uint64_t number, const char* noun) noexcept {
    return {kind::count, noun, number};
  }
  /// "850 ms", "3.1 s", "12 min 5 s", "30 h 2 min".
  friend piece length_of(clock::duration time) noexcept {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    return {kind::length, nullptr, static_cast<unsigned long long>(ms)};
  }

  void add_to(std::string& text) const;

 private:
  enum class kind : unsigned char { text, one_line, in_quotes, number, count, length, line };

  piece(kind what, const void* at, unsigned long long number) noexcept
      : at_(at),
        number_(number),
        kind_(what) {}

  std::string_view text() const noexcept {
    return {static_cast<const char*>(at_), static_cast<std::size_t>(number_)};
  }
  void add_length_to(std::string& text) const;
  void add_line_to(std::string& text) const;

  const void* at_;
  unsigned long long number_; // or how many characters
  kind kind_;
};

using pieces = std::initializer_list<piece>;

void append(std::string& text, pieces more);
std::string joined(pieces all);

piece in_one_line(std::string_view text) noexcept;
piece in_quotes(std::string_view name) noexcept;
piece count_of(std::uint64_t number, const char* noun) noexcept;
piece length_of(clock::duration time) noexcept;

/// True for a line of the standard library. An object that std::make_unique() or the like has made
/// records such a line, which is of no use to a reader.
inline bool is_of_the_library(const site& where) noexcept {
  return std::string_view(where.file).find("/include/c++/") != std::string_view::npos;
}

/// "app.cpp:12".
std::string line_of(const site& where);

/// `scope "crawl", made at app.cpp:12`. Without a name and a line it asks for a name.
std::string
name_and_line(const char* kind, std::string_view name, const char* did, const site& where);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY void append(std::string& text, pieces more) {
  for (const piece& p : more)
    p.add_to(text);
}

ROOST_COLD_BODY std::string joined(pieces all) {
  std::string text;
  append(text, all);
  return text;
}

ROOST_COLD_BODY void piece::add_to(std::string& text) const {
  switch (kind_) {
  case kind::text:
    text += this->text();
    break;
  case kind::one_line:
    for (const char c : this->text())
      text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    break;
  case kind::in_quotes:
    if (number_ == 0)
      text += "(unnamed)";
    else
      append(text, {"\"", in_one_line(this->text()), "\""});
    break;
  case kind::number:
    text += std::to_string(number_);
    break;
  case kind::count:
    append(text, {number_, " ", static_cast<const char*>(at_), number_ == 1 ? "" : "s"});
    break;
  case kind::length:
    add_length_to(text);
    break;
  case kind::line:
    add_line_to(text);
    break;
  }
}

ROOST_COLD_BODY void piece::add_length_to(std::string& text) const {
  const unsigned long long ms = number_;
  const unsigned long long s = ms / 1000;
  if (ms < 1000)
    append(text, {ms, " ms"});
  else if (s < 60)
    append(text, {s, ".", ms % 1000 / 100, " s"});
  else if (s < 3600)
    append(text, {s / 60, " min ", s % 60, " s"});
  else
    append(text, {s / 3600, " h ", s / 60 % 60, " min"});
}

ROOST_COLD_BODY void piece::add_line_to(std::string& text) const {
  const site& where = *static_cast<const site*>(at_);
  if (is_of_the_library(where))
    text += "a line of the standard library";
  else
    append(text, {where.file, ":", where.line});
}

ROOST_COLD_BODY std::string line_of(const site& where) {
  return joined({where});
}

ROOST_COLD_BODY std::string
name_and_line(const char* kind, std::string_view name, const char* did, const site& where) {
  std::string text = joined({kind, " ", in_quotes(name), ", ", did});
  if (!is_of_the_library(where))
    append(text, {" at ", where});
  else
    append(text, {" by the standard library", name.empty() ? ": a name would tell which one" : ""});
  return text;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
