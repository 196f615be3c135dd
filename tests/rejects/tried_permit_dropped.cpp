// SPDX-License-Identifier: BSL-1.0
// expect: ignoring return value
#include <roost.hpp>

int main() {
  roost::semaphore connections(8);
  connections.try_acquire();
}
