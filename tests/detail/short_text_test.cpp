// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/base/short_text.hpp>

#include "support/catch.hpp"

#include <string>
#include <string_view>

using roost::detail::cut_off;
using roost::detail::short_text;

TEST_CASE("a text is cut off between two characters", "[short_text]") {
  CHECK(cut_off("abc", 3) == "abc");
  CHECK(cut_off("abcd", 3) == "abc");
  CHECK(cut_off("ab\xC3\xBC", 4) == "ab\xC3\xBC"); // an umlaut
  CHECK(cut_off("ab\xC3\xBC", 3) == "ab");
  CHECK(cut_off("a\xF0\x9F\xA6\x89", 4) == "a"); // an owl
  CHECK(cut_off("\xF0\x9F\xA6\x89", 3).empty());
  CHECK(cut_off("abc", 0).empty());
}

TEST_CASE("a text that is no UTF-8 is cut off where the room ends", "[short_text]") {
  const std::string bytes(10, '\x80');
  CHECK(cut_off(bytes, 8).size() == 8);
  CHECK(cut_off(bytes, 2).size() == 2);
}

TEST_CASE("a short text takes whole characters", "[short_text]") {
  short_text<4> text(std::string_view("abc"));
  CHECK(text.add("\xC3\xBC").view() == "abc");
  CHECK(text.add("de").view() == "abcd");
  CHECK(text.add(std::string_view("\xC3\xBC")).view() == "abcd");
}
