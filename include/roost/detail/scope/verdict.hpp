// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/scope/tree_notes.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/thread_state.hpp>
#include <roost/detail/sync/yield.hpp>
#include <roost/detail/threads/scope_tree.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/scope_options.hpp>
#include <roost/stop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// When nothing in a root scope can go on.
//
// Notes of the scope, and of all that is inside it, are taken twice. If each thread was blocked in
// the same call both times, without a deadline, then it was at every moment in between:
//
//     A waiter is noted only while no peer has claimed it.
//
//     A thread that joins a scope is noted only while the last task to end has not claimed it. It
//     is blocked if the note of that scope, which is of another moment, counts tasks.
//
// Scopes beside each other are noted one after another: a task may begin in one that was noted
// before, and end before it is noted again. But each scope has begun as many tasks both times. So
// there was no such task; and a scope that counted tasks both times did so at every moment in
// between, or else it would have begun another one. So between the two, no thread of the scope
// could wake another one. What may still do so from outside counts as something that goes on:
//
//     a timer of the scope's timekeeper, the token of a stop_when, an outside_waker, a
//     blocking_region, a wait for a descriptor or a signal; a scope that counts its threads here
//     but is below no root; another thread of the program, where it has waited at what is waited
//     for here, or has woken a waiter there (tree_mark)
//
// A thread that has an end of a channel and has done neither is not seen. So the verdict is certain
// only where the process has no other thread; elsewhere it is likely.
//
// Two look for it: the owner of a root scope, after it has waited for some time (verdict_watch);
// and, where the program has asked for it by on_deadlock or ROOST_DEADLOCK, the thread that was the
// last to block or to end (activity). Both do what was asked for, for a likely verdict as for a
// certain one. If nothing was, only the owner looks, and just tells the sink which of them it is.

namespace roost::inline v0::detail {

/// Whether anything goes on in a root scope.
enum class verdict {
  goes_on,
  is_unclear,   // there was no memory for the notes, or a lock was not to be had: look again
  is_idle,      // only another thread of the program, unknown so far, or a stop can wake it
  is_deadlocked // not even that: the process has no other thread
};

/// See the top of this file. `tree` is its activity's number.
verdict look_at_tree(std::uint32_t tree) noexcept;

/// The activity calls it where the program wants to know of deadlocks at once: acts as the options
/// of the root scope say.
void look_for_deadlock(std::uint32_t tree) noexcept;

/// What the environment's ROOST_DEADLOCK says; `ignore` if it is not set.
on_deadlock deadlock_from_environment() noexcept;

/// True if the notes are not all that there was to note.
bool are_incomplete(const tree_notes& notes) noexcept;

/// True if all threads that are noted are blocked, and only what uses objects of `tree` alone can
/// wake them.
bool all_are_blocked(const tree_notes& notes, std::uint32_t tree) noexcept;

/// True if the same threads are in the same calls.
bool are_same_calls(const tree_notes& a, const tree_notes& b) noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// Whether the threads that are noted are blocked in calls that only another one of them can end.
class blocked_threads {
 public:
  explicit blocked_threads(const tree_notes& notes) noexcept : notes_(notes) {}

  // A worker between two tasks is counted, and has no task to be noted.
  bool are_all() const noexcept {
    std::size_t counted = 0;
    for (const scope_note& s : notes_.scopes) {
      if (!is_blocked(s))
        return false;
      counted += s.running;
    }
    std::size_t noted = 0;
    for (const task_note& t : notes_.tasks) {
      if (!is_blocked(t))
        return false;
      noted += t.phase != task_phase::queued ? 1U : 0U;
    }
    return noted == counted;
  }

 private:
  // What is queued begins when a task that runs ends; also where fewer run than may, because the
  // system has refused a thread (scope_state::leave_to_others). Else only a thread that is about to
  // wait for it can run it (run_here_if_queued), which is not blocked so far. A task that is about
  // to begin is not queued any more.
  // A stop may be on its way to the tasks; where there are none it wakes nothing.
  bool is_blocked(const scope_note& s) const noexcept {
    const bool is_idle = s.owner_thread == 0 && s.around != 0 && s.running + s.queued == 0;
    return is_idle || (s.reason == stop_reason::none && owner_is_blocked(s));
  }

  // A root scope that does not cover its owner is idle as long as no thread waits for its end.
  bool owner_is_blocked(const scope_note& s) const noexcept {
    if (s.owner_thread == 0)
      return s.around != 0 || (s.is_joined && s.running != 0);
    return is_blocked(s.owner, s.owner_thread);
  }

  bool is_blocked(const task_note& t) const noexcept {
    if (t.phase != task_phase::running)
      return t.phase == task_phase::queued;
    return is_blocked(t.call, t.thread);
  }

  bool is_blocked(const call_note& call, std::uint64_t thread) const noexcept {
    return is_blocked_in(call) || (!call.is_there() && is_blocked_inside(thread));
  }
  bool is_blocked_in(const call_note& call) const noexcept {
    return call.is_endless() && joins_what_runs(call);
  }

  // A join of what has no task any more is about to end. (A call that is no join is none of these.)
  bool joins_what_runs(const call_note& call) const noexcept {
    if (!call.joins)
      return true;
    for (const scope_note& s : notes_.scopes) {
      if (s.id == call.joined && s.running != 0)
        return true;
    }
    return false;
  }

  // The thread runs another task inside a wait, and is blocked in that one. (A call that runs a
  // task meanwhile says nothing of what its thread does.)
  bool is_blocked_inside(std::uint64_t thread) const noexcept {
    for (const task_note& t : notes_.tasks) {
      if (t.thread == thread && t.call.runs == 0 && is_blocked_in(t.call))
        return true;
    }
    return false;
  }

