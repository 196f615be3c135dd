// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <ratio>
#include <thread>

#if __has_include(<unistd.h>)
#include <unistd.h> // says whether there is nanosleep()
#endif
#if defined(_POSIX_TIMERS)
#include <cerrno>
#include <ctime>
#endif

namespace roost::inline v0::detail::sync {

/// Offers the processor to other threads. See mutex.hpp.
inline void yield() noexcept {
  std::this_thread::yield();
}

/// Sleeps for so long, or until a signal comes: for loops that look again.
///
/// std::this_thread::sleep_for would sleep on after a signal for as long as the system says is
/// left. Linux adds its slack to that, some 50 us: where signals come faster, such a sleep never
/// ends.
inline void sleep_for(std::chrono::microseconds time) noexcept {
#if defined(_POSIX_TIMERS)
  using nanoseconds = std::chrono::duration<long, std::nano>;
  const auto whole = std::chrono::floor<std::chrono::duration<std::time_t>>(time);
  timespec length{};
  length.tv_sec = whole.count();
  length.tv_nsec = std::chrono::duration_cast<nanoseconds>(time - whole).count();
  const int users_error = errno;
  (void)::nanosleep(&length, nullptr);
  errno = users_error;
#else
  std::this_thread::sleep_for(time);
#endif
}

} // namespace roost::inline v0::detail::sync
