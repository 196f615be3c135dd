// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include <utility>

int main() {
  int sum = 0;
  roost::task_scope scope;
  auto [tx, rx] = roost::make_channel<int>(16);
  scope.spawn("squares", [tx = std::move(tx)]() mutable {
    for (int i = 0; i < 10; ++i)
      if (!tx.send(i * i))
        return;
  });
  for (int square : rx)
    sum += square;
  return sum == 285 ? 0 : 1;
}
