// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/json.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/detail/trace/timeline.hpp>
#include <roost/site.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A trace in the form of Chrome's trace events, which chrome://tracing, ui.perfetto.dev and
// speedscope read:
//
//     X         a task, from its begin to its end; in it its waits, and the waits in those
//     s, f      an arrow from a spawn to the begin of the task, and from what wakes a waiter to it
//     b, e      a scope, which may lie across others
//     i         a stop, a failure, and that the recorder was full
//     C         how many tasks run, and how many are blocked
//     M         the names of the lanes, which are its threads
//
// One event a line. All times are microseconds from the begin of the trace.

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

class chrome_writer {
 public:
  chrome_writer(std::ostream& out, const timeline& t) : out_(out), t_(t) {}
  void write();

 private:
  /// One event: its fields are written by the caller, and then by finish().
  json_text begin(const char* phase, const char* category, std::string_view name) const;
  void at(json_text& e, std::size_t lane, clock::time_point time) const;
  void finish(json_text& e);

  void name_lane(std::size_t lane, std::size_t place);
  void write_lane(std::size_t lane);
  void write_wait(std::size_t lane, const trace_wait& w);
  void write_arrow(const char* kind,
                   std::pair<std::size_t, clock::time_point> from,
                   std::pair<std::size_t, clock::time_point> to);
  void write_scope(const trace_scope& s);
  void write_mark(const trace_mark& m);
  void write_counts();

  static void text(json_text& e, std::string_view key, std::string_view value) {
    e.key(key);
    e.string(value);
  }
  static void number(json_text& e, std::string_view key, std::uint64_t value) {
    e.key(key);
    e.number(value);
  }
  static void place(json_text& e, std::string_view key, const site& where) {
    if (where.line != 0)
      text(e, key, line_of(where));
  }
  static void open(json_text& e, bool is_open) {
    if (!is_open)
      return;
    e.key("open");
    e.literal("true");
  }
  void time(json_text& e, std::string_view key, clock::duration value) const;
  std::string lane_title(std::size_t lane) const { return t_.lanes[lane].title(); }

  // An arrow ends at a slice: so within its lane, before the end.
  clock::time_point inside(std::size_t lane, clock::time_point time) const {
    const trace_lane& l = t_.lanes[lane];
    const clock::time_point last = std::max(l.begin, l.end - clock::duration(1));
    return std::clamp(time, l.begin, last);
  }

  std::ostream& out_;
  const timeline& t_;
  std::size_t arrows_ = 0;
  bool is_first_ = true;
};

ROOST_COLD_BODY void chrome_writer::write() {
  // Numbers as text: the stream may write them in its own way.
  out_ << R"({"displayTimeUnit": "ns", "otherData": {"recorder": "roost", "entries": )"
       << std::to_string(t_.entries) << R"(, "dropped": )" << std::to_string(t_.dropped)
       << R"(}, "traceEvents": [)";
  json_text process = begin("M", "__metadata", "process_name");
  number(process, "pid", 1);
  process.key("args");
  process.begin('{');
  text(process, "name", "roost");
  process.end('}');
  finish(process);
  for (std::size_t place = 0; place < t_.order.size(); ++place)
    name_lane(t_.order[place], place);
  for (const std::size_t lane : t_.order)
    write_lane(lane);
  for (const trace_scope& s : t_.scopes)
    write_scope(s);
  for (const trace_mark& m : t_.marks)
    write_mark(m);
  write_counts();
  if (t_.dropped != 0) {
    json_text full = begin("i", "recorder", "recorder full");
    number(full, "pid", 1);
    time(full, "ts", t_.end - t_.begin);
    text(full, "s", "g");
    full.key("args");
    full.begin('{');
    number(full, "dropped", t_.dropped);
    full.end('}');
    finish(full);
  }
  out_ << "\n]}\n";
}

