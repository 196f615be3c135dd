// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/crew.hpp>
#include <roost/detail/die.hpp>
#include <roost/detail/scope_outcome.hpp>
#include <roost/detail/scope_owner.hpp>
#include <roost/detail/stall_report.hpp>
#include <roost/detail/task.hpp>
#include <roost/detail/thread_slot.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstdio>
#include <exception>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace roost::inline v0::detail {

/// Everything of a task_scope but its type. How a task goes through it:
///
///     launch()  counted, registered as a context, its thread started
///     run()     its call; then, in this order: a failure is kept and the others are stopped, the
///               callable is destroyed, the handle goes on, and it is counted down
///     crew      its thread, about to exit, is joined by another task's thread or by end()
///
/// INVARIANT: end() returns only when nothing is counted and every thread is joined.
class scope_state final : public scope_owner {
 public:
  scope_state(const scope_options& options, site where);
  scope_state(const scope_state&) = delete;
  scope_state& operator=(const scope_state&) = delete;
  inline ~scope_state() override; // `inline` here: a key function would cost every includer

  /// Starts `t` on a thread of its own, or drops it if the scope was stopped. Throws scope_closed,
  /// or std::system_error if there is no thread; then `t` has not run and never will.
  void launch(task& t);

  /// Waits, uninterrupted, until nothing runs; false when `deadline` passed first.
  bool wait_idle(clock::time_point deadline, const blocked_call& call);

  /// Waits, joins the threads, takes the owner out of the scope. False if that was done before.
  bool end(const blocked_call& call);

  bool closed() const noexcept;

 private:
  friend struct probe;

  // These run on the task's thread, with no lock held.
  void run(task& t) noexcept;
  template <class F>
  task::outcome attempt(task& t, F f) noexcept;
  void fail(task& t, const std::exception_ptr& error) noexcept;
  bool give_to_handler(const failure& failed) noexcept;

  void drop(task& t);
  void take_back(task& t);

  bool wait_idle(std::unique_lock<std::mutex>& lock, clock::time_point deadline);
  std::string describe_stall() noexcept; // caller holds mutex_

  inline void on_stop() noexcept override;

  const std::function<void(const failure&)> on_failure_;
  const clock::duration stall_after_;

  crew crew_;                                   // guarded by mutex_
  bool closed_ = false;                         // guarded by mutex_
  std::optional<clock::time_point> stopped_at_; // guarded by mutex_
};

// --- implementation: the end ------------------------------------------------

inline scope_state::scope_state(const scope_options& options, site where)
    : scope_owner(options, where),
      on_failure_(options.on_failure),
      stall_after_(options.stall_after) {}

inline scope_state::~scope_state() {
  outcome_.for_each([this](failure_record& f) {
    if (!is_body(f))
      static_cast<task&>(f).release();
  });
}

inline bool scope_state::closed() const noexcept {
  const std::lock_guard lock(mutex_);
  return closed_;
}

inline bool scope_state::end(const blocked_call& call) {
  {
    const blocked_region region(call);
    std::unique_lock lock(mutex_);
    if (closed_)
      return false;
    wait_idle(lock, no_deadline);
    if (std::exchange(closed_, true))
      return false;
    refuse_stops();
    task* const finished = crew_.take_finished();
    lock.unlock();
    crew::join(finished);
  }
  release_owner();
  return true;
}

// --- implementation: waiting ------------------------------------------------

inline bool scope_state::wait_idle(clock::time_point deadline, const blocked_call& call) {
  const blocked_region region(call);
  std::unique_lock lock(mutex_);
  return wait_idle(lock, deadline);
}

// The one who waits is also the one who reports who lets it wait: no other thread is needed.
inline bool scope_state::wait_idle(std::unique_lock<std::mutex>& lock, clock::time_point deadline) {
  stall_watch watch(stall_after_);
  while (!crew_.idle()) {
    const clock::time_point report = watch.next(stopped_at_);
    if (crew_.wait(lock, earlier(deadline, report)) || crew_.idle())
      continue;
    const clock::time_point now = clock::now();
    if (now >= deadline)
      return false;
    if (now >= report) {
      const std::string report_text = describe_stall();
      watch.reported(now);
      lock.unlock();
      std::fputs(report_text.c_str(), stderr);
      lock.lock();
    }
  }
  return true;
}

