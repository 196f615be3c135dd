// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <condition_variable>
#include <mutex>

namespace test {

/// Holds threads until it is opened. Made of standard parts only, so that no stop reaches it and
/// the library under test has no say in it.
class gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }

  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    opened_.notify_all();
    opened_.wait(lock, [this] { return open_; });
  }

  /// Waits until so many have come to pass().
  void wait_for_arrivals(int count) {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [&] { return arrived_ >= count; });
  }
  int arrivals() {
    const std::lock_guard lock(mutex_);
    return arrived_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
  int arrived_ = 0;
};

} // namespace test
