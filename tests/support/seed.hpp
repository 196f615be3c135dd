// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "support/catch.hpp"
#include "support/dice.hpp"

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

/// A generator for this run; one a thread, told apart by their streams.
class random_numbers : public dice {
 public:
  explicit random_numbers(std::uint64_t stream) noexcept
      : dice(seed() * 0x9e3779b97f4a7c15U + stream * 0xd1342543de82ef95U + 1) {}
};

} // namespace test
