// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/detail/trace/svg_canvas.hpp>
#include <roost/detail/trace/svg_frame.hpp>
#include <roost/detail/trace/svg_layout.hpp>
#include <roost/detail/trace/timeline.hpp>
#include <roost/detail/trace/trace_words.hpp>
#include <roost/stop.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

// A trace as a picture. Colours are those of Okabe and Ito, which all eyes tell apart; shape or
// brightness says the same as each colour.

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

class svg_writer {
 public:
  svg_writer(std::ostream& out, const timeline& t) : t_(t), layout_(t), words_(t), out_(out) {}
  void write();

 private:
  struct label {
    const char* type;
    svg_length x;
    svg_length baseline;
    std::string words;     // none: there is no room
    svg_length words_from; // other words in the row may begin here
  };

  void write_stops();
  void write_scopes();
  void write_spawn_arrow(std::size_t lane);
  void write_lane(std::size_t lane);
  void write_waits(std::size_t lane, svg_length labels_from);
  static std::string words_in_wait(const trace_wait& w, svg_length room);
  void write_end(std::size_t lane);
  label label_of(std::size_t lane) const;
  void write_wake_arrow(std::size_t lane, const trace_wait& w);

  // A bar is seen, however short.
  svg_length end_of_bar(const trace_lane& lane) const {
    return std::max(layout_.x(lane.end), layout_.x(lane.begin) + 10);
  }
  svg_length baseline(std::size_t lane) const { return layout_.middle(lane) + 33; }
  svg_length behind(std::size_t lane) const { return end_of_bar(t_.lanes[lane]) + 80; }
  svg_length room_behind(std::size_t lane) const {
    return std::min(layout_.next_bar(lane), svg_layout::width) - behind(lane) - 20;
  }

  const timeline& t_;
  const svg_layout layout_;
  const trace_words words_;
  svg_canvas out_;
};

ROOST_COLD_BODY void svg_writer::write() {
  svg_frame(out_, t_, layout_).write();
  if (!layout_.is_shared()) {
    for (const std::size_t lane : layout_.drawn())
      write_spawn_arrow(lane);
  }
  for (const std::size_t lane : layout_.drawn())
    write_lane(lane);
  if (!layout_.is_shared()) {
    write_scopes();
    for (const std::size_t lane : layout_.drawn()) {
      for (const trace_wait& w : t_.lanes[lane].waits)
        write_wake_arrow(lane, w);
    }
  }
  write_stops();
  out_.end();
}

// A stop of a scope goes across all lanes; that of a task, or one that comes from the scope around,
// only across the lane that it is about. The words of the former stand above in two rows, where
// there is room. Their lines begin there; so a line crosses no words but those of its own row.
ROOST_COLD_BODY void svg_writer::write_stops() {
  constexpr std::array<svg_length, 2> rows{590, 680};
  std::array<svg_length, 2> free_from{};
  for (const trace_mark& m : t_.marks) {
    if (m.is_failure)
      continue;
    const svg_length x = layout_.x(m.at);
    const std::size_t only = m.task != no_lane ? m.task : t_.scopes[m.scope].owner;
    if (m.task != no_lane || m.reason == stop_reason::parent) {
      if (only != no_lane && layout_.is_drawn(only))
        out_.line("stop",
                  x,
                  layout_.top(only),
                  x,
                  layout_.top(only) + layout_.bar_height(),
                  words_.for_stop(m));
      continue;
    }
    const std::string& name = t_.scopes[m.scope].name;
    const std::string words =
        joined({in_one_line(name), name.empty() ? "stop, " : ": stop, ", word_for(m.reason)});
    const svg_length width = svg_text_width(utf8_count(words), svg_small_font);
    const bool is_left = x + 30 + width > svg_layout::width;
    const svg_length begin = is_left ? x - 30 - width : x + 30;
    std::size_t row = 0;
    while (row < rows.size() && begin < free_from[row])
      ++row;
    const bool has_room = row < rows.size();
    out_.line("stop",
              x,
              has_room ? rows[row] - 60 : svg_layout::first_row,
              x,
              layout_.bottom(),
              words_.for_stop(m));
    if (!has_room)
      continue;
    out_.text("small", begin, rows[row], words);
    free_from[row] = begin + width + 60;
  }
}

// Under the lane of the owner.
ROOST_COLD_BODY void svg_writer::write_scopes() {
  std::vector<svg_length> lower(t_.lanes.size(), 0);
  for (const trace_scope& s : t_.scopes) {
    if (s.owner == no_lane || !layout_.is_drawn(s.owner))
      continue;
    const svg_length y = layout_.top(s.owner) + layout_.bar_height() + 20 + lower[s.owner];
    lower[s.owner] = (lower[s.owner] + 25) % 50;
    out_.line("scope",
              layout_.x(s.begin),
              y,
              std::max(layout_.x(s.end), layout_.x(s.begin) + 10),
              y,
              words_.for_scope(s));
  }
}

// From the spawner's lane down or up to that of the task, and then to where it begins.
ROOST_COLD_BODY void svg_writer::write_spawn_arrow(std::size_t lane) {
  const trace_lane& l = t_.lanes[lane];
  if (!l.is_task || l.spawner == no_lane || !layout_.is_drawn(l.spawner))
    return;
  const svg_length from = layout_.x(l.spawned_at);
  const svg_length to = layout_.x(svg_layout::begin_of(l));
  const svg_length y = layout_.middle(lane);
  out_.line("spawn", from, layout_.middle(l.spawner), from, y);
  out_.line("queue", from, y, to, y);
  out_.head("head", to, y, "l-5 -3v6");
}

