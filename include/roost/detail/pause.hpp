// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/hardware_threads.hpp>

#include <chrono>
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

/// False on one processor: nobody can change meanwhile what a thread spins for.
inline bool spinning_helps() noexcept {
  return hardware_threads() > 1;
}

/// Passes the short time until another thread has done what it is about to do: a few microseconds
/// on the processor, of which it gives some away to whoever wants it. A thread that needs this very
/// processor thus gets it early, and nobody sleeps because of one that is at work on another.
///
/// Where others keep the processor for long, to give it away makes each wait end late by as much,
/// whoever they are. So a thread that has seen that does it no more for its next waits.
class short_wait {
 public:
  /// True as soon as it is ready; false when the time is over, and ever after. Looks once in so
  /// many steps.
  template <class Ready>
  bool until(Ready ready, int steps_a_look = 1) noexcept {
    while (steps_left_ > 0) {
      step();
      if (steps_left_ % steps_a_look == 0 && ready())
        return true;
    }
    return false;
  }

 private:
  static constexpr int steps_to_an_offer = 10;
  static constexpr int offers_to_leave_out = 500;

  void step() noexcept {
    --steps_left_;
    if (steps_left_ % steps_to_an_offer != 0) {
      if (spinning_helps())
        pause();
    } else if (offers_left_out > 0) {
      --offers_left_out;
    } else if (!offer_processor()) {
      steps_left_ = 0; // a last look, and then it sleeps
      offers_left_out = offers_to_leave_out;
    }
  }

  // False if it took far longer than a wait is to take.
  static bool offer_processor() noexcept {
    constexpr auto long_time = std::chrono::microseconds(200);
    const auto before = std::chrono::steady_clock::now();
    std::this_thread::yield();
    return std::chrono::steady_clock::now() - before < long_time;
  }

  static inline constinit thread_local int offers_left_out = 0;
  int steps_left_ = 6 * steps_to_an_offer;
};

} // namespace roost::inline v0::detail
