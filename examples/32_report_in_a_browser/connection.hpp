// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>
#include <roost/posix.hpp>

#include "../sockets.hpp"

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

/// A socket, until `end`, or a stop of the task that uses it. An error counts as a peer that is
/// gone.
class connection {
 public:
  connection(descriptor socket, roost::clock::time_point end)
      : socket_(std::move(socket)),
        end_(end) {}

  /// Nothing when the peer has sent all, or is gone, or the time has passed.
  std::string receive() const {
    char bytes[1024];
    while (roost::wait_readable_until(socket_.number(), end_)) {
      const auto size = ::recv(socket_.number(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (size >= 0)
        return {bytes, static_cast<std::size_t>(size)};
      if (!may_try_again())
        break;
    }
    return {};
  }

  void send(std::string_view text) const {
    while (!text.empty() && roost::wait_writable_until(socket_.number(), end_)) {
      constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL; // a SIGPIPE would end the program
      const auto size = ::send(socket_.number(), text.data(), text.size(), flags);
      if (size >= 0)
        text.remove_prefix(static_cast<std::size_t>(size));
      else if (!may_try_again())
        break;
    }
  }

  /// After the last send(). A close() with input unread resets the connection, and the peer may
  /// lose what was sent to it.
  void finish() const {
    (void)::shutdown(socket_.number(), SHUT_WR);
    while (!receive().empty()) {
    }
  }

 private:
  static bool may_try_again() { return errno == EAGAIN || errno == EINTR; }

  const descriptor socket_;
  const roost::clock::time_point end_;
};
