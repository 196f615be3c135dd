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

/// Passes the short time until another thread has done what it is about to do: on the processor,
/// and now and then by giving the processor to whoever else wants it, for about 2 us in all. A
/// thread that needs this very processor thus gets it early, and nobody sleeps because of one that
/// is at work on another.
class short_wait {
 public:
  /// True as soon as it is ready; false when the time is over, and ever after. Looks once in so
  /// many steps.
  template <class Ready>
  bool until(Ready ready, int steps_a_look = 1) noexcept {
    while (step()) {
      if (steps_left_ % steps_a_look == 0 && ready())
        return true;
    }
    return false;
  }

 private:
  static constexpr int steps_to_a_yield = 10;

  bool step() noexcept {
    if (steps_left_ == 0)
      return false;
    if (--steps_left_ % steps_to_a_yield == 0) {
      std::this_thread::yield();
    } else {
      pause();
    }
    return true;
  }

  int steps_left_ = 6 * steps_to_a_yield;
};

/// How often to look again before sleeping: about 2 us, and not at all on one processor, where
/// nobody can change what is looked at meanwhile.
inline int spin_limit() noexcept {
  static const int limit = std::thread::hardware_concurrency() > 1 ? 100 : 0;
  return limit;
}

} // namespace roost::inline v0::detail
