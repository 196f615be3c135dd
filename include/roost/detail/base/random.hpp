// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/bubble_thread.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace roost::inline v0::detail {

/// The next of a sequence of random numbers, which repeats itself from the same state on.
///
/// Source: SplitMix64 (Steele, Lea, Flood 2014).
constexpr std::uint64_t next_random(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

/// Where the calling thread's random numbers stand; 0 before the first.
inline constinit thread_local std::uint64_t random_state = 0;

/// A random number below `n`, for fairness, not for secrets. Each thread has its own sequence.
///
/// Source: a multiplication instead of a division (Lemire 2019). For as many cases as a select has,
/// the bias is below one in a million.
inline std::size_t random_below(std::size_t n) noexcept {
  if (sync::bubble_here != nullptr) [[unlikely]] {
    if (const std::uint64_t chosen = sync::bubble_here->choose_below(n); chosen != n)
      return static_cast<std::size_t>(chosen);
  }
  if (random_state == 0) {
    static constinit sync::atomic<std::uint64_t> threads{0};
    // relaxed: only the numbers differ, they order nothing
    random_state = (threads.fetch_add(1, std::memory_order_relaxed) + 1) * 0xd1b54a32d192ed03;
  }
  const std::uint64_t mixed = next_random(random_state);
  return static_cast<std::uint32_t>(((mixed >> 32) * n) >> 32);
}

} // namespace roost::inline v0::detail
