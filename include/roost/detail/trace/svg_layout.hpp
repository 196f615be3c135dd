// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/trace/svg_canvas.hpp>
#include <roost/detail/trace/timeline.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

// Where things are in the picture of a trace.

namespace roost::inline v0::detail {

/// The rows of the picture. While there are few lanes each has a row, and its label beside it; many
/// share rows, one after another.
class svg_layout {
 public:
  static constexpr std::size_t most_unshared = 60;
  static constexpr std::size_t most_drawn = 2000;
  static constexpr svg_length width = 12000;
  static constexpr svg_length right_margin = 200;
  static constexpr svg_length first_row = 880; // what is above: title, legend, stops, times

  explicit svg_layout(const timeline& t);

  bool is_shared() const noexcept { return is_shared_; }
  std::size_t rows() const noexcept { return rows_; }
  const std::vector<std::size_t>& drawn() const noexcept { return drawn_; } // lanes, by their begin
  bool is_drawn(std::size_t lane) const noexcept { return row_of_[lane] != no_lane; }

  svg_length x(clock::time_point time) const noexcept;
  svg_length left() const noexcept { return left_; }
  static constexpr svg_length right() noexcept { return width - right_margin; }
  svg_length row_height() const noexcept { return row_height_; }
  svg_length bar_height() const noexcept { return row_height_ - (is_shared_ ? 20 : 70); }
  svg_length top(std::size_t lane) const noexcept {
    return first_row + 20 + row_height_ * static_cast<svg_length>(row_of_[lane]);
  }
  svg_length middle(std::size_t lane) const noexcept { return top(lane) + bar_height() / 2; }
  svg_length bottom() const noexcept {
    return first_row + 20 + row_height_ * static_cast<svg_length>(rows_);
  }

  bool is_first_in_row(std::size_t lane) const noexcept { return is_first_[lane]; }

  /// Where in its row the next bar begins; the right end if there is none.
  svg_length next_bar(std::size_t lane) const noexcept { return next_bar_[lane]; }

  /// The first moment of a lane that has a place to itself: a task may be queued behind others.
  static clock::time_point begin_of(const trace_lane& lane) noexcept {
    return lane.has_begun || !lane.is_task ? lane.begin : lane.end;
  }

 private:
  void share_rows();

  const timeline& t_;
  const clock::duration length_;
  bool is_shared_ = false;
  svg_length left_ = 100;
  svg_length row_height_ = 220;
  std::size_t rows_ = 0;
  std::vector<std::size_t> drawn_;
  std::vector<std::size_t> row_of_;  // of each lane; no_lane if it is not drawn
  std::vector<bool> is_first_;       // of each lane, in its row
  std::vector<svg_length> next_bar_; // of each lane
};

/// Round times to be written at the axis: one, two or five of a power of ten apart.
class svg_ticks {
 public:
  explicit svg_ticks(clock::duration length);

  std::chrono::nanoseconds step() const noexcept { return std::chrono::nanoseconds(step_); }

  /// "0", "0.5 ms", "20 us".
  std::string label(std::int64_t tick) const;

 private:
  std::int64_t step_ = 1; // in nanoseconds
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY svg_layout::svg_layout(const timeline& t)
    : t_(t),
      length_(std::max<clock::duration>(t.end - t.begin, std::chrono::nanoseconds(1))),
      is_shared_(t.order.size() > most_unshared),
      row_of_(t.lanes.size(), no_lane),
      is_first_(t.lanes.size(), true),
      next_bar_(t.lanes.size(), right()) {
  for (const std::size_t lane : t.order)
    drawn_.push_back(lane);
  std::size_t longest = 8;
  for (const std::size_t lane : drawn_)
    longest = std::max(longest, utf8_count(t.lanes[lane].title()));
  if (is_shared_) {
    share_rows();
    row_height_ = rows_ <= 60 ? 160 : 120;
    return;
  }
  left_ = 200 + svg_text_width(std::min<std::size_t>(longest, 26), 110);
  rows_ = drawn_.size();
  for (std::size_t row = 0; row < drawn_.size(); ++row)
    row_of_[drawn_[row]] = row;
}

// Each lane takes the first row that is free by then; threads that run no task share no row.
ROOST_COLD_BODY void svg_layout::share_rows() {
  constexpr svg_length gap = 30;
  const auto by_begin = [this](std::size_t a, std::size_t b) {
    const trace_lane& l = t_.lanes[a];
    const trace_lane& r = t_.lanes[b];
    return std::tuple(l.is_task, begin_of(l), a) < std::tuple(r.is_task, begin_of(r), b);
  };
  std::sort(drawn_.begin(), drawn_.end(), by_begin);
  drawn_.resize(std::min(drawn_.size(), most_drawn));
  std::vector<svg_length> free_from;
  std::vector<std::size_t> last_in;
  for (const std::size_t lane : drawn_) {
    const trace_lane& l = t_.lanes[lane];
    const svg_length from = x(begin_of(l));
    const auto free = std::find_if(
        free_from.begin(), free_from.end(), [&](svg_length x) { return x + gap <= from; });
    const auto row = static_cast<std::size_t>(free - free_from.begin());
    if (free == free_from.end()) {
      free_from.push_back(0);
      last_in.push_back(lane);
    } else {
      next_bar_[last_in[row]] = from;
      is_first_[lane] = false;
    }
    row_of_[lane] = row;
    last_in[row] = lane;
    free_from[row] = l.is_task ? x(l.end) : width;
  }
  rows_ = free_from.size();
}

ROOST_COLD_BODY svg_length svg_layout::x(clock::time_point time) const noexcept {
  const double part =
      std::chrono::duration<double>(time - t_.begin) / std::chrono::duration<double>(length_);
  return left_ + static_cast<svg_length>(part * static_cast<double>(right() - left_));
}

ROOST_COLD_BODY svg_ticks::svg_ticks(clock::duration length) {
  constexpr int most_ticks = 9;
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(length).count();
  for (int i = 0; ns / step_ > most_ticks; ++i)
    step_ = i % 3 == 1 ? step_ / 2 * 5 : step_ * 2; // 1, 2, 5, 10, ...
}

ROOST_COLD_BODY std::string svg_ticks::label(std::int64_t tick) const {
  if (tick == 0)
    return "0";
  struct unit {
    std::int64_t ns;
    const char* name;
  };
  constexpr unit units[] = {{1'000'000'000, " s"}, {1'000'000, " ms"}, {1'000, " us"}, {1, " ns"}};
  const unit* u = units;
  while (step_ * 10 < u->ns) // tenths of one are written
    ++u;
  const std::int64_t value = tick * step_;
  std::string text = std::to_string(value / u->ns);
  if (const std::int64_t tenths = value % u->ns * 10 / u->ns; tenths != 0)
    text += "." + std::to_string(tenths);
  return text + u->name;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
