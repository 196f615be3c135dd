// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/line_of.hpp>
#include <roost/detail/report/report_tree.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/report_types.hpp>
#include <roost/scope_options.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A report as text:
//
//     scope "ingest" #1, made at app.cpp:41, age 3.2 s, 5 tasks
//       owner: blocked 3.1 s in task_scope::join on "ingest" at app.cpp:63
//       "parse" #7, spawned at app.cpp:47, age 3.2 s: blocked 3.1 s in sender::send on "rows" (2/2,
//           1 receiver) at parse.cpp:88; "merge" #11 waited last at the other end, at merge.cpp:12,
//           and is now blocked 3.1 s in wait_group::wait (count 1) at merge.cpp:19
//       "store" x3 #8 #9 #10, spawned at ...
//
// (each of them in one line). Before them stand the deadlocks that are sure:
//
//     deadlock: "a" #8 waits for "b" #9 (task_handle::get at x.cpp:3), "b" #9 waits for "a" #8 (
//         mutex::lock on "m" at y.cpp:9); behind them the owner of scope "ingest" #1

namespace roost::inline v0::detail {

/// As many lines as people read in one go.
inline constexpr std::size_t usual_lines = 40;

#if ROOST_HAS_BODIES

class report_text {
 public:
  explicit report_text(const report& r) : report_(r), tree_(r) {}

  std::string write(std::size_t most_lines);

  /// The lines of it, each with its end.
  std::vector<std::string> lines(std::size_t most_lines);

 private:
  void add_scope(std::size_t scope, std::size_t depth);
  void add_group(std::size_t first_task, std::size_t depth);
  void add_line(std::string text, std::size_t depth) {
    lines_.push_back(std::string(2 * depth, ' ') + std::move(text) + "\n");
  }
  std::string scope_words(const scope_report& s) const;
  std::string state_words(const task_report& t, bool alone) const;
  std::string blocked_words(const blocked_report& b) const;
  std::string peer_words(const object_report& o) const;
  static std::string deadlock_words(const deadlock_report& d);

