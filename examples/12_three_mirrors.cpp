// SPDX-License-Identifier: BSL-1.0
// Asks three mirrors for the same page and takes the first answer. Notice that no call goes on
// after that: when_any() stops the slower calls, whatever they wait in, and joins them. An error
// does not win: when_any() throws only if all calls fail.
#include <roost.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct mirror {
  std::string name;
  std::chrono::milliseconds delay;
  bool down = false;
};

std::string fetch(const mirror& from, roost::semaphore& connections) {
  const auto connection = connections.acquire(); // goes back however the call ends
  if (from.down)
    throw std::runtime_error(from.name + " is down");
  roost::this_task::sleep_for(from.delay); // how long the server takes
  return "the page, from " + from.name;
}

std::string fetch_from_any(const std::vector<mirror>& mirrors, roost::semaphore& connections) {
  std::vector<std::function<std::string()>> calls;
  calls.reserve(mirrors.size());
  for (const mirror& m : mirrors)
    calls.emplace_back([&] { return fetch(m, connections); });
  return roost::when_any(calls).second; // `first` is the index of the call that won
}

} // namespace

int main() {
  roost::semaphore connections(3);
  std::cout << fetch_from_any({{"far", 1h}, {"near", 1ms}, {"old", 0ms, true}}, connections)
            << '\n';
  std::cout << "connections in use: " << 3 - connections.available() << '\n';
  try {
    (void)fetch_from_any({{"far", 0ms, true}, {"near", 0ms, true}}, connections);
  } catch (const roost::exception_list& e) {
    std::cout << "failures: " << e.failures().size() << '\n';
  }
}

// Output:
//   the page, from near
//   connections in use: 0
//   failures: 2
