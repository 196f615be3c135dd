// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/deadlock_error.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/hints.hpp>
#include <roost/detail/report/snapshot.hpp>
#include <roost/detail/report/text.hpp>
#include <roost/detail/scope/stall_watch.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

// What roost prints by itself of a scope that a thread waits for, or waits in, for too long: a line
// that says what is wrong, and the scope's report.
//
//     roost: STOP-IGNORED: scope "crawl" was asked to stop 10.0 s ago, and still has 1 task
//       scope "crawl" #1, made at app.cpp:41, ...
//         owner: blocked 10.0 s in task_scope::join on "crawl" at app.cpp:63
//         "fetch" #7, spawned at app.cpp:47, ...: outside roost, thread 4242, sleeping

namespace roost::inline v0::detail {

inline void print_report(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

// One in the whole program, also where shared libraries hide their symbols.
[[gnu::visibility("default")]] inline constinit sync::atomic<report_sink> sink_of_reports{
    &print_report};

#if ROOST_HAS_BODIES

/// What is wrong with the first scope of a report.
ROOST_COLD_BODY std::string stall_headline(const report& r) {
  const scope_report& scope = r.scopes.front();
  std::size_t outside = 0;
  for (const task_report& t : r.tasks)
    outside += t.scope == scope.id && t.state == task_state::running ? 1U : 0U;
  const piece name = in_quotes(scope.name);
  const piece tasks = count_of(scope.running, "task");
  if (scope.stop) {
    std::string text = joined({"STOP-IGNORED: scope ", name, " was asked to stop "});
    append(text, {length_of(scope.stop->age), " ago, and "});
    if (scope.running == 0)
      text += "its owner still waits";
    else
      append(text, {"still has ", tasks});
    return text;
  }
  if (outside != 0) {
    return joined({"RUNNING: scope ",
                   name,
                   " has ",
                   tasks,
                   ", of which ",
                   outside,
                   outside == 1 ? " is" : " are",
                   " outside roost: in code that computes, or in a call that roost does not know"});
  }
  if (scope.running == 0)
    return joined({"STALLED: scope ", name, " has no task, and its owner waits"});
  std::string text = joined({"STALLED: scope ", name, " has ", tasks, ", of which none runs"});
  if (scope.queued != 0)
    append(text, {"; ", scope.queued, scope.queued == 1 ? " more is" : " more are", " queued"});
  return text;
}

ROOST_COLD_BODY std::string standstill_headline(const report& r, standstill what) {
  const scope_report& scope = r.scopes.front();
  const char* const waits = r.tasks.empty()           ? "it has no task, and its owner waits"
                            : scope.owner_thread == 0 ? "its tasks wait"
                                                      : "its tasks and its owner wait";
  const char* const for_what = r.tasks.empty() ? "" : " for each other";
  const piece name = in_quotes(scope.name);
  switch (what) {
  case standstill::is_certain:
    return joined({"DEADLOCK: nothing in scope ",
                   name,
                   " can go on: ",
                   waits,
                   ", and the process has no other thread"});
  case standstill::is_likely:
    return joined({"IDLE-UNTIL-STOP: nothing in scope ",
                   name,
                   " goes on by itself: ",
                   waits,
                   ", and for nothing that another thread has used so far"});
  case standstill::was_asked_for:
    break;
  }
  return joined({"DEADLOCK: nothing in scope ", name, " can go on: ", waits, for_what});
}

ROOST_COLD_BODY std::string told_text(const std::string& headline, const report& r) {
  std::string text = joined({"roost: ", headline, "\n"});
  report_text(r).append_to(text, usual_lines, 2);
  return text;
}

ROOST_COLD_BODY std::string standstill_text(const report& r, standstill what) {
  std::string text = told_text(standstill_headline(r, what), r);
  report_hints(r).append_to(text);
  return text;
}

/// While it lives, the calling thread is in the sink; also if the sink throws.
class inside_sink {
 public:
  inside_sink() noexcept { this_thread.tells = true; }
  ~inside_sink() { this_thread.tells = false; }
  inside_sink(const inside_sink&) = delete;
  inside_sink& operator=(const inside_sink&) = delete;
};

/// Tells the sink `text_of(report)`, unless that is empty. True if it was told.
template <class TextOf>
bool tell(stop_domain& scope, TextOf text_of, clock::time_point now = sync::now()) noexcept {
  if (this_thread.tells) // a wait of the sink's own
    return false;
  try {
    const report r = report_of(scope, now);
    if (r.scopes.empty())
      return false; // no memory for it
    const std::string text = text_of(r);
    if (text.empty())
      return false;
    const wait_set_aside aside; // the sink may wait, too
    const inside_sink inside;
    sink_of_reports.load()(text);
    return true;
  } catch (const std::bad_alloc&) { // then nothing is told this time
    return false;
  }
}

ROOST_COLD_BODY void tell_stall(stop_domain& scope) noexcept {
  tell(scope, [](const report& r) {
    std::string text = told_text(stall_headline(r), r);
    report_hints(r).append_of_limits_to(text);
    return text;
  });
}

ROOST_COLD_BODY bool tell_standstill(stop_domain& scope, standstill what) noexcept {
  return tell(scope, [what](const report& r) { return standstill_text(r, what); });
}

ROOST_COLD_BODY std::exception_ptr make_deadlock_error(stop_domain& scope) noexcept {
  try {
    report r = report_of(scope);
    if (r.scopes.empty())
      throw std::bad_alloc();
    const std::string text = standstill_text(r, standstill::was_asked_for);
    return std::make_exception_ptr(deadlock_error(text, std::move(r)));
  } catch (...) {
    return std::current_exception();
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
