// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/assert.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace roost::inline v0::detail {

/// A list that grows, of items that are copied as bytes: pointers and small structs. Not
/// std::vector: each kind of it would cost each file that includes roost some milliseconds to
/// compile, and ten times as much where it is used.
template <class T>
class plain_list {
 public:
  plain_list() = default;
  /// `size` copies of `item`.
  explicit plain_list(std::size_t size, T item = T()) {
    reserve(size);
    for (; size_ != size; ++size_)
      items_[size_] = item;
  }
  plain_list(plain_list&& other) noexcept { swap(other); }
  plain_list(const plain_list&) = delete;
  plain_list& operator=(plain_list&& other) noexcept {
    swap(other);
    return *this;
  }
  plain_list& operator=(const plain_list&) = delete;
  ~plain_list() {
    static_assert(std::is_trivially_copyable_v<T>);
    delete[] items_;
  }

  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  T* data() noexcept { return items_; }
  const T* data() const noexcept { return items_; }
  T* begin() noexcept { return items_; }
  const T* begin() const noexcept { return items_; }
  T* end() noexcept { return items_ + size_; }
  const T* end() const noexcept { return items_ + size_; }
  T& operator[](std::size_t place) noexcept { return items_[place]; }
  const T& operator[](std::size_t place) const noexcept { return items_[place]; }
  T& back() noexcept { return items_[size_ - 1]; }
  const T& back() const noexcept { return items_[size_ - 1]; }

  /// Makes room for `size` items. If the list has to grow, its room at least doubles. Only this
  /// allocates. Strong guarantee.
  void reserve(std::size_t size) {
    if (size > capacity_)
      grow(size > 2 * capacity_ ? size : 2 * capacity_);
  }

  /// Precondition: there is room.
  void push_back(T item) noexcept { insert(size_, item); }
  /// Likewise.
  void insert(std::size_t place, T item) noexcept;

  void erase(std::size_t place) noexcept {
    for (--size_; place != size_; ++place)
      items_[place] = items_[place + 1];
  }
  void pop_back() noexcept { --size_; }

  /// Erases the first item that is equal. Precondition: there is one.
  void remove(const T& item) noexcept {
    std::size_t place = 0;
    while (!(items_[place] == item))
      ++place;
    erase(place);
  }

  void swap(plain_list& other) noexcept {
    std::swap(items_, other.items_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  [[gnu::cold]] void grow(std::size_t capacity);

  T* items_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// --- implementation ---------------------------------------------------------

template <class T>
void plain_list<T>::grow(std::size_t capacity) {
  plain_list larger;
  larger.items_ = new T[capacity];
  larger.capacity_ = capacity;
  for (const T& item : *this)
    larger.items_[larger.size_++] = item;
  swap(larger);
}

template <class T>
void plain_list<T>::insert(std::size_t place, T item) noexcept {
  ROOST_ASSERT(size_ < capacity_, "an item was put into a list that has no room");
  for (std::size_t i = size_++; i != place; --i)
    items_[i] = items_[i - 1];
  items_[place] = item;
}

} // namespace roost::inline v0::detail
