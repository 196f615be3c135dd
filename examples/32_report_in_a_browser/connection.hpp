// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <poll.h>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

inline int check(int result, const char* call) {
  if (result < 0)
    throw std::system_error(errno, std::generic_category(), call);
  return result;
}

class descriptor {
 public:
  descriptor(int number, const char* call) : number_(check(number, call)) {}
  descriptor(descriptor&& from) noexcept : number_(std::exchange(from.number_, -1)) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(descriptor) = delete;
  ~descriptor() {
    if (number_ >= 0)
      (void)::close(number_);
  }
  int number() const noexcept { return number_; }

 private:
  int number_;
};

/// Waits for descriptors so that a stop of the task that made it ends the wait.
class poller {
 public:
  /// False when the time has passed. Throws `stopped` when the task is asked to stop.
  bool wait(const descriptor& wanted, short events, roost::clock::time_point end) const {
    using namespace std::chrono_literals;
    const roost::blocking_region region("poll");
    for (auto now = roost::clock::now(); now < end; now = roost::clock::now()) {
      pollfd fds[] = {{wanted.number(), events, 0}, {stop_.number(), POLLIN, 0}};
      const auto left = std::min<roost::clock::duration>(end - now, 1h) / 1ms + 1; // rounded up
      const int ready = ::poll(fds, 2, static_cast<int>(left));
      if (ready < 0 && errno != EINTR)
        check(ready, "poll");
      roost::this_task::checkpoint();
      if (ready > 0)
        return true;
    }
    return false;
  }

 private:
  const descriptor stop_{::eventfd(0, EFD_CLOEXEC), "eventfd"}; // nobody reads it: it stays ready
  const std::stop_callback<std::function<void()>> wake_{
      roost::this_task::stop_token(), [this] { (void)::eventfd_write(stop_.number(), 1); }};
};

/// A socket, for the task that makes this, until `end`. An error counts as a peer that is gone.
class connection {
 public:
  connection(descriptor socket, roost::clock::time_point end)
      : socket_(std::move(socket)),
        end_(end) {}

  /// Nothing when the peer has sent all, or is gone, or the time has passed.
  std::string receive() const {
    char bytes[1024];
    while (poller_.wait(socket_, POLLIN, end_)) {
      const auto size = ::recv(socket_.number(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (size >= 0)
        return {bytes, static_cast<std::size_t>(size)};
      if (!may_try_again())
        break;
    }
    return {};
  }

  void send(std::string_view text) const {
    while (!text.empty() && poller_.wait(socket_, POLLOUT, end_)) {
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
  const poller poller_;
  const roost::clock::time_point end_;
};
