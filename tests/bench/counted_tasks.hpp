// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"

#include <atomic>
#include <cstddef>

namespace bench {

/// Empty tasks, but for a count by which it is seen that each was run.
class counted_tasks {
 public:
  auto task() {
    // relaxed: the peer's own wait for its tasks orders the count before check_all()
    return [this] { count_.fetch_add(1, std::memory_order_relaxed); };
  }
  void check_all(std::size_t wanted) const {
    check(count_.load() == wanted, "a task was not run, or run twice");
  }

 private:
  std::atomic<std::size_t> count_{0};
};

} // namespace bench
