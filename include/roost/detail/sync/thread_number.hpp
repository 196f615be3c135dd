// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#if __has_include(<sys/syscall.h>) && __has_include(<unistd.h>)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if !defined(SYS_gettid)
#include <functional>
#include <thread>
#endif

namespace roost::inline v0::detail::sync {

/// A number for the calling thread, under which the system's tools know it on Linux. Not 0.
inline std::uint64_t thread_number() noexcept {
#if defined(SYS_gettid)
  return static_cast<std::uint64_t>(::syscall(SYS_gettid));
#else
  return std::hash<std::thread::id>()(std::this_thread::get_id()) | 1;
#endif
}

} // namespace roost::inline v0::detail::sync
