// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>

namespace test {

/// For what must be under way before a timeout: calls `attempt(timeout)` with longer and longer
/// timeouts until it returns true. False means that this machine was too slow for that one.
template <class F>
void with_enough_time(F attempt) {
  std::chrono::milliseconds timeout(10);
  while (!attempt(timeout))
    timeout *= 2;
}

} // namespace test
