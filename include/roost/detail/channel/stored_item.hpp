// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace roost::inline v0::detail {

/// Items are moved into and out of a channel under its lock, where no user code may run and nothing
/// may throw. So an item is stored as it is if its move and destructor are known to be short and no
/// user code. Any other item is put into a box before the lock is taken, and only the pointer to
/// the box moves under the lock. (Likewise an item that cannot be assigned to, as it has a constant
/// member.)
template <class T>
inline constexpr bool stored_inline = std::conjunction_v<std::is_trivially_copyable<T>,
                                                         std::is_move_assignable<T>,
                                                         std::bool_constant<sizeof(T) <= 64>>;

// A moved-from pointer or string holds nothing, so its destructor runs no code of the user's.
template <class T>
inline constexpr bool stored_inline<std::unique_ptr<T>> = true;
template <class T>
inline constexpr bool stored_inline<std::shared_ptr<T>> = true;
template <>
inline constexpr bool stored_inline<std::string> = true;

template <class T, bool = stored_inline<T>>
struct item_storage {
  using type = T;

  static T& item(type& stored) noexcept { return stored; }
  static const T& item(const type& stored) noexcept { return stored; }
  static type store(T&& value) noexcept { return std::move(value); }

  /// A value on its way into a channel. It leaves its owner's variable only if it is taken.
  class outgoing {
   public:
    explicit outgoing(T& value) noexcept : value_(value) {}
    type& stored() noexcept { return value_; }
    void settle() noexcept {}

   private:
    T& value_;
  };
};

template <class T>
struct item_storage<T, false> {
  using type = std::unique_ptr<T>;

  static T& item(const type& stored) noexcept { return *stored; }
  static type store(T&& value) { return std::make_unique<T>(std::move(value)); }

  class outgoing {
   public:
    explicit outgoing(T& value) : value_(value), box_(std::make_unique<T>(std::move(value))) {}
    outgoing(const outgoing&) = delete;
    outgoing& operator=(const outgoing&) = delete;
    ~outgoing() noexcept(std::is_nothrow_move_constructible_v<T>) { settle(); }

    type& stored() noexcept { return box_; }

    /// Puts the value back into its owner's variable if it was not taken. If its move throws, the
    /// value is lost, and the caller gets the exception.
    void settle() noexcept(std::is_nothrow_move_constructible_v<T>) {
      if (const type box = std::move(box_))
        give_back(std::move(*box));
    }

   private:
    void give_back(T&& value) noexcept(std::is_nothrow_move_constructible_v<T>) {
      if constexpr (std::is_nothrow_move_assignable_v<T> ||
                    !std::is_nothrow_move_constructible_v<T>) {
        value_ = std::move(value);
      } else {
        std::destroy_at(std::addressof(value_));
        std::construct_at(std::addressof(value_), std::move(value));
      }
    }

    T& value_;
    type box_;
  };
};

template <class T>
using stored_item = typename item_storage<T>::type;

template <class T>
using outgoing_item = typename item_storage<T>::outgoing;

/// Calls `send(stored)` with a value on its way. If the value is not taken, it is back in its
/// variable before the caller sees what `send` returns or throws.
template <class T, class Send>
auto send_outgoing(T& value, Send send) {
  outgoing_item<T> out(value);
  try {
    return send(out.stored());
  } catch (...) {
    out.settle(); // the destructor must not throw now, and this may
    throw;
  }
}

} // namespace roost::inline v0::detail
