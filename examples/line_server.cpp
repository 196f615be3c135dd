// SPDX-License-Identifier: BSL-1.0

// line_server [port [idle [grace]]]: sends each line back, on 127.0.0.1. With port 0, the default,
// the system chooses one. `idle` and `grace` are milliseconds, 30000 and 2000 unless given.
//
// What to notice:
// - Each connection is a task that reads as if it were alone. 64 run at once: then spawn() waits in
//   the acceptor, and clients wait in the system's queue.
// - One select is all that a connection needs for its socket, its idle time and the end of the
//   server. A stop needs no case.
// - On SIGTERM or Ctrl-C it takes no more connections and gives those that it has some time: what
//   has arrived is answered. Then it stops the rest. A second signal ends the grace period.

#include <roost.hpp>
#include <roost/posix.hpp>

#include "sockets.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

class line_server {
 public:
  line_server(std::uint16_t port, std::chrono::milliseconds idle)
      : listener_(listen_on(port)),
        idle_(idle) {
    acceptor_.spawn("accept", [this] {
      for (;;)
        running_.spawn(connections_, [this, client = accept_from(listener_)] { serve(client); });
    });
  }

  std::uint16_t port() const { return port_of(listener_); }

  /// Returns how many connections had to be stopped.
  std::size_t close(roost::signal_watch& signals, std::chrono::milliseconds grace) {
    acceptor_.request_stop("the server closes");
    acceptor_.join();
    closing_.set();
    roost::select(
        roost::on_done(running_), roost::on_signal(signals, [](int) {}), roost::on_timeout(grace));
    connections_.request_stop("the grace period is over");
    connections_.join();
    return stopped_;
  }

 private:
  void serve(const descriptor& client) {
    line_reader lines(client);
    try {
      for (bool goes_on = true; goes_on;) {
        while (const auto line = lines.next()) {
          if (!send_all(client, *line + "\n", idle_))
            return;
        }
        const auto hang_up = [&] { goes_on = false; };
        if (lines.is_over())
          return;
        roost::select_biased(roost::on_readable(client.number()),
                             roost::on_set(closing_, hang_up),
                             roost::on_timeout(idle_, hang_up));
      }
    } catch (const roost::stopped&) {
      ++stopped_;
      throw;
    }
  }

  const descriptor listener_;
  const std::chrono::milliseconds idle_;
  roost::event closing_;
  roost::wait_group running_; // the connections
  std::atomic<std::size_t> stopped_ = 0;
  // Last: their tasks use the rest. Two, as a spawn by one of a scope's own tasks never waits.
  roost::background_scope connections_{{.name = "connections", .limit = 64, .backlog = 0}};
  roost::background_scope acceptor_{{.name = "acceptor"}};
};

} // namespace

int main(int argc, char** argv) {
  try {
    const auto ms = [&](int place, int otherwise) {
      return std::chrono::milliseconds(argc > place ? std::stoi(argv[place]) : otherwise);
    };
    roost::signal_watch signals({SIGINT, SIGTERM}); // before the first thread
    line_server server(argc > 1 ? port_from(argv[1]) : std::uint16_t{0}, ms(2, 30000));
    std::cout << "127.0.0.1:" << server.port() << std::endl;
    signals.wait();
    std::cout << "no more connections" << std::endl;
    std::cout << "stopped: " << server.close(signals, ms(3, 2000)) << std::endl;
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "line_server: " << error.what() << '\n';
    return 2;
  }
}
