// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/scope/scope.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>
#include <roost/task_scope.hpp>

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

/// Calls `body(scope)` on this thread inside a new scope, joins the scope and returns the body's
/// value. Prefer it to a plain task_scope where the body itself may fail:
///
/// ```cpp
/// const overview seen = roost::with_scope({.timeout = 2s}, [&](roost::task_scope& scope) {
///   auto users = scope.spawn([&] { return db.users(); });
///   return overview{users.get()};
/// });
/// ```
///
/// Cancellation: once the scope stops, the body's waits throw `stopped`, whatever the cause: so no
/// `catch (const std::exception&)` in the middle swallows it.
/// The end: a destructor cannot replace the exception that is under way; with_scope can. A failure
/// of the body is like a task's: it stops the tasks, and the first failure is thrown. If the body
/// ends by `stopped` because a task failed or the deadline passed, that failure or a timeout_error
/// is thrown instead. Under on_error::collect all failures are in the exception_list. If a body
/// without a result ends by `stopped` because the scope itself was asked to stop, with_scope
/// returns normally, as join() does; with a result it cannot, and throws `stopped`. If the
/// enclosing scope was stopped, with_scope throws what a wait there throws.
/// Lifetime: what the body declares dies before its tasks have ended. Declare outside it what tasks
/// refer to.
template <class F>
decltype(auto) with_scope(const scope_options& options, F&& body, site where = site::current());

/// The same without options.
template <class F>
  requires(!std::is_convertible_v<F, const scope_options&>)
decltype(auto) with_scope(F&& body, site where = site::current()) {
  return roost::with_scope(scope_options(), std::forward<F>(body), where);
}

// --- implementation ---------------------------------------------------------

struct detail::with_scope_access {
  template <class F>
  static auto run(task_scope& scope, F&& body, const site& where)
      -> std::invoke_result_t<F, task_scope&> {
    scope.state_->report_at_end_only();
    try {
      return std::invoke(std::forward<F>(body), scope);
    } catch (...) {
      const bool was_asked = abandon(*scope.state_, std::current_exception(), where);
      if constexpr (std::is_void_v<std::invoke_result_t<F, task_scope&>>) {
        if (was_asked)
          return;
      }
      throw;
    }
  }

  static void finish(task_scope& scope, const site& where) {
    scope.state_->leave(false);
    scope.join(where);
  }

  /// Ends the scope after its body has thrown `error`, and throws what is to be thrown instead.
  /// True if there is no need to throw anything: the scope itself was asked to stop, and that ended
  /// the body.
  static bool abandon(scope_state& state, const std::exception_ptr& error, const site& where) {
    using body_end = scope_state::body_end;
    const body_end end = state.body_failed(error);
    state.end({"with_scope", state.name(), where});
    if (const std::exception_ptr outcome = state.take_outcome())
      std::rethrow_exception(outcome);
    state.reported(error);
    // As a wait around the scope would.
    if (end == body_end::stopped && state.stopped_by(stop_reason::parent))
      throw_if_stopped();
    return end == body_end::stopped && state.stopped_by(stop_reason::requested);
  }
};

template <class F>
decltype(auto) with_scope(const scope_options& options, F&& body, site where) {
  constexpr bool callable = std::is_invocable_v<F, task_scope&>;
  static_assert(callable, "roost::with_scope: the body must be callable with a roost::task_scope&");
  if constexpr (callable) {
    using access = detail::with_scope_access;
    using result = std::invoke_result_t<F, task_scope&>;
    task_scope scope(options, where);
    if constexpr (std::is_void_v<result>) {
      access::run<F>(scope, std::forward<F>(body), where);
      access::finish(scope, where);
    } else if constexpr (std::is_reference_v<result>) {
      result value = access::run<F>(scope, std::forward<F>(body), where);
      access::finish(scope, where);
      return static_cast<result>(value);
    } else {
      result value = access::run<F>(scope, std::forward<F>(body), where);
      access::finish(scope, where);
      return value;
    }
  }
}

} // namespace roost::inline v0