ROOST_COLD_BODY json_text chrome_writer::begin(const char* phase,
                                               const char* category,
                                               std::string_view name) const {
  json_text e;
  e.begin('{');
  text(e, "ph", phase);
  text(e, "cat", category);
  text(e, "name", name);
  return e;
}

ROOST_COLD_BODY void
chrome_writer::at(json_text& e, std::size_t lane, clock::time_point time_point) const {
  number(e, "pid", 1);
  number(e, "tid", lane + 1);
  time(e, "ts", time_point - t_.begin);
}

ROOST_COLD_BODY void chrome_writer::finish(json_text& e) {
  e.end('}');
  out_ << (std::exchange(is_first_, false) ? "\n" : ",\n") << e.take();
}

// In microseconds, to the nanosecond.
ROOST_COLD_BODY void
chrome_writer::time(json_text& e, std::string_view key, clock::duration value) const {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(value).count();
  const std::string fraction = std::to_string(1000 + (ns < 0 ? 0 : ns) % 1000);
  e.key(key);
  e.literal(std::to_string((ns < 0 ? 0 : ns) / 1000) + "." + fraction.substr(1));
}

ROOST_COLD_BODY void chrome_writer::name_lane(std::size_t lane, std::size_t place) {
  for (const bool is_name : {true, false}) {
    json_text e = begin("M", "__metadata", is_name ? "thread_name" : "thread_sort_index");
    number(e, "pid", 1);
    number(e, "tid", lane + 1);
    e.key("args");
    e.begin('{');
    if (is_name)
      text(e, "name", lane_title(lane));
    else
      number(e, "sort_index", place);
    e.end('}');
    finish(e);
  }
}

ROOST_COLD_BODY void chrome_writer::write_lane(std::size_t lane) {
  const trace_lane& l = t_.lanes[lane];
  if (l.is_task && !l.has_begun && l.spawner == no_lane)
    return; // nothing is known of it
  const bool has_queued = l.is_task && l.spawner != no_lane;
  if (has_queued) {
    json_text e = begin("X", "queue", l.has_begun ? "starts" : "never ran");
    at(e, lane, l.spawned_at);
    time(e, "dur", (l.has_begun ? l.begin : l.end) - l.spawned_at);
    e.key("args");
    e.begin('{');
    place(e, "spawned", l.spawned);
    if (!l.has_begun)
      text(e, "result", word_for(l.how));
    open(e, !l.has_begun && l.is_open);
    e.end('}');
    finish(e);
  }
  if (l.is_task && !l.has_begun)
    return;
  json_text e =
      begin("X", l.is_task ? "task" : "thread", l.name.empty() ? lane_title(lane) : l.name);
  at(e, lane, l.begin);
  time(e, "dur", l.end - l.begin);
  e.key("args");
  e.begin('{');
  number(e, l.is_task ? "task" : "thread", l.number);
  if (l.is_task) {
    number(e, "thread", l.thread);
    number(e, "scope", l.scope);
    place(e, "spawned", l.spawned);
    text(e, "result", word_for(l.how));
  }
  open(e, l.is_open);
  e.end('}');
  finish(e);
  for (const trace_wait& w : l.waits)
    write_wait(lane, w);
  if (has_queued)
    write_arrow("spawn", {l.spawner, l.spawned_at}, {lane, l.begin});
}

ROOST_COLD_BODY void chrome_writer::write_wait(std::size_t lane, const trace_wait& w) {
  json_text e = begin("X",
                      w.is_foreign ? "foreign" : "wait",
                      joined({w.operation, w.object.empty() ? "" : " ", in_one_line(w.object)}));
  at(e, lane, w.begin);
  time(e, "dur", w.end - w.begin);
  e.key("args");
  e.begin('{');
  text(e, "operation", w.operation);
  text(e, "object", w.object);
  place(e, "where", w.where);
  if (!w.is_foreign)
    text(e, "result", word_for(w.how));
  if (w.waker != no_lane) {
    text(e, "woken_by", lane_title(w.waker));
    number(e, "woken_by_tid", w.waker + 1);
  }
  open(e, w.is_open);
  e.end('}');
  finish(e);
  if (w.waker != no_lane && w.waker != lane)
    write_arrow("wake", {w.waker, w.woken_at}, {lane, w.end});
}

