// SPDX-License-Identifier: BSL-1.0

// line_load port [clients [lines]]: connects so many clients to a line_server, 100 unless told,
// that send so many lines each, 100 unless told, and check that each line comes back. Prints how
// long that took.
//
// What to notice: a client is written as if it were alone. The first failure stops all others, in
// whatever wait they are, and is what main prints; Ctrl-C stops them likewise.

#include <roost.hpp>
#include <roost/posix.hpp>

#include "sockets.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

void send_lines(std::uint16_t port, int client, int lines) {
  const descriptor server = connect_to(port);
  line_reader answers(server);
  for (int i = 0; i < lines; ++i) {
    const std::string line = "client " + std::to_string(client) + ", line " + std::to_string(i);
    auto answer = send_all(server, line + "\n") ? answers.next() : std::nullopt;
    while (!answer && !answers.is_over()) {
      if (!roost::wait_readable_for(server.number(), 1min))
        throw std::runtime_error("no answer for a minute");
      answer = answers.next();
    }
    if (answer != line)
      throw std::runtime_error(answer ? "another answer" : "the server has hung up");
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "line_load port [clients [lines]]\n";
    return 2;
  }
  try {
    const std::uint16_t port = port_from(argv[1]);
    const int clients = argc > 2 ? std::stoi(argv[2]) : 100;
    const int lines = argc > 3 ? std::stoi(argv[3]) : 100;
    roost::signal_watch signals({SIGINT, SIGTERM}); // before the first thread
    const auto begin = roost::clock::now();
    roost::wait_group all;
    roost::with_scope([&](roost::task_scope& scope) {
      for (int i = 0; i < clients; ++i)
        all.spawn(scope, [=] { send_lines(port, i, lines); });
      roost::select(roost::on_done(all), roost::on_signal(signals, [](int) {
                      throw std::runtime_error("interrupted");
                    }));
    });
    const auto ms = (roost::clock::now() - begin) / 1ms;
    std::cout << clients << " clients, " << clients * lines << " lines, " << ms << " ms\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "line_load: " << error.what() << '\n';
    return 1;
  }
}
