// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/pieces.hpp>
#include <roost/detail/parallel/joint_tasks.hpp>
#include <roost/detail/parallel/range_of.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/site.hpp>
#include <roost/task_handle.hpp>
#include <roost/task_scope.hpp>

#include <cstddef>
#include <iterator>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace roost::inline v0 {

/// Calls all callables at the same time, each as a task calls it, and returns their results in
/// order; std::monostate for one that returns nothing.
///
/// ```cpp
/// auto [user, orders] = roost::when_all([&] { return db.user(id); },
///                                       [&] { return db.orders(id); });
/// ```
///
/// The first that fails stops the others; when all have ended, its exception is thrown. Use a
/// task_scope where the number of callables changes while they run, or where one needs another's
/// result. Lifetime: the callables are taken by reference; they and what they capture are not
/// touched after when_all returns.
/// Threads: the last callable runs on the calling thread, and after it any that no other thread has
/// come for yet. Errors: also std::system_error if there is no thread. Reports call them "when_all
/// 0" and so on; with the form for a range they show the caller's line, too. Cancellation: throws
/// `stopped` when the caller was stopped. Cost: a scope, and one wake-up for each callable but one.
/// Inside a callable of another when_all a thread comes at once only while a processor is free;
/// otherwise, for a callable that the caller has not run by then, after some 0.1 ms, or a few ms if
/// others end meanwhile.
template <class... F>
auto when_all(F&&... callables);

/// The same for a range of callables. Returns a vector of their results, or nothing if they return
/// nothing; references become a std::reference_wrapper.
template <detail::input_range R>
auto when_all(R&& callables, site where = site::current());

// --- implementation ---------------------------------------------------------

namespace detail {

template <class... F, std::size_t... I>
auto run_all(task_scope& scope, std::index_sequence<I...>, F&&... callables) {
  const auto begin = [&]<class G>(std::size_t index, G&& g) {
    const std::string name = detail::joined({"when_all ", index});
    const task_reference<G> call(std::forward<G>(g));
    return joint_tasks::fork(scope, index, sizeof...(F), name, call, site::current());
  };
  std::tuple handles{begin(I, std::forward<F>(callables))...}; // in braces: one after the other
  joint_tasks::join(scope, site::current());
  return std::tuple<value_of<result_of_task<F>>...>(detail::take_value(std::get<I>(handles))...);
}

} // namespace detail

template <class... F>
auto when_all(F&&... callables) {
  constexpr bool fits = (detail::is_task<F> && ...) && sizeof...(F) > 0;
  static_assert(
      fits,
      "roost::when_all: each argument must be callable with no arguments or with a "
      "std::stop_token, or the only one be a range of such; bind arguments with a lambda");
  if constexpr (fits) {
    detail::throw_if_stopped();
    task_scope scope({.name = "when_all"});
    return detail::run_all(scope, std::index_sequence_for<F...>(), std::forward<F>(callables)...);
  }
}

template <detail::input_range R>
auto when_all(R&& callables, site where) {
  using callable = detail::reference_of<R>;
  constexpr bool fits = detail::is_task<callable>;
  static_assert(fits,
                "roost::when_all: the range's elements must be callable with no arguments or with "
                "a std::stop_token");
  if constexpr (fits) {
    using result = detail::result_of_task<callable>;
    detail::throw_if_stopped();
    auto calls = detail::collect_callables(callables);
    std::vector<task_handle<result>> handles;
    task_scope scope({.name = "when_all"}, where);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const std::string name = detail::joined({"when_all ", i});
      handles.push_back(
          detail::joint_tasks::fork(scope, i, calls.size(), name, std::move(calls[i]), where));
    }
    detail::joint_tasks::join(scope, where);
    if constexpr (!std::is_void_v<result>) {
      std::vector<detail::element_of<result>> results;
      results.reserve(handles.size());
      for (task_handle<result>& handle : handles)
        results.push_back(detail::take_ended(handle));
      return results;
    } else {
      for (task_handle<result>& handle : handles)
        detail::take_ended(handle);
    }
  }
}

} // namespace roost::inline v0
