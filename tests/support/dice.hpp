// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>

namespace test {

/// A small generator of random numbers: the same ones for the same start.
class dice {
 public:
  explicit dice(std::uint64_t start) noexcept : state_(start) {}

  std::uint64_t next() noexcept { // splitmix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  /// From 0 to `limit` - 1.
  int below(int limit) noexcept {
    return static_cast<int>(next() % static_cast<std::uint64_t>(limit));
  }

  bool one_in(int n) noexcept { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

/// Passes some time that no one can predict, without leaving the processor: it shifts two threads
/// against each other so that all orders of their next steps come up.
inline void dither(dice& random, int longest = 200) {
  std::atomic<int> turns{random.below(longest)};
  // relaxed: only its own thread looks at it; atomic so that no compiler leaves the loop out
  while (turns.fetch_sub(1, std::memory_order_relaxed) > 0) {
  }
}

} // namespace test
