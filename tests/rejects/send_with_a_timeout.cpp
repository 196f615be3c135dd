// SPDX-License-Identifier: BSL-1.0
// expect: with a time limit its name ends in _for: send_for, receive_for, wait_for, select_for, acquire_for
#include <roost.hpp>

#include <chrono>

int main() {
  auto channel = roost::make_channel<int>(1);
  (void)channel.tx.send(1, std::chrono::seconds(2));
}
