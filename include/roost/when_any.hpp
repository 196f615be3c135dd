// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/pieces.hpp>
#include <roost/detail/parallel/joint_tasks.hpp>
#include <roost/detail/parallel/range_of.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>
#include <roost/task_scope.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace roost::inline v0 {

/// Calls all callables at the same time, each as a task calls it, and returns the result of the
/// first that succeeds, as the alternative of its index; std::monostate if that one returns
/// nothing, a std::reference_wrapper if it returns a reference.
///
/// ```cpp
/// const auto page = std::get<0>(roost::when_any([&] { return fetch(mirror); },
///                                               [&] { return fetch(home); }));
/// ```
///
/// The others are then stopped and waited for; what they throw or return after that is dropped.
/// If all fail, it throws an exception_list of their failures, in the order they happened. If
/// when_any throws something else, failures that came before go to the unobserved-failure hook.
/// Lifetime, threads, cost: as when_all. Cancellation: throws `stopped` when the caller was stopped
/// before there was a result.
template <class... F>
auto when_any(F&&... callables);

/// The same for a range of callables with one type of result. Returns the index of the first that
/// succeeds, and its result. Throws std::invalid_argument for an empty range.
template <detail::input_range R>
auto when_any(R&& callables, site where = site::current());

// --- implementation ---------------------------------------------------------

namespace detail {

/// The failures of tasks of which one was to succeed. Those that are not told, because the caller
/// gets something else, go to the hook in the end.
class failed_calls {
 public:
  failed_calls() = default;
  ~failed_calls() {
    for (const failure& f : failures_)
      unobserved_hook.load()(f);
  }
  failed_calls(const failed_calls&) = delete;
  failed_calls& operator=(const failed_calls&) = delete;

  void make_room(std::size_t count) { failures_.reserve(count); }

  /// Where there is room it needs no memory, but for a long name, which it then leaves out.
  void add(const failure& f) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(describe_failure(f.error, f.task, f.where));
  }

  /// These two only when nothing can be added any more.
  [[noreturn]] void throw_all() {
    exception_list all(failures_); // a copy: if there is no memory for it they are still here
    forget();
    throw all; // NOLINT(misc-throw-by-value-catch-by-reference): it has to be there before
  }
  void forget() noexcept { failures_.clear(); }

 private:
  sync::mutex mutex_;
  std::vector<failure> failures_; // guarded by mutex_
};

/// The first result, or else all failures, of tasks of which one is enough.
///
/// INVARIANT: the thread that sets decided_ is the only one to write answer_ and was_in_time_; the
/// thread that reads them has joined the scope before.
template <class Answer>
class race {
 public:
  explicit race(site where)
      : where_(where),
        scope_({.name = "when_any", .on_failure = [this](const failure& f) { failed_.add(f); }},
               where) {}

  /// Begins number `index` of `count`: what `call()` returns is the answer, as `make(result)` puts
  /// it.
  template <class Call, class Make>
  void begin(std::size_t index, std::size_t count, Call call, Make make) {
    if (index == 0)
      failed_.make_room(count);
    const std::string name = detail::joined({"when_any ", index});
    auto run = [this, name, from = std::move(call), make]() mutable {
      try {
        offer(from, make);
      } catch (const stopped&) {
        if (scope_.stop_requested())
          throw;
        failed_.add({std::current_exception(), name, where_}); // a stop of its own is no success
      }
    };
    (void)joint_tasks::begin(scope_, index, count, name, std::move(run), where_);
  }

  Answer take() {
    joint_tasks::end(scope_, where_);
    // A stop from outside that came after the decision is for what the caller does next.
    if (!was_in_time_)
      joint_tasks::tell(scope_);
    if (!answer_)
      failed_.throw_all();
    failed_.forget();
    return std::move(*answer_);
  }

 private:
  template <class Call, class Make>
  void offer(Call& call, Make make) {
    std::unique_ptr<Answer> mine; // handed over as a pointer, which cannot fail
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      mine = make(std::monostate());
    } else {
      mine = make(call());
    }
    const bool in_time = !scope_.stop_requested();
    // relaxed: the answer is read after the join
    if (decided_.exchange(true, std::memory_order_relaxed))
      return;
    was_in_time_ = in_time;
    answer_ = std::move(mine);
    scope_.request_stop("when_any has its answer");
  }

  const site where_;
  sync::atomic<bool> decided_{false};
  std::unique_ptr<Answer> answer_;
  bool was_in_time_ = false; // it was there before a stop from outside
  failed_calls failed_;
  task_scope scope_; // last: its tasks use the others
};

template <class Answer, class... F, std::size_t... I>
Answer run_any(std::index_sequence<I...>, F&&... callables) {
  race<Answer> runners(site::current());
  const auto begin = [&]<std::size_t Index, class G>(std::in_place_index_t<Index> place, G&& g) {
    runners.begin(
        Index, sizeof...(F), task_reference<G>(std::forward<G>(g)), [place](auto&& result) {
          return std::make_unique<Answer>(place, std::forward<decltype(result)>(result));
        });
  };
  (begin(std::in_place_index<I>, std::forward<F>(callables)), ...);
  return runners.take();
}

} // namespace detail

template <class... F>
auto when_any(F&&... callables) {
  constexpr bool fits = (detail::is_task<F> && ...) && sizeof...(F) > 0;
  static_assert(
      fits,
      "roost::when_any: each argument must be callable with no arguments or with a "
      "std::stop_token, or the only one be a range of such; bind arguments with a lambda");
  if constexpr (fits) {
    using answer = std::variant<detail::element_of<detail::result_of_task<F>>...>;
    detail::throw_if_stopped();
    return detail::run_any<answer>(std::index_sequence_for<F...>(), std::forward<F>(callables)...);
  }
}

template <detail::input_range R>
auto when_any(R&& callables, site where) {
  using callable = detail::reference_of<R>;
  constexpr bool fits = detail::is_task<callable>;
  static_assert(fits,
                "roost::when_any: the range's elements must be callable with no arguments or with "
                "a std::stop_token");
  if constexpr (fits) {
    using answer = std::pair<std::size_t, detail::element_of<detail::result_of_task<callable>>>;
    detail::throw_if_stopped();
    auto calls = detail::collect_callables(callables);
    if (calls.empty()) {
      throw std::invalid_argument(
          "roost::when_any: the range is empty, so nothing can succeed; look before you call it");
    }
    detail::race<answer> runners(where);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      runners.begin(i, calls.size(), std::move(calls[i]), [i](auto&& value) {
        return std::make_unique<answer>(i, std::forward<decltype(value)>(value));
      });
    }
    return runners.take();
  }
}

} // namespace roost::inline v0
