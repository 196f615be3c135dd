// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/detail/trace/timeline.hpp>
#include <roost/site.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

// What the picture of a trace says where the pointer is.

namespace roost::inline v0::detail {

/// "850 ns", "12.3 us", "3.21 s".
std::string trace_time(clock::duration time);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

class trace_words {
 public:
  explicit trace_words(const timeline& t) noexcept : t_(t) {}

  std::string summary() const;
  std::string for_lane(std::size_t lane) const;
  std::string for_wait(const trace_wait& w) const;
  std::string for_stop(const trace_mark& m) const;
  std::string for_scope(const trace_scope& s) const;

  /// Null if it has not failed.
  const trace_mark* failure_of(std::size_t lane) const;

 private:
  std::string moment(clock::time_point time) const { return trace_time(time - t_.begin); }
  std::string span(clock::time_point from, clock::time_point to, bool is_open) const {
    return joined({moment(from),
                   " to ",
                   is_open ? "the end of the trace" : moment(to),
                   ", ",
                   trace_time(to - from)});
  }
  static std::string at_line(const site& where) {
    return where.line != 0 ? joined({" at ", where}) : std::string();
  }

  const timeline& t_;
};

ROOST_COLD_BODY std::string trace_time(clock::duration time) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
  if (ns < 1000)
    return std::to_string(ns) + " ns";
  std::int64_t unit = 1000;
  const char* name = " us";
  if (ns >= 1'000'000'000) {
    unit = 1'000'000'000;
    name = " s";
  } else if (ns >= 1'000'000) {
    unit = 1'000'000;
    name = " ms";
  }
  std::string text = std::to_string(ns / unit);
  const std::string fraction = std::to_string(1000 + ns % unit * 1000 / unit).substr(1);
  if (text.size() < 3)
    text += "." + fraction.substr(0, 3 - text.size());
  return text + name;
}

ROOST_COLD_BODY std::string trace_words::summary() const {
  std::size_t tasks = 0;
  std::size_t waits = 0;
  for (const std::size_t lane : t_.order) {
    if (t_.lanes[lane].is_task)
      ++tasks;
    waits += t_.lanes[lane].waits.size();
  }
  return joined({count_of(tasks, "task"),
                 ", ",
                 count_of(waits, "wait"),
                 " in ",
                 trace_time(t_.end - t_.begin)});
}

ROOST_COLD_BODY const trace_mark* trace_words::failure_of(std::size_t lane) const {
  const auto found = std::find_if(t_.marks.begin(), t_.marks.end(), [&](const trace_mark& m) {
    return m.is_failure && m.task == lane;
  });
  return found != t_.marks.end() ? &*found : nullptr;
}

ROOST_COLD_BODY std::string trace_words::for_lane(std::size_t lane) const {
  const trace_lane& l = t_.lanes[lane];
  std::string words = l.title();
  if (!l.is_task)
    return joined({words, "\nheard of from ", span(l.begin, l.end, l.is_open)});
  if (l.spawned.line != 0)
    append(words, {"\nspawned", at_line(l.spawned)});
  if (l.spawner != no_lane)
    append(words, {"\n  by ", t_.lanes[l.spawner].title(), ", ", moment(l.spawned_at)});
  if (!l.has_begun) {
    append(words, {l.is_open ? "\nhas not begun" : "\nnever ran: "});
    append(words, {l.is_open ? "" : word_for(l.how)});
    return words;
  }
  append(words, {"\n", span(l.begin, l.end, l.is_open), ", ", word_for(l.how)});
  if (const trace_mark* const failure = failure_of(lane))
    append(words, {": ", in_one_line(failure->message)});
  append(words, {"\non thread ", l.thread, ", ", count_of(l.waits.size(), "wait")});
  return words;
}

ROOST_COLD_BODY std::string trace_words::for_wait(const trace_wait& w) const {
  std::string words = w.operation;
  if (!w.object.empty())
    append(words, {" on ", in_quotes(w.object)});
  append(words, {at_line(w.where), "\n", span(w.begin, w.end, w.is_open)});
  if (!w.is_foreign)
    append(words, {", ", word_for(w.how)});
  if (w.waker != no_lane)
    append(words, {"\nwoken by ", t_.lanes[w.waker].title(), ", ", moment(w.woken_at)});
  return words;
}

ROOST_COLD_BODY std::string trace_words::for_stop(const trace_mark& m) const {
  std::string words = m.task != no_lane
                          ? joined({"stop of task ", t_.lanes[m.task].title()})
                          : joined({"stop of scope ", in_quotes(t_.scopes[m.scope].name)});
  append(words, {", ", word_for(m.reason), at_line(m.where)});
  if (!m.message.empty())
    append(words, {"\n", in_one_line(m.message)});
  append(words, {"\nby ", t_.lanes[m.lane].title(), ", ", moment(m.at)});
  return words;
}

ROOST_COLD_BODY std::string trace_words::for_scope(const trace_scope& s) const {
  return joined({"scope ",
                 in_quotes(s.name),
                 " #",
                 s.id,
                 ", made",
                 at_line(s.where),
                 "\n",
                 span(s.begin, s.end, s.is_open)});
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
