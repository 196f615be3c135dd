// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/task_scope.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

// What runs in a bubble: a callable with or without the scope, and its result.

namespace roost::inline v0::detail {

using bubble_body = std::function<void(task_scope&)>;

template <class F>
inline constexpr bool takes_scope = std::is_invocable_v<F&, task_scope&>;

template <class F>
inline constexpr bool is_bubble_body = takes_scope<F> || std::is_invocable_v<F&>;

template <class F>
decltype(auto) call_bubble_body(F& body, task_scope& scope) {
  if constexpr (takes_scope<F>)
    return std::invoke(body, scope);
  else
    return std::invoke(body);
}

template <class F>
using result_of_bubble_body =
    decltype(detail::call_bubble_body(std::declval<F&>(), std::declval<task_scope&>()));

/// Keeps what a body returns until its bubble has ended.
template <class R>
class kept_result {
 public:
  /// By the body's thread.
  template <class F>
  void keep_of(F& body, task_scope& scope) {
    try {
      if constexpr (std::is_reference_v<R>) {
        R result = detail::call_bubble_body(body, scope);
        kept_ = std::addressof(result);
      } else {
        kept_.emplace(detail::call_bubble_body(body, scope));
      }
    } catch (...) {
      thrown_ = std::current_exception();
      throw;
    }
  }

  /// The scope may have taken a stop for the body's normal end: then there is no result, and the
  /// stop is thrown on, as by with_scope().
  R take() {
    if (!kept_)
      std::rethrow_exception(thrown_);
    return static_cast<R&&>(*kept_);
  }

 private:
  using kept = std::conditional_t<std::is_reference_v<R>,
                                  std::remove_reference_t<R>*,
                                  std::optional<std::remove_cv_t<R>>>;
  kept kept_{};
  std::exception_ptr thrown_;
};

template <>
class kept_result<void> {
 public:
  template <class F>
  static void keep_of(F& body, task_scope& scope) {
    detail::call_bubble_body(body, scope);
  }
  static void take() noexcept {}
};

} // namespace roost::inline v0::detail
