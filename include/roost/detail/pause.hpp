// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <thread>

namespace roost::inline v0::detail {

/// Tells the processor that this thread spins.
inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// How often to look again before sleeping: about 2 us, and not at all on one processor, where
/// nobody can change what is looked at meanwhile.
inline int spin_limit() noexcept {
  static const int limit = std::thread::hardware_concurrency() > 1 ? 100 : 0;
  return limit;
}

} // namespace roost::inline v0::detail
