// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/scope/scope_owner.hpp>
#include <roost/detail/scope/stall_report.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/scope/task_line.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstddef>
#include <cstdio>
#include <mutex>
#include <new>
#include <string>

namespace roost::inline v0::detail {

/// A scope as a thread that waits for its tasks sees it: which they are, whether any are left, and
/// which of them let it wait for too long. That thread also makes the report: no other one is
/// needed.
class scope_watch : public scope_owner {
 public:
  scope_watch(const scope_watch&) = delete;
  scope_watch& operator=(const scope_watch&) = delete;

 protected:
  scope_watch(const scope_options& options, site where)
      : scope_owner(options, where),
        line_(options.limit, options.backlog),
        stall_after_(options.stall_after) {}
  ~scope_watch() override = default;

  /// What a thread that waits for tasks does meanwhile.
  class reporter;

  // The caller holds lock_.
  void begin(task& t) noexcept;
  void wake_if_over(claimed_list& woken) noexcept;
  bool is_over() noexcept;

  inline void on_stop(const stop_cause& cause, claimed_list& woken) noexcept override;

  // Guarded by lock_.
  task_line line_;
  wait_list joiners_;   // waiters for the moment when nothing is left
  bool ending_ = false; // the owner waits for the end: once nothing is left, the scope is closed
  bool closed_ = false;
  clock::time_point stopped_at_ = no_deadline;

 private:
  // The caller holds lock_.
  clock::time_point next_report(stall_watch& watch) noexcept;
  bool has_work() noexcept;
  template <class Visit>
  void for_each_running(Visit visit);
  bool all_are_blocked() noexcept;
  std::string describe() noexcept;

  const clock::duration stall_after_;
};

class scope_watch::reporter final : public watcher {
 public:
  explicit reporter(scope_watch& scope) : scope_(scope), watch_(scope.stall_after_) {}

  clock::time_point next_look() noexcept override {
    const std::lock_guard lock(scope_.lock_);
    return next_ = scope_.next_report(watch_);
  }
  inline void look() noexcept override; // see ~scope_state

 private:
  scope_watch& scope_;
  stall_watch watch_;
  clock::time_point next_ = no_deadline;
};

// --- implementation ---------------------------------------------------------

inline void scope_watch::begin(task& t) noexcept {
  line_.begin();
  contexts().push_back(t);
}

inline void scope_watch::wake_if_over(claimed_list& woken) noexcept {
  if (is_over())
    woken.push_all(joiners_);
}

// Once the owner waits for the end, the thread that finds nothing left closes the scope.
inline bool scope_watch::is_over() noexcept {
  if (!line_.idle())
    return false;
  if (ending_ && !closed_) {
    closed_ = true;
    refuse_stops();
  }
  return true;
}

inline void scope_watch::on_stop(const stop_cause& cause, claimed_list& woken) noexcept {
  stopped_at_ = sync::now();
  line_.shut_door();
  if (cuts_work_short(cause.reason) && has_work())
    outcome_.cut_short();
  woken.push_all(line_.spawns());
  woken.push_all(joiners_); // they are patient from now on
}

template <class Visit>
void scope_watch::for_each_running(Visit visit) {
  for (context* c = contexts().front(); c != nullptr; c = contexts().next(*c)) {
    if (task_context* const t = c->shown_task())
      visit(static_cast<task&>(*t), slot_of(*c));
  }
}

// True if not all tasks' handles have gone on, or a spawn waits.
inline bool scope_watch::has_work() noexcept {
  bool found = line_.front() != nullptr || line_.spawn_waits();
  for_each_running([&](const task& t, thread_slot*) { found = found || !t.ready(); });
  return found;
}

inline bool scope_watch::all_are_blocked() noexcept {
  bool all = true;
  for_each_running([&](const task&, thread_slot* thread) {
    all = all && thread != nullptr && thread->waits_for_others();
  });
  return all;
}

// A line for each task that runs, and for the first ones in line; none if there is no memory for it
// this time.
inline std::string scope_watch::describe() noexcept {
  constexpr std::size_t most_of_line = 4;
  std::string text;
  try {
    for_each_running([&](const task& t, thread_slot* thread) {
      text += stall_line(name(), t, stopped_at_, what_it_does(thread));
    });
    std::size_t untold = line_.length();
    const task* t = line_.front();
    for (; t != nullptr && line_.length() - untold < most_of_line; t = task_line::next(*t)) {
      text += stall_line(name(), *t, stopped_at_, "in line for one of those to end");
      --untold;
    }
    if (untold != 0)
      text += "roost: and for " + std::to_string(untold) + " more in line\n";
  } catch (const std::bad_alloc&) {
    text.clear();
  }
  return text;
}

inline clock::time_point scope_watch::next_report(stall_watch& watch) noexcept {
  const bool stands = line_.front() != nullptr && stopped_at_ == no_deadline;
  return watch.next({stopped_at_, stands ? line_.begun() : stall_watch::no_line});
}

// Where only the line makes it look, a task that computes may well go on: then it says nothing.
inline void scope_watch::reporter::look() noexcept {
  const clock::time_point now = sync::now();
  if (now < next_)
    return;
  std::string text;
  {
    const std::lock_guard lock(scope_.lock_);
    if (scope_.next_report(watch_) != next_) // something has moved
      return;
    if (watch_.reports_all() || scope_.all_are_blocked())
      text = scope_.describe();
    watch_.reported(now);
  }
  std::fputs(text.c_str(), stderr);
}

} // namespace roost::inline v0::detail
