// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/detail/trace/svg_canvas.hpp>
#include <roost/detail/trace/svg_layout.hpp>
#include <roost/detail/trace/timeline.hpp>
#include <roost/detail/trace/trace_words.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// What stands around the lanes of a trace: title, legend, axis.

namespace roost::inline v0::detail {

inline constexpr svg_length svg_font = 110;
inline constexpr svg_length svg_small_font = 90;

#if ROOST_HAS_BODIES

class svg_frame {
 public:
  svg_frame(svg_canvas& out, const timeline& t, const svg_layout& layout) noexcept
      : out_(out),
        t_(t),
        layout_(layout) {}
  void write();

 private:
  void write_legend();
  void write_missing();
  void write_axis();

  svg_canvas& out_;
  const timeline& t_;
  const svg_layout& layout_;
};

inline constexpr std::string_view svg_style = R"(
text { font: 11px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #222 }
.title { font-size: 13px; font-weight: bold }
.small { font-size: 9px }
.axis { fill: #555; text-anchor: middle }
.alarm { fill: #a03c00 }
.page { fill: #fff }
.run { fill: #56b4e9 }
.wait { fill: #fdebc8; stroke: #e69f00 }
.foreign { fill: #f3dae8; stroke: #cc79a7 }
.thread { fill: #d9d9d9 }
.stopped { fill: #222 }
.grid, .queue, .spawn, .wake, .stop, .fail, .scope { fill: none; stroke: #e4e4e4 }
.queue { stroke: #888; stroke-dasharray: 3 2 }
.spawn { stroke: #999 }
.head { fill: #999 }
.wake { stroke: #009e73 }
.tip { fill: #009e73 }
.stop { stroke: #222; stroke-dasharray: 5 3 }
.fail { stroke: #d55e00; stroke-width: 2.5 }
.scope { stroke: #0072b2; stroke-width: 2 }
)";

ROOST_COLD_BODY void svg_frame::write() {
  const svg_length height = layout_.bottom() + 300;
  out_.begin(svg_layout::width, height, svg_style);
  out_.rect("page", 0, 0, svg_layout::width, height);
  out_.text("title", 100, 180, trace_words(t_).summary());
  write_legend();
  write_missing();
  write_axis();
}

ROOST_COLD_BODY void svg_frame::write_legend() {
  constexpr svg_length y = 280;
  svg_length x = 100;
  const auto say = [&](std::string_view what) {
    out_.text("small", x + 200, y + 90, what);
    x += 320 + svg_text_width(what.size(), svg_small_font);
  };
  const auto box = [&](const char* type, std::string_view what) {
    out_.rect(type, x, y, 160, 110);
    say(what);
  };
  const auto stroke = [&](const char* type, std::string_view what) {
    out_.line(type, x, y + 55, x + 160, y + 55);
    say(what);
  };
  box("run", "task runs");
  box("wait", "sleeps in a wait");
  box("foreign", "blocking_region");
  box("thread", "other thread");
  stroke("queue", "not begun");
  out_.rect("stopped", x + 70, y, 30, 110);
  say("ended by a stop");
  out_.line("fail", x + 40, y + 15, x + 120, y + 95);
  out_.line("fail", x + 40, y + 95, x + 120, y + 15);
  say("failed");
  stroke("stop", "stop");
  if (!layout_.is_shared()) {
    stroke("spawn", "spawn");
    stroke("wake", "wake");
    stroke("scope", "scope");
  }
}

ROOST_COLD_BODY void svg_frame::write_missing() {
  std::string missing;
  if (t_.dropped != 0)
    append(missing, {"the recorder was full: ", count_of(t_.dropped, "later entry"), " dropped"});
  if (const std::size_t hidden = t_.order.size() - layout_.drawn().size(); hidden != 0)
    append(missing, {missing.empty() ? "" : "; ", count_of(hidden, "later lane"), " not drawn"});
  if (!missing.empty())
    out_.text("alarm", 100, 500, missing);
}

ROOST_COLD_BODY void svg_frame::write_axis() {
  const svg_ticks ticks(t_.end - t_.begin);
  constexpr svg_length y = svg_layout::first_row;
  for (std::int64_t i = 0; t_.begin + i * ticks.step() <= t_.end; ++i) {
    const svg_length x = layout_.x(t_.begin + i * ticks.step());
    out_.line("grid", x, y, x, layout_.bottom());
    const std::string label = ticks.label(i);
    if (x + svg_text_width(label.size(), svg_font) / 2 > svg_layout::width)
      continue;
    out_.text("axis", x, y - 50, label);
    if (layout_.rows() > 30)
      out_.text("axis", x, layout_.bottom() + 150, label);
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
