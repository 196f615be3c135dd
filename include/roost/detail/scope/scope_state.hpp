// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/line_of.hpp>
#include <roost/detail/operation/attempt.hpp>
#include <roost/detail/scope/scope_threads.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/scope/task_line.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/yield.hpp>
#include <roost/detail/threads/tree.hpp>
#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <chrono>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace roost::inline v0::detail {

/// Everything of a task_scope but its type; here, how tasks get in, and how the scope ends. A task
/// that is launched is started by a thread of the pool, or waits in line, or is dropped;
/// how those that are in run and leave is told in scope_threads.
///
/// INVARIANT: end() returns only when nothing is counted. A thread that has let a task in touches
/// nothing of the scope afterwards, unless something else keeps it: see scope_threads.
class scope_state final : public scope_threads {
 public:
  scope_state(const scope_options& options, site where);
  scope_state(const scope_state&) = delete;
  scope_state& operator=(const scope_state&) = delete;
  inline ~scope_state() override; // `inline` here: a key function would cost every includer

  /// What to do where the line is full.
  enum class when_full { wait, exceed };

  /// Starts `t`, or puts it into the line, for which it may have to wait; or drops it if the scope
  /// was stopped, even if that came while no thread was found. Throws scope_closed, what a wait
  /// throws, or std::system_error if there is no thread; then `t` has not run and never will.
  void launch(task& t, const blocked_call& call, when_full full = when_full::wait);

  /// True if launch() would neither wait nor drop.
  bool takes_at_once(const site& where);

  /// Like launch(), but runs `t` on the calling thread, as a thread of the pool would. No
  /// limit counts.
  void run_here(task& t);

  /// Waits, uninterrupted, until nothing runs; false when `deadline` passed first.
  bool wait_idle(clock::time_point deadline, const blocked_call& call);

  /// Waits, then takes the owner out of the scope. False if that was done before.
  bool end(const blocked_call& call);

  bool closed() const noexcept;

  /// The last that the owner does after the end: destroys the users' exceptions and handlers on
  /// this thread, not with the last reference to the scope.
  void take_leave() noexcept;

 private:
  friend struct probe;

  enum class admission { none, to_run, in_line, dropped, closed };
  static bool is_in(admission a) noexcept {
    return a == admission::to_run || a == admission::in_line;
  }
  class entrance;

  admission admit(task& t, const blocked_call& call, when_full full);
  [[noreturn]] void refuse(const site& where) const;
  admission start(task& t);
  bool leave_to_others(task& t) noexcept;
  void take_back(task& t);
  void turn_away(task& t, admission got, const std::exception_ptr& error);

  // The caller holds lock_.
  bool has_room() noexcept;
  admission try_admit(task& t, when_full full) noexcept;

  bool ended_ = false; // guarded by lock_
};

// --- implementation: the end ------------------------------------------------

inline scope_state::scope_state(const scope_options& options, site where)
    : scope_threads(options, where) {}

inline scope_state::~scope_state() = default;

inline void scope_state::take_leave() noexcept {
  report_unobserved();
  outcome_.for_each([this](failure_record& f) {
    if (is_body(f)) {
      f.error = nullptr;
    } else {
      static_cast<task&>(f).release();
    }
  });
  outcome_.clear();
  forget_handler();
}

inline bool scope_state::closed() const noexcept {
  const std::lock_guard lock(lock_);
  return closed_;
}

inline bool scope_state::end(const blocked_call& call) {
  {
    const std::lock_guard lock(lock_);
    if (ended_)
      return false;
    ending_ = true;
  }
  wait_idle(no_deadline, call);
  {
    const std::lock_guard lock(lock_);
    if (std::exchange(ended_, true))
      return false;
  }
  release_owner();
  return true;
}

// --- implementation: waiting ------------------------------------------------

inline bool scope_state::wait_idle(clock::time_point deadline, const blocked_call& call) {
  const blocked_region region(call);
  reporter meanwhile(*this);
  for (;;) {
    drop_line(); // if the stop came from a callback that waits here, nobody else does
    try {
      parker_lease lease;
      wait_record record(lease.get());
      wait_node place(nullptr);
      {
        const std::lock_guard lock(lock_);
        if (is_over())
          return true;
        line_.shut_door();
        joiners_.push_back(place, record);
      }
      if (record.await(deadline, &meanwhile) == wait_state::timed_out) {
        const std::lock_guard lock(lock_);
        joiners_.remove(place);
        return is_over();
      }
    } catch (const std::bad_alloc&) { // for the parker; but the tasks must be waited for
      sync::sleep_for(std::chrono::milliseconds(1));
      const std::lock_guard lock(lock_);
      if (is_over() || sync::now() >= deadline)
        return is_over();
    }
  }
}

// --- implementation: how tasks get in ---------------------------------------

/// To get a task into a scope, where the line is full.
class scope_state::entrance final : public detail::attempt {
 public:
  entrance(scope_state& scope, task& t) noexcept
      : detail::attempt(scope.lock_, &scope.line_.spawns(), &t),
        scope_(scope),
        task_(t) {}

  bool try_locked() noexcept override {
    got_ = scope_.try_admit(task_, when_full::wait);
    return got_ != admission::none;
  }
  void conclude(wait_state end) noexcept override {
    if (end == wait_state::done) // or it runs already
      got_ = admission::in_line;
  }

  admission got() const noexcept { return got_; }