ROOST_COLD_BODY void chrome_writer::write_arrow(const char* kind,
                                                std::pair<std::size_t, clock::time_point> from,
                                                std::pair<std::size_t, clock::time_point> to) {
  ++arrows_;
  const clock::time_point start = inside(from.first, from.second);
  for (const bool is_start : {true, false}) {
    json_text e = begin(is_start ? "s" : "f", kind, kind);
    number(e, "id", arrows_);
    if (!is_start)
      text(e, "bp", "e");
    if (is_start)
      at(e, from.first, start);
    else
      at(e, to.first, std::max(start, inside(to.first, to.second)));
    finish(e);
  }
}

ROOST_COLD_BODY void chrome_writer::write_scope(const trace_scope& s) {
  if (s.owner == no_lane && s.where.line == 0)
    return; // it is only known that a task was in it
  for (const bool is_begin : {true, false}) {
    json_text e = begin(is_begin ? "b" : "e", "scope", s.name.empty() ? "scope" : s.name);
    number(e, "id", s.id);
    number(e, "pid", 1);
    number(e, "tid", s.owner != no_lane ? s.owner + 1 : 0);
    time(e, "ts", (is_begin ? s.begin : s.end) - t_.begin);
    e.key("args");
    e.begin('{');
    number(e, "scope", s.id);
    place(e, "made", s.where);
    open(e, !is_begin && s.is_open);
    e.end('}');
    finish(e);
  }
}

ROOST_COLD_BODY void chrome_writer::write_mark(const trace_mark& m) {
  json_text e =
      begin("i",
            m.is_failure ? "failure" : "stop",
            m.is_failure ? std::string("failure") : "stop: " + std::string(word_for(m.reason)));
  at(e, m.lane, m.at);
  text(e, "s", m.is_failure ? "t" : "p");
  e.key("args");
  e.begin('{');
  if (m.task != no_lane)
    text(e, "of_task", lane_title(m.task));
  number(e, "scope", t_.scopes[m.scope].id);
  text(e, "scope_name", t_.scopes[m.scope].name);
  text(e, "message", m.message);
  place(e, "where", m.where);
  e.end('}');
  finish(e);
}

ROOST_COLD_BODY void chrome_writer::write_counts() {
  struct change {
    clock::time_point at;
    int running;
    int blocked;
  };
  std::vector<change> changes;
  for (const std::size_t lane : t_.order) {
    const trace_lane& l = t_.lanes[lane];
    if (!l.is_task || !l.has_begun)
      continue;
    changes.push_back({l.begin, 1, 0});
    if (!l.is_open)
      changes.push_back({l.end, -1, 0});
    clock::time_point counted_to = l.begin;
    for (const trace_wait& w : l.waits) {
      if (w.begin < counted_to) // it lies in the one before
        continue;
      counted_to = w.end;
      changes.push_back({w.begin, -1, 1});
      if (!w.is_open)
        changes.push_back({w.end, 1, -1});
    }
  }
  std::sort(
      changes.begin(), changes.end(), [](const change& a, const change& b) { return a.at < b.at; });
  int running = 0;
  int blocked = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    running += changes[i].running;
    blocked += changes[i].blocked;
    if (i + 1 < changes.size() && changes[i + 1].at == changes[i].at)
      continue;
    json_text e = begin("C", "tasks", "tasks");
    number(e, "pid", 1);
    time(e, "ts", changes[i].at - t_.begin);
    e.key("args");
    e.begin('{');
    number(e, "running", static_cast<std::uint64_t>(running));
    number(e, "blocked", static_cast<std::uint64_t>(blocked));
    e.end('}');
    finish(e);
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
