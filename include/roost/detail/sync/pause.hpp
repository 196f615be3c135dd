// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/hardware_threads.hpp>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace roost::inline v0::detail {

/// Tells the processor that this thread spins.
inline void pause() noexcept {
#if defined(_MSC_VER) && !defined(__clang__) && (defined(_M_ARM64) || defined(_M_ARM))
  __yield();
#elif defined(_MSC_VER) && !defined(__clang__)
  _mm_pause();
#elif defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// False on one processor: while a thread spins there, no other can change what it spins for.
inline bool spinning_helps() noexcept {
  return hardware_threads() > 1;
}

} // namespace roost::inline v0::detail
