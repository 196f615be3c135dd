// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/wait/tally.hpp>

#include <cstdint>

namespace roost::inline v0 {

/// How much roost has done in this process so far, and how much is there now; for a monitor that
/// asks every so often. For the tasks behind the numbers see report.
///
/// ```cpp
/// const roost::counters now = roost::stats();
/// gauge("tasks", now.live);
/// gauge("blocked", now.blocked);
/// count("spawned", now.spawned);
/// ```
///
/// The numbers are exact while none of them changes. Otherwise each was right at some moment of the
/// call, but not all at the same moment: `live` and `blocked` may be too high by what ended
/// meanwhile, never too low, and `blocked` may count a thread whose task `live` does not count yet.
struct counters {
  std::uint64_t spawned = 0;  ///< tasks that a scope took, including those that a stop
                              ///< kept from running
  std::uint64_t finished = 0; ///< those of them that have ended, in whatever way
  std::uint64_t live = 0;     ///< the others: they are queued, run, or are blocked
  std::uint64_t blocked = 0;  ///< threads, of tasks and others, that sleep in a call of roost
  std::uint64_t stops = 0;    ///< scopes that were stopped, and tasks that were stopped alone
  std::uint64_t verdicts = 0; ///< how often a scope was found in which nothing can go on
};

/// Threads: any, at any time. Takes no lock, allocates nothing. Cost: reads some 1500 numbers, a
/// microsecond or two. Counting costs about a nanosecond for each task, and nothing where a call
/// need not sleep.
counters stats() noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

// What ends is read before what began: the difference is never negative, see detail::count().
ROOST_COLD_BODY counters stats() noexcept {
  using detail::counted;
  detail::tallies& all = detail::tallies::instance();
  counters now;
  now.finished = all.sum(counted::finished);
  now.spawned = all.sum(counted::spawned);
  now.live = now.spawned - now.finished;
  const std::uint64_t woken = all.sum(counted::woken);
  now.blocked = all.sum(counted::slept) - woken;
  now.stops = all.sum(counted::stopped);
  now.verdicts = all.sum(counted::verdicts);
  return now;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
