// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <thread>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <roost/detail/sync/atomic.hpp>

#include <atomic>
#endif

namespace roost::inline v0::detail::sync {

/// The number of the calling thread: on Linux the one that the system's tools show, elsewhere a
/// count. Never 0.
inline std::uint64_t thread_number() noexcept {
#if defined(__linux__)
  return static_cast<std::uint64_t>(::syscall(SYS_gettid));
#else
  static constinit atomic<std::uint64_t> counted{0};
  // relaxed: only the numbers differ
  static thread_local const std::uint64_t number =
      2 * (1 + counted.fetch_add(1, std::memory_order_relaxed));
  return number;
#endif
}

/// Tells threads apart, at less cost than their numbers; one that has not been set is no thread's.
/// A new thread may get that of one that has ended.
using thread_id = std::thread::id;

inline thread_id this_thread_id() noexcept {
  return std::this_thread::get_id();
}

} // namespace roost::inline v0::detail::sync
