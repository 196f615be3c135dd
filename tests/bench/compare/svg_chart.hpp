// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/contenders.hpp"
#include "bench/compare/main_lines.hpp"
#include "bench/compare/number_text.hpp"
#include "bench/compare/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// chart.svg: from the line at 1 a bar goes to the left where roost is faster, to the right where
/// it is slower, in colours that the colour-blind can tell apart. A logarithmic scale, for twice as
/// fast and half as fast to look alike.
class svg_chart {
 public:
  svg_chart(std::ostream& out, std::vector<main_line> bars) : out_(out), bars_(std::move(bars)) {}

  void write(const std::string& caption) {
    out_ << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << width << ' ' << height()
         << "' font-family='system-ui, sans-serif' font-size='13' fill='#24292f'>\n"
         << "<rect width='" << width << "' height='" << height()
         << "' rx='6' fill='#ffffff' stroke='#d0d7de'/>\n";
    text(20,
         28,
         "start",
         "Time of roost / time of the best peer",
         " font-size='16' font-weight='600'");
    text(20, 47, "start", caption, small);
    text(
        20,
        63,
        "start",
        "The best peer is named on the right. Where threads are compared, those whose tasks are no "
        "threads do not count.",
        small);
    write_legend();
    write_scale();
    int y = top;
    for (std::size_t i = 0; i < bars_.size(); ++i, y += row) {
      if (begins_group(i)) {
        text(20, y + 17, "start", bars_[i].group, heading);
        y += row;
      }
      write_bar(bars_[i], y);
    }
    out_ << "</svg>\n";
  }

 private:
  static constexpr const char* small = " font-size='11' fill='#57606a'";
  static constexpr const char* heading = // over the lines of the scale
      " font-weight='600' stroke='#ffffff' stroke-width='6' paint-order='stroke'";
  static constexpr const char* faster = "#0969da";
  static constexpr const char* slower = "#d4731c";
  static constexpr const char* alike = "#8c959f";
  static constexpr double noise = 1.05; // what a ratio may be off without a meaning
  static constexpr int width = 980;
  static constexpr int left = 320; // of the scale
  static constexpr int right = 770;
  static constexpr int top = 118;
  static constexpr int row = 22;
  static constexpr double lowest = 0.02; // what is beyond is cut off; its number still tells
  static constexpr double highest = 5;

  bool begins_group(std::size_t i) const { return i == 0 || bars_[i].group != bars_[i - 1].group; }
  int bottom() const {
    int rows = 0;
    for (std::size_t i = 0; i < bars_.size(); ++i)
      rows += begins_group(i) ? 2 : 1;
    return top + row * rows;
  }
  int height() const { return bottom() + 16; }

  static double x_of(double ratio) {
    const double part =
        std::log(std::clamp(ratio, lowest, highest) / lowest) / std::log(highest / lowest);
    return left + part * (right - left);
  }

  void write_scale() {
    for (const double ratio : {0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0}) {
      const bool one = ratio == 1.0;
      vertical(x_of(ratio), top - 6, bottom() + 4, one ? "#24292f" : "#d8dee4", one ? "1.5" : "1");
      text(x_of(ratio), top - 12, "middle", short_text(ratio), small);
    }
  }

  void write_bar(const main_line& each, int y) {
    const verdict& what = each.what;
    const double from = std::min(x_of(what.ratio), x_of(1));
    const double to = std::max(x_of(what.ratio), x_of(1));
    out_ << "<rect x='" << from << "' y='" << y + 3 << "' width='" << std::max(to - from, 3.0)
         << "' height='" << row - 7 << "' fill='" << colour(what.ratio) << "'/>\n";
    text(left - 12, y + 15, "end", each.title);
    text(right + 14, y + 15, "start", number_text(what.ratio), " font-weight='600'");
    text(right + 66, y + 15, "start", "of " + title_of(what.peer), " fill='#57606a'");
  }

  static const char* colour(double ratio) {
    return ratio * noise < 1 ? faster : ratio > noise ? slower : alike;
  }

  void write_legend() {
    constexpr int y = 85;
    swatch(left, y, faster, "roost is faster");
    swatch(left + 140, y, alike, "within 5 %");
    swatch(left + 250, y, slower, "roost is slower");
  }

  void swatch(int x, int y, const char* fill, const char* meaning) {
    out_ << "<rect x='" << x << "' y='" << y - 10 << "' width='12' height='12' fill='" << fill
         << "'/>\n";
    text(x + 18, y, "start", meaning);
  }

  void vertical(double x, int from, int to, const char* stroke, const char* thickness) {
    out_ << "<line x1='" << x << "' x2='" << x << "' y1='" << from << "' y2='" << to << "' stroke='"
         << stroke << "' stroke-width='" << thickness << "'/>\n";
  }

  void
  text(double x, int y, const char* anchor, const std::string& words, const char* attributes = "") {
    out_ << "<text x='" << x << "' y='" << y << "' text-anchor='" << anchor << '\'' << attributes
         << ">" << escaped(words) << "</text>\n";
  }

  static std::string short_text(double ratio) {
    std::string words = std::to_string(ratio);
    words.erase(words.find_last_not_of('0') + 1);
    if (words.back() == '.')
      words.pop_back();
    return words;
  }

  static std::string escaped(const std::string& words) {
    std::string safe;
    for (const char c : words)
      safe += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
    return safe;
  }

  std::ostream& out_;
  std::vector<main_line> bars_;
};

} // namespace bench
