// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/testing/bubble_run.hpp>
#include <roost/site.hpp>
#include <roost/task_scope.hpp>

#include <chrono>
#include <functional>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

/// For tests of code that uses roost. It is not part of roost.hpp, and needs no test framework.
namespace testing {

struct bubble_options {
  /// If time could pass, but something that roost does not know has kept it from that for so long,
  /// by the system's clock, the report sink is told which task does.
  detail::any_duration patience = std::chrono::seconds(2);
};

/// Calls `body()` or `body(scope)` on this thread in a root scope of its own, in which time is
/// virtual: it stands still while any task runs, and jumps to the next deadline once all wait.
///
///     roost::testing::bubble([] {
///       const auto begin = roost::clock::now();
///       retry_for_an_hour([] { return false; });      // sleeps, timeouts, tickers: microseconds
///       CHECK(roost::clock::now() - begin == 1h);     // and exact
///     });
///
/// All that the body and its tasks do is in the bubble, with all threads that roost starts for
/// them, as if the body ran on a thread of its own; threads outside, and other bubbles, see their
/// own time. In it, roost::clock::now() is the time of the bubble, which begins with the system's,
/// and by which all times count that roost is given or waits for: sleeps, timeouts, deadlines,
/// tickers. So take them from roost::clock: what std::chrono::steady_clock::now() returns lies
/// behind it once time has passed. What is due at the same time happens in the order in which it
/// was asked for, each when all before it wait again.
///
/// What holds time up: a task that computes or waits in a call that roost does not know, such as
/// std::this_thread::sleep_for; a blocking_region; an outside_waker; a wait for a descriptor or a
/// signal, also one with a timeout, which never comes then: give it to a task of its own, and that
/// one's result a timeout. After two seconds the report sink is told which.
///
/// Errors: throws what with_scope() throws for such a body: the first failure. Where all wait, and
/// no time will wake one of them, a deadlock_error with the report. That a thread outside may wake
/// them is known only of an outside_waker. In a bubble, and where threads of it go on behind its
/// end, since a scope from in there is kept outside: std::logic_error.
/// Cancellation: a stop of the task around does not reach it. Threads: any may make one, and many
/// at a time. Cost: some microseconds for each wait.
template <class F>
void bubble(const bubble_options& options, F&& body, site where = site::current());

template <class F>
  requires(!std::is_convertible_v<F, const bubble_options&>)
void bubble(F&& body, site where = site::current()) {
  bubble(bubble_options(), std::forward<F>(body), where);
}

} // namespace testing

// --- implementation ---------------------------------------------------------

template <class F>
void testing::bubble(const bubble_options& options, F&& body, site where) {
  constexpr bool takes_scope = std::is_invocable_v<F&, task_scope&>;
  static_assert(takes_scope || std::is_invocable_v<F&>,
                "roost::testing::bubble: the body must be callable without arguments, or with a "
                "roost::task_scope&");
  detail::run_bubble(
      options.patience,
      [&body](task_scope& scope) {
        if constexpr (takes_scope)
          std::invoke(body, scope);
        else
          std::invoke(body);
      },
      where);
}

} // namespace roost::inline v0
