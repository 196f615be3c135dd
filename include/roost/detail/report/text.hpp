// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/report_tree.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/report_types.hpp>
#include <roost/scope_options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// A report as text:
//
//     scope "ingest" #1, made at app.cpp:41, age 3.2 s, 5 tasks
//       owner: blocked 3.1 s in task_scope::join on "ingest" at app.cpp:63
//       "parse" #7, spawned at app.cpp:47, age 3.2 s: blocked 3.1 s in sender::send on "rows" (2/2,
//           1 receiver) at parse.cpp:88; "merge" #11 waited last at the other end, at merge.cpp:12,
//           and is now blocked 3.1 s in wait_group::wait (count 1) at merge.cpp:19
//       "store" x2 #8 #9, spawned at app.cpp:52, age 3.2 s: outside roost, threads 4243 4244,
//           sleeping
//       "ask" x300 #12 #13 ..., spawned at app.cpp:58, age 3.2 s: blocked 3.1 s in
//           receiver::receive (each its own; capacity 0, 1 sender) at app.cpp:59
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

  /// Appends the lines of it, each with its end, and each behind `margin` blanks.
  void append_to(std::string& text, std::size_t most_lines, std::size_t margin = 0);

 private:
  void begin_line(std::size_t depth);
  void end_line() { text_ += '\n'; }
  void add_scope(std::size_t scope, std::size_t depth);
  void add_group(std::size_t first_task, std::size_t depth);
  void add_scope_words(const scope_report& s);
  void add_numbers(std::size_t first_task,
                   std::uint64_t task_report::*number,
                   std::string_view before_each);
  void add_state(const task_report& t);
  void add_state_of_group(std::size_t first_task);
  void add_blocked(const blocked_report& b);
  void add_peer(const waiter_report& peer);
  void add_helped(std::uint64_t task);
  void add_deadlock(const deadlock_report& d);
  void add(pieces more) { append(text_, more); }

  const report& report_;
  report_tree tree_;
  std::string text_;
  std::size_t most_lines_ = 0; // 0: all of them
  std::size_t margin_ = 0;
  std::size_t lines_ = 0;
  std::size_t last_line_ = 0; // where the last line begins that may be shown
};

ROOST_COLD_BODY void
report_text::append_to(std::string& text, std::size_t most_lines, std::size_t margin) {
  text_.swap(text);
  most_lines_ = most_lines;
  margin_ = margin;
  if (report_.scopes.empty()) {
    begin_line(0);
    add({"no scope\n"});
  }
  for (const deadlock_report& d : report_.deadlocks)
    add_deadlock(d);
  tree_.for_each_root([this](std::size_t scope) { add_scope(scope, 0); });
  if (report_.left_out != 0) {
    begin_line(0);
    add({"and ", report_.left_out, " for which there was no memory\n"});
  }
  if (lines_ > most_lines_ && most_lines_ != 0) {
    const std::size_t hidden = lines_ - (most_lines_ - 1);
    text_.resize(last_line_);
    begin_line(0);
    add({"and ", hidden, " more lines\n"});
  }
  text_.swap(text);
}

ROOST_COLD_BODY void report_text::begin_line(std::size_t depth) {
  if (++lines_ == most_lines_)
    last_line_ = text_.size();
  text_.append(margin_ + 2 * depth, ' ');
}

ROOST_COLD_BODY void report_text::add_scope(std::size_t scope, std::size_t depth) {
  const scope_report& s = report_.scopes[scope];
  begin_line(depth);
  add_scope_words(s);
  end_line();
  // An owner that is a task has its line above.
  if (tree_.task(s.parent_task) == nullptr && s.owner_thread != 0) {
    begin_line(depth + 1);
    add({"owner: ", s.owner ? "blocked " : ""});
    if (s.owner)
      add_blocked(*s.owner);
    else
      append_outside(text_, s.owner_thread, s.owner_state);
    end_line();
  }
  tree_.for_each_scope_in_scope(scope, [&](std::size_t inner) { add_scope(inner, depth + 1); });
  tree_.for_each_group(scope, [&](std::size_t task) { add_group(task, depth + 1); });
}

ROOST_COLD_BODY void report_text::add_scope_words(const scope_report& s) {
  add({"scope ", in_quotes(s.name), " #", s.id, ", made at ", s.where});
  add({", age ", length_of(s.age), ", ", count_of(s.running, "task")});
  if (s.limit != unlimited)
    add({" of at most ", s.limit});
  if (s.queued != 0)
    add({", ", s.queued, " queued"});
  if (!s.stop)
    return;
  add({"; stopped ", length_of(s.stop->age), " ago (", word_for(s.stop->reason)});
  if (!s.stop->message.empty())
    add({": ", in_one_line(s.stop->message)});
  add({") at ", s.stop->where});
}

