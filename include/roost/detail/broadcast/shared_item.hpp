// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>
#include <roost/detail/channel/stored_item.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace roost::inline v0::detail {

/// Items that several receivers get are copied under a lock, where no user code may run and nothing
/// may throw. So an item is copied if its copy is known to run no user code and not to throw. Any
/// other item exists once, and all receivers share it; so does one that cannot be copied or
/// assigned to.
template <class T>
inline constexpr bool copied_inline = std::conjunction_v<std::is_trivially_copyable<T>,
                                                         std::is_copy_constructible<T>,
                                                         std::is_copy_assignable<T>,
                                                         std::bool_constant<sizeof(T) <= 64>>;
template <class T>
inline constexpr bool copied_inline<std::shared_ptr<T>> = true;

/// Holds an item that was put in, or none. Copies hold the same item, to which access is only
/// const: so any number of threads may have one.
template <class T, bool = copied_inline<T>>
class shared_item {
 public:
  /// One into which an item can be put; its memory is allocated here.
  static shared_item with_room() noexcept { return {}; }

  /// Takes the item. Precondition: it was made by with_room(), and nothing is in it.
  void put(stored_item<T>& item) noexcept { item_.emplace(std::move(item)); }

  bool has_item() const noexcept { return item_.has_value(); }
  const T& item() const noexcept { return *item_; }
  /// By moves: std::optional would call a swap of the user's.
  void swap(shared_item& other) noexcept {
    other.item_ = std::exchange(item_, std::move(other.item_));
  }

 private:
  std::optional<T> item_;
};

template <class T>
class shared_item<T, false> {
  using storage = item_storage<T>;

  struct kept_item final : counted_object {
    std::optional<stored_item<T>> item;
  };

 public:
  static shared_item with_room() {
    shared_item made;
    made.item_ = make_counted<kept_item>();
    return made;
  }

  void put(stored_item<T>& item) noexcept { item_->item.emplace(std::move(item)); }

  bool has_item() const noexcept { return item_.get() != nullptr && item_->item.has_value(); }
  const T& item() const noexcept { return storage::item(*item_->item); }
  void swap(shared_item& other) noexcept { item_.swap(other.item_); }

 private:
  counted_ptr<kept_item> item_; // constant once the item is in
};

} // namespace roost::inline v0::detail
