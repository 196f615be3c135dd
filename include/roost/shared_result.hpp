// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/detail/base/assert.hpp>
#include <roost/detail/broadcast/shared_item.hpp>

#include <cstdint>
#include <memory>
#include <stdexcept>

namespace roost::inline v0 {

namespace detail {
template <class T>
class broadcast_core;
} // namespace detail

/// What a wait for a broadcast or a watch brought: an item that others have, too, so it is
/// constant; or the reason why there is none. Used like a std::optional. Copies refer to the same
/// item (small and trivially copyable ones, and std::shared_ptr, are copied), and keep it.
template <class T>
class [[nodiscard("an item that was received does not come again")]] shared_result {
 public:
  /// True if there is an item.
  bool has_value() const noexcept {
    return item_.has_item();
  }
  /// True if there is an item.
  explicit operator bool() const noexcept {
    return has_value();
  }
  /// How it ended.
  channel_status status() const noexcept {
    return status_;
  }

  /// How many items before this one the receiver has lost, because it was slow under
  /// overflow::drop_oldest.
  std::uint64_t missed() const noexcept {
    return missed_;
  }

  /// The item. Precondition: there is one.
  const T& operator*() const noexcept {
    ROOST_ASSERT(has_value(),
                 "an item was looked at in a shared_result that has none; test it first");
    return item_.item();
  }
  /// The item. Precondition: there is one.
  const T* operator->() const noexcept {
    return std::addressof(**this);
  }

  /// The item; throws std::logic_error if there is none.
  const T& value() const;

 private:
  template <class>
  friend class detail::broadcast_core;

  shared_result() = default;

  channel_status status_ = channel_status::empty;
  detail::shared_item<T> item_;
  std::uint64_t missed_ = 0;
};

// --- implementation ---------------------------------------------------------

template <class T>
const T& shared_result<T>::value() const {
  if (!has_value()) {
    throw std::logic_error(status_ == channel_status::closed
                               ? "roost::shared_result::value: no item, and the broadcast is "
                                 "closed; test the result first"
                               : "roost::shared_result::value: no item yet; test the result first");
  }
  return **this;
}

} // namespace roost::inline v0
