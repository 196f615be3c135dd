// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/now.hpp>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <poll.h>
#include <ratio>

namespace roost::inline v0::detail::sync {

/// Returns how many of the descriptors are ready, or the negated number of an error. Every look of
/// roost at descriptors goes through here. The user's errno stays. See mutex.hpp.
inline int poll_now(pollfd* all, nfds_t count) noexcept {
  const int users_error = errno;
  int ready = ::poll(all, count, 0);
  if (ready < 0)
    ready = -errno;
  errno = users_error;
  return ready;
}

/// The same, but sleeps first: until one of them is ready, until a signal is handled (then -EINTR),
/// or until `deadline` (then 0). May return -EINTR without a signal, too: callers look again. In a
/// bubble no time passes meanwhile, and so the deadline never comes.
inline int poll_until(pollfd* all, nfds_t count, clock::time_point deadline) noexcept {
  const clock::time_point begin = now();
  if (deadline <= begin) // compared first: the difference may be more than fits
    return poll_now(all, count);
  // The system's types may not hold a longer time. So it is cut off, and callers look again.
  constexpr clock::duration longest = std::chrono::hours(24);
  clock::duration left = deadline - begin < longest ? deadline - begin : longest;
  bool has_end = deadline != no_deadline;
  if (bubble_here != nullptr) {
    bubble_here->go_outside(deadline);
    has_end = false;
  }
  const int users_error = errno;
#if defined(__linux__)
  timespec time{};
  const auto seconds = std::chrono::duration_cast<std::chrono::duration<std::time_t>>(left);
  using nanoseconds = std::chrono::duration<decltype(time.tv_nsec), std::nano>;
  time.tv_sec = seconds.count();
  time.tv_nsec = std::chrono::duration_cast<nanoseconds>(left - seconds).count();
  int ready = ::ppoll(all, count, has_end ? &time : nullptr, nullptr);
#else
  const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(left);
  int ready = ::poll(all, count, has_end ? static_cast<int>(rounded_up.count()) : -1);
#endif
  if (ready < 0)
    ready = -errno;
  errno = users_error;
  if (bubble_here != nullptr) {
    bubble_here->come_back();
    return ready == 0 ? -EINTR : ready;
  }
  return ready == 0 && now() < deadline ? -EINTR : ready;
}

} // namespace roost::inline v0::detail::sync
