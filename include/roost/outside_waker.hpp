// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/scope/scope_state.hpp>
#include <roost/task_scope.hpp>

#include <utility>

namespace roost::inline v0 {

/// Says, while it lives, that something that roost does not know may still wake threads of the root
/// scope around `scope`: a callback of a library, a thread of the program that will send later.
/// Meanwhile no deadlock is reported there; see scope_options::on_deadlock.
///
/// ```cpp
/// roost::outside_waker callbacks(scope);    // the library will call on_request()
/// ```
///
/// Lifetime: it may outlive the scope, and can be moved into a callback. Threads: any may make and
/// destroy it; one made for a scope that has ended does nothing. Cost: a lock and two counts; but
/// if it was the last thing that could wake a thread, its destructor reports the deadlock.
class outside_waker {
 public:
  /// For the root scope around `scope`.
  [[nodiscard("it works only while it lives: give it a name")]] explicit outside_waker(
      const task_scope& scope);
  outside_waker(const outside_waker&) = delete;
  outside_waker& operator=(const outside_waker&) = delete;
  /// Takes it over; `other` does nothing then.
  outside_waker(outside_waker&& other) noexcept = default;
  /// Takes it over; the one that was here goes.
  outside_waker& operator=(outside_waker&& other) noexcept {
    outside_waker taken(std::move(other));
    woken_.swap(taken.woken_);
    return *this;
  }
  /// From here on nothing unknown to roost wakes those threads.
  ~outside_waker();

 private:
  detail::counted_ptr<detail::activity> woken_; // null: moved from, or the scope has ended before
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY outside_waker::outside_waker(const task_scope& scope) : woken_(scope.state_->counted()) {
  if (woken_ != nullptr)
    woken_->add_outside_waker();
}

ROOST_BODY outside_waker::~outside_waker() {
  if (woken_ != nullptr)
    woken_->drop_outside_waker();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
