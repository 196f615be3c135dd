// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/die.hpp>
#include <roost/detail/scope/scope_watch.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <utility>

namespace roost::inline v0::detail {

/// A scope as its tasks see it: what becomes of their calls and of what they throw. No lock is held
/// here.
class scope_runner : public scope_watch {
 public:
  scope_runner(const scope_runner&) = delete;
  scope_runner& operator=(const scope_runner&) = delete;

 protected:
  scope_runner(const scope_options& options, site where)
      : scope_watch(options, where),
        on_failure_(options.on_failure) {}
  ~scope_runner() override = default;

  /// On the thread that runs it: its call; then, in this order: a failure is kept and the others
  /// are stopped, the callable is destroyed, and the handle goes on. A task that was `dropped` is
  /// not called; nor is one for which there is `no_thread`: it fails.
  void run(task& t, bool dropped, const std::exception_ptr& no_thread = nullptr) noexcept;

  /// The rest of that, for a task that never runs.
  void complete(task& t, task::outcome outcome) noexcept {
    t.complete(destroy_callable(t, outcome));
  }

  void fail(task& t, const std::exception_ptr& error, std::uint64_t moment = 0) noexcept;

  /// Nothing can fail any more.
  void forget_handler() noexcept { on_failure_ = nullptr; }

 private:
  template <class F>
  task::outcome attempt(task& t, F f) noexcept;
  task::outcome destroy_callable(task& t, task::outcome outcome) noexcept;
  bool give_to_handler(const failure& failed) noexcept;

  std::function<void(const failure&)> on_failure_; // constant until the owner takes leave
};

// --- implementation ---------------------------------------------------------

inline void scope_runner::run(task& t, bool dropped, const std::exception_ptr& no_thread) noexcept {
  this_thread.task = &t;
  this_thread.touched.moment = 0;
  t.begins();
  t.enter();
  task::outcome outcome = task::outcome::stopped;
  if (dropped) {
    t.stopped_by = t.domain().cause();
  } else if (no_thread) {
    fail(t, no_thread);
    outcome = task::outcome::failed;
  } else {
    outcome = attempt(t, [&t] { t.invoke(); });
  }
  outcome = destroy_callable(t, outcome);
  t.leave();
  t.leave_own_domain();
  if (this_thread.top != nullptr) {
    die("a task ended before a scope, shield or stop_when that it made; let them end in a block, "
        "or take a background_scope",
        "task",
        t.name(),
        "spawned",
        t.spawned());
  }
  this_thread.task = nullptr;
  t.complete(outcome);
}

inline task::outcome scope_runner::destroy_callable(task& t, task::outcome outcome) noexcept {
  const task::outcome destruction = attempt(t, [&t] { t.destroy_callable(); });
  if (destruction != task::outcome::value && outcome != task::outcome::failed) {
    t.destroy_result();
    outcome = destruction;
  }
  // What nobody can claim any more goes here, in the task, and not when the task is let go of.
  if (t.let_go_of_result() && !t.is_kept)
    t.error = nullptr;
  return outcome;
}

template <class F>
task::outcome scope_runner::attempt(task& t, F f) noexcept {
  try {
    f();
    return task::outcome::value;
  } catch (const stopped& s) {
    if (stop_requested() || t.domain().stop_requested() || s.by_token()) {
      t.stopped_by = s.cause_;
      return task::outcome::stopped;
    }
    fail(t, std::current_exception(), moment_of_caught());
  } catch (...) {
    fail(t, std::current_exception(), moment_of_caught());
  }
  return task::outcome::failed;
}

// A second failure of one task, by its callable's destructor, goes to the hook.
inline void
scope_runner::fail(task& t, const std::exception_ptr& error, std::uint64_t moment) noexcept {
  const bool first = t.error == nullptr;
  if (first)
    t.error = error;
  const failure failed = describe_failure(error, t.name(), t.spawned());
  if (on_failure_ && give_to_handler(failed))
    return;
  if (!first) {
    unobserved_hook.load()(failed);
    return;
  }
  t.retain();
  t.is_kept = true;
  keep(t,
       moment,
       describe_stop(stop_reason::failure, {}, t.name(), t.spawned(), error),
       errors() == on_error::fail_fast);
}

// False if the handler threw: then the failure is the scope's.
inline bool scope_runner::give_to_handler(const failure& failed) noexcept {
  try {
    on_failure_(failed);
    return true;
  } catch (const stopped&) { // the scope was stopped, and the handler waited for something
  } catch (...) {
    unobserved_hook.load()(describe_failure(std::current_exception(), failed.task, failed.where));
  }
  return false;
}

} // namespace roost::inline v0::detail
