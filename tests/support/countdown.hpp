// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>

namespace test {

/// Counts events of all threads, to let one of them fail, or that one and all that follow.
class countdown {
 public:
  void start(long before, bool lasts) {
    reached_ = false;
    lasts_ = lasts;
    at_first_ = false;
    left_ = before;
    running_ = true;
  }

  /// The first ones fail, and no other.
  void start_with_failures(long count) {
    reached_ = false;
    at_first_ = true;
    left_ = count;
    running_ = true;
  }

  /// True if an event was to fail since the start.
  bool stop() {
    running_ = false;
    return reached_.exchange(false);
  }

  /// Counts an event; true if it is to fail.
  bool is_due() noexcept {
    if (!running_)
      return false;
    const long left = left_--;
    const bool due = at_first_ ? left > 0 : left == 0 || (left < 0 && lasts_);
    if (due)
      reached_ = true;
    return due;
  }

 private:
  std::atomic<bool> running_{false};
  std::atomic<bool> lasts_{false};
  std::atomic<bool> at_first_{false};
  std::atomic<bool> reached_{false};
  std::atomic<long> left_{0};
};

} // namespace test