ROOST_COLD_BODY void report_text::add_group(std::size_t first_task, std::size_t depth) {
  const task_report& first = report_.tasks[first_task];
  const std::size_t size = tree_.size_of_group(first_task);
  begin_line(depth);
  add({in_quotes(first.name)});
  if (size > 1)
    add({" x", size});
  add_numbers(first_task, &task_report::id, " #");
  add({", spawned at ", first.spawned});
  if (first.age != clock::duration::zero())
    add({", age ", length_of(first.age)});
  add({": "});
  if (size == 1)
    add_state(first);
  else
    add_state_of_group(first_task);
  end_line();
  tree_.for_each_scope_in_task(first_task, [&](std::size_t s) { add_scope(s, depth + 1); });
}

/// One of each task of a group, or of the first of them.
ROOST_COLD_BODY void report_text::add_numbers(std::size_t first_task,
                                              std::uint64_t task_report::*number,
                                              std::string_view before_each) {
  constexpr std::size_t most = 8;
  std::size_t added = 0;
  tree_.for_each_in_group(first_task, [&](std::size_t task) {
    if (added++ < most)
      add({before_each, report_.tasks[task].*number});
  });
  if (added > most)
    add({" ..."});
}

ROOST_COLD_BODY void report_text::add_state(const task_report& t) {
  if (t.state != task_state::running) {
    add({word_for(t.state)});
    if (t.blocked) {
      add({" "});
      add_blocked(*t.blocked);
    }
    return;
  }
  append_outside(text_, t.thread_id, t.thread_state);
  if (t.last_blocked.line != 0)
    add({", last blocked at ", t.last_blocked});
}

ROOST_COLD_BODY void report_text::add_state_of_group(std::size_t first_task) {
  const task_report& first = report_.tasks[first_task];
  if (first.state != task_state::running) {
    add({word_for(first.state)});
    if (const std::optional<blocked_report> call = tree_.call_of_group(first_task)) {
      add({" "});
      add_blocked(*call);
    }
    return;
  }
  add({"outside roost, threads"});
  add_numbers(first_task, &task_report::thread_id, " ");
  std::string_view state = first.thread_state;
  tree_.for_each_in_group(first_task, [&](std::size_t task) {
    if (report_.tasks[task].thread_state != state)
      state = {};
  });
  if (!state.empty())
    add({", ", state});
}

ROOST_COLD_BODY void report_text::add_blocked(const blocked_report& b) {
  add({length_of(b.since), " in "});
  append_call(text_, b);
  if (b.until_deadline)
    add({", until a deadline"});
  if (b.runs != 0)
    add_helped(b.runs);
  for (const object_report& o : b.waits_for) {
    if (b.waits_for.size() > 1) {
      add({"; ", o.kind});
      append_object(text_, o.name, o.detail);
    }
    if (o.peer)
      add_peer(*o.peer);
  }
  for (const held_report& h : b.holds)
    add({"; holds mutex ", in_quotes(h.name), ", locked at ", h.where});
}

ROOST_COLD_BODY void report_text::add_helped(std::uint64_t task) {
  const task_report* const now = tree_.task(task);
  add({"; its thread runs ", now != nullptr ? in_quotes(now->name) : "task", " #", task});
  add({" meanwhile"});
}

ROOST_COLD_BODY void report_text::add_peer(const waiter_report& peer) {
  const task_report* const now = tree_.task(peer.task);
  if (peer.task == 0)
    add({"; an owner"});
  else
    add({"; ", now != nullptr ? in_quotes(now->name) : "task", " #", peer.task});
  add({" waited last at the other end, at ", peer.where});
  if (peer.task == 0)
    return;
  if (now == nullptr) {
    add({", and is not here any more"});
    return;
  }
  add({", and is now "});
  if (!now->blocked) {
    add_state(*now);
    return;
  }
  add({word_for(now->state), " ", length_of(now->blocked->since), " in "}); // without its own peer
  append_call(text_, *now->blocked);
}

ROOST_COLD_BODY void
append_party(std::string& text, std::uint64_t task, std::uint64_t scope, std::string_view name) {
  append(text,
         {task != 0 ? "" : "the owner of scope ", in_quotes(name), " #", task != 0 ? task : scope});
}

ROOST_COLD_BODY void report_text::add_deadlock(const deadlock_report& d) {
  constexpr std::size_t most_links = 16;
  begin_line(0);
  add({"deadlock: "});
  for (std::size_t i = 0; i < d.circle.size() && i < most_links; ++i) {
    const deadlock_link& l = d.circle[i];
    add({i == 0 ? "" : ", "});
    append_party(text_, l.task, l.scope, l.name);
    add({" waits for "});
    append_party(text_, l.for_task, l.for_scope, l.for_name);
    add({" (", l.operation});
    if (l.operation == "mutex::lock") // else the task that is waited for is named already
      append_object(text_, l.object, {});
    add({" at ", l.where, ")"});
  }
  if (d.circle.size() > most_links)
    add({", and so on by ", d.circle.size() - most_links, " more"});
  for (std::size_t i = 0; i < d.others.size() && i < most_links; ++i) {
    const deadlock_link& l = d.others[i];
    add({i == 0 ? "; behind them " : ", "});
    append_party(text_, l.task, l.scope, l.name);
  }
  if (d.others.size() > most_links)
    add({" and ", d.others.size() - most_links, " more"});
  end_line();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
