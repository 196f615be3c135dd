// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/scope/run_queue.hpp>
#include <roost/detail/scope/scope_state.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/scope/tree_notes.hpp>
#include <roost/detail/threads/scope_tree.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/owned_lock.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

// What a report tells of a scope and its tasks. All of it is called with the scope's lock held.

namespace roost::inline v0::detail {

/// Notes those of the mutexes that task number `task` holds, which is blocked on their thread; with
/// 0, those that the thread holds outside of tasks. The caller holds the slot's lock.
ROOST_COLD_BODY void note_held(const intrusive_list<owned_lock>& held,
                               std::uint64_t task,
                               tree_notes& notes,
                               call_note& note) noexcept {
  note.first_held = notes.held.size();
  for (const owned_lock* l = held.front(); l != nullptr; l = held.next(*l)) {
    if ((l->task != nullptr ? l->task->id() : 0) != task) // another runs inside its wait
      continue;
    if (held_note* const h = notes.held.add()) {
      h->object = l;
      h->name = l->name;
      h->where = l->where;
    }
  }
  note.held_count = notes.held.size() - note.first_held;
}

/// Notes what `what` waits for.
ROOST_COLD_BODY void
note_objects(const awaited* what, tree_notes& notes, call_note& note) noexcept {
  note.first = notes.objects.size();
  if (what != nullptr)
    what->describe(notes.objects);
  note.count = notes.objects.size() - note.first;
}

/// Notes the call in which the thread is blocked, if it is a call of task number `task`, or with 0
/// of no task. (A task that runs another one inside its wait is blocked in a call of its own.)
ROOST_COLD_BODY void
note_call(thread_slot& slot, std::uint64_t task, tree_notes& notes, call_note& note) noexcept {
  const auto is_it = [task](const task_context* caller) {
    return (caller != nullptr ? caller->id() : 0) == task;
  };
  const std::lock_guard guard(slot.lock);
  if (*slot.call.operation != '\0' && is_it(slot.caller)) {
    const bool waits = slot.record != nullptr;
    // A join's claim may be seen late here. It was made under the lock of the joined scope, so the
    // note of that scope then tells that no task was left, or that another one has begun since.
    if (waits ? !slot.record->try_hold() : slot.joins_by->is_claimed())
      return; // it is about to run
    note.operation = slot.call.operation;
    note.object.add(slot.call.object);
    note.where = slot.call.where;
    note.since = slot.since;
    note.until_deadline = !slot.endless;
    note.joins = !waits;
    note.joined = slot.call.joins;
    note.from_outside = waits && slot.record->sleeps_in() != nullptr;
    note.number = slot.blocked;
    note_objects(slot.what, notes, note);
    if (waits)
      slot.record->let_go();
    note_held(slot.held, task, notes, note);
    return;
  }
  for (const helping_call* h = slot.helps; h != nullptr; h = h->around) {
    if (!is_it(h->caller))
      continue;
    note.operation = h->call.operation;
    note.object.add(h->call.object);
    note.where = h->call.where;
    note.since = h->since;
    note.runs = h->runs;
    note.number = h->number;
    note_objects(h->what, notes, note);
    note_held(*h->held, task, notes, note);
    return;
  }
  if (slot.foreign != nullptr && is_it(slot.foreign->task)) {
    note.operation = "blocking_region";
    note.is_foreign = true;
    note.object = slot.foreign->what;
    note.where = slot.foreign->where;
    note.since = slot.foreign->since;
    note_held(slot.held, task, notes, note);
  }
}

ROOST_COLD_BODY std::uint64_t number_of(const thread_slot& slot) noexcept {
  return slot.number.load(std::memory_order_relaxed); // relaxed: a number, see know_number()
}

/// Where the thread has slept last, if that was in this task.
ROOST_COLD_BODY site last_blocked(thread_slot& slot, const task& t) noexcept {
  const std::lock_guard guard(slot.lock);
  return slot.slept.task == t.id() ? slot.slept.where : site();
}

ROOST_COLD_BODY void
note_task(const task& t, task_phase phase, thread_slot* thread, tree_notes& notes) noexcept {
  task_note* const note = notes.tasks.add();
  if (note == nullptr)
    return;
  note->id = t.id();
  note->scope = static_cast<const scope_state&>(t.scope()).id();
  note->name.add(t.name());
  note->spawned = t.spawned();
  note->since = t.since();
  note->phase = phase;
  if (thread == nullptr)
    return;
  note->thread = number_of(*thread);
  note_call(*thread, t.id(), notes, note->call);
  if (!note->call.is_there())
    note->last_blocked = last_blocked(*thread, t);
}

ROOST_COLD_BODY void note_stop(const stop_cause& cause, scope_note& note) noexcept {
  note.reason = cause.reason;
  note.message.add(cause.message);
  note.stopped_by.add(cause.task);
  note.stopped_where = cause.where;
}

/// Notes the numbers of the threads that the scopes of a tree share.
ROOST_COLD_BODY void note_threads(const scope_tree& tree, tree_notes& notes) noexcept {
  const auto add = [&](std::uint64_t number) {
    if (std::uint64_t* const note = notes.threads.add())
      *note = number;
  };
  tree.threads.for_each_thread(add);
  if (const std::uint64_t keeper = tree.keeper.thread(); keeper != 0)
    add(keeper);
}

ROOST_COLD_BODY std::uint64_t scope_state::note(tree_notes& notes, std::uint64_t around) noexcept {
  drain_buffer();
  if (scope_note* const note = notes.scopes.add()) {
    note->id = id_;
    note->around = around;
    note->made_in = made_in().task;
    note->name.add(name_);
    note->where = where_;
    note->made_at = made_at_;
    if (stop_requested()) {
      note_stop(cause()->told, *note);
      note->stopped_at = stopped_at_;
    }
    note->running = queue_.counted();
    note->begun = queue_.begun();
    note->queued = queue_.length();
    note->limit = queue_.limit();
    note->is_outermost = outermost_;
    note->is_joined = phase_ == phase::ending && !joiners_.empty();
    if (thread_slot* const owner = slot_of(frame_); frame_.linked() && owner != nullptr) {
      note->owner_thread = number_of(*owner);
      note_call(*owner, made_in().task, notes, note->owner);
    }
  }
  if (notes.wants_threads && outermost_)
    note_threads(*tree_, notes);
  for_each_running([&](const task& t, thread_slot* thread) {
    const task_phase how_far = thread == nullptr ? task_phase::starting
                               : t.has_ended()   ? task_phase::ending
                                                 : task_phase::running;
    note_task(t, how_far, thread, notes);
  });
  for (const task* t = queue_.front(); t != nullptr; t = run_queue::next(*t))
    note_task(*t, task_phase::queued, nullptr, notes);
  return id_;
}

} // namespace roost::inline v0::detail
