// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/probe.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <functional>
#include <netinet/in.h>
#include <sys/socket.h>
#include <vector>

// Sockets of 127.0.0.1: to accept and to connect are waits, too.

namespace {

test::descriptor tcp() {
  return test::descriptor(
      test::checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
}

// Has a port to itself.
struct bound {
  bound() {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    test::checked(::bind(socket, reinterpret_cast<sockaddr*>(&address), size), "bind");
    test::checked(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size),
                  "getsockname");
  }

  test::descriptor socket = tcp();
  sockaddr_in address{};
};

struct listening : bound {
  explicit listening(int backlog) { test::checked(::listen(socket, backlog), "listen"); }
};

// Returns 0 or the number of the error, after however long it takes.
int connect(const test::descriptor& socket, sockaddr_in to) {
  if (::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  roost::wait_writable(socket);
  int error = 0;
  socklen_t size = sizeof error;
  test::checked(::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size), "getsockopt");
  return error;
}

} // namespace

TEST_CASE("a client wakes a thread that waits to accept", "[posix][socket]") {
  const listening server(8);
  roost::task_scope scope;
  auto accepted = scope.spawn([&] {
    roost::wait_readable(server.socket);
    return test::descriptor(::accept(server.socket, nullptr, nullptr)) >= 0;
  });
  test::wait_until_blocked(scope, 1);
  const test::descriptor client = tcp();
  CHECK(connect(client, server.address) == 0);
  CHECK(accepted.get());
}

TEST_CASE("a connection that is refused is ready to tell so", "[posix][socket]") {
  const bound does_not_listen;
  CHECK(connect(tcp(), does_not_listen.address) == ECONNREFUSED);
}

TEST_CASE("an attempt to connect that nobody answers ends when another one succeeds",
          "[posix][socket]") {
  const listening deaf(0); // it has room for one, and takes none out
  const listening good(8);
  std::vector<test::descriptor> fillers;
  for (bool is_full = false; !is_full;) {
    fillers.push_back(tcp());
    sockaddr_in to = deaf.address;
    (void)::connect(fillers.back(), reinterpret_cast<sockaddr*>(&to), sizeof to);
    is_full = !roost::wait_writable_for(fillers.back(), std::chrono::milliseconds(20));
  }
  roost::wait_readable(deaf.socket); // the first may have been late
  roost::event begun;
  const auto [index, result] =
      roost::when_any(std::vector<std::function<int()>>{[&] {
                                                          const test::descriptor socket = tcp();
                                                          begun.set();
                                                          return connect(socket, deaf.address);
                                                        },
                                                        [&] {
                                                          begun.wait();
                                                          return connect(tcp(), good.address);
                                                        }});
  CHECK(index == 1); // so the first was stopped, and joined
  CHECK(result == 0);
}
