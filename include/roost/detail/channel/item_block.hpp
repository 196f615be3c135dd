// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace roost::inline v0::detail {

/// Room for a number of items, and a link to the next block. The items are made and destroyed by
/// the block's user, which also knows how many there can be.
template <class T>
class item_block {
 public:
  item_block(const item_block&) = delete;
  item_block& operator=(const item_block&) = delete;
  ~item_block() = default;

  /// Throws std::bad_alloc.
  static item_block* make(std::size_t slots) {
    constexpr std::size_t most = (static_cast<std::size_t>(-1) - header) / sizeof(T);
    if (slots > most) // the size would wrap around to a small one
      throw std::bad_array_new_length();
    const std::size_t size = header + slots * sizeof(T);
    void* const memory =
        over_aligned ? ::operator new (size, std::align_val_t{alignof(T)}) : ::operator new(size);
    return new (memory) item_block;
  }
  static void free(item_block* block) noexcept {
    if constexpr (over_aligned) {
      ::operator delete (static_cast<void*>(block), std::align_val_t{alignof(T)});
    } else {
      ::operator delete(static_cast<void*>(block));
    }
  }

  T* slots() noexcept {
    void* const behind_header = reinterpret_cast<std::byte*>(this) + header;
    return static_cast<T*>(behind_header);
  }

  item_block* next = nullptr;

 private:
  item_block() = default;

  static constexpr bool over_aligned = alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  static constexpr std::size_t header = sizeof(void*) > alignof(T) ? sizeof(void*) : alignof(T);
};

/// A list of blocks without items. It owns them, and frees them when it goes.
template <class T>
class free_blocks {
 public:
  free_blocks() = default;
  free_blocks(const free_blocks&) = delete;
  free_blocks& operator=(const free_blocks&) = delete;
  free_blocks(free_blocks&& other) noexcept { swap(other); }
  free_blocks& operator=(free_blocks&& other) noexcept {
    swap(other);
    return *this;
  }
  ~free_blocks() {
    while (first_ != nullptr)
      item_block<T>::free(pop());
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  void push(item_block<T>* block) noexcept {
    block->next = std::exchange(first_, block);
    ++size_;
  }

  void swap(free_blocks& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(size_, other.size_);
  }

  /// Precondition: not empty.
  item_block<T>* pop() noexcept {
    item_block<T>* const block = std::exchange(first_, first_->next);
    block->next = nullptr;
    --size_;
    return block;
  }

 private:
  item_block<T>* first_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace roost::inline v0::detail