 private:
  scope_state& scope_;
  task& task_;
  admission got_ = admission::none;
};

inline void scope_state::launch(task& t, const blocked_call& call, when_full full) {
  t.owner = covered_thread();
  t.owner_task = made_in().task;
  admission got = admission::none;
  std::exception_ptr error;
  try {
    got = admit(t, call, full);
    if (got == admission::to_run)
      got = start(t);
  } catch (...) {
    error = std::current_exception();
  }
  if (error || !is_in(got))
    turn_away(t, got, error);
}

inline void scope_state::run_here(task& t) {
  t.owner = covered_thread();
  t.owner_task = made_in().task;
  admission got = admission::none;
  {
    const std::lock_guard lock(lock_);
    got = try_admit(t, when_full::exceed);
  }
  if (got != admission::to_run) {
    turn_away(t, got, nullptr);
    return;
  }
  work_here(t);
}

// The handle keeps the task.
inline void scope_state::turn_away(task& t, admission got, const std::exception_ptr& error) {
  t.release();
  if (stop_requested())
    t.stopped_by = cause();
  t.destroy_callable();
  if (error)
    std::rethrow_exception(error);
  if (got == admission::closed)
    refuse(t.spawned());
  t.complete(task::outcome::stopped);
  if (got == admission::none) // a stop has ended the wait
    throw_if_stopped();
}

inline bool scope_state::takes_at_once(const site& where) {
  {
    const std::lock_guard lock(lock_);
    if (!closed_)
      return !stop_requested() && has_room();
  }
  refuse(where);
}

inline scope_state::admission
scope_state::admit(task& t, const blocked_call& call, when_full full) {
  const task_line::entry by_door = line_.enter_by_door(t);
  if (by_door == task_line::entry::in_line)
    return admission::in_line;
  // Those that make places are to have the processor: then there are several, and not one by one.
  if (by_door == task_line::entry::full && full == when_full::wait && !runs_inside(*this))
    sync::yield();
  {
    const std::lock_guard lock(lock_);
    if (const admission at_once = try_admit(t, full); at_once != admission::none)
      return at_once;
  }
  if (this_thread_is_stopped())
    return admission::none;
  reporter meanwhile(*this);
  blocked_call watched = call;
  watched.meanwhile = &meanwhile;
  entrance to_get_in(*this, t);
  (void)wait_for_one(to_get_in, watched, no_deadline);
  return to_get_in.got();
}

inline bool scope_state::has_room() noexcept {
  return line_.may_run() || line_.has_place() || runs_inside(*this);
}

inline scope_state::admission scope_state::try_admit(task& t, when_full full) noexcept {
  if (closed_)
    return admission::closed;
  if (stop_requested()) {
    if (cuts_work_short(cause()->reason))
      outcome_.cut_short();
    return admission::dropped;
  }
  if (full == when_full::wait && !has_room())
    return admission::none;
  if (!line_.may_run()) {
    line_.push_back(t);
    return admission::in_line;
  }
  begin(t);
  return admission::to_run;
}

inline void scope_state::refuse(const site& where) const {
  throw scope_closed("roost::task_scope::spawn at " + line_of(where) + ": " + name_and_line() +
                     ", was joined and takes no more tasks; spawn before join(), or make another "
                     "scope");
}

// In a fork, forks are many and short: they are offered.
inline bool runs_in_fork() noexcept {
  return this_thread.task != nullptr && static_cast<const task*>(this_thread.task)->is_fork;
}

inline scope_state::admission scope_state::start(task& t) {
  try {
    if (t.is_fork && runs_in_fork())
      tree_->threads.offer(t);
    else
      tree_->threads.start(t);
    return admission::to_run;
  } catch (...) {
    if (leave_to_others(t))
      return admission::in_line;
    take_back(t);
    return admission::dropped;
  }
}

// There is no thread for it; but others run, and the next that ends takes it. Until then fewer run
// than may, and one that is spawned later, and has a thread, may overtake it.
inline bool scope_state::leave_to_others(task& t) noexcept {
  const std::lock_guard lock(lock_);
  if (stop_requested() || !line_.limited() || line_.running() == 1)
    return false;
  erase(t);
  line_.shut_door();
  line_.left();
  line_.push_back(t);
  return true;
}

// There is no thread. With a limit others may have got into the line meanwhile, for lack of places
// to run, and nobody else will come to them; they fail. But a stop goes before that, for `t` and
// for them: it may have come while the thread was being refused, and then they are dropped as if
// there had been one. Returns if `t` is dropped; else throws what its caller has caught. In any
// case what the callable's destructor throws goes before.
inline void scope_state::take_back(task& t) {
  const std::exception_ptr no_thread = std::current_exception();
  std::exception_ptr destruction;
  try {
    t.destroy_callable();
  } catch (...) {
    destruction = std::current_exception();
  }
  bool others_failed = false;
  bool is_stopped = false;
  empty_line(
      [&](task& stranded) {
        if (stop_requested()) {
          drop(stranded);
        } else {
          others_failed = true; // which may be what stops the scope
          fail(stranded, no_thread);
          complete(stranded, task::outcome::failed);
        }
      },
      [&](claimed_list& woken) {
        is_stopped = stop_requested();
        erase(t);
        line_.left();
        wake_if_over(woken);
      });
  if (destruction)
    std::rethrow_exception(destruction);
  if (others_failed || !is_stopped)
    std::rethrow_exception(no_thread);
}

} // namespace roost::inline v0::detail
