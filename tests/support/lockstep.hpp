// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <chrono>
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

/// For races of very many rounds. A round takes about a microsecond where its threads have a
/// processor each, but milliseconds where other programs want those: then it is enough when some
/// seconds have passed.
class race_time {
 public:
  bool is_over() const { return std::chrono::steady_clock::now() > end_; }

 private:
  std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(10);
};

} // namespace test
