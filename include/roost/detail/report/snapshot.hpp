// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/report/number_index.hpp>
#include <roost/detail/scope/scope.hpp>
#include <roost/detail/scope/tree_notes.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// How a report is made from notes. No lock is held.

namespace roost::inline v0::detail {

/// Of the scopes in `root` and below.
report report_of(stop_domain& root);

/// Of all scopes of the process.
report report_of_all();

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// Adds to a report what notes tell.
class report_builder {
 public:
  void add(const tree_notes& notes);
  roost::report take();

 private:
  scope_report scope(const scope_note& note) const;
  task_report task(const task_note& note, const tree_notes& notes);
  std::optional<blocked_report> blocked(const call_note& note, const tree_notes& notes);
  object_report object(const object_note& note);
  void name_peers(std::optional<blocked_report>& call) const;
  clock::duration since(clock::time_point t) const {
    return t == clock::time_point() || t > now_ ? clock::duration::zero() : now_ - t;
  }

  roost::report report_;
  number_index objects_; // their addresses
  number_index tasks_;   // their places in the report
  clock::time_point now_{};
};

ROOST_BODY void report_builder::add(const tree_notes& notes) {
  now_ = sync::now();
  const std::size_t before = report_.scopes.size();
  report_.scopes.reserve(before + notes.scopes.size());
  report_.tasks.reserve(report_.tasks.size() + notes.tasks.size());
  for (const scope_note& note : notes.scopes) {
    report_.scopes.push_back(scope(note));
    report_.scopes.back().owner = blocked(note.owner, notes);
  }
  for (const task_note& note : notes.tasks) {
    tasks_.add(note.id, report_.tasks.size());
    report_.tasks.push_back(task(note, notes));
  }
  report_.left_out += notes.missing();
}

ROOST_BODY report report_builder::take() {
  for (scope_report& s : report_.scopes)
    name_peers(s.owner);
  for (task_report& t : report_.tasks)
    name_peers(t.blocked);
  return std::move(report_);
}

ROOST_BODY void report_builder::name_peers(std::optional<blocked_report>& call) const {
  if (!call)
    return;
  for (object_report& o : call->waits_for) {
    const std::size_t place = o.peer ? tasks_.find(o.peer->task) : number_index::none;
    if (place != number_index::none)
      o.peer->name = report_.tasks[place].name;
  }
}

ROOST_BODY scope_report report_builder::scope(const scope_note& note) const {
  scope_report made;
  made.id = note.id;
  made.parent_scope = note.around;
  made.parent_task = note.made_in;
  made.name = note.name.view();
  made.where = note.where;
  made.age = since(note.made_at);
  if (note.reason != stop_reason::none) {
    made.stop = stop_report{note.reason,
                            std::string(note.message.view()),
                            std::string(note.stopped_by.view()),
                            note.stopped_where,
                            since(note.stopped_at)};
  }
  made.running = note.running;
  made.queued = note.queued;
  made.limit = note.limit;
  made.owner_thread = note.owner_thread;
  return made;
}

ROOST_BODY task_report report_builder::task(const task_note& note, const tree_notes& notes) {
  task_report made;
  made.id = note.id;
  made.scope = note.scope;
  made.name = note.name.view();
  made.spawned = note.spawned;
  made.age = since(note.since);
  made.thread_id = note.thread;
  made.blocked = blocked(note.call, notes);
  switch (note.phase) {
  case task_phase::queued:
    made.state = task_state::queued;
    break;
  case task_phase::starting:
    made.state = task_state::starting;
    break;
  case task_phase::running:
    made.state = made.blocked ? task_state::blocked : task_state::running;
    break;
  case task_phase::ending:
    made.state = task_state::ending;
    break;
  }
  return made;
}

ROOST_BODY std::optional<blocked_report> report_builder::blocked(const call_note& note,
                                                                 const tree_notes& notes) {
  if (*note.operation == '\0')
    return std::nullopt;
  std::optional<blocked_report> made(std::in_place);
  made->operation = note.operation;
  made->object = note.object.view();
  made->where = note.where;
  made->since = since(note.since);
  made->until_deadline = note.until_deadline;
  made->waits_for.reserve(note.count);
  for (std::size_t i = note.first; i < note.first + note.count; ++i)
    made->waits_for.push_back(object(notes.objects[i]));
  if (note.count > 1) {
    made->detail = std::to_string(note.count) + " cases";
  } else if (note.count == 1) {
    const object_report& only = made->waits_for.front();
    made->detail = only.detail;
    if (made->object.empty())
      made->object = only.name.empty() ? only.kind : only.name;
  }
  return made;
}

ROOST_BODY object_report report_builder::object(const object_note& note) {
  object_report made;
  if (note.object != nullptr)
    made.id = 1 + objects_.add(reinterpret_cast<std::uintptr_t>(note.object), objects_.size());
  made.kind = note.kind;
  made.name = note.name.view();
  made.detail = note.detail.view();
  made.task = note.task;
  if (note.peer.where.line != 0)
    made.peer = waiter_report{note.peer.task, {}, note.peer.where};
  return made;
}

ROOST_BODY roost::report report_of(stop_domain& root) {
  report_builder builder;
  tree_notes notes;
  notes.take(root);
  builder.add(notes);
  return builder.take();
}

ROOST_BODY roost::report report_of_all() {
  report_builder builder;
  tree_notes notes;
  for (const std::shared_ptr<stop_domain>& root : stop_domain::all_roots()) {
    notes.take(*root);
    builder.add(notes);
  }
  return builder.take();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
