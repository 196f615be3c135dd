// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/scope/scope_state.hpp>
#include <roost/detail/scope/stall_watch.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include <cstddef>
#include <mutex>

// What a thread that waits for tasks of a scope does meanwhile, or its owner in any other wait: it
// tells of what lets it wait for too long. So no other thread is needed for that.

namespace roost::inline v0::detail {

/// Watches while a thread waits for tasks of the scope, or for a place there. On its stack.
class scope_state::reporter final : public watcher {
 public:
  explicit reporter(scope_state& scope) : scope_(scope), watch_(scope.stall_after_) {}

  clock::time_point next_look() noexcept override {
    const std::lock_guard lock(scope_.lock_);
    return next_ = scope_.next_report(watch_);
  }
  ROOST_COLD_BODY void look() noexcept override;

 private:
  scope_state& scope_;
  stall_watch watch_;
  clock::time_point next_ = no_deadline; // at the last next_look()
};

/// Watches while the owner waits for anything else, if the environment wants that.
class scope_state::owner_watch final : public watcher {
 public:
  explicit owner_watch(scope_state& scope) : scope_(scope), watch_(scope.stall_after_) {}

  clock::time_point next_look() noexcept override { return next_ = watch_.next({}); }
  void look() noexcept override {
    const clock::time_point now = sync::now();
    if (now < next_)
      return;
    tell_stall(scope_);
    watch_.reported(sync::now()); // a sink may take its time
  }

 private:
  scope_state& scope_;
  stall_watch watch_;
  clock::time_point next_ = no_deadline; // at the last next_look()
};

ROOST_COLD_BODY wait_state scope_state::cover::sleep(wait_record& record,
                                                     clock::time_point deadline,
                                                     watcher* meanwhile) noexcept {
  if (meanwhile != nullptr || !stall_watch::watches_all_waits())
    return record.await(deadline, meanwhile);
  owner_watch watch(scope_);
  return record.await(deadline, &watch);
}

// True if not all tasks' handles have gone on, or a spawn waits.
ROOST_COLD_BODY bool scope_state::has_work() const noexcept {
  bool found = queue_.front() != nullptr || !queue_.spawns().empty();
  for_each_running([&](const task& t, thread_slot*) { found = found || !t.has_ended(); });
  return found;
}

ROOST_COLD_BODY bool scope_state::all_are_blocked() const noexcept {
  bool all = true;
  for_each_running([&](const task&, thread_slot* thread) {
    all = all && thread != nullptr && thread->waits_for_others();
  });
  return all;
}

ROOST_COLD_BODY clock::time_point scope_state::next_report(stall_watch& watch) noexcept {
  drain_buffer();
  const bool stands = queue_.front() != nullptr && stopped_at_ == no_deadline;
  return watch.next({stopped_at_, stands ? queue_.begun() : stall_watch::no_queue});
}

// Where only the queue makes it look, a task that computes may well go on: then it tells nothing.
ROOST_COLD_BODY void scope_state::reporter::look() noexcept {
  const clock::time_point now = sync::now();
  if (now < next_)
    return;
  bool stalls = false;
  {
    const std::lock_guard lock(scope_.lock_);
    if (scope_.next_report(watch_) != next_) // something has moved
      return;
    stalls = watch_.reports_all() || scope_.all_are_blocked();
  }
  if (stalls)
    tell_stall(scope_);
  watch_.reported(sync::now()); // a sink may take its time
}

} // namespace roost::inline v0::detail
