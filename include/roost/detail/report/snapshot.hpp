// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/note_list.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/deadlocks.hpp>
#include <roost/detail/report/number_index.hpp>
#include <roost/detail/scope/scope.hpp>
#include <roost/detail/scope/tree_notes.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/thread_state.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// How a report is made from notes, without a lock.

namespace roost::inline v0::detail {

/// Of the scopes in `root` and below. Its times are ages: how long before `now` something was.
report report_of(stop_domain& root, clock::time_point now = sync::now());

/// Of all scopes of the process.
report report_of_all();

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// Makes a report from notes. Its vectors get their final size at once: each type of vector that
/// grows would cost compile time.
class report_builder {
 public:
  explicit report_builder(clock::time_point now) noexcept : now_(now) {}

  roost::report build(const tree_notes& notes);

 private:
  void fill(scope_report& made, const scope_note& note, const tree_notes& notes);
  void fill(task_report& made, const task_note& note, const tree_notes& notes);
  void fill(std::optional<blocked_report>& made, const call_note& note, const tree_notes& notes);
  void fill(object_report& made, const object_note& note);
  void name_peers(std::optional<blocked_report>& call) const;
  void show_helpers();
  std::uint64_t id_of(const void* object) {
    return 1 + objects_.add(reinterpret_cast<std::uintptr_t>(object), objects_.size());
  }
  std::string_view state_of(std::uint64_t thread) {
    return states_asked_++ < most_states ? sync::thread_state(thread) : std::string_view();
  }
  clock::duration since(clock::time_point t) const {
    return t == clock::time_point() || t > now_ ? clock::duration::zero() : now_ - t;
  }

  // To ask for one state takes as long as all the rest of some ten tasks.
  static constexpr std::size_t most_states = 100;