ROOST_COLD_BODY void svg_writer::write_lane(std::size_t lane) {
  const trace_lane& l = t_.lanes[lane];
  const svg_length from = layout_.x(l.begin);
  out_.begin_group(words_.for_lane(lane));
  if (layout_.is_shared() && l.spawner != no_lane && layout_.is_first_in_row(lane)) {
    const svg_length y = layout_.middle(lane);
    out_.line("queue", layout_.x(l.spawned_at), y, layout_.x(svg_layout::begin_of(l)), y);
  }
  if (l.has_begun || !l.is_task) {
    out_.rect(l.is_task ? "run" : "thread",
              from,
              layout_.top(lane),
              end_of_bar(l) - from,
              layout_.bar_height());
  }
  const label title = label_of(lane);
  write_waits(lane, title.words_from);
  if (!title.words.empty())
    out_.text(title.type, title.x, title.baseline, title.words);
  if (l.is_task)
    write_end(lane);
  out_.end_group();
}

// "send rows", or "rows" where there is no room for that, or nothing.
ROOST_COLD_BODY std::string svg_writer::words_in_wait(const trace_wait& w, svg_length room) {
  const std::string object = joined({in_one_line(w.object)});
  const std::string operation = w.operation.substr(w.operation.rfind(':') + 1);
  const std::string all = object.empty() ? operation : operation + " " + object;
  const auto fits = [room](const std::string& words) {
    return svg_text_width(utf8_count(words), svg_small_font) <= room;
  };
  if (!w.is_foreign && (object.empty() || fits(all)))
    return fits(all) ? all : std::string();
  return fits(object) || room > 500 ? svg_fitted(object, room, svg_small_font) : std::string();
}

// Of waits that are too short to be seen, only one is drawn at each place. Words stand in those
// that are long enough.
ROOST_COLD_BODY void svg_writer::write_waits(std::size_t lane, svg_length labels_from) {
  constexpr svg_length seen = 5;
  svg_length drawn_to = layout_.left() - seen;
  for (const trace_wait& w : t_.lanes[lane].waits) {
    const svg_length from = layout_.x(w.begin);
    const svg_length to = layout_.x(w.end);
    if (to < drawn_to + seen && to - from < seen)
      continue;
    drawn_to = to;
    out_.rect(w.is_foreign ? "foreign" : "wait",
              from,
              layout_.top(lane) + 5,
              std::max(to - from, seen),
              layout_.bar_height() - 10,
              words_.for_wait(w));
    const svg_length words_from = std::max(from + 30, labels_from);
    const std::string words = words_in_wait(w, to - words_from - 30);
    if (!words.empty() && layout_.bar_height() >= 120)
      out_.text("small", words_from, baseline(lane), words);
  }
}

ROOST_COLD_BODY void svg_writer::write_end(std::size_t lane) {
  const trace_lane& l = t_.lanes[lane];
  const svg_length x = end_of_bar(l);
  const svg_length y = layout_.middle(lane);
  const svg_length half = std::min<svg_length>(layout_.bar_height() / 2, 45);
  if (l.how == task::outcome::stopped) {
    out_.rect("stopped", x - 30, layout_.top(lane), 30, layout_.bar_height());
  } else if (l.how == task::outcome::failed) {
    out_.line("fail", x - half, y - half, x + half, y + half);
    out_.line("fail", x - half, y + half, x + half, y - half);
  }
  const trace_mark* const failure = layout_.is_shared() ? nullptr : words_.failure_of(lane);
  if (failure == nullptr)
    return;
  const std::string message =
      svg_fitted(joined({in_one_line(failure->message)}), room_behind(lane), svg_small_font);
  if (!message.empty()) // else it is in the title alone
    out_.text("small alarm", behind(lane), baseline(lane), message);
}

// Beside the row; or where rows are shared in the bar, or behind it if that is not over another
// one.
ROOST_COLD_BODY svg_writer::label svg_writer::label_of(std::size_t lane) const {
  const trace_lane& l = t_.lanes[lane];
  const std::string title = l.title();
  if (!layout_.is_shared()) {
    const svg_length room = layout_.left() - 150;
    return {"name", 100, layout_.middle(lane) + 40, svg_fitted(title, room, svg_font), 0};
  }
  const svg_length from = layout_.x(svg_layout::begin_of(l)) + 30;
  for (const std::string& words : {title, title.substr(0, title.find(' '))}) { // or the number only
    const svg_length width = svg_text_width(utf8_count(words), svg_small_font);
    if (from + width + 30 <= end_of_bar(l))
      return {"small", from, baseline(lane), words, from + width + 60};
    if (width <= room_behind(lane))
      return {"small", behind(lane), baseline(lane), words, svg_layout::width};
  }
  return {"small", 0, 0, {}, svg_layout::width};
}

// From the waker to the end of the wait.
ROOST_COLD_BODY void svg_writer::write_wake_arrow(std::size_t lane, const trace_wait& w) {
  if (w.waker == no_lane || w.waker == lane || !layout_.is_drawn(w.waker))
    return;
  const bool is_down = layout_.top(w.waker) < layout_.top(lane);
  const svg_length to = layout_.x(w.end);
  const svg_length y = layout_.top(lane) + (is_down ? 0 : layout_.bar_height());
  const svg_length from_y = layout_.top(w.waker) + (is_down ? layout_.bar_height() : 0);
  out_.line("wake", layout_.x(w.woken_at), from_y, to, y);
  out_.head("tip", to, y, is_down ? "l-2.5 -5h5" : "l-2.5 5h5");
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
