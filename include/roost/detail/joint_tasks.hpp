// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/range_of.hpp>
#include <roost/detail/task.hpp>
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

namespace roost::inline v0::detail {

/// Tasks that the caller waits for at once: so the last of them runs on the calling thread, in the
/// same way as the others do on theirs; and after it those that no thread has come for yet.
struct joint_tasks {
  template <class F>
  static auto run_here(task_scope& scope, task_name name, F&& f, const site& where) {
    return scope.run_here(name, std::forward<F>(f), where);
  }

  static void join(task_scope& scope, const site& where) {
    scope.state_->run_here_what_is_ready();
    scope.join(where);
  }
};

/// Can be called as a task is.
template <class F>
inline constexpr bool is_task = std::is_invocable_v<F> || takes_token<F>;

/// Calls `f` as a task would. It is referred to, so it has to outlive the call; it need not be
/// movable.
template <class F>
class task_reference {
 public:
  explicit task_reference(F&& f) noexcept : f_(std::addressof(f)) {}

  decltype(auto) operator()() const {
    if constexpr (takes_token<F>) {
      return std::invoke(static_cast<F&&>(*f_), this_task::stop_token());
    } else {
      return std::invoke(static_cast<F&&>(*f_));
    }
  }

 private:
  std::remove_reference_t<F>* f_;
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

/// Calls `begin(index, call, is_last)` for each callable of a range, in order. One that the range
/// makes on the fly, or does not keep, is taken over, a copy if need be.
template <class R, class Begin>
void begin_each(R& callables, Begin begin) {
  using reference = reference_of<R>;
  using callable = std::
      conditional_t<keeps_elements<R>, task_reference<reference>, std::remove_cvref_t<reference>>;
  auto one = std::ranges::begin(callables);
  const auto end = std::ranges::end(callables);
  for (std::size_t index = 0; one != end; ++index) {
    callable call(*one);
    ++one;
    begin(index, std::move(call), one == end);
  }
}

/// The result of a task that has ended.
template <class R>
value_of<R> take_value(task_handle<R>& handle) {
  if constexpr (std::is_void_v<R>) {
    handle.get();
    return {};
  } else {
    return handle.get();
  }
}

} // namespace roost::inline v0::detail
