// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>
#include <roost/posix.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <netinet/in.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

// TCP on 127.0.0.1, for the examples. No socket here blocks: roost waits for it, and so a stop ends
// each of these calls.

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

inline descriptor tcp_socket() {
  return {::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"};
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

inline sockaddr* plain(sockaddr_in& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

/// With port 0 the system chooses one.
inline descriptor listen_on(std::uint16_t port, int backlog = SOMAXCONN) {
  descriptor listener = tcp_socket();
  const int yes = 1;
  check(::setsockopt(listener.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setsockopt");
  sockaddr_in address = loopback(port);
  check(::bind(listener.number(), plain(address), sizeof address), "bind");
  check(::listen(listener.number(), backlog), "listen");
  return listener;
}

inline std::uint16_t port_of(const descriptor& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  check(::getsockname(listener.number(), plain(address), &size), "getsockname");
  return ntohs(address.sin_port);
}

/// Waits for a client.
inline descriptor accept_from(const descriptor& listener) {
  using namespace std::chrono_literals;
  for (;;) {
    roost::wait_readable(listener.number());
    const int client = ::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0)
      return {client, "accept4"};
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      roost::this_task::sleep_for(100ms); // it stays readable meanwhile
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
      check(client, "accept4");
  }
}

inline descriptor connect_to(std::uint16_t port) {
  descriptor socket = tcp_socket();
  sockaddr_in address = loopback(port);
  if (::connect(socket.number(), plain(address), sizeof address) < 0) {
    if (errno != EINPROGRESS)
      check(-1, "connect");
    roost::wait_writable(socket.number()); // it has a connection then, or an error
    socklen_t size = sizeof errno;
    check(::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &errno, &size), "getsockopt");
    check(errno == 0 ? 0 : -1, "connect");
  }
  return socket;
}

/// Sends all of it. False if the peer is gone, or takes nothing for so long.
inline bool send_all(const descriptor& socket,
                     std::string_view text,
                     roost::clock::duration patience = roost::clock::duration::max()) {
  while (!text.empty()) {
    const auto size = ::send(socket.number(), text.data(), text.size(), MSG_NOSIGNAL);
    if (size >= 0)
      text.remove_prefix(static_cast<std::size_t>(size));
    else if (errno != EINTR &&
             (errno != EAGAIN || !roost::wait_writable_for(socket.number(), patience)))
      return false;
  }
  return true;
}

/// Cuts what a socket brings into lines.
class line_reader {
 public:
  explicit line_reader(const descriptor& socket) : socket_(socket) {}

  /// A line that is there, without its end; nothing if it is not complete. Does not wait.
  std::optional<std::string> next() {
    for (;;) {
      const std::size_t end = text_.find('\n');
      if (end != std::string::npos) {
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
      }
      char bytes[4096];
      const auto size = ::recv(socket_.number(), bytes, sizeof bytes, 0);
      if (size > 0 && text_.size() < longest)
        text_.append(bytes, static_cast<std::size_t>(size));
      else if (size < 0 && errno == EINTR)
        continue;
      else {
        is_over_ = size >= 0 || errno != EAGAIN;
        return std::nullopt;
      }
    }
  }

  /// The peer has sent all, or is gone, or sends a line without an end.
  bool is_over() const { return is_over_; }

 private:
  static constexpr std::size_t longest = 65536;

  const descriptor& socket_;
  std::string text_; // not cut yet
  bool is_over_ = false;
};

inline std::uint16_t port_from(const char* text) {
  char* end = nullptr;
  const unsigned long port = std::strtoul(text, &end, 10);
  if (end == text || *end != '\0' || port > 65535)
    throw std::invalid_argument(std::string("no port: ") + text);
  return static_cast<std::uint16_t>(port);
}
