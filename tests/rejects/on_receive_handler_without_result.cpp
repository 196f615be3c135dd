// SPDX-License-Identifier: BSL-1.0
// expect: roost::on_receive: the handler must be callable with a receive_result<T>, by value; it is empty when the channel is closed
#include <roost.hpp>

int main() {
  auto channel = roost::make_channel<int>(1);
  roost::select(roost::on_receive(channel.rx, [] {}));
}
