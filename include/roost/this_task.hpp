// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/parker.hpp>
#include <roost/detail/task_context.hpp>
#include <roost/detail/thread_slot.hpp>
#include <roost/detail/wait_record.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <stop_token>
#include <string_view>

/// The task that runs on the calling thread, or the scope that covers it. A thread that roost
/// knows nothing of is a task that nobody stops.
namespace roost::inline v0::this_task {

/// Tells code that takes a token when this task is asked to stop. A std::stop_callback on it is
/// how a blocking system call is woken: let it write to a pipe, or shut the socket down.
/// std::condition_variable_any waits with it as it is, `changed.wait(lock, this_task::stop_token(),
/// pred)`, and returns what `pred` says; then call checkpoint().
/// Keep such callbacks short: they run on the thread that stops the scope, one after the other.
/// The waits of roost wake first; only then is the token stopped and are callbacks run.
/// Without a scope it is a token on which no stop is possible.
inline std::stop_token stop_token() noexcept {
  const detail::context* const top = detail::this_thread.top;
  return top != nullptr ? top->domain().token() : std::stop_token();
}

inline bool stop_requested() noexcept {
  const detail::context* const top = detail::this_thread.top;
  return top != nullptr && top->domain().stop_requested();
}

/// Why this task was asked to stop; reason `none` if it was not.
inline stop_cause cause() {
  return stop_requested() ? *detail::this_thread.top->domain().cause() : stop_cause();
}

/// Throws what a blocking operation would throw here if this task was asked to stop. For loops
/// that compute and never wait. Cost: two loads.
inline void checkpoint() {
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
  detail::wait_record record(lease.get()); // in no list: only a stop or the time ends it
  if (detail::block(record, {"this_task::sleep", {}, where}, time) == detail::wait_state::stopped) {
    detail::raise_stop();
  }
}

inline void sleep_for(detail::any_duration time, site where = site::current()) {
  sleep_until(detail::deadline_after(time), where);
}

} // namespace roost::inline v0::this_task
