// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/atomic.hpp>

#include <atomic>
#include <cstddef>

namespace roost::inline v0::detail {

/// How far apart one side of a queue looks at the other's count while items flow, in pauses. A look
/// that comes too early takes the cache line with the count away from the other side, and has to be
/// repeated; one that comes too late finds the other side at its end, waiting. How long the other
/// side takes depends on the items, and on how far the processors are from each other. So the side
/// learns the distance from its waits: it aims at two waits of three finding at the first look what
/// they wait for.
///
/// Threads: any; a hint. A change that another thread makes at the same time may be lost.
class look_distance {
 public:
  int pauses() const noexcept {
    return pauses_.load(std::memory_order_relaxed); // relaxed: a hint
  }

  /// Tells whether a wait found what it waited for at its first look, or looked more than once.
  void found_at_first(bool at_first) noexcept {
    const int now = pauses();
    const int next = at_first ? now - 1 : now + 2;
    if (next >= shortest && next <= longest)
      pauses_.store(next, std::memory_order_relaxed); // relaxed: a hint
  }

 private:
  static constexpr int shortest = 8;
  static constexpr int longest = 64;

  sync::atomic<int> pauses_{24};
};

/// How far apart a thread looks in one wait. Each look takes the cache line with the other side's
/// count away from that side. Where only one item goes through between two waits, as in a request
/// and its answer, each look may be the one that finds the next item. In a flow of many items a
/// later look finds more of them at once. How much later is learned, unless so many items pass
/// between two waits that the waits hardly matter.
///
/// It learns only from items that take no memory. Other items mostly take memory from the allocator
/// at one side and give it back at the other, and in the allocator two sides that work at the same
/// time wait for each other. So it is good that they take turns, by looks that come late. (With
/// learned looks a channel of 64 std::unique_ptr is slower by a quarter.)
class look_plan {
 public:
  /// `passed` is how many items have passed since the side's last wait.
  look_plan(std::size_t passed, look_distance& learned, bool takes_no_memory) noexcept
      : learned_(takes_no_memory && passed >= few && passed < many ? &learned : nullptr),
        apart_(learned_ != nullptr ? learned.pauses() : unlearned(passed)) {}

  int apart() const noexcept { return apart_; }

  /// The wait is over after so many looks, whether the last one found something or not.
  void looked(int times) noexcept {
    if (learned_ != nullptr)
      learned_->found_at_first(times == 1);
  }

 private:
  static constexpr std::size_t few = 12;
  static constexpr std::size_t many = 256;

  static int unlearned(std::size_t passed) noexcept {
    if (passed <= 1)
      return 1;
    if (passed < few)
      return static_cast<int>(3 * passed - 4);
    return passed < 64 ? 32 : 64;
  }

  look_distance* learned_;
  int apart_;
};

} // namespace roost::inline v0::detail
