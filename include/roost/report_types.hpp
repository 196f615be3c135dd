// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roost::inline v0 {

/// The thread that was the last to sleep at the other end of a channel. It may have gone on.
struct waiter_report {
  std::uint64_t task = 0; ///< 0: no task, such as the owner of a scope
  std::string name;       ///< the task's, if the report has it
  site where;             ///< where it slept
};

/// Something that a task waits for. An unknown field is empty: of a channel that is in use at that
/// very moment only the kind is known.
struct object_report {
  std::uint64_t id = 0; ///< the same for all that wait for it, within one report; 0 for a timer
  std::string kind;     ///< "channel", "broadcast", "semaphore", "wait_group", "event", "barrier",
                        ///< "task", "scope", "ticker", "timer", "mutex", "descriptor",
                        ///< "descriptors", "signal"; a watch is a "broadcast"
  std::string name;     ///< the name that the program gave it, if any
  std::string detail;   ///< "2/2, 1 receiver", "0 of 3 permits free, 2 holders", "count 2",
                        ///< "held by \"x\" since a.cpp:7"
  std::uint64_t task = 0;            ///< of a task: its id
  std::optional<waiter_report> peer; ///< of a channel: the thread that waited last at its other end
};

/// A mutex that a blocked thread holds: others may wait for it.
struct held_report {
  std::uint64_t id = 0; ///< as object_report::id
  std::string name;     ///< the name that the program gave it, if any
  site where;           ///< where it was locked
};

/// The call that a thread is blocked in.
struct blocked_report {
  std::string operation;       ///< "sender::send"
  std::string object;          ///< the name of what it waits for, or its kind; empty for a select
  std::string detail;          ///< as object_report::detail; "3 cases" for a select
  site where;                  ///< the line of the call
  clock::duration since{};     ///< how long so far; zero before it sleeps
  bool until_deadline = false; ///< a timeout or a deadline ends it
  std::vector<object_report> waits_for; ///< for a select all cases, in any order
  std::vector<held_report> holds;       ///< in the order in which they were locked
  std::uint64_t runs = 0; ///< the task that its thread runs inside this call, which waits for it; 0
                          ///< if it sleeps
};

/// The stop of a scope.
struct stop_report {
  stop_reason reason = stop_reason::none; ///< what kind of stop
  std::string message;                    ///< as stop_cause::message
  std::string task;                       ///< as stop_cause::task
  site where;                             ///< as stop_cause::where
  clock::duration age{};                  ///< since the stop
};

/// How far a task has come.
enum class task_state {
  queued,   ///< waits until fewer tasks of its scope run
  starting, ///< a thread is on its way
  running,  ///< in the program's code, as far as roost knows
  blocked,  ///< in a call of roost, or in a blocking_region
  ending,   ///< its function has returned or thrown, and its handle knows
};

/// A task, at the moment of the report.
struct task_report {
  std::uint64_t id = 0;                  ///< no other task or scope of this process has or had it
  std::uint64_t scope = 0;               ///< its scope's
  std::string name;                      ///< empty if it has none
  site spawned;                          ///< the line that spawned it
  clock::duration age{};                 ///< since it began to run; zero before
  task_state state = task_state::queued; ///< how far it has come
  std::optional<blocked_report> blocked; ///< the call, where it is blocked
  std::uint64_t thread_id = 0;           ///< the system's on Linux; 0 before it runs
  std::string thread_state; ///< while it runs: what the system says that its thread does, such as
                            ///< "sleeping", if it says so; for the first hundred tasks
  site last_blocked;        ///< while it runs: the call of roost in which it last slept, if any
};

/// A scope, at the moment of the report.
struct scope_report {
  std::uint64_t id = 0;                ///< no other task or scope of this process has or had it
  std::uint64_t parent_scope = 0;      ///< the scope it stops with; 0: none, or not in this report
  std::uint64_t parent_task = 0;       ///< the task in which it was made; 0: none
  std::string name;                    ///< empty if it has none
  site where;                          ///< the line that made it
  clock::duration age{};               ///< since then
  std::optional<stop_report> stop;     ///< if it was stopped
  std::size_t running = 0;             ///< how many of its tasks run
  std::size_t queued = 0;              ///< how many wait until fewer run
  std::size_t limit = unlimited;       ///< how many may run at once
  std::uint64_t owner_thread = 0;      ///< 0: it does not cover its owner, or has been joined
  std::optional<blocked_report> owner; ///< the call its owner is blocked in, if it covers the owner
  std::string owner_state; ///< while the owner is not blocked, and no task: as thread_state
};

/// A task, or the owner of a scope, that waits for another one, and that nothing but a stop will
/// ever wake.
struct deadlock_link {
  std::uint64_t task = 0;      ///< the task that waits; 0: the owner of a scope
  std::uint64_t scope = 0;     ///< the scope of that task or owner
  std::string name;            ///< the task's, or the scope's
  std::string operation;       ///< "mutex::lock"
  std::string object;          ///< as blocked_report::object
  site where;                  ///< the line of the call
  std::uint64_t for_task = 0;  ///< the task it waits for, likewise
  std::uint64_t for_scope = 0; ///< likewise
  std::string for_name;        ///< likewise
};

/// Tasks that wait for each other in a circle, and those that wait for one of them. Reported only
/// where it is certain, even while the rest of the scope goes on: each one waits, without a time
/// limit, for the end of a task, for the end of all tasks of a scope, or for a mutex.
struct deadlock_report {
  std::vector<deadlock_link> circle; ///< each waits for the next, the last for the first
  std::vector<deadlock_link> others; ///< each waits for one of these or of the circle
};

/// What runs, and what it waits for: a snapshot of scopes and tasks, for logs, debuggers and pages
/// that show the state of a program. It is made by task_scope::report() and report_all().
///
/// ```cpp
/// std::cerr << scope.report();                 // text, at most 40 lines
/// write_file("state.json", roost::to_json(roost::report_all()));
/// ```
///
/// It is taken while everything goes on, and is old news when it is read: a task that it calls
/// blocked may run by now. It holds copies, so it may be kept for as long as one likes. Names are
/// cut off after 48 characters, other texts after 64 or 128.
///
/// Threads: any, even one outside of roost, may take a report at any time, even while tasks start,
/// end, stop and fail. It waits for no task. Errors: bad_alloc; if there is too little memory for
/// all scopes and tasks, some are left out and counted. Cancellation: none, it does not wait. Cost:
/// some microseconds for each task; tasks that start or end meanwhile wait for a fraction of that,
/// and so do root scopes for report_all(). Even without any report, each call that sleeps pays some
/// 20 ns to record what one would show.
struct report {
  std::vector<scope_report> scopes;       ///< each before those inside it
  std::vector<task_report> tasks;         ///< those of all these scopes
  std::size_t left_out = 0;               ///< scopes and tasks for which there was no room
  std::vector<deadlock_report> deadlocks; ///< tasks that wait for each other for ever
};

/// Takes a text of one or more complete lines. Waiting threads call it, perhaps several at once,
/// without locks of roost. It must not throw. It may wait, as a thread outside of scopes may, and
/// is not called for its own wait. The caller's wait ends only after the sink has returned, even
/// past its deadline. So the sink must not lock a roost::mutex that the caller may wait for: lock()
/// throws where that would never end, and the exception ends the program unless the sink catches
/// it. try_lock() is safe.
using report_sink = void (*)(std::string_view text);

} // namespace roost::inline v0
