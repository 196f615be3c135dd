// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/bubble_thread.hpp>

#include <cstddef>
#include <thread>
#if __has_include(<sched.h>)
#include <sched.h>
#endif

namespace roost::inline v0::detail {

/// How many processors the calling thread may run on; 0 where the system does not tell. A container
/// or `taskset` gives a process fewer than std::thread::hardware_concurrency() counts.
inline std::size_t allowed_processors() noexcept {
#if defined(CPU_COUNT)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    return static_cast<std::size_t>(CPU_COUNT(&allowed));
#endif
  return 0; // also with more processors than the set has room for
}

/// How many threads can run at once. Read once, because asking the system takes as long as waking a
/// thread. If the affinity of the process changes later, its waits are only less well tuned.
inline std::size_t hardware_threads() noexcept {
  static const std::size_t known = [] {
    const std::size_t allowed = allowed_processors();
    return allowed != 0 ? allowed : std::size_t{std::thread::hardware_concurrency()};
  }();
  return known != 0 ? known : 1;
}

/// For how many threads at once work is divided: as many as can run. In a bubble the number is the
/// same on all machines, so that the seed of a run means the same, too.
inline std::size_t threads_at_work() noexcept {
  constexpr std::size_t in_bubble = 4;
  return sync::is_in_bubble() ? in_bubble : hardware_threads();
}

/// How many threads may be on their way at once, woken and not yet at work: as many as can get a
/// processor. The thread that wakes them keeps one.
inline std::size_t worth_waking() noexcept {
  return threads_at_work() > 1 ? threads_at_work() - 1 : 1;
}

} // namespace roost::inline v0::detail
