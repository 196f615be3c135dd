// SPDX-License-Identifier: BSL-1.0
// A service shows on 127.0.0.1 what its tasks wait for: `/` as text, `/json`, and `/dot` for
// Graphviz. Notice that the page has a scope of its own, so it answers while the service hangs; and
// that no client can hold it up: each has a task, two seconds, and 8 KiB for its request.
#include <roost.hpp>
#include <roost/posix.hpp>

#include "32_report_in_a_browser/connection.hpp"
#include "sockets.hpp"

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;

namespace {

std::string answer_to(std::string_view request) {
  const auto answer = [](const std::string& begin, const std::string& body) {
    return "HTTP/1.0 " + begin + "; charset=utf-8\r\nCache-Control: no-store\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  if (request.starts_with("GET / "))
    return answer("200 OK\r\nContent-Type: text/plain", roost::to_text(roost::report_all(), 1000));
  if (request.starts_with("GET /json "))
    return answer("200 OK\r\nContent-Type: application/json", roost::to_json(roost::report_all()));
  if (request.starts_with("GET /dot "))
    return answer("200 OK\r\nContent-Type: text/plain", roost::to_dot(roost::report_all()));
  return answer("404 Not Found\r\nContent-Type: text/plain", "Try /, /json or /dot.\n");
}

class report_page {
 public:
  report_page() {
    page_.spawn("accept", [this] { accept_clients(); });
  }
  std::uint16_t port() const { return port_of(listener_); }

 private:
  void accept_clients() {
    for (;;) // waits while eight are served
      clients_.spawn("client", [socket = accept_from(listener_)]() mutable {
        serve(connection(std::move(socket), roost::clock::now() + 2s));
      });
  }

  static void serve(const connection& client) {
    std::string request;
    while (request.find("\r\n\r\n") == std::string::npos && request.size() < 8192) {
      const std::string part = client.receive();
      if (part.empty())
        return;
      request += part;
    }
    client.send(answer_to(request)); // of one that is too long the first line will do
    client.finish();
  }

  const descriptor listener_ = listen_on(0); // any user of this machine can read the page
  // Last: their tasks use the rest. A failure goes to the unobserved-failure hook, and no further.
  // There are two, as a spawn by one of a scope's own tasks never waits.
  roost::background_scope clients_{{.name = "clients", .limit = 8, .backlog = 0}};
  roost::background_scope page_{{.name = "page"}};
};

std::string get(std::uint16_t port, const std::string& path) {
  const connection server(connect_to(port), roost::clock::time_point::max());
  server.send("GET " + path + " HTTP/1.0\r\n\r\n");
  std::string answer;
  for (std::string part = server.receive(); !part.empty(); part = server.receive())
    answer += part;
  return answer;
}

} // namespace

int main(int argc, char**) {
  const report_page page;
  roost::event configured; // which no task sets
  roost::task_scope service({.name = "service", .exit = roost::on_exit::stop});
  service.spawn("consumer", [&] { configured.wait(); });
  if (argc > 1) { // with any argument it waits for a browser
    std::cout << "http://127.0.0.1:" << page.port() << '/' << std::endl;
    roost::this_task::sleep_for(1h);
  }
  const auto ask = [&](const std::string& path, const std::string& wanted) {
    std::string answer;
    while (answer.find(wanted) == std::string::npos) // until the consumer has come so far
      answer = get(page.port(), path);
    std::cout << path << ": " << answer.substr(0, answer.find('\r')) << ", " << wanted << '\n';
  };
  ask("/", "in event::wait (not set)");
  ask("/json", R"("operation": "event::wait", "object": "event")");
  ask("/dot", R"(label="event::wait)");
  ask("/favicon.ico", "Try /, /json or /dot.");
}

// Output:
//   /: HTTP/1.0 200 OK, in event::wait (not set)
//   /json: HTTP/1.0 200 OK, "operation": "event::wait", "object": "event"
//   /dot: HTTP/1.0 200 OK, label="event::wait
//   /favicon.ico: HTTP/1.0 404 Not Found, Try /, /json or /dot.
