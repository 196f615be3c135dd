// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "support/catch.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

// Puts the seed of this run into the message of every failed check of the block.
#define ROOST_TEST_SHOW_SEED() INFO("repeat with ROOST_SEED=" << ::test::seed())

namespace test {

/// The seed of this run: the environment's ROOST_SEED, or a new one each time.
inline std::uint64_t seed() {
  static const std::uint64_t value = [] {
    // Nobody changes the environment of a test.
    const char* const wanted = std::getenv("ROOST_SEED"); // NOLINT(concurrency-mt-unsafe)
    return static_cast<std::uint64_t>(wanted != nullptr ? std::stoull(wanted)
                                                        : std::random_device{}());
  }();
  return value;
}

/// The rounds of a stress test: those given, times the environment's ROOST_STRESS.
inline int rounds(int count) {
  static const double scale = [] {
    const char* const wanted =
        std::getenv("ROOST_STRESS"); // NOLINT(concurrency-mt-unsafe): as above
    return wanted != nullptr ? std::stod(wanted) : 1.0;
  }();
  const double scaled = count * scale;
  return scaled < 1 ? 1 : static_cast<int>(scaled);
}

/// A small generator; one a thread, told apart by their streams.
class random_numbers {
 public:
  explicit random_numbers(std::uint64_t stream) noexcept
      : state_(seed() * 0x9e3779b97f4a7c15U + stream * 0xd1342543de82ef95U + 1) {}

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
inline void dither(random_numbers& random, int longest = 200) {
  std::atomic<int> turns{random.below(longest)};
  // relaxed: only its own thread looks at it; atomic so that no compiler leaves the loop out
  while (turns.fetch_sub(1, std::memory_order_relaxed) > 0) {
  }
}

} // namespace test
