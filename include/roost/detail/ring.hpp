// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace roost::inline v0::detail {

/// A circular buffer that does not allocate by itself: its room is given to it, so that it can be
/// made outside the lock that guards the ring. Moves must not throw.
template <class T>
class ring {
 public:
  ring() = default;
  explicit ring(std::size_t room)
      : slots_(room != 0 ? allocator().allocate(room) : nullptr),
        room_(room) {}
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ring(ring&& other) noexcept { swap(other); }
  ring& operator=(ring&& other) noexcept {
    ring(std::move(other)).swap(*this);
    return *this;
  }
  ~ring();

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  std::size_t room() const noexcept { return room_; }

  /// Precondition: size() < room().
  void push_back(T&& item) noexcept {
    std::construct_at(slots_ + wrapped(first_ + size_), std::move(item));
    ++size_;
  }

  /// Precondition: not empty.
  T pop_front() noexcept {
    T& slot = slots_[first_];
    T item(std::move(slot));
    std::destroy_at(&slot);
    first_ = wrapped(first_ + 1);
    --size_;
    return item;
  }

  /// Moves all items into `larger`, which is empty, and takes its place; `larger` is left with the
  /// old room, to be freed outside the lock.
  void grow_into(ring& larger) noexcept {
    while (!empty())
      larger.push_back(pop_front());
    swap(larger);
  }

  void swap(ring& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(room_, other.room_);
    std::swap(first_, other.first_);
    std::swap(size_, other.size_);
  }

 private:
  static std::allocator<T> allocator() noexcept { return {}; }

  // For indices below twice the room.
  std::size_t wrapped(std::size_t index) const noexcept {
    return index < room_ ? index : index - room_;
  }

  T* slots_ = nullptr;
  std::size_t room_ = 0;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

// --- implementation ---------------------------------------------------------

template <class T>
ring<T>::~ring() {
  for (; size_ > 0; --size_, first_ = wrapped(first_ + 1))
    std::destroy_at(slots_ + first_);
  if (slots_ != nullptr)
    allocator().deallocate(slots_, room_);
}

} // namespace roost::inline v0::detail
