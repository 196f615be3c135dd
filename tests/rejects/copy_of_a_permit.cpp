// SPDX-License-Identifier: BSL-1.0
// expect: deleted (function|constructor)
#include <roost.hpp>

int main() {
  roost::semaphore connections(8);
  const auto permit = connections.acquire();
  const auto copy = permit;
}