  const tree_notes& notes_;
};

ROOST_COLD_BODY bool are_incomplete(const tree_notes& notes) noexcept {
  bool found = notes.missing() + notes.objects.missing() != 0;
  for (const object_note& o : notes.objects)
    found = found || o.is_busy;
  return found;
}

ROOST_COLD_BODY bool all_are_blocked(const tree_notes& notes, std::uint32_t tree) noexcept {
  for (const object_note& o : notes.objects) {
    const bool is_of_tree = o.users == tree && tree != activity::unknown;
    if (o.users != activity::none && !is_of_tree)
      return false;
  }
  return !are_incomplete(notes) && blocked_threads(notes).are_all();
}

ROOST_COLD_BODY bool are_same_calls(const tree_notes& a, const tree_notes& b) noexcept {
  if (a.scopes.size() != b.scopes.size() || a.tasks.size() != b.tasks.size())
    return false;
  for (std::size_t i = 0; i < a.scopes.size(); ++i) {
    if (a.scopes[i].id != b.scopes[i].id || a.scopes[i].begun != b.scopes[i].begun ||
        a.scopes[i].owner.number != b.scopes[i].owner.number)
      return false;
  }
  for (std::size_t i = 0; i < a.tasks.size(); ++i) {
    if (a.tasks[i].id != b.tasks[i].id || a.tasks[i].call.number != b.tasks[i].call.number)
      return false;
  }
  return true;
}

/// What scopes around `root` share if that is a root of the tree; else null.
ROOST_COLD_BODY const scope_tree* shared_in_tree(std::uint32_t tree,
                                                 const stop_domain& root) noexcept {
  return number_of_tree(root) == tree ? root.shared().get() : nullptr;
}

/// Takes notes of the tree; false if anything that is no thread may wake one of it.
ROOST_COLD_BODY bool note_tree(std::uint32_t tree, tree_notes& notes) noexcept {
  bool may_be_woken = false;
  notes.take_roots_if([&](stop_domain& root) {
    const scope_tree* const its = shared_in_tree(tree, root);
    if (its == nullptr)
      return false;
    may_be_woken = may_be_woken || !its->keeper.is_idle() || its->counted->has_outside_wakers() ||
                   root.may_end_by_itself();
    return true;
  });
  return !may_be_woken;
}

/// True if no scope that has threads counted in the tree was overlooked. A background_scope may
/// outlive the scope that is its parent: then it is below no root.
ROOST_COLD_BODY bool are_all_noted(const tree_notes& notes, std::uint32_t tree) noexcept {
  std::size_t noted = 0;
  for (const scope_note& s : notes.scopes)
    noted += s.is_outermost ? 1U : 0U;
  std::size_t all = 0;
  stop_domain::for_each_root([&](const stop_domain& root) {
    if (const scope_tree* const its = shared_in_tree(tree, root))
      all = its->counted->outermost_scopes();
  });
  return noted >= all;
}

/// How many threads of roost the tree has: those that one of its roots shares with what is inside.
/// A background_scope inside has threads of its own; they are left out and taken for others, which
/// errs to the safe side: the verdict is is_idle then.
ROOST_COLD_BODY std::size_t threads_of(std::uint32_t tree) noexcept {
  std::size_t count = 0;
  stop_domain::for_each_root([&](const stop_domain& root) {
    if (const scope_tree* const its = shared_in_tree(tree, root))
      count = its->threads.size() + its->keeper.size();
  });
  return count;
}

ROOST_COLD_BODY verdict look_at_tree(std::uint32_t tree) noexcept {
  tree_notes before;
  if (!note_tree(tree, before))
    return verdict::goes_on;
  if (are_incomplete(before))
    return verdict::is_unclear;
  if (before.scopes.size() == 0 || !all_are_blocked(before, tree) || !are_all_noted(before, tree))
    return verdict::goes_on;
  // In this order: a thread that exits in between makes the second number smaller, never larger.
  const std::size_t all_threads = sync::thread_count();
  const bool has_others = all_threads != 1 + threads_of(tree);
  tree_notes after;
  if (!note_tree(tree, after))
    return verdict::goes_on;
  if (are_incomplete(after))
    return verdict::is_unclear;
  if (!all_are_blocked(after, tree) || !are_same_calls(before, after))
    return verdict::goes_on;
  return has_others ? verdict::is_idle : verdict::is_deadlocked;
}

// It is called once where nothing goes on: so what is unclear is looked at again, for some
// milliseconds. Later only the owner does, see verdict_watch.
ROOST_COLD_BODY void look_for_deadlock(std::uint32_t tree) noexcept {
  constexpr int most_tries = 20;
  verdict seen = look_at_tree(tree);
  for (int tries = 1; seen == verdict::is_unclear && tries < most_tries; ++tries) {
    sync::sleep_for(std::chrono::milliseconds(1));
    seen = look_at_tree(tree);
  }
  if (seen == verdict::goes_on || seen == verdict::is_unclear)
    return;
  counted_ptr<stop_domain> found; // kept while it acts
  stop_domain::for_each_root([&](stop_domain& root) {
    if (shared_in_tree(tree, root) != nullptr && root.wants_verdict())
      found = root.shared_from_this();
  });
  if (found != nullptr)
    found->nothing_goes_on();
}

ROOST_COLD_BODY on_deadlock deadlock_from_environment() noexcept {
  static const on_deadlock wanted = [] {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): safe unless the program changes its environment
    const char* const text = std::getenv("ROOST_DEADLOCK");
    const std::string_view word = text != nullptr ? text : "";
    if (word == "report")
      return on_deadlock::report;
    return word == "abort" ? on_deadlock::abort : on_deadlock::ignore;
  }();
  return wanted;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
