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
/// learns it from its waits: two of three are to find at the first look what they wait for.
///
/// Threads: any; a hint. One that changes it meanwhile may be overwritten.
class look_distance {
 public:
  int pauses() const noexcept {
    return pauses_.load(std::memory_order_relaxed); // relaxed: a hint
  }

  /// A wait has found it at its first look, or at a later one.
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
/// count away from that side. Where only one item goes through from wait to wait, as in a request
/// and its answer, each look may be the one that finds the next. In a flow of many a look that
/// comes later finds more of them at once: how much later is learned, unless so many pass from wait
/// to wait that the waits hardly matter.
///
/// It learns only of items that take no memory. Others mostly take it from the allocator at one
/// side and give it back at the other, where two sides that work at the same time wait for each
/// other: so it is well that they take turns, by looks that come late. (With looks that are learned
/// a channel of 64 std::unique_ptr is slower by a quarter.)
class look_plan {
 public:
  /// How many items have passed since the side's last wait.
  look_plan(std::size_t passed, look_distance& learned, bool takes_no_memory) noexcept
      : learned_(takes_no_memory && passed >= few && passed < many ? &learned : nullptr),
        apart_(learned_ != nullptr ? learned.pauses() : unlearned(passed)) {}

  int apart() const noexcept { return apart_; }

  /// It was found at this look, or not found at this one either.
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
