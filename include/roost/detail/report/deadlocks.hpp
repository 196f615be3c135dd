// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/plain_list.hpp>
#include <roost/detail/report/number_index.hpp>
#include <roost/detail/report/place_lists.hpp>
#include <roost/detail/scope/tree_notes.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Finds the tasks that nothing but a stop can wake, while others go on.
//
// Of some waits it is known what ends them: a wait for a task ends with that task; a join, with all
// tasks of the scope; a wait for a mutex, by its holder. The search begins with all parties that
// wait without a time limit. It takes out each party whose wait something else may end, or a party
// that has been taken out, until nothing changes. Those left wait for each other, for ever: each of
// them waits for one that is left. (Any thread may send to a channel, or set an event: such waits
// are taken out at once.) A party is a task, or an owner that is no task.
//
// The result is sure, although the notes of one report are of different moments: those that are
// left are noted again, and taken out if they are in another call by then. The others were all in
// their calls at the moment M between the two. What each waits for is a matter of the call. What
// holds a mutex was noted together with the call of its holder, which has been in that call up to
// M, and unlocks nothing there. So at M each of them waited for another one, and none could go on.

namespace roost::inline v0::detail {

/// Lifetime: it refers to the notes.
class deadlock_search {
 public:
  explicit deadlock_search(const tree_notes& notes);

  bool has_found() const noexcept;

  /// Takes out what is not in the same call in notes that were taken later.
  void keep_what_stays(const tree_notes& later);

  /// What is left, each circle with those that wait for it.
  std::vector<deadlock_report> deadlocks() const;

 private:
  static constexpr std::size_t none = number_index::none;

  /// A task, or an owner that is no task.
  struct party {
    const call_note* call = nullptr;
    std::uint64_t task = 0; // 0: an owner
    std::uint64_t scope = 0;
    std::string_view name;
    bool is_left = false;
  };

  void add(std::size_t place, party p);
  void take_out();
  bool take_out(party& p) const noexcept {
    if (p.is_left && awaited_by(p) == none) {
      p.is_left = false;
      return true;
    }
    return false;
  }

  /// The place of a party that is left, and without which `p` does not go on; none if there is
  /// none.
  std::size_t awaited_by(const party& p) const noexcept;
  std::size_t ender_of(const object_note& awaited) const noexcept;

  deadlock_link link(const party& p) const;
  std::vector<deadlock_link> links(const place_lists& lists, std::size_t list) const;

