// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>
#include <utility>

namespace test {

/// A callable whose destructor throws, unless it was moved from.
struct throws_when_destroyed {
  throws_when_destroyed() = default;
  throws_when_destroyed(throws_when_destroyed&& other) noexcept
      : armed(std::exchange(other.armed, false)) {}
  throws_when_destroyed& operator=(throws_when_destroyed&&) = delete;
  // NOLINTNEXTLINE(bugprone-exception-escape): what is under test
  ~throws_when_destroyed() noexcept(false) {
    if (armed)
      throw std::runtime_error("from the destructor");
  }
  void operator()() const {}
  bool armed = true;
};

} // namespace test
