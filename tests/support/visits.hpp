// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

namespace test {

/// How often each of the numbers below `count` was visited. Any threads may visit.
class visits {
 public:
  explicit visits(int count) : times_(static_cast<std::size_t>(count)) {}

  void operator()(int number) { ++times_.at(static_cast<std::size_t>(number)); }

  bool once_each() const {
    for (const auto& times : times_) {
      if (times != 1)
        return false;
    }
    return true;
  }

  bool none_twice() const {
    for (const auto& times : times_) {
      if (times > 1)
        return false;
    }
    return true;
  }

 private:
  std::vector<std::atomic<int>> times_;
};

} // namespace test
