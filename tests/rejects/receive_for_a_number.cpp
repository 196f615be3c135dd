// SPDX-License-Identifier: BSL-1.0
// expect: roost: a duration needs a unit: 2s, 20ms, std::chrono::hours\(1\)
#include <roost.hpp>

int main() {
  auto channel = roost::make_channel<int>(1);
  (void)channel.rx.receive_for(0.5);
}
