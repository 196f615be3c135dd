// SPDX-License-Identifier: BSL-1.0
// expect: roost::receiver::receive_some: a std::vector<bool> has no bools; receive them one by one
#include <roost.hpp>

#include <vector>

int main() {
  auto channel = roost::make_channel<bool>(4);
  std::vector<bool> items;
  (void)channel.rx.receive_some(items, 4);
}
