// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/scope/tree_notes.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/thread_state.hpp>
#include <roost/detail/threads/scope_tree.hpp>

#include <algorithm>
#include <cstddef>

// When nothing in a scope can go on.
//
// The owner of an outermost scope, which waits itself, takes notes of the scope twice. If each
// thread was blocked in the same call both times, without a deadline, then all were at every moment
// in between. (A waiter is noted only while no peer has claimed it; a thread that joins a scope
// only while tasks of that are left.) If no timer is set in between, and the process has no thread
// but the owner, the timekeeper's, and those of the scope's pool, then nobody is left to wake one.
// Where the system does not tell how many threads there are, nothing is said.
//
// It is sound, as what it does not know counts as something that can go on: another outermost
// scope, a thread of the program's own, a task on its way, a blocking_region, lack of memory.

namespace roost::inline v0::detail {

/// See the top of this file. Called by the owner of `root` inside a wait of its own.
bool nothing_can_go_on(stop_domain& root, const scope_tree& tree) noexcept;

/// True if all threads that are noted are blocked, and stay so unless one of them goes on.
bool all_are_blocked(const tree_notes& notes) noexcept;

/// True if the same threads are in the same calls.
bool are_same_calls(const tree_notes& a, const tree_notes& b) noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// True if the call does not end by itself. Whether a join has something to wait for is another
/// question.
ROOST_COLD_BODY bool is_endless(const call_note& call) noexcept {
  return *call.operation != '\0' && !call.until_deadline && !call.is_foreign;
}

ROOST_COLD_BODY bool waits_for_tasks(const scope_note& scope) noexcept {
  return scope.owner_thread != 0 && scope.owner.joins && scope.running != 0;
}

ROOST_COLD_BODY bool all_are_blocked(const tree_notes& notes) noexcept {
  const auto scope_is = [](const scope_note& s) {
    const bool may_start_more = s.queued != 0 && s.running < s.limit;
    return s.owner_thread != 0 && is_endless(s.owner) && (!s.owner.joins || s.running != 0) &&
           !may_start_more && s.reason == stop_reason::none;
  };
  const auto task_is = [&](const task_note& t) {
    if (t.phase == task_phase::queued)
      return true;
    const auto joined_by_it = [&](const scope_note& s) {
      return s.made_in == t.id && s.owner_thread == t.thread && waits_for_tasks(s);
    };
    return t.phase == task_phase::running && is_endless(t.call) &&
           (!t.call.joins || std::any_of(notes.scopes.begin(), notes.scopes.end(), joined_by_it));
  };
  // A worker between two tasks is counted, and has no task to be noted.
  std::size_t counted = 0;
  for (const scope_note& s : notes.scopes)
    counted += s.running;
  const auto runs = [](const task_note& t) { return t.phase != task_phase::queued; };
  const auto noted = std::count_if(notes.tasks.begin(), notes.tasks.end(), runs);
  return notes.missing() == 0 && static_cast<std::size_t>(noted) == counted &&
         std::all_of(notes.scopes.begin(), notes.scopes.end(), scope_is) &&
         std::all_of(notes.tasks.begin(), notes.tasks.end(), task_is);
}

ROOST_COLD_BODY bool are_same_calls(const tree_notes& a, const tree_notes& b) noexcept {
  return std::equal(a.scopes.begin(),
                    a.scopes.end(),
                    b.scopes.begin(),
                    b.scopes.end(),
                    [](const scope_note& x, const scope_note& y) {
                      return x.id == y.id && x.owner.number == y.owner.number;
                    }) &&
         std::equal(a.tasks.begin(),
                    a.tasks.end(),
                    b.tasks.begin(),
                    b.tasks.end(),
                    [](const task_note& x, const task_note& y) {
                      return x.id == y.id && x.call.number == y.call.number;
                    });
}

ROOST_COLD_BODY bool nothing_can_go_on(stop_domain& root, const scope_tree& tree) noexcept {
  tree_notes before;
  before.take(root);
  if (!all_are_blocked(before) || !tree.keeper.is_idle())
    return false;
  // In this order: a thread that exits in between makes the second number smaller, never larger.
  const std::size_t all_threads = sync::thread_count();
  if (all_threads != 1 + tree.threads.size() + tree.keeper.size())
    return false;
  tree_notes after;
  after.take(root);
  return all_are_blocked(after) && are_same_calls(before, after);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
