// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/spin_lock.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

namespace roost::inline v0::detail {

// AddressSanitizer is to see who uses a task that has gone.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool address_sanitized = true;
#elif defined(__has_feature)
inline constexpr bool address_sanitized = __has_feature(address_sanitizer);
#else
inline constexpr bool address_sanitized = false;
#endif

/// Memory that tasks have left behind, for the tasks to come. Those that spawn and those that end
/// tasks are different threads, and there general allocators are slow: each block goes back to the
/// thread that it came from.
///
/// Each size has two stacks. Blocks are put onto one; who takes finds the other one, and when that
/// is empty takes all of the first. So the two sides seldom meet.
/// Threads: any. Lifetime: blocks may outlive it, and are then deleted by whoever has them.
///
/// Source: the stack of Treiber, Systems Programming: Coping with Parallelism (1986). Since it is
/// emptied as a whole, no block can come back to it while another thread looks at it.
class block_cache {
 public:
  block_cache() = default;
  ~block_cache();
  block_cache(const block_cache&) = delete;
  block_cache& operator=(const block_cache&) = delete;

  /// Memory as from operator new, which whoever does not put it back may delete.
  void* take(std::size_t size);
  void put(void* memory, std::size_t size) noexcept;

 private:
  struct block {
    block* next = nullptr;
  };

  struct bin {
    spin_lock lock;
    block* to_take = nullptr;         // guarded by lock
    std::atomic<block*> put{nullptr}; // any thread puts; emptied under lock
    // About how many were put: a bound on what is kept, not a count.
    std::atomic<std::size_t> count{0};
  };

  static constexpr std::size_t step = 64;
  static constexpr std::size_t most_kept = 4096; // of one size; then as many may lie in to_take
  static constexpr std::size_t sizes = 8;

  static std::size_t index_of(std::size_t size) noexcept { return (size - 1) / step; }
  static bool keeps(std::size_t index) noexcept { return !address_sanitized && index < sizes; }
  static void delete_all(block* one) noexcept;

  std::array<bin, sizes> bins_;
};

// --- implementation ---------------------------------------------------------

inline block_cache::~block_cache() {
  for (bin& b : bins_) {
    delete_all(b.to_take);
    // relaxed: nobody else is there any more
    delete_all(b.put.load(std::memory_order_relaxed));
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
  bin& b = bins_[index];
  {
    const std::lock_guard guard(b.lock);
    if (b.to_take == nullptr) {
      // acquire: sees the links; pairs with release in put()
      b.to_take = b.put.exchange(nullptr, std::memory_order_acquire);
      b.count.store(0, std::memory_order_relaxed); // relaxed: a bound that need not be exact
    }
    if (b.to_take != nullptr)
      return std::exchange(b.to_take, b.to_take->next);
  }
  return ::operator new((index + 1) * step);
}

inline void block_cache::put(void* memory, std::size_t size) noexcept {
  const std::size_t index = index_of(size);
  if (!keeps(index))
    return ::operator delete(memory);
  bin& b = bins_[index];
  // relaxed: a bound that need not be exact
  const std::size_t count = b.count.load(std::memory_order_relaxed);
  if (count >= most_kept)
    return ::operator delete(memory);
  b.count.store(count + 1, std::memory_order_relaxed);
  auto* const added = new (memory) block;
  // relaxed: only its address is kept; who follows the links has acquired them, see take()
  added->next = b.put.load(std::memory_order_relaxed);
  // release: publishes the link, and that the block is not used any more; pairs with acquire in
  // take(). relaxed on failure: as the load above.
  while (!b.put.compare_exchange_weak(
      added->next, added, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

} // namespace roost::inline v0::detail
