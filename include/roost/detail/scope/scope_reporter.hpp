// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/scope/scope_state.hpp>
#include <roost/detail/scope/stall_report.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include <cstddef>
#include <mutex>

// What a thread that waits for tasks of a scope does meanwhile: it reports those that let it wait
// for too long. So no other thread is needed for that.

namespace roost::inline v0::detail {

class scope_state::reporter final : public watcher {
 public:
  explicit reporter(scope_state& scope) : scope_(scope), watch_(scope.stall_after_) {}

  clock::time_point next_look() noexcept override {
    const std::lock_guard lock(scope_.lock_);
    running_ = scope_.queue_.counted();
    return next_ = scope_.next_report(watch_);
  }
  ROOST_BODY void look() noexcept override;

 private:
  scope_state& scope_;
  stall_watch watch_;
  clock::time_point next_ = no_deadline;
  std::size_t running_ = 0; // at the last next_look()
};

// True if not all tasks' handles have gone on, or a spawn waits.
ROOST_BODY bool scope_state::has_work() const noexcept {
  bool found = queue_.front() != nullptr || !queue_.spawns().empty();
  for_each_running([&](const task& t, thread_slot*) { found = found || !t.has_ended(); });
  return found;
}

ROOST_BODY bool scope_state::all_are_blocked() const noexcept {
  bool all = true;
  for_each_running([&](const task&, thread_slot* thread) {
    all = all && thread != nullptr && thread->waits_for_others();
  });
  return all;
}

ROOST_BODY clock::time_point scope_state::next_report(stall_watch& watch) noexcept {
  drain_buffer();
  const bool stands = queue_.front() != nullptr && stopped_at_ == no_deadline;
  return watch.next({stopped_at_, stands ? queue_.begun() : stall_watch::no_queue});
}

// A line for each task that runs, and for the first ones that are queued. The lines are written
// without a lock, from a copy. Where only the queue makes it look, a task that computes may well go
// on: then it reports nothing.
ROOST_BODY void scope_state::reporter::look() noexcept {
  const clock::time_point now = sync::now();
  if (now < next_)
    return;
  stall_report report(scope_.name_);
  report.reserve(running_ + 16); // some may begin before the lock is held
  {
    const std::lock_guard lock(scope_.lock_);
    if (scope_.next_report(watch_) != next_) // something has moved
      return;
    if (watch_.reports_all() || scope_.all_are_blocked()) {
      report.stopped_at = scope_.stopped_at_;
      scope_.for_each_running([&](task& t, thread_slot* thread) { report.add(t, thread); });
      for (task* t = scope_.queue_.front(); t != nullptr; t = run_queue::next(*t))
        report.add_queued(*t);
    }
    watch_.reported(now);
  }
  report.print();
}

} // namespace roost::inline v0::detail
