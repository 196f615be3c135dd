// SPDX-License-Identifier: BSL-1.0
// expect: roost::on_send: the handler must be callable with a send_result; it is not a success when the channel is closed
#include <roost.hpp>

int main() {
  auto channel = roost::make_channel<int>(1);
  roost::select(roost::on_send(channel.tx, 1, [] {}));
}
