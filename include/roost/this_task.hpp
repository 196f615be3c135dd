// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <new>
#include <stop_token>
#include <string_view>

/// The task that runs on the calling thread, or the scope that covers it. A thread that roost
/// knows nothing of is a task that no call stops.
namespace roost::inline v0::this_task {

/// The token of this task, for code that takes one: it is stopped when the task is asked to stop.
/// To wake a blocking system call, let a std::stop_callback on it write to a pipe, or shut the
/// socket down. std::condition_variable_any can wait with the token itself, `changed.wait(lock,
/// this_task::stop_token(), pred)`, and returns what `pred` says; then call checkpoint().
/// Keep such callbacks short: they run on the thread that stops the scope, one after the other.
/// The waits of roost wake first; only then is the token stopped and are callbacks run.
/// Without a scope it is a token on which no stop is possible. In a task it is good until the task
/// ends: what outlives the task takes the token of a scope, task_scope::get_stop_token(). (If there
/// is no memory for a token of the task's own, it is the scope's: then task_handle::request_stop()
/// does not stop it.)
inline std::stop_token stop_token() noexcept {
  detail::context* const top = detail::this_thread.top;
  if (top == nullptr)
    return {};
  try {
    return top->domain_to_follow().token();
  } catch (const std::bad_alloc&) {
    return top->domain().token();
  }
}

/// True once this task was asked to stop. It throws nothing: see checkpoint().
inline bool stop_requested() noexcept {
  detail::sync::at_call(nullptr);
  const detail::context* const top = detail::this_thread.top;
  return top != nullptr && top->domain().stop_requested();
}

/// Why this task was asked to stop; reason `none` if it was not.
inline stop_cause cause() {
  if (!stop_requested())
    return {};
  return detail::this_thread.top->domain().cause()->told;
}

/// Throws what a blocking operation would throw here if this task was asked to stop. For loops
/// that compute and never wait. Cost: two loads.
inline void checkpoint() {
  detail::sync::at_call(nullptr);
  if (detail::this_thread_is_stopped())
    detail::raise_stop();
}

/// When this task will be asked to stop; time_point::max() if there is no deadline.
inline clock::time_point deadline() noexcept {
  const detail::context* const top = detail::this_thread.top;
  return top != nullptr ? top->domain().deadline() : detail::no_deadline;
}

/// The name under which this task was spawned, valid until it ends; empty if it has none.
inline std::string_view name() noexcept {
  const detail::task_context* const task = detail::this_thread.task;
  return task != nullptr ? task->name() : std::string_view();
}

/// Sleeps; a stop wakes it, and then it throws.
inline void sleep_until(detail::any_time_point time, site where = site::current()) {
  detail::throw_if_stopped();
  detail::parker_lease lease;
  detail::wait_record record(lease.get(), detail::short_wait::over());
  const auto end = detail::block(record, {"this_task::sleep", {}, where}, time);
  if (end.how == detail::wait_state::stopped)
    detail::raise_stop();
}

/// The same for a time from now.
inline void sleep_for(detail::any_duration time, site where = site::current()) {
  sleep_until(detail::deadline_after(time), where);
}

} // namespace roost::inline v0::this_task
