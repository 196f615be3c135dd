// SPDX-License-Identifier: BSL-1.0
// expect: an item that was received is gone from the channel
#include <roost.hpp>

int main() {
  auto channel = roost::make_channel<int>(1);
  channel.rx.receive();
}
