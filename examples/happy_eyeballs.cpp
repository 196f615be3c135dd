// SPDX-License-Identifier: BSL-1.0

// happy_eyeballs [delay] port...: connects to whichever of these ports of 127.0.0.1 answers first,
// as a browser does with the addresses of a name (RFC 8305). An attempt begins when the one before
// it has failed, or has taken `delay`: 250ms unless it is given, such as 20ms.
//
// What to notice: when_any returns the first success, and by then all other attempts are stopped,
// joined, and their sockets closed. If all fail, it tells why each did.

#include <roost.hpp>
#include <roost/posix.hpp>

#include "sockets.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct attempt {
  std::uint16_t port = 0;
  roost::event failed;
};

descriptor connect_to_first(std::vector<attempt>& attempts, std::chrono::milliseconds delay) {
  std::vector<std::function<descriptor()>> calls;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    calls.emplace_back([&, i] {
      // The attempt before it begins no earlier than the one before that, and so on.
      for (std::size_t earlier = 0; earlier < i; ++earlier)
        (void)attempts[earlier].failed.wait_for(delay);
      try {
        return connect_to(attempts[i].port);
      } catch (const std::exception&) {
        attempts[i].failed.set();
        throw;
      }
    });
  }
  return roost::when_any(std::move(calls)).second;
}

} // namespace

int main(int argc, char** argv) {
  std::chrono::milliseconds delay = 250ms;
  std::vector<std::uint16_t> ports;
  try {
    for (int i = 1; i < argc; ++i) {
      const std::string_view word = argv[i];
      if (word.ends_with("ms"))
        delay = std::chrono::milliseconds(std::stoi(argv[i]));
      else
        ports.push_back(port_from(argv[i]));
    }
    std::vector<attempt> attempts(ports.size());
    for (std::size_t i = 0; i < ports.size(); ++i)
      attempts[i].port = ports[i];
    const descriptor winner = connect_to_first(attempts, delay);
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    check(::getpeername(winner.number(), plain(peer), &size), "getpeername");
    std::cout << "connected to " << ntohs(peer.sin_port) << '\n';
    return 0;
  } catch (const roost::exception_list& all) {
    for (const roost::failure& each : all.failures()) {
      try {
        std::rethrow_exception(each.error);
      } catch (const std::exception& error) {
        std::cerr << "happy_eyeballs: " << error.what() << '\n';
      }
    }
  } catch (const std::exception& error) {
    std::cerr << "happy_eyeballs: " << error.what() << '\n';
  }
  return 1;
}
