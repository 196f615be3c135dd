// SPDX-License-Identifier: BSL-1.0
// expect: (cannot convert|no viable conversion from) .*system_clock.* to .*steady_clock
#include <roost.hpp>

#include <chrono>

int main() {
  auto channel = roost::make_channel<int>(1);
  (void)channel.rx.receive_until(std::chrono::system_clock::now());
}
