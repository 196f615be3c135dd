// SPDX-License-Identifier: BSL-1.0
// expect: it is given back when this goes: give it a name
#include <roost.hpp>

int main() {
  roost::semaphore connections(8);
  connections.acquire();
}
