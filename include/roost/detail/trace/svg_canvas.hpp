// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/report/words.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

// What a picture in SVG is made of.

namespace roost::inline v0::detail {

/// A place from left to right, or from top to bottom, in tenths of a pixel.
using svg_length = std::int64_t;

/// How much room `characters` take: the font is one of equal widths.
constexpr svg_length svg_text_width(std::size_t characters, svg_length font_size) noexcept {
  return static_cast<svg_length>(characters) * font_size * 62 / 100;
}

/// How many characters a text has.
std::size_t utf8_count(std::string_view text) noexcept;

/// The text, or as much of it as fits, with an ellipsis.
std::string svg_fitted(const std::string& text, svg_length room, svg_length font_size);

/// As the text of XML, in one line if it has no line breaks of ours.
std::string xml_text(std::string_view text);

/// Writes shapes and texts. Their classes are in the style sheet of the picture.
class svg_canvas {
 public:
  explicit svg_canvas(std::ostream& out) noexcept : out_(out) {}

  void begin(svg_length width, svg_length height, std::string_view style);
  void end() { out_ << "</svg>\n"; }

  /// What lies between the two shows `title` where the pointer is over it.
  void begin_group(std::string_view title);
  void end_group() { out_ << "</g>\n"; }

  // Each shape may have a title of its own.
  void rect(const char* type,
            svg_length x,
            svg_length y,
            svg_length width,
            svg_length height,
            std::string_view title = {});
  void line(const char* type,
            svg_length x1,
            svg_length y1,
            svg_length x2,
            svg_length y2,
            std::string_view title = {});

  /// The head of an arrow; `rest` are its other corners.
  void head(const char* type, svg_length x, svg_length y, const char* rest);

  void text(const char* type, svg_length x, svg_length baseline, std::string_view what);

 private:
  static std::string px(svg_length l);
  void close(const char* element, std::string_view title);

  std::ostream& out_;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY std::size_t utf8_count(std::string_view text) noexcept {
  std::size_t count = 0;
  for (; !text.empty(); ++count)
    text.remove_prefix(std::max<std::size_t>(utf8_length(text), 1));
  return count;
}

ROOST_COLD_BODY std::string
svg_fitted(const std::string& text, svg_length room, svg_length font_size) {
  if (svg_text_width(utf8_count(text), font_size) <= room)
    return text;
  const svg_length one = svg_text_width(1, font_size);
  if (room < 4 * one)
    return {};
  const auto most = static_cast<std::size_t>(room / one) - 1;
  std::string_view rest = text;
  for (std::size_t i = 0; i < most; ++i)
    rest.remove_prefix(std::max<std::size_t>(utf8_length(rest), 1));
  return text.substr(0, text.size() - rest.size()) + "\xe2\x80\xa6";
}

// Without what XML does not take: control characters, and the two that are no characters.
ROOST_COLD_BODY std::string xml_text(std::string_view text) {
  std::string written;
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, length);
    if (c == '&')
      written += "&amp;";
    else if (c == '<')
      written += "&lt;";
    else if (c == '>')
      written += "&gt;";
    else if (c == '"')
      written += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20 && c != '\n')
      written += ' ';
    else if (length == 0 || character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf")
      written += "\xef\xbf\xbd";
    else
      written += character;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return written;
}

ROOST_COLD_BODY void
svg_canvas::begin(svg_length width, svg_length height, std::string_view style) {
  out_ << R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )" << px(width) << " "
       << px(height) << R"(" width=")" << px(width) << R"(" height=")" << px(height)
       << "\">\n<style>\n"
       << style << "</style>\n";
}

ROOST_COLD_BODY void svg_canvas::begin_group(std::string_view title) {
  out_ << "<g><title>" << xml_text(title) << "</title>\n";
}

ROOST_COLD_BODY void svg_canvas::rect(const char* type,
                                      svg_length x,
                                      svg_length y,
                                      svg_length width,
                                      svg_length height,
                                      std::string_view title) {
  out_ << "<rect class=\"" << type << "\" x=\"" << px(x) << "\" y=\"" << px(y) << "\" width=\""
       << px(width) << "\" height=\"" << px(height) << '"';
  close("rect", title);
}

ROOST_COLD_BODY void svg_canvas::line(const char* type,
                                      svg_length x1,
                                      svg_length y1,
                                      svg_length x2,
                                      svg_length y2,
                                      std::string_view title) {
  out_ << "<path class=\"" << type << "\" d=\"M" << px(x1) << " " << px(y1) << "L" << px(x2) << " "
       << px(y2) << '"';
  close("path", title);
}

ROOST_COLD_BODY void
svg_canvas::head(const char* type, svg_length x, svg_length y, const char* rest) {
  out_ << "<path class=\"" << type << "\" d=\"M" << px(x) << " " << px(y) << rest << "z\"/>\n";
}

ROOST_COLD_BODY void
svg_canvas::text(const char* type, svg_length x, svg_length baseline, std::string_view what) {
  out_ << "<text class=\"" << type << "\" x=\"" << px(x) << "\" y=\"" << px(baseline) << "\">"
       << xml_text(what) << "</text>\n";
}

ROOST_COLD_BODY std::string svg_canvas::px(svg_length l) {
  const std::string text = std::to_string(l / 10);
  return l % 10 == 0 ? text : text + "." + std::to_string(l % 10);
}

ROOST_COLD_BODY void svg_canvas::close(const char* element, std::string_view title) {
  if (title.empty())
    out_ << "/>\n";
  else
    out_ << "><title>" << xml_text(title) << "</title></" << element << ">\n";
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
