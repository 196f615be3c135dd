// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/assert.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/channel/stored_item.hpp>
#include <roost/site.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace roost::inline v0 {

namespace detail {
template <class T, class F>
class receive_case;
template <class T, class F, class Sender>
class send_case;
} // namespace detail

/// How a channel operation ended. A stop is none of these: it is thrown, as `stopped`.
enum class channel_status {
  success, ///< exactly one item went through
  empty,   ///< try_receive: nothing there at this moment
  full,    ///< no room, and no receiver waits, at this moment: try_send, or overflow::drop_newest
  closed,  ///< nothing can be sent any more; or nothing is left to receive and nothing will come
  timeout, ///< the time passed first
};

/// What became of a send; true when the item went through.
class [[nodiscard("if the send did not succeed, the item is still yours")]] send_result {
 public:
  /// Implicit: a status is all there is to it.
  constexpr send_result(channel_status status) noexcept // NOLINT(google-explicit-constructor)
      : status_(status) {}

  /// True for success. Implicit, for `bool ok = tx.send(x)`; but it converts to bool alone, not to
  /// a number.
  template <std::same_as<bool> Bool>
  constexpr operator Bool() const noexcept { // NOLINT(google-explicit-constructor)
    return status_ == channel_status::success;
  }
  /// How it ended.
  constexpr channel_status status() const noexcept {
    return status_;
  }

 private:
  channel_status status_;
};

/// What a receive brought: an item, or the reason why there is none. Used like a std::optional,
/// but it can only be moved, and is empty when moved from.
template <class T>
class [[nodiscard("an item that was received is gone from the channel")]] receive_result {
 public:
  receive_result(const receive_result&) = delete;
  receive_result& operator=(const receive_result&) = delete;
  /// Takes the item; `other` is empty then.
  receive_result(receive_result && other) noexcept
      : status_(other.status_),
        item_(std::exchange(other.item_, std::nullopt)),
        error_(std::move(other.error_)) {}
  /// Takes the item; `other` is empty then.
  receive_result& operator=(receive_result&& other) noexcept {
    status_ = other.status_;
    item_ = std::exchange(other.item_, std::nullopt);
    error_ = std::move(other.error_);
    return *this;
  }
  ~receive_result() = default;

  /// True if there is an item.
  constexpr bool has_value() const noexcept {
    return item_.has_value();
  }
  /// True if there is an item.
  constexpr explicit operator bool() const noexcept {
    return has_value();
  }
  /// How it ended.
  constexpr channel_status status() const noexcept {
    return status_;
  }

  /// The exception with which sender::fail() closed the channel; null otherwise.
  const std::exception_ptr& error() const noexcept {
    return error_;
  }

  /// The item. Precondition: there is one.
  T& operator*()& noexcept {
    ROOST_ASSERT(has_value(),
                 "an item was taken out of a receive_result that has none; test it first");
    return storage::item(*item_);
  }
  /// The item. Precondition: there is one.
  const T& operator*() const& noexcept {
    ROOST_ASSERT(has_value(),
                 "an item was taken out of a receive_result that has none; test it first");
    return storage::item(*item_);
  }
  /// The item. Precondition: there is one.
  T&& operator*()&& noexcept {
    ROOST_ASSERT(has_value(),
                 "an item was taken out of a receive_result that has none; test it first");
    return std::move(storage::item(*item_));
  }
  /// The item. Precondition: there is one.
  T* operator->() noexcept {
    return std::addressof(**this);
  }
  /// The item. Precondition: there is one.
  const T* operator->() const noexcept {
    return std::addressof(**this);
  }

  /// The item. If there is none it throws: error() if that is set, std::logic_error otherwise.
  T& value(site where = site::current())& {
    require_item(where);
    return **this;
  }
  /// The item; throws as the other form.
  const T& value(site where = site::current()) const& {
    require_item(where);
    return **this;
  }
  /// The item; throws as the other form.
  T&& value(site where = site::current())&& {
    require_item(where);
    return *std::move(*this);
  }

 private:
  template <class>
  friend class receiver; // and with it its iterator
  template <class, class>
  friend class detail::receive_case;
  using storage = detail::item_storage<T>;

  explicit receive_result(channel_status status) noexcept : status_(status) {}

  // Sets how the receive ended; item_ is there if it brought one.
  template <class Channel>
  void ended(channel_status status, const Channel& from) noexcept {
    status_ = status;
    if (status == channel_status::closed)
      error_ = from.cause();
  }

  void require_item(const site& where) const;

  channel_status status_;
  std::optional<detail::stored_item<T>> item_;
  std::exception_ptr error_;
};

// --- implementation ---------------------------------------------------------

template <class T>
void receive_result<T>::require_item(const site& where) const {
  if (has_value())
    return;
  if (error_)
    std::rethrow_exception(error_);
  detail::throw_logic_error("roost::receive_result::value at ",
                            where,
                            status_ == channel_status::closed
                                ? ": no item, the channel is closed; test the result first"
                                : ": no item yet; test the result first");
}

} // namespace roost::inline v0
