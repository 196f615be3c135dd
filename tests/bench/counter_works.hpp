// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"
#include "bench/side_by_side.hpp"
#include "bench/stopwatch.hpp"

#include <cstddef>
#include <mutex>
#include <string_view>

namespace bench {

/// Calls `f()` so many times, on a thread of its own for the reason that seq() has one.
template <class Peer, class F>
void time_rounds(std::size_t rounds, const F& f) {
  const spent all = side_by_side<typename Peer::crew>(1, [&](std::size_t) {
    for (std::size_t i = 0; i < rounds; ++i)
      f();
  });
  print(all, static_cast<double>(rounds));
}

template <class Mutex, class Condition>
class wait_group_by_hand {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  void done() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0)
      zero_.notify_all(); // locked: whoever waits may destroy this as soon as it can lock
  }
  void wait() {
    std::unique_lock lock(mutex_);
    zero_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  Mutex mutex_;
  Condition zero_;
  std::size_t count_ = 0; // guarded by mutex_
};

/// What is counted by one thread, and never waited for: Peer::wait_group with add(), done() and
/// wait(); Peer::semaphore, of one permit, with acquire_and_release(). False if it is none of these
/// works, or the peer does not have it.
template <class Peer>
bool run_counter_work(std::string_view work, arguments& args) {
  if constexpr (requires { typename Peer::wait_group; }) {
    if (work == "wait_group") {
      typename Peer::wait_group group;
      time_rounds<Peer>(args.number(), [&] {
        group.add();
        group.done();
        group.wait();
      });
      return true;
    }
  }
  if constexpr (requires { typename Peer::semaphore; }) {
    if (work == "semaphore") {
      typename Peer::semaphore semaphore;
      time_rounds<Peer>(args.number(), [&] { semaphore.acquire_and_release(); });
      return true;
    }
  }
  return false;
}

} // namespace bench
