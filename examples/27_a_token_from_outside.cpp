// SPDX-License-Identifier: BSL-1.0
// A framework calls on_request() and passes a std::stop_token. Notice that stop_when is all it
// takes: the token stops the waits of this thread and of the tasks below it, and load_user() and
// load_orders() know nothing of the token.
#include <roost.hpp>

#include <chrono>
#include <iostream>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

namespace {

std::string load_user() {
  return "Ada";
}

int load_orders(roost::event& asked) {
  asked.set();
  roost::this_task::sleep_for(1h); // the slow server
  return 0;
}

void on_request(std::stop_token token, roost::event& asked) {
  const roost::stop_when covered(std::move(token));
  try {
    const auto [user, orders] = roost::when_all(load_user, [&asked] { return load_orders(asked); });
    std::cout << user << ": " << orders << '\n';
  } catch (const roost::stopped& s) {
    const bool by_token = s.cause().reason == roost::stop_reason::token;
    std::cout << "stopped by " << (by_token ? "the token" : "something else") << '\n';
  }
}

} // namespace

int main() {
  roost::event asked;
  std::jthread framework([&asked](std::stop_token token) { on_request(std::move(token), asked); });
  asked.wait();
  framework.request_stop();
}

// Output:
//   stopped by the token
