// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/trace/timeline.hpp>
#include <roost/detail/trace/trace_log.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/report_types.hpp>
#include <roost/stop.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// Makes a timeline from entries, and from a report of what was there before the first.
class timeline_maker {
 public:
  timeline_maker(const trace_entries& entries, const report& before);
  timeline make();

 private:
  void add(const trace_entry& e);
  void spawn(const trace_entry& e);
  void begin_task(const trace_entry& e);
  void end_task(const trace_entry& e);
  void begin_wait(const trace_entry& e, bool is_foreign);
  void end_wait(const trace_entry& e, bool is_foreign);
  void drop_older(std::size_t lane);
  void mark(const trace_entry& e);
  void add_before(const task_report& t);
  void close();
  void put_in_order();

  std::size_t lane_of(bool is_task, std::uint64_t number);
  std::size_t lane_of(const actor& a, clock::time_point at);
  std::size_t scope_of(std::uint64_t id);

  const trace_entries& entries_;
  const report& before_;
  timeline made_;
  std::map<std::pair<bool, std::uint64_t>, std::size_t> lanes_;
  std::map<std::uint64_t, std::size_t> scopes_;
  std::vector<std::vector<std::size_t>> open_waits_; // of each lane, the outer ones first
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY timeline_maker::timeline_maker(const trace_entries& entries, const report& before)
    : entries_(entries),
      before_(before) {
  made_.begin = entries.begin;
  made_.end = entries.end;
  made_.dropped = entries.dropped;
  made_.entries = entries.all.size();
}

ROOST_COLD_BODY timeline timeline_maker::make() {
  for (const scope_report& s : before_.scopes) {
    trace_scope& made = made_.scopes[scope_of(s.id)];
    made.name = s.name;
    made.where = s.where;
  }
  for (const task_report& t : before_.tasks)
    add_before(t);
  for (const trace_entry* const e : entries_.all)
    add(*e);
  close();
  return std::move(made_);
}

ROOST_COLD_BODY std::size_t timeline_maker::lane_of(bool is_task, std::uint64_t number) {
  const auto [place, is_new] = lanes_.try_emplace({is_task, number}, made_.lanes.size());
  if (is_new) {
    trace_lane& lane = made_.lanes.emplace_back();
    lane.is_task = is_task;
    lane.number = number & ~actor::keeps_time;
    lane.keeps_time = !is_task && number != lane.number;
    lane.begin = lane.end = made_.begin; // unless it is told otherwise
    open_waits_.emplace_back();
  }
  return place->second;
}

// A thread's lane is as long as it is heard of. A task that does something has begun, even if that
// was before the first entry.
ROOST_COLD_BODY std::size_t timeline_maker::lane_of(const actor& a, clock::time_point at) {
  const std::size_t known = made_.lanes.size();
  const std::size_t place = a.task == 0 ? lane_of(false, a.thread) : lane_of(true, a.task);
  trace_lane& lane = made_.lanes[place];
  if (lane.is_task) {
    lane.has_begun = lane.has_begun || lane.is_open;
    lane.thread = a.thread;
    return place;
  }
  lane.begin = place == known ? at : std::min(lane.begin, at);
  lane.end = std::max(lane.end, at);
  return place;
}

ROOST_COLD_BODY std::size_t timeline_maker::scope_of(std::uint64_t id) {
  const auto [place, is_new] = scopes_.try_emplace(id, made_.scopes.size());
  if (is_new) {
    trace_scope& scope = made_.scopes.emplace_back();
    scope.id = id;
    scope.begin = made_.begin; // unless it is told otherwise
  }
  return place->second;
}

ROOST_COLD_BODY void timeline_maker::add(const trace_entry& e) {
  switch (e.kind) {
  case sighting_kind::spawn:
    return spawn(e);
  case sighting_kind::refusal:
    made_.lanes[lane_of(true, e.task)].is_refused = true;
    return;
  case sighting_kind::task_begin:
    return begin_task(e);
  case sighting_kind::task_end:
    return end_task(e);
  case sighting_kind::sleep_begin:
  case sighting_kind::foreign_begin:
    return begin_wait(e, e.kind == sighting_kind::foreign_begin);
  case sighting_kind::sleep_end:
  case sighting_kind::foreign_end:
    return end_wait(e, e.kind == sighting_kind::foreign_end);
  case sighting_kind::scope_begin: {
    trace_scope& scope = made_.scopes[scope_of(e.scope)];
    scope.name = e.text();
    scope.where = e.where;
    scope.owner = lane_of(e.by, e.at);
    scope.begin = e.at;
    return;
  }
  case sighting_kind::scope_end: {
    trace_scope& scope = made_.scopes[scope_of(e.scope)];
    scope.owner = lane_of(e.by, e.at);
    scope.end = e.at;
    scope.is_open = false;
    return;
  }
  case sighting_kind::stop:
  case sighting_kind::failure:
    return mark(e);
  }
}

ROOST_COLD_BODY void timeline_maker::spawn(const trace_entry& e) {
  const std::size_t spawner = lane_of(e.by, e.at);
  trace_lane& lane = made_.lanes[lane_of(true, e.task)];
  lane.is_refused = false;
  lane.name = e.text();
  lane.spawned = e.where;
  lane.scope = e.scope;
  lane.spawner = spawner;
  lane.spawned_at = e.at;
}

ROOST_COLD_BODY void timeline_maker::begin_task(const trace_entry& e) {
  trace_lane& lane = made_.lanes[lane_of(true, e.task)];
  lane.name = e.text();
  lane.spawned = e.where;
  lane.scope = e.scope;
  lane.thread = e.by.thread;
  lane.begin = e.at;
  lane.has_begun = true;
}

// A task that tells of its end itself has begun, even if nothing was told of that.
ROOST_COLD_BODY void timeline_maker::end_task(const trace_entry& e) {
  trace_lane& lane = made_.lanes[lane_of(true, e.task)];
  lane.has_begun = lane.has_begun || e.by.task == e.task;
  lane.end = e.at;
  lane.is_open = false;
  lane.how = static_cast<task::outcome>(e.how);
}

ROOST_COLD_BODY void timeline_maker::begin_wait(const trace_entry& e, bool is_foreign) {
  const std::size_t lane = lane_of(e.by, e.at);
  if (!is_foreign)
    drop_older(lane);
  open_waits_[lane].push_back(made_.lanes[lane].waits.size());
  trace_wait& wait = made_.lanes[lane].waits.emplace_back();
  wait.begin = e.at;
  wait.is_open = true;
  wait.is_foreign = is_foreign;
  wait.operation = is_foreign ? "blocking_region" : e.operation;
  wait.object = e.text();
  wait.where = e.where;
}

// A task that begins to sleep was not asleep before: when the report called it blocked, its sleep
// had not begun.
ROOST_COLD_BODY void timeline_maker::drop_older(std::size_t lane) {
  std::vector<trace_wait>& waits = made_.lanes[lane].waits;
  if (waits.size() != 1 || !waits[0].is_older || !waits[0].is_open || waits[0].is_foreign)
    return;
  waits.clear();
  open_waits_[lane].clear();
}

// Ends the innermost of its kind, and what lies inside: regions may end in another order. An end
// without a begin is that of something from before the first entry, which is not known.
ROOST_COLD_BODY void timeline_maker::end_wait(const trace_entry& e, bool is_foreign) {
  const std::size_t lane = lane_of(e.by, e.at);
  std::vector<std::size_t>& open = open_waits_[lane];
  std::vector<trace_wait>& waits = made_.lanes[lane].waits;
  const auto of_kind = std::find_if(open.rbegin(), open.rend(), [&](std::size_t place) {
    return waits[place].is_foreign == is_foreign;
  });
  if (of_kind == open.rend())
    return;
  const std::size_t outermost = *of_kind;
  while (!open.empty() && open.back() >= outermost) {
    waits[open.back()].end = e.at;
    waits[open.back()].is_open = false;
    open.pop_back();
  }
  if (is_foreign)
    return;
  trace_wait& wait = waits[outermost];
  wait.how = static_cast<wait_state>(e.how);
  if (e.wake.at == clock::time_point()) // the time has ended it, or it is not known
    return;
  wait.woken_at = std::max(e.wake.at, made_.begin);
  const std::size_t waker = lane_of(e.wake.by, wait.woken_at); // may move what `wait` refers to
  made_.lanes[lane].waits[outermost].waker = waker;
}

ROOST_COLD_BODY void timeline_maker::mark(const trace_entry& e) {
  trace_mark made;
  made.at = e.at;
  made.is_failure = e.kind == sighting_kind::failure;
  made.lane = lane_of(e.by, e.at);
  made.task = e.task != 0 ? lane_of(true, e.task) : no_lane;
  made.scope = scope_of(e.scope);
  made.reason = made.is_failure ? stop_reason::none : static_cast<stop_reason>(e.how);
  made.message = e.text();
  made.where = e.where;
  if (made.is_failure && made.task != no_lane)
    made.where = made_.lanes[made.task].spawned;
  made_.marks.push_back(std::move(made));
}

// A task of the report that was made right after the trace began.
ROOST_COLD_BODY void timeline_maker::add_before(const task_report& t) {
  const std::size_t place = lane_of(true, t.id);
  trace_lane& lane = made_.lanes[place];
  lane.name = t.name;
  lane.spawned = t.spawned;
  lane.scope = t.scope;
  lane.thread = t.thread_id;
  lane.has_begun = t.age != clock::duration::zero();
  if (!t.blocked || t.blocked->since == clock::duration::zero())
    return;
  open_waits_[place].push_back(0);
  trace_wait& wait = lane.waits.emplace_back();
  wait.begin = made_.begin;
  wait.is_open = wait.is_older = true;
  wait.is_foreign = t.blocked->operation == "blocking_region";
  wait.operation = t.blocked->operation;
  const auto& objects = t.blocked->waits_for;
  const bool is_unnamed = objects.size() == 1 && objects.front().name.empty();
  wait.object = is_unnamed ? std::string() : t.blocked->object;
  wait.where = t.blocked->where;
}

// What is open ends with the trace, and nothing lies outside of what it belongs to.
ROOST_COLD_BODY void timeline_maker::close() {
  constexpr clock::duration at_least = std::chrono::microseconds(1); // for arrows to end there
  for (trace_lane& lane : made_.lanes) {
    if (!lane.is_task)
      lane.end = std::max(lane.end, lane.begin + at_least);
    else if (!lane.has_begun && lane.spawner != no_lane)
      lane.begin = lane.spawned_at;
    const bool has_open_wait = std::any_of(
        lane.waits.begin(), lane.waits.end(), [](const trace_wait& w) { return w.is_open; });
    lane.is_open = lane.is_task ? lane.is_open : has_open_wait;
    if (lane.is_open)
      lane.end = std::max(made_.end, lane.begin);
    for (trace_wait& wait : lane.waits) {
      wait.is_open = wait.is_open && lane.is_open;
      wait.begin = std::clamp(wait.begin, lane.begin, lane.end);
      wait.end = wait.is_open ? lane.end : std::clamp(wait.end, wait.begin, lane.end);
    }
  }
  for (trace_scope& scope : made_.scopes)
    scope.end = scope.is_open ? made_.end : scope.end;
  put_in_order();
}

ROOST_COLD_BODY void timeline_maker::put_in_order() {
  std::vector<std::vector<std::size_t>> spawned(made_.lanes.size());
  std::vector<std::size_t> next; // the last comes first
  for (std::size_t i = made_.lanes.size(); i-- > 0;) {
    const trace_lane& lane = made_.lanes[i];
    if (!lane.is_refused)
      (lane.spawner != no_lane ? spawned[lane.spawner] : next).push_back(i);
  }
  while (!next.empty()) {
    const std::size_t lane = next.back();
    next.pop_back();
    made_.order.push_back(lane);
    next.insert(next.end(), spawned[lane].begin(), spawned[lane].end());
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
