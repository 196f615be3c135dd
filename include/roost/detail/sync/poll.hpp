// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/sync/now.hpp>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <poll.h>
#include <ratio>
#include <type_traits>

namespace roost::inline v0::detail::sync {

/// How many of the descriptors are ready; less than zero for an error, of which it is the negative
/// number. Every look of roost at descriptors. The user's errno stays. See mutex.hpp.
inline int poll_now(pollfd* all, nfds_t count) noexcept {
  const int users_error = errno;
  int ready = ::poll(all, count, 0);
  if (ready < 0)
    ready = -errno;
  errno = users_error;
  return ready;
}

/// The same, but sleeps until one of them is ready, or a signal is handled (-EINTR), or until
/// `deadline`: 0.
inline int poll_until(pollfd* all, nfds_t count, clock::time_point deadline) noexcept {
  const clock::time_point begin = now();
  if (deadline <= begin) // compared first: the difference may be more than fits
    return poll_now(all, count);
  const clock::duration left = deadline - begin;
  const int users_error = errno;
#if defined(__linux__)
  static_assert(std::is_same_v<clock::period, std::nano>);
  const auto whole = std::chrono::floor<std::chrono::seconds>(left);
  timespec time{};
  time.tv_sec = whole.count();
  time.tv_nsec = (left - whole).count();
  int ready = ::ppoll(all, count, deadline == no_deadline ? nullptr : &time, nullptr);
#else
  // A time that is longer is cut off: callers look at the clock.
  constexpr std::chrono::milliseconds longest = std::chrono::hours(1);
  const auto rounded_up = left < longest ? std::chrono::ceil<std::chrono::milliseconds>(left) //
                                         : longest;
  int ready =
      ::poll(all, count, deadline == no_deadline ? -1 : static_cast<int>(rounded_up.count()));
  if (ready == 0 && now() < deadline)
    return -EINTR;
#endif
  if (ready < 0)
    ready = -errno;
  errno = users_error;
  return ready;
}

} // namespace roost::inline v0::detail::sync