  const tree_notes& notes_;
  plain_list<party> parties_; // the unused ones at the end are not left
  number_index tasks_;        // their places, by id
  number_index scopes_;       // by a scope's id, the place of one of its tasks that is left
  number_index holders_;      // the places of those that hold something, by its address
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY deadlock_search::deadlock_search(const tree_notes& notes)
    : notes_(notes),
      parties_(notes.tasks.size() + notes.scopes.size()) {
  if (notes.objects.missing() != 0 || notes.held.missing() != 0)
    return; // it is not known what all of them wait for
  std::size_t place = 0;
  for (const task_note& t : notes.tasks) {
    tasks_.add(t.id, place);
    add(place++, {&t.call, t.id, t.scope, t.name.view(), t.phase == task_phase::running});
  }
  number_index owners; // the threads; each may own several scopes
  for (const scope_note& s : notes.scopes) {
    if (s.owner_thread != 0 && tasks_.find(s.made_in) == none &&
        owners.add(s.owner_thread, place) == place)
      add(place++, {&s.owner, 0, s.id, s.name.view(), true});
  }
  take_out();
}

ROOST_COLD_BODY void deadlock_search::add(std::size_t place, party p) {
  p.is_left = p.is_left && p.call->is_endless();
  for (std::size_t i = 0; p.is_left && i < p.call->held_count; ++i) {
    const held_note& held = notes_.held[p.call->first_held + i];
    holders_.add(reinterpret_cast<std::uintptr_t>(held.object), place);
  }
  parties_[place] = p;
}

ROOST_COLD_BODY bool deadlock_search::has_found() const noexcept {
  for (const party& p : parties_) {
    if (p.is_left)
      return true;
  }
  return false;
}

// Goes both ways, so that a chain in the order of the list or against it is taken out in one round.
// `scopes_` may tell of a task that has been taken out since; then there is another round.
ROOST_COLD_BODY void deadlock_search::take_out() {
  for (bool changes = true; changes;) {
    changes = false;
    scopes_ = number_index();
    for (std::size_t i = 0; i < parties_.size(); ++i) {
      if (parties_[i].is_left && parties_[i].task != 0)
        scopes_.add(parties_[i].scope, i);
    }
    for (party& p : parties_)
      changes = take_out(p) || changes;
    for (std::size_t i = parties_.size(); i > 0; --i)
      changes = take_out(parties_[i - 1]) || changes;
  }
}

ROOST_COLD_BODY std::size_t deadlock_search::awaited_by(const party& p) const noexcept {
  if (p.call->joins)
    return scopes_.find(p.call->joined);
  std::size_t first = none;
  for (std::size_t i = p.call->count; i > 0; --i) {
    first = ender_of(notes_.objects[p.call->first + i - 1]);
    if (first == none) // something else may end this case, and one is enough
      return none;
  }
  return first;
}

ROOST_COLD_BODY std::size_t deadlock_search::ender_of(const object_note& awaited) const noexcept {
  const std::string_view kind = awaited.kind;
  const std::size_t place = kind == "task" ? tasks_.find(awaited.task)
                            : kind == "mutex"
                                ? holders_.find(reinterpret_cast<std::uintptr_t>(awaited.object))
                                : none;
  return place != none && parties_[place].is_left ? place : none;
}

ROOST_COLD_BODY void deadlock_search::keep_what_stays(const tree_notes& later) {
  number_index places; // in the later notes; no task has the id of a scope
  for (std::size_t i = 0; i < later.tasks.size(); ++i)
    places.add(later.tasks[i].id, i);
  for (std::size_t i = 0; i < later.scopes.size(); ++i)
    places.add(later.scopes[i].id, i);
  for (party& p : parties_) {
    const std::size_t place = places.find(p.task != 0 ? p.task : p.scope);
    const call_note* const call = place == none ? nullptr
                                  : p.task != 0 ? &later.tasks[place].call
                                                : &later.scopes[place].owner;
    p.is_left = p.is_left && call != nullptr && call->number == p.call->number;
  }
  take_out();
}

ROOST_COLD_BODY deadlock_link deadlock_search::link(const party& p) const {
  const party& next = parties_[awaited_by(p)];
  deadlock_link made;
  made.task = p.task;
  made.scope = p.scope;
  made.name = p.name;
  made.operation = p.call->operation;
  made.object = p.call->object.view();
  made.where = p.call->where;
  made.for_task = next.task;
  made.for_scope = next.scope;
  made.for_name = next.name;
  return made;
}

ROOST_COLD_BODY std::vector<deadlock_link> deadlock_search::links(const place_lists& lists,
                                                                  std::size_t list) const {
  std::vector<deadlock_link> made(lists.size(list));
  std::size_t at = lists.first(list);
  for (deadlock_link& l : made) {
    l = link(parties_[at]);
    at = lists.next(at);
  }
  return made;
}

// Each waits for one, so each way leads into one circle.
ROOST_COLD_BODY std::vector<deadlock_report> deadlock_search::deadlocks() const {
  const std::size_t count = parties_.size();
  place_lists circles(count, count);
  place_lists others(count, count);
  std::size_t ends = 0;                        // how many circles
  plain_list<std::size_t> end_of(count, none); // the circle that a way leads into
  plain_list<std::size_t> passed(count, none); // on the way that began where
  const auto next = [this](std::size_t i) { return awaited_by(parties_[i]); };
  for (std::size_t i = 0; i < count; ++i) {
    if (!parties_[i].is_left || end_of[i] != none)
      continue;
    std::size_t at = i;
    for (; end_of[at] == none && passed[at] != i; at = next(at))
      passed[at] = i;
    const std::size_t end = end_of[at] != none ? end_of[at] : ends++;
    for (; end_of[at] == none; at = next(at)) {
      end_of[at] = end;
      circles.add(end, at);
    }
    for (at = i; end_of[at] == none; at = next(at)) {
      end_of[at] = end;
      others.add(end, at);
    }
  }
  std::vector<deadlock_report> made(ends);
  for (std::size_t end = 0; end < ends; ++end) {
    made[end].circle = links(circles, end);
    made[end].others = links(others, end);
  }
  return made;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
