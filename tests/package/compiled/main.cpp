// SPDX-License-Identifier: BSL-1.0
#include "squares.hpp"

#include <utility>

int main() {
  int sum = 0;
  roost::task_scope scope;
  auto [tx, rx] = roost::make_channel<int>(16);
  send_squares(scope, std::move(tx));
  for (int square : rx)
    sum += square;
  return sum == 285 ? 0 : 1;
}
