// SPDX-License-Identifier: BSL-1.0
// expect: roost: a deadline is a time of roost::clock, which nobody can set; for one of another clock take the time that is left
#include <roost.hpp>

#include <chrono>

int main() {
  auto channel = roost::make_channel<int>(1);
  (void)channel.rx.receive_until(std::chrono::system_clock::now());
}
