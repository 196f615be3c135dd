// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace test {

/// For how long a test looks again and again for what may need a while. A machine that is busy, or
/// a program that is stopped, takes none of that time: from one look to the next a millisecond
/// counts at most.
class try_time {
 public:
  explicit try_time(std::chrono::milliseconds limit) : left_(limit) {}

  /// To be called once for each look.
  bool is_over() {
    const auto now = clock::now();
    left_ -=
        std::min<clock::duration>(now - std::exchange(last_, now), std::chrono::milliseconds(1));
    return left_ < clock::duration::zero();
  }

 private:
  using clock = std::chrono::steady_clock;

  clock::duration left_;
  clock::time_point last_ = clock::now();
};

} // namespace test