// A line for each task; none if there is no memory for it this time.
inline std::string scope_state::describe_stall() noexcept {
  std::string text;
  try {
    for (context* c = contexts().front(); c != nullptr; c = contexts().next(*c)) {
      if (!is_cover(*c))
        text += stall_line(name(), static_cast<const task&>(*c), slot_of(*c), stopped_at_);
    }
  } catch (const std::bad_alloc&) {
    text.clear();
  }
  return text;
}

inline void scope_state::on_stop() noexcept {
  stopped_at_ = clock::now();
  if (cuts_work_short() && crew_.has_work())
    outcome_.cut_short();
  crew_.notify(); // whoever waits for it is patient from now on
}

// --- implementation: tasks --------------------------------------------------

inline void scope_state::launch(task& t) {
  {
    std::unique_lock lock(mutex_);
    if (closed_) {
      lock.unlock();
      t.destroy_callable();
      throw scope_closed(
          "roost::task_scope::spawn: the scope was joined and takes no more tasks; spawn before "
          "join(), or make another scope");
    }
    if (stop_requested()) {
      if (cuts_work_short())
        outcome_.cut_short();
      lock.unlock();
      drop(t);
      return;
    }
    contexts().push_back(t);
    crew_.begin_spawn();
  }
  t.retain();
  t.owner = covered_thread();
  try {
    t.thread = std::jthread([this, &t] { run(t); });
  } catch (...) {
    take_back(t);
    throw;
  }
  const std::lock_guard lock(mutex_);
  crew_.thread_stored(t);
}

// The scope was stopped before the task could run.
inline void scope_state::drop(task& t) {
  t.stopped_by = cause();
  t.destroy_callable();
  t.complete(task::outcome::stopped);
}

// There was no thread for it.
inline void scope_state::take_back(task& t) {
  std::exception_ptr thrown;
  try {
    t.destroy_callable();
  } catch (...) {
    thrown = std::current_exception();
  }
  t.release();
  {
    const std::lock_guard lock(mutex_);
    erase(t);
    crew_.no_thread();
  }
  if (thrown)
    std::rethrow_exception(thrown);
}

inline void scope_state::run(task& t) noexcept {
  bool dropped = false;
  {
    const std::lock_guard lock(mutex_);
    bind(t, this_thread);
    dropped = stop_requested();
  }
  this_thread.task = &t;
  t.enter();
  task::outcome outcome = task::outcome::stopped;
  if (dropped) {
    t.stopped_by = cause();
  } else {
    outcome = attempt(t, [&t] { t.invoke(); });
  }
  const task::outcome destruction = attempt(t, [&t] { t.destroy_callable(); });
  if (destruction != task::outcome::value && outcome != task::outcome::failed) {
    t.destroy_result();
    outcome = destruction;
  }
  t.let_go_of_result();
  t.leave();
  if (this_thread.top != nullptr) {
    die("a task ended before a scope, shield or stop_when that it made; let them end in a block, "
        "or "
        "set the scope's covers_owner to false",
        t.spawned());
  }
  this_thread.task = nullptr;
  task* predecessors = nullptr;
  {
    const std::lock_guard lock(mutex_);
    predecessors = crew_.work_over();
  }
  t.complete(outcome);
  crew::join(predecessors);
  const std::lock_guard lock(mutex_);
  erase(t);
  crew_.count_down(t);
}

template <class F>
task::outcome scope_state::attempt(task& t, F f) noexcept {
  try {
    f();
    return task::outcome::value;
  } catch (const stopped& s) {
    if (stop_requested() || s.by_token()) {
      t.stopped_by = s.cause_;
      return task::outcome::stopped;
    }
    fail(t, std::current_exception());
  } catch (...) {
    fail(t, std::current_exception());
  }
  return task::outcome::failed;
}

// A second failure of one task, by its callable's destructor, goes to the hook.
inline void scope_state::fail(task& t, const std::exception_ptr& error) noexcept {
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
  keep(t,
       describe_stop(stop_reason::failure, {}, t.name(), t.spawned(), error),
       errors() == on_error::fail_fast);
}

// False if the handler threw: then the failure is the scope's.
inline bool scope_state::give_to_handler(const failure& failed) noexcept {
  try {
    on_failure_(failed);
    return true;
  } catch (const stopped&) { // the scope was stopped, and the handler waited for something
  } catch (...) {
    unobserved_hook.load()({std::current_exception(), failed.task, failed.where});
  }
  return false;
}

} // namespace roost::inline v0::detail
