// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace test {

/// What happened to all items of a test. Each test has its own, declared before the items.
struct item_counts {
  std::atomic<int> live{0}; // made and not yet destroyed
  std::atomic<int> copies{0};
  std::atomic<int> moves{0};
  std::atomic<int> moves_until_throw{-1}; // of throwing_item; negative: never
  std::function<void(int)> on_destroy; // called with the value of an item that was not moved from
};

/// An item that counts. It is copyable, and its moves do not throw and leave `nothing`.
class tracked_item {
 public:
  static constexpr int nothing = -1;

  tracked_item(item_counts& counts, int value) noexcept : counts_(&counts), value_(value) {
    ++counts_->live;
  }
  tracked_item(const tracked_item& other) noexcept : tracked_item(*other.counts_, other.value_) {
    ++counts_->copies;
  }
  tracked_item(tracked_item&& other) noexcept
      : tracked_item(*other.counts_, std::exchange(other.value_, nothing)) {
    ++counts_->moves;
  }
  tracked_item& operator=(const tracked_item& other) noexcept {
    if (this != &other)
      value_ = other.value_;
    ++counts_->copies;
    return *this;
  }
  tracked_item& operator=(tracked_item&& other) noexcept {
    value_ = std::exchange(other.value_, nothing);
    ++counts_->moves;
    return *this;
  }
  ~tracked_item() {
    if (value_ != nothing && counts_->on_destroy)
      counts_->on_destroy(value_);
    --counts_->live;
  }

  int value() const noexcept { return value_; }
  item_counts& counts() const noexcept { return *counts_; }

 private:
  item_counts* counts_;
  int value_;
};

/// Cannot be copied.
class move_only_item : public tracked_item {
 public:
  using tracked_item::tracked_item;
  move_only_item(move_only_item&&) = default;
  move_only_item& operator=(move_only_item&&) = default;
};

/// Can only be constructed and moved into something new.
class unassignable_item : public tracked_item {
 public:
  using tracked_item::tracked_item;
  unassignable_item(unassignable_item&&) = default;
  unassignable_item& operator=(unassignable_item&&) = delete;
};

/// Its moves throw when the counts say so; then the source is as it was.
class throwing_item : public tracked_item {
 public:
  throwing_item(item_counts& counts, int value) : tracked_item(counts, value) {}
  // A move that may throw is what this is for.
  throwing_item(throwing_item&& other) noexcept(
      false) // NOLINT(performance-noexcept-move-constructor)
      : tracked_item(checked(other)) {}
  throwing_item& operator=(throwing_item&& other) noexcept(
      false) { // NOLINT(performance-noexcept-move-constructor)
    tracked_item::operator=(checked(other));
    return *this;
  }
  ~throwing_item() = default;
  throwing_item(const throwing_item&) = delete;
  throwing_item& operator=(const throwing_item&) = delete;

 private:
  static tracked_item&& checked(throwing_item& item) {
    if (item.counts().moves_until_throw >= 0 && item.counts().moves_until_throw-- == 0)
      throw std::runtime_error("this move was to throw");
    return std::move(item);
  }
};

/// Must lie at addresses that plain `new` does not give.
class alignas(256) aligned_item : public tracked_item {
 public:
  using tracked_item::tracked_item;
  bool aligned() const noexcept { return reinterpret_cast<std::uintptr_t>(this) % 256 == 0; }
};

/// Small and trivial, and must lie at a multiple of its size.
struct alignas(64) aligned_number {
  int value = 0;
  bool aligned() const noexcept { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
};

/// 32 KiB that all follow from its value.
class large_item : public tracked_item {
 public:
  large_item(item_counts& counts, int value) : tracked_item(counts, value) {
    bytes_.fill(pattern());
  }
  bool intact() const noexcept {
    for (const unsigned char byte : bytes_) {
      if (byte != pattern())
        return false;
    }
    return true;
  }

 private:
  unsigned char pattern() const noexcept { return static_cast<unsigned char>(value() % 251); }

  std::array<unsigned char, std::size_t{32} * 1024> bytes_{};
};

using owned_item = std::unique_ptr<tracked_item>;
using shared_item = std::shared_ptr<tracked_item>;

/// Makes the item that has this value, of any type that the tests send.
template <class T>
T make_item(item_counts& counts, int value) {
  if constexpr (std::is_same_v<T, owned_item>) {
    return std::make_unique<tracked_item>(counts, value);
  } else if constexpr (std::is_same_v<T, shared_item>) {
    return std::make_shared<tracked_item>(counts, value);
  } else if constexpr (std::is_same_v<T, int>) {
    return value;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "an item too long to lie in the string itself " + std::to_string(value);
  } else if constexpr (std::is_same_v<T, aligned_number>) {
    return {value};
  } else {
    return T(counts, value);
  }
}

/// The value of an item; `nothing` if it was moved from.
template <class T>
int value_of(const T& item) {
  if constexpr (std::is_same_v<T, owned_item> || std::is_same_v<T, shared_item>) {
    return item ? item->value() : tracked_item::nothing;
  } else if constexpr (std::is_same_v<T, int>) {
    return item;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return item.empty() ? tracked_item::nothing : std::stoi(item.substr(item.rfind(' ')));
  } else if constexpr (std::is_same_v<T, aligned_number>) {
    return item.value;
  } else {
    return item.value();
  }
}

} // namespace test
