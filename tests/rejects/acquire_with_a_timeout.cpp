// SPDX-License-Identifier: BSL-1.0
// expect: roost::semaphore: acquire waits for as long as it takes; acquire_for has a time limit
#include <roost.hpp>

#include <chrono>

int main() {
  roost::semaphore connections(8);
  connections.acquire(std::chrono::seconds(2));
}
