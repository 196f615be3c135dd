// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/view.hpp>
#include <roost/detail/select/case_timers.hpp>

#include <cstddef>

namespace roost::inline v0::detail {

/// The cases of a selector that the system makes happen, where the system can be asked about all of
/// them at once; see posix/epoll_cases.hpp. Threads: one at a time.
class outside_cases {
 public:
  outside_cases() = default;
  virtual ~outside_cases() = default;
  outside_cases(const outside_cases&) = delete;
  outside_cases& operator=(const outside_cases&) = delete;

  /// Strong guarantee.
  virtual void add(kept_case& c) = 0;
  virtual void remove(kept_case& c) noexcept = 0;
  virtual std::size_t size() const noexcept = 0;

  /// Asks the system which of them can happen, and returns those; the list is valid until the next
  /// call. May throw std::system_error.
  virtual view<kept_case* const> look() = 0;

  /// A case that happens when any of them can, for the wait when look() has found none. It is no
  /// case of the user: when it has happened, look() tells which of the others can.
  virtual kept_case& any() noexcept = 0;
};

/// A type of case that a selector keeps in an `outside_set`, together with all others of that type.
template <class Case>
concept waits_outside = requires {
  typename Case::outside_set;
};

} // namespace roost::inline v0::detail
