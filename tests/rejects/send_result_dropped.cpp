// SPDX-License-Identifier: BSL-1.0
// expect: if the send did not succeed, the item is still yours
#include <roost.hpp>

int main() {
  auto channel = roost::make_channel<int>(1);
  channel.tx.send(1);
}
