// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <thread>

namespace test {

/// Threads that race against each other in many rounds: all leave meet() at nearly the same time.
/// It yields instead of sleeping, because a sleeper would come too late for any race.
class lockstep {
 public:
  explicit lockstep(int threads) : threads_(threads) {}

  /// Returns when all have come. What each did before is seen by all.
  void meet() {
    const int round = round_;
    if (++arrived_ == threads_) {
      arrived_ = 0;
      ++round_;
      return;
    }
    while (round_ == round)
      std::this_thread::yield();
  }

 private:
  const int threads_;
  std::atomic<int> arrived_{0};
  std::atomic<int> round_{0};
};

} // namespace test
