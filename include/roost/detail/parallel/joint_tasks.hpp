// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/parallel/range_of.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/site.hpp>
#include <roost/task_handle.hpp>
#include <roost/task_scope.hpp>
#include <roost/this_task.hpp>

#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace roost::inline v0::detail {

/// Tasks that the caller waits for at once: so the last of them runs on the calling thread, just as
/// the others do on theirs; and then those for which no thread has come yet.
struct joint_tasks {
  /// Begins number `index` of `count` as a fork: forks may be many and short. Inside a fork, all
  /// but the last may get their threads a little later, see thread_pool.
  template <class F>
  static auto
  fork(task_scope& scope, std::size_t index, std::size_t count, task_name name, F&& f, site where) {
    const auto launch = [&](task& t) {
      t.is_fork = true;
      if (index + 1 == count)
        scope.state_->run_here(t);
      else
        scope.state_->launch(t, {"task_scope::spawn", scope.state_->name(), where});
    };
    return scope.spawn_by(name, std::forward<F>(f), where, launch);
  }

  /// Begins number `index` of `count`, and returns its handle. They are begun in this order.
  template <class F>
  static auto begin(
      task_scope& scope, std::size_t index, std::size_t count, task_name name, F&& f, site where) {
    return index + 1 == count ? scope.run_here(name, std::forward<F>(f), where)
                              : scope.spawn(name, std::forward<F>(f), where);
  }

  static void join(task_scope& scope, const site& where) {
    end(scope, where);
    tell(scope);
  }

  /// The two halves of join(): end() waits until all have ended, tell() throws what join() throws.
  static void end(task_scope& scope, const site& where) {
    scope.state_->run_here_what_is_ready();
    scope_state::absence waits(*scope.state_);
    scope.state_->end({"task_scope::join", scope.state_->name(), where}, &waits);
  }
  static void tell(const task_scope& scope) { scope.tell_owner(scope.state_->take_outcome()); }
};

/// Can be called as a task is.
template <class F>
inline constexpr bool is_task = std::is_invocable_v<F> || takes_token<F>;

/// Calls `f` as a task does.
template <class F>
decltype(auto) call_as_task(F&& f) {
  if constexpr (takes_token<F>) {
    return std::invoke(std::forward<F>(f), this_task::stop_token());
  } else {
    return std::invoke(std::forward<F>(f));
  }
}

/// A callable that is referred to: it has to outlive the call, and need not be movable.
template <class F>
class task_reference {
 public:
  explicit task_reference(F&& f) noexcept : f_(std::addressof(f)) {}
  decltype(auto) operator()() const { return detail::call_as_task(static_cast<F&&>(*f_)); }

 private:
  std::remove_reference_t<F>* f_;
};

/// One that is taken over.
template <class F>
class task_object {
 public:
  explicit task_object(F f) : f_(std::move(f)) {}
  decltype(auto) operator()() { return detail::call_as_task(std::move(f_)); }

 private:
  F f_;
};

template <class F>
using result_of_task = typename task_result<F>::type;

/// What stands for a result of type R among others.
template <class R>
using value_of = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

/// The same where it has to be an object.
template <class R>
using element_of = std::conditional_t<std::is_reference_v<R>,
                                      std::reference_wrapper<std::remove_reference_t<R>>,
                                      std::remove_cv_t<value_of<R>>>;

/// The callables of a range, before any of them is begun: the range may be slow. One that the range
/// makes on the fly, or does not keep, is taken over: copied, or moved where it cannot be.
template <class R>
auto collect_callables(R& range) {
  using reference = reference_of<R>;
  using object = std::remove_cvref_t<reference>;
  using callable =
      std::conditional_t<keeps_elements<R>, task_reference<reference>, task_object<object>>;
  std::vector<callable> callables;
  const auto end = std::ranges::end(range);
  for (auto one = std::ranges::begin(range); one != end; ++one) {
    if constexpr (keeps_elements<R> || std::is_constructible_v<object, reference>) {
      callables.push_back(callable(*one));
    } else {
      callables.push_back(callable(std::ranges::iter_move(one)));
    }
  }
  return callables;
}

/// The result of a task whose scope has ended, by a handle that is not used again. It throws what
/// get() throws, but takes no lock: the scope has ended after the task, so no thread waits for the
/// task, and it is in no queue.
template <class R>
R take_ended(task_handle<R>& handle) {
  throw_if_stopped();
  result_task<R>& t = handle_access::task(handle, site());
  t.throw_unless_value();
  return t.take();
}

/// The same for a tuple.
template <class R>
value_of<R> take_value(task_handle<R>& handle) {
  if constexpr (std::is_void_v<R>) {
    detail::take_ended(handle);
    return {};
  } else {
    return detail::take_ended(handle);
  }
}

} // namespace roost::inline v0::detail
