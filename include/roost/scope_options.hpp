// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/failure.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string_view>

namespace roost::inline v0 {

/// What the normal end of a scope does to tasks that still run. An exception that leaves the
/// scope's block stops them in any case.
enum class on_exit {
  join, ///< waits for them
  stop, ///< asks them to stop, then waits
};

/// What a task's failure does to the others.
enum class on_error {
  fail_fast, ///< the first failure stops them; it is what the owner gets, unchanged
  collect,   ///< nothing: all run to their end; the owner gets an exception_list
};

/// What happens where nothing in a root scope can go on any more: all its tasks, those of the
/// scopes inside it, and its owner are blocked, and none of them can wake another one.
enum class on_deadlock {
  ignore, ///< see scope_options::stall_after
  report, ///< the report sink gets a report, once
  stop,   ///< the scope fails with a deadlock_error: its tasks stop, and join() throws it
  abort,  ///< the report sink gets a report, and the program ends
};

/// No limit on how many tasks of a scope run at once.
inline constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

/// How a task_scope behaves; designated initializers read best, and have to keep this order:
///
/// ```cpp
/// roost::task_scope scope({.name = "crawl", .limit = 8, .timeout = 2s});
/// ```
struct scope_options {
  /// The scope's name, for reports. Copied.
  std::string_view name = {};

  /// How many tasks run at once. Further ones are queued, first in, first out; but if a thread
  /// inside the scope calls task_handle::get() for a queued task, it runs that task at once, in the
  /// place of the one that waits. (If one task asks for several at a time, through scopes of its
  /// own, they run beyond the limit.) A task for which the system refuses a thread goes to the end
  /// of the queue. Each task has a thread to itself, so without a limit none ever waits for
  /// another. With 0 the scope's constructor throws std::invalid_argument.
  std::size_t limit = unlimited;

  /// How many tasks may be queued before spawn() itself waits, where there is a limit. A spawn by a
  /// task of the scope, or from inside such a task, never waits: the queue then grows beyond that
  /// number.
  std::size_t backlog = 1024;

  /// When the scope stops: `timeout` counts from its construction, `deadline` is a point in time.
  /// The earlier one counts, or an enclosing scope's if that is earlier still. Any duration of
  /// std::chrono will do, and times of roost::clock in any precision; one that does not fit into
  /// the clock's own type is for ever.
  detail::any_duration timeout = detail::no_timeout;
  /// The same as a point in time.
  detail::any_time_point deadline = detail::no_deadline;

  on_exit exit = on_exit::join;          ///< what its normal end does to tasks that still run
  on_error errors = on_error::fail_fast; ///< what a failure does to the other tasks

  /// If set, failures go here, as they happen and on the failing task's thread, maybe several at
  /// once. They stop no other task, are not kept, and the owner gets them only by get() of a
  /// handle. If on_failure throws, the failure is the scope's after all, and the exception of
  /// on_failure, unless it is `stopped`, goes to the unobserved-failure hook.
  std::function<void(const failure&)> on_failure = {};

  /// False: neither stops nor deadlines of the enclosing task reach this scope.
  bool inherit = true;

  /// False: the thread that makes the scope is not stopped by it, and another one may end it. For a
  /// class member take a background_scope, which sets this itself. A scope that does not cover its
  /// owner has threads of its own, even if it is made in a task.
  bool covers_owner = true;

  /// If set, a thread that begins a task calls this with the task's name, empty if it has none; it
  /// may call pthread_setname_np(), so that debuggers and profilers show what each thread does.
  /// Threads are used again, so it is called for each task, as the task's first step and before its
  /// callable: this_task:: refers to the task, a stop ends waits in it, and what it throws is the
  /// task's failure. It is not called for a task that a thread runs inside a wait of another task
  /// or of the owner: the thread goes on with the waiting one afterwards. A nested scope has the
  /// function of its outermost scope, unless it sets its own. This is a plain function: one that
  /// names a thread needs no more, and a scope pays one pointer for it.
  void (*thread_started)(std::string_view task) = nullptr;

  /// A join that still waits this long after a stop gives a report of the scope to the report sink,
  /// which prints it to stderr unless the program has set another one: set_report_sink(). It
  /// reports again after double the time, and so on. A join, or a spawn that waits, does the same
  /// where tasks have been queued for this long while all running tasks are blocked in calls of
  /// roost that no deadline ends. The owner of a root scope, in whatever wait, gives one report
  /// where nothing goes on: all tasks and the owner are blocked, no deadline will come, and no
  /// other thread has used anything that they wait for. The report says whether the process has
  /// another thread, which might still wake one. The environment variable ROOST_STALL_MS overrides
  /// this option for the whole program, and then any wait of an owner that its scope covers is
  /// watched, even without a stop. set_report_sink() explains the words with which such reports
  /// begin, such as STOP-IGNORED.
  detail::any_duration stall_after = std::chrono::seconds(10);

  /// For a root scope, one that stops with no other: whether to look for a deadlock, and what to do
  /// about it. (Inside another scope, even with `inherit` false, and under a stop_when, the option
  /// is ignored.) A deadlock is found at once, by the last thread to block or to end; the sink and
  /// the callbacks of the stop run on that thread. There is none as long as something may still
  /// wake one of the threads: a deadline, a ticker or a timeout, the token of a stop_when, a
  /// blocking_region, an outside_waker, a wait for a descriptor, and anything at which a thread
  /// outside of the scope, one of another root scope for instance, has waited or has woken a waiter
  /// so far. An outside thread that has an end of a channel and has done neither cannot be seen:
  /// make an outside_waker for it. The environment variable ROOST_DEADLOCK=report or abort applies
  /// to all root scopes that have `ignore`. The deadlock_error is a failure of the scope: under
  /// on_error::collect, and so in a background_scope, it is one of a list, and on_failure does not
  /// get it. Where there is no memory to look, the thread tries again for some 20 ms; after that
  /// only the owner looks, if the scope covers it and it waits, each time that `stall_after` has
  /// passed. Where there is none for the deadlock_error, the scope fails with bad_alloc. Cost: some
  /// 20 ns for each wait that sleeps, and for each task.
  roost::on_deadlock on_deadlock = roost::on_deadlock::ignore;
};

} // namespace roost::inline v0
