// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <mutex>

namespace roost::inline v0::detail::sync {

/// The names in this folder are the only ones by which roost reaches the system's threads and time:
/// atomics, locks, sleeps, yields, the clock, new threads. By default they are the standard's own,
/// but for a test whether the thread is in a bubble. A test build that finds other headers of these
/// names first, in an include directory before roost's, puts others in their place.
using mutex = std::mutex;

} // namespace roost::inline v0::detail::sync