  const report& report_;
  report_tree tree_;
  std::vector<std::string> lines_;
};

ROOST_COLD_BODY std::string report_text::write(std::size_t most_lines) {
  std::string text;
  for (const std::string& line : lines(most_lines))
    text += line;
  return text;
}

ROOST_COLD_BODY std::vector<std::string> report_text::lines(std::size_t most_lines) {
  if (report_.scopes.empty())
    add_line("no scope", 0);
  for (const deadlock_report& d : report_.deadlocks)
    add_line(deadlock_words(d), 0);
  tree_.for_each_root([this](std::size_t scope) { add_scope(scope, 0); });
  if (report_.left_out != 0)
    add_line("and " + std::to_string(report_.left_out) + " for which there was no memory", 0);
  if (lines_.size() > most_lines && most_lines != 0) {
    const std::size_t hidden = lines_.size() - (most_lines - 1);
    lines_.resize(most_lines - 1);
    add_line("and " + std::to_string(hidden) + " more lines", 0);
  }
  return std::move(lines_);
}

ROOST_COLD_BODY void report_text::add_scope(std::size_t scope, std::size_t depth) {
  const scope_report& s = report_.scopes[scope];
  add_line(scope_words(s), depth);
  // The owner that is a task is told of in the line above.
  if (tree_.task(s.parent_task) == nullptr && s.owner_thread != 0)
    add_line("owner: " + (s.owner ? "blocked " + blocked_words(*s.owner) : "running"), depth + 1);
  tree_.for_each_scope_in_scope(scope, [&](std::size_t inner) { add_scope(inner, depth + 1); });
  tree_.for_each_group(scope, [&](std::size_t task) { add_group(task, depth + 1); });
}

ROOST_COLD_BODY std::string report_text::scope_words(const scope_report& s) const {
  std::string text = "scope " + in_quotes(s.name) + " #" + std::to_string(s.id) + ", made at " +
                     line_of(s.where) + ", age " + length_of(s.age) + ", " +
                     count_of(s.running, "task");
  if (s.limit != unlimited)
    text += " of at most " + std::to_string(s.limit);
  if (s.queued != 0)
    text += ", " + std::to_string(s.queued) + " queued";
  if (!s.stop)
    return text;
  text += "; stopped " + length_of(s.stop->age) + " ago (" + std::string(word_for(s.stop->reason));
  if (!s.stop->message.empty())
    text += ": " + in_one_line(s.stop->message);
  return text + ") at " + line_of(s.stop->where);
}

ROOST_COLD_BODY void report_text::add_group(std::size_t first_task, std::size_t depth) {
  constexpr std::size_t most_ids = 8;
  const task_report& first = report_.tasks[first_task];
  const std::size_t size = tree_.size_of_group(first_task);
  std::string text = in_quotes(first.name);
  if (size > 1)
    text += " x" + std::to_string(size);
  std::size_t ids = 0;
  tree_.for_each_in_group(first_task, [&](std::size_t task) {
    if (ids++ < most_ids)
      text += " #" + std::to_string(report_.tasks[task].id);
  });
  if (size > most_ids)
    text += " ...";
  text += ", spawned at " + line_of(first.spawned);
  if (first.age != clock::duration::zero())
    text += ", age " + length_of(first.age);
  add_line(text + ": " + state_words(first, size == 1), depth);
  tree_.for_each_scope_in_task(first_task, [&](std::size_t s) { add_scope(s, depth + 1); });
}

ROOST_COLD_BODY std::string report_text::state_words(const task_report& t, bool alone) const {
  std::string text(word_for(t.state));
  if (t.blocked)
    return text + " " + blocked_words(*t.blocked);
  if (t.state != task_state::running)
    return text;
  text = "outside roost";
  if (alone && t.thread_id != 0)
    text += ", thread " + std::to_string(t.thread_id);
  if (alone && !t.thread_state.empty())
    text += ", " + t.thread_state;
  if (alone && t.last_blocked.line != 0)
    text += ", last blocked at " + line_of(t.last_blocked);
  return text;
}

ROOST_COLD_BODY std::string report_text::blocked_words(const blocked_report& b) const {
  std::string text = length_of(b.since) + " in " + call_words(b);
  if (b.until_deadline)
    text += ", until a deadline";
  for (const object_report& o : b.waits_for) {
    if (b.waits_for.size() > 1)
      text += "; " + o.kind + object_words(o.name, o.detail);
    text += peer_words(o);
  }
  for (const held_report& h : b.holds)
    text += "; holds mutex " + in_quotes(h.name) + ", locked at " + line_of(h.where);
  return text;
}

ROOST_COLD_BODY std::string
party_words(std::uint64_t task, std::uint64_t scope, std::string_view name) {
  return task != 0 ? in_quotes(name) + " #" + std::to_string(task)
                   : "the owner of scope " + in_quotes(name) + " #" + std::to_string(scope);
}

ROOST_COLD_BODY std::string report_text::deadlock_words(const deadlock_report& d) {
  constexpr std::size_t most_links = 16;
  std::string text = "deadlock: ";
  for (std::size_t i = 0; i < d.circle.size() && i < most_links; ++i) {
    const deadlock_link& l = d.circle[i];
    // The task that is waited for is named already.
    const std::string_view object = l.operation == "mutex::lock" ? l.object : std::string_view();
    text += (i == 0 ? "" : ", ") + party_words(l.task, l.scope, l.name) + " waits for " +
            party_words(l.for_task, l.for_scope, l.for_name) + " (" + l.operation +
            object_words(object, {}) + " at " + line_of(l.where) + ")";
  }
  if (d.circle.size() > most_links)
    text += ", and so on by " + std::to_string(d.circle.size() - most_links) + " more";
  for (std::size_t i = 0; i < d.others.size() && i < most_links; ++i) {
    const deadlock_link& l = d.others[i];
    text += (i == 0 ? "; behind them " : ", ") + party_words(l.task, l.scope, l.name);
  }
  if (d.others.size() > most_links)
    text += " and " + std::to_string(d.others.size() - most_links) + " more";
  return text;
}

ROOST_COLD_BODY std::string report_text::peer_words(const object_report& o) const {
  if (!o.peer)
    return {};
  std::string text = "; ";
  const task_report* const now = tree_.task(o.peer->task);
  if (o.peer->task == 0)
    text += "an owner";
  else
    text += (now != nullptr ? in_quotes(now->name) : "task") + " #" + std::to_string(o.peer->task);
  text += " waited last at the other end, at " + line_of(o.peer->where);
  if (o.peer->task == 0)
    return text;
  if (now == nullptr)
    return text + ", and is not here any more";
  text += ", and is now " + std::string(word_for(now->state));
  return now->blocked
             ? text + " " + length_of(now->blocked->since) + " in " + call_words(*now->blocked)
             : text;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
