// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/spin_lock.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

namespace roost::inline v0::detail {

// AddressSanitizer is to see each use of a task that has gone.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool address_sanitized = true;
#elif defined(__has_feature)
inline constexpr bool address_sanitized = __has_feature(address_sanitizer);
#else
inline constexpr bool address_sanitized = false;
#endif

/// Memory that tasks have left behind, for the tasks to come. One thread spawns a task and another
/// one ends it: general allocators are slow at that, as they give each block back to the thread
/// that it came from.
///
/// Each size has two stacks. Blocks are put onto one, and taken from the other; when that is empty,
/// all of the first become the other. So the two sides seldom meet. Threads: any. Lifetime: blocks
/// may outlive it, and are then deleted by their holder.
///
/// Source: the stack of Treiber, Systems Programming: Coping with Parallelism (1986). While a
/// thread puts blocks in front of another one, that one may be taken, used and put back. This does
/// no harm: the thread compares its address and follows no link, and the stack is emptied as a
/// whole.
class block_cache {
 public:
  block_cache() = default;
  ~block_cache();
  block_cache(const block_cache&) = delete;
  block_cache& operator=(const block_cache&) = delete;

  /// Memory as from operator new, which its user may delete instead of putting it back.
  void* take(std::size_t size);

  class returns;

 private:
  struct block {
    block* next = nullptr;
  };

  struct taking_side {
    spin_lock lock;
    block* blocks = nullptr; // guarded by lock
  };

  struct putting_side {
    sync::atomic<block*> blocks{nullptr}; // any thread puts; emptied under the other side's lock
    // About how many were put: a bound on what is kept, not a count.
    sync::atomic<std::size_t> count{0};
  };

  static constexpr std::size_t step = 64;
  static constexpr std::size_t most_kept = 4096; // of one size; the other side may have as many
  static constexpr std::size_t sizes = 4;
  static constexpr std::size_t smaller = 256 / step; // sizes that no task has

  static std::size_t index_of(std::size_t size) noexcept { return (size - 1) / step - smaller; }
  static bool keeps(std::size_t index) noexcept { return !address_sanitized && index < sizes; }
  static void delete_all(block* one) noexcept;
  void put(std::size_t index, block& first, block& last, std::size_t count) noexcept;

  // One of each for each size. No cache line is used by both sides.
  struct {
    std::array<taking_side, sizes> taking;
    std::array<std::byte, 64> gap{};
    std::array<putting_side, sizes> putting;
  } sides_;
};

/// Blocks on their way back: up to some number of one size go together. Used by one thread. The
/// cache must outlive the last flush(), which may be the destructor's.
class block_cache::returns {
 public:
  explicit returns(block_cache& to) noexcept : to_(to) {}
  ~returns() { flush(); }
  returns(const returns&) = delete;
  returns& operator=(const returns&) = delete;

  void put(void* memory, std::size_t size) noexcept;
  void flush() noexcept;

 private:
  static constexpr std::size_t most = 32;

  block_cache& to_;
  std::size_t index_ = 0; // of all
  std::size_t count_ = 0;
  block* first_ = nullptr;
  block* last_ = nullptr;
};

// --- implementation ---------------------------------------------------------

inline block_cache::~block_cache() {
  for (const taking_side& side : sides_.taking)
    delete_all(side.blocks);
  for (const putting_side& side : sides_.putting) {
    // relaxed: no other thread uses it any more
    delete_all(side.blocks.load(std::memory_order_relaxed));
  }
}

inline void block_cache::delete_all(block* one) noexcept {
  while (one != nullptr)
    ::operator delete(std::exchange(one, one->next));
}

inline void* block_cache::take(std::size_t size) {
  const std::size_t index = index_of(size);
  if (!keeps(index))
    return ::operator new(size);
  taking_side& mine = sides_.taking[index];
  {
    const std::lock_guard guard(mine.lock);
    if (mine.blocks == nullptr) {
      putting_side& other = sides_.putting[index];
      // acquire: sees the links; pairs with release in put()
      mine.blocks = other.blocks.exchange(nullptr, std::memory_order_acquire);
      other.count.store(0, std::memory_order_relaxed); // relaxed: a bound that need not be exact
    }
    if (mine.blocks != nullptr)
      return std::exchange(mine.blocks, mine.blocks->next);
  }
  return ::operator new((smaller + index + 1) * step);
}

inline void
block_cache::put(std::size_t index, block& first, block& last, std::size_t count) noexcept {
  putting_side& side = sides_.putting[index];
  // relaxed: a bound that need not be exact
  const std::size_t before = side.count.load(std::memory_order_relaxed);
  if (before >= most_kept)
    return delete_all(&first);
  side.count.store(before + count, std::memory_order_relaxed);
  // relaxed: only its address is kept; a thread that follows the links has acquired them, see
  // take()
  last.next = side.blocks.load(std::memory_order_relaxed);
  // release: publishes the links, and that the blocks are not used any more; pairs with acquire in
  // take(). relaxed on failure: as the load above.
  while (!side.blocks.compare_exchange_weak(
      last.next, &first, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

inline void block_cache::returns::put(void* memory, std::size_t size) noexcept {
  const std::size_t index = index_of(size);
  if (!keeps(index))
    return ::operator delete(memory);
  if (index != index_ || count_ == most)
    flush();
  index_ = index;
  auto* const added = new (memory) block{first_};
  first_ = added;
  if (count_++ == 0)
    last_ = added;
}

inline void block_cache::returns::flush() noexcept {
  if (count_ != 0)
    to_.put(index_, *first_, *last_, count_);
  first_ = last_ = nullptr;
  count_ = 0;
}

} // namespace roost::inline v0::detail
