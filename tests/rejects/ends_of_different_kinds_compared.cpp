// SPDX-License-Identifier: BSL-1.0
// expect: no match for .*operator==|invalid operands to binary expression
#include <roost.hpp>

int main() {
  auto channel = roost::make_channel<int>(1);
  return channel.tx == channel.rx ? 1 : 0;
}