  roost::report report_;
  std::size_t states_asked_ = 0;
  number_index objects_; // their addresses
  number_index tasks_;   // their places in the report
  const clock::time_point now_;
};

ROOST_COLD_BODY report report_builder::build(const tree_notes& notes) {
  report_.scopes = std::vector<scope_report>(notes.scopes.size());
  for (std::size_t i = 0; i < notes.scopes.size(); ++i)
    fill(report_.scopes[i], notes.scopes[i], notes);
  report_.tasks = std::vector<task_report>(notes.tasks.size());
  for (std::size_t i = 0; i < notes.tasks.size(); ++i) {
    tasks_.add(notes.tasks[i].id, i);
    fill(report_.tasks[i], notes.tasks[i], notes);
  }
  report_.left_out = notes.missing();
  show_helpers();
  for (scope_report& s : report_.scopes)
    name_peers(s.owner);
  for (task_report& t : report_.tasks)
    name_peers(t.blocked);
  return std::move(report_);
}

ROOST_COLD_BODY void report_builder::name_peers(std::optional<blocked_report>& call) const {
  if (!call)
    return;
  for (object_report& o : call->waits_for) {
    const std::size_t place = o.peer ? tasks_.find(o.peer->task) : number_index::none;
    if (place != number_index::none)
      o.peer->name = report_.tasks[place].name;
  }
}

// The tasks of when_all() and its like run on the thread of their caller, too, which owns their
// scope: then the caller waits there. This is concluded here, at no cost to those short calls;
// other calls note it themselves.
ROOST_COLD_BODY void report_builder::show_helpers() {
  number_index scopes; // their places
  for (std::size_t i = 0; i < report_.scopes.size(); ++i)
    scopes.add(report_.scopes[i].id, i);
  for (const task_report& t : report_.tasks) {
    const std::size_t place = scopes.find(t.scope);
    if (t.thread_id == 0 || place == number_index::none)
      continue;
    scope_report& s = report_.scopes[place];
    if (s.owner_thread != t.thread_id || s.owner)
      continue;
    blocked_report& joins = s.owner.emplace();
    joins.operation = "task_scope::join";
    joins.object = s.name;
    joins.where = s.where;
    joins.since = t.age;
    joins.runs = t.id;
    s.owner_state.clear();
    const std::size_t caller = tasks_.find(s.parent_task);
    if (caller == number_index::none || report_.tasks[caller].thread_id != t.thread_id)
      continue;
    task_report& c = report_.tasks[caller];
    if (c.state == task_state::running && !c.blocked) {
      c.state = task_state::blocked;
      c.blocked = joins;
      c.thread_state.clear();
      c.last_blocked = {};
    }
  }
}

ROOST_COLD_BODY void
report_builder::fill(scope_report& made, const scope_note& note, const tree_notes& notes) {
  made.id = note.id;
  made.parent_scope = note.around;
  made.parent_task = note.made_in;
  made.name = note.name.view();
  made.where = note.where;
  made.age = since(note.made_at);
  if (note.reason != stop_reason::none) {
    stop_report& stop = made.stop.emplace();
    stop.reason = note.reason;
    stop.message = note.message.view();
    stop.task = note.stopped_by.view();
    stop.where = note.stopped_where;
    stop.age = since(note.stopped_at);
  }
  made.running = note.running;
  made.queued = note.queued;
  made.limit = note.limit;
  made.owner_thread = note.owner_thread;
  fill(made.owner, note.owner, notes);
  if (made.owner_thread != 0 && !made.owner && made.parent_task == 0)
    made.owner_state = state_of(made.owner_thread);
}

ROOST_COLD_BODY void
report_builder::fill(task_report& made, const task_note& note, const tree_notes& notes) {
  made.id = note.id;
  made.scope = note.scope;
  made.name = note.name.view();
  made.spawned = note.spawned;
  made.age = since(note.since);
  made.thread_id = note.thread;
  made.last_blocked = note.last_blocked;
  fill(made.blocked, note.call, notes);
  switch (note.phase) {
  case task_phase::queued:
    made.state = task_state::queued;
    break;
  case task_phase::starting:
    made.state = task_state::starting;
    break;
  case task_phase::running:
    made.state = made.blocked ? task_state::blocked : task_state::running;
    if (!made.blocked)
      made.thread_state = state_of(note.thread);
    break;
  case task_phase::ending:
    made.state = task_state::ending;
    break;
  }
}

ROOST_COLD_BODY void report_builder::fill(std::optional<blocked_report>& made,
                                          const call_note& note,
                                          const tree_notes& notes) {
  if (*note.operation == '\0')
    return;
  made.emplace();
  made->operation = note.operation;
  made->object = note.object.view();
  made->where = note.where;
  made->since = since(note.since);
  made->until_deadline = note.until_deadline;
  made->runs = note.runs;
  made->waits_for = std::vector<object_report>(note.count);
  for (std::size_t i = 0; i < note.count; ++i)
    fill(made->waits_for[i], notes.objects[note.first + i]);
  if (note.count > 1) {
    made->detail = joined({note.count, " cases"});
  } else if (note.count == 1) {
    const object_report& only = made->waits_for.front();
    made->detail = only.detail;
    if (made->object.empty())
      made->object = only.name.empty() ? only.kind : only.name;
  }
  made->holds = std::vector<held_report>(note.held_count);
  for (std::size_t i = 0; i < note.held_count; ++i) {
    const held_note& held = notes.held[note.first_held + i];
    made->holds[i].id = id_of(held.object);
    made->holds[i].name = held.name.view();
    made->holds[i].where = held.where;
  }
}

ROOST_COLD_BODY void report_builder::fill(object_report& made, const object_note& note) {
  if (note.object != nullptr)
    made.id = id_of(note.object);
  made.kind = note.kind;
  made.name = note.name.view();
  made.detail = note.detail.view();
  if (note.since.line != 0)
    append(made.detail, {" since ", note.since});
  made.task = note.task;
  if (note.peer.where.line != 0) {
    waiter_report& peer = made.peer.emplace();
    peer.task = note.peer.task;
    peer.where = note.peer.where;
  }
}

/// Notes are taken once more where tasks seem to wait for each other; see deadlocks.hpp.
template <class Take>
roost::report report_by(clock::time_point now, Take take) {
  tree_notes notes;
  take(notes);
  roost::report made = report_builder(now).build(notes);
  deadlock_search search(notes);
  if (search.has_found()) {
    tree_notes later;
    take(later);
    search.keep_what_stays(later);
    made.deadlocks = search.deadlocks();
  }
  return made;
}

ROOST_COLD_BODY roost::report report_of(stop_domain& root, clock::time_point now) {
  return report_by(now, [&](tree_notes& notes) { notes.take(root); });
}

ROOST_COLD_BODY roost::report report_of_all() {
  return report_by(sync::now(), [](tree_notes& notes) { notes.take_all(); });
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
