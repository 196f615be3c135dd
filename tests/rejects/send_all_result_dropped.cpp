// SPDX-License-Identifier: BSL-1.0
// expect: fewer were sent if the channel was closed
#include <roost.hpp>

#include <vector>

int main() {
  auto channel = roost::make_channel<int>(1);
  channel.tx.send_all(std::vector<int>{1, 2});
}
