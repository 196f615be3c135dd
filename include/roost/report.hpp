// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/report/dot.hpp>
#include <roost/detail/report/json.hpp>
#include <roost/detail/report/snapshot.hpp>
#include <roost/detail/report/stall_text.hpp>
#include <roost/detail/report/text.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>

namespace roost::inline v0 {

/// All scopes of the process, with their tasks. A scope that does not cover its owner (a
/// background_scope), and that outlives the scope around the thread that made it, is not found.
report report_all();

/// The report as text, for people. Tasks of one scope with the same name and spawn line that do the
/// same (all blocked at the same place, say, or all running) share a line, unless they have scopes
/// of their own. At most `most_lines` lines are shown, and the end says how many are left out; with
/// 0 none are.
std::string to_text(const report& r, std::size_t most_lines = detail::usual_lines);

/// The report as JSON, for programs. All times are in milliseconds, all places "file:line"; a
/// missing value is null, or an empty text. Later versions may add fields; a change of the present
/// ones changes `format`.
///
/// ```json
/// {"format": 1,
///  "scopes": [{"id": 1, "parent_scope": null, "parent_task": null, "name": "ingest",
///    "where": "app.cpp:41", "age_ms": 3204, "stop": null, "running": 6, "queued": 0,
///    "limit": null, "owner_thread": 4242, "owner_state": "sleeping", "owner": null}],
///  "tasks": [{"id": 7, "scope": 1, "name": "parse", "spawned": "app.cpp:47", "age_ms": 3198,
///    "state": "blocked", "thread": 4243, "thread_state": "", "last_blocked": null,
///    "blocked": {
///      "operation": "sender::send", "object": "rows", "detail": "2/2, 1 receiver",
///      "where": "parse.cpp:88", "for_ms": 3101, "until_deadline": false, "runs": null,
///      "waits_for": [{"id": 1, "kind": "channel", "name": "rows",
///        "detail": "2/2, 1 receiver", "task": null,
///        "peer": {"task": 11, "name": "merge", "where": "merge.cpp:12"}}],
///      "holds": [{"id": 2, "name": "index", "where": "parse.cpp:80"}]}}],
///  "left_out": 0,
///  "deadlocks": [{"circle": [{"task": 8, "scope": 1, "name": "a", "operation": "mutex::lock",
///      "object": "m", "where": "y.cpp:9", "for_task": 9, "for_scope": 1, "for_name": "b"},
///      ...], "others": []}]}
/// ```
///
/// A stop is {"reason": "requested", "message": "", "task": "", "where": "app.cpp:90",
/// "age_ms": 2000}; `owner` is as `blocked`. U+FFFD takes the place of text that is not UTF-8.
std::string to_json(const report& r);

/// The report for `dot -Tsvg`: scopes, their tasks, and what those wait for. Tasks that share a
/// line in the text share a node here.
std::string to_dot(const report& r);

/// Replaces the sink of the whole process for the reports that roost makes by itself of scopes that
/// do not go on, see scope_options::stall_after; returns the previous sink, as std::set_terminate
/// does. Null restores the default, which prints to stderr. See report_sink for what a sink may do:
/// above all, it must not lock a roost::mutex for which the thread that runs it may wait.
///
/// A text begins with "roost: " and one of these words. The lines below it tell what each task
/// waits for and where; those that begin with "hint:" suggest a remedy.
///
/// - `DEADLOCK`: nothing in a root scope can ever go on: no known thread can wake one that waits,
///   and no deadline will come. Reported once, after stall_after; or at once, where
///   scope_options::on_deadlock or ROOST_DEADLOCK asks for it. Remedy: as the hints say.
/// - `IDLE-UNTIL-STOP`: as DEADLOCK, but the process has a thread outside the scope that might
///   still wake one. Reported once. Remedy: if such a thread is to wake tasks, let it hold an
///   outside_waker; if the tasks wait for a stop, stop the scope; else as for DEADLOCK.
/// - `STOP-IGNORED`: a scope was asked to stop stall_after ago, and has not ended. Remedy: a task
///   "outside roost" has to look for the stop, by this_task::checkpoint() or
///   this_task::stop_token(), or to wait in roost, as by wait_readable() before a read; a task that
///   is blocked in roost is behind a shield.
/// - `STALLED`: a wait is long, and no task of its scope runs. Reported where tasks are queued
///   behind those that wait, and with ROOST_STALL_MS for any wait. Remedy: see what they wait for;
///   raise `limit`, if a queued task would do that.
/// - `RUNNING`: a wait is long because tasks compute, or are in calls that roost does not know,
///   such as the lock of a std::mutex. Reported with ROOST_STALL_MS alone. Remedy: none, if the
///   tasks may take so long.
/// - `TIME-HELD-UP`: in a testing::bubble no time passes because a task is in code outside roost,
///   or because something outside may wake one. Remedy: sleeps and waits of roost instead of the
///   system's.
report_sink set_report_sink(report_sink sink) noexcept;

/// As to_text().
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                             const report& r) {
  const std::string text = to_text(r);
  return out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY report report_all() {
  return detail::report_of_all();
}

ROOST_COLD_BODY std::string to_text(const report& r, std::size_t most_lines) {
  std::string text;
  detail::report_text(r).append_to(text, most_lines);
  return text;
}

ROOST_COLD_BODY report_sink set_report_sink(report_sink sink) noexcept {
  return detail::sink_of_reports.exchange(sink != nullptr ? sink : &detail::print_report);
}

ROOST_COLD_BODY std::string to_json(const report& r) {
  return detail::report_json().write(r);
}

ROOST_COLD_BODY std::string to_dot(const report& r) {
  return detail::report_dot(r).write();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
