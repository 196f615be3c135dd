// SPDX-License-Identifier: BSL-1.0
// expect: roost::sender::send_all: a std::vector<bool> has no bools; send them one by one
#include <roost.hpp>

#include <vector>

int main() {
  auto channel = roost::make_channel<bool>(4);
  (void)channel.tx.send_all(std::vector<bool>{true, false});
}
