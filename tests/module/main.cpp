// SPDX-License-Identifier: BSL-1.0
#include <chrono>
#include <iostream>
#include <string>
#include <utility>

import roost;

using namespace std::chrono_literals;

int main() {
  int sum = 0;
  roost::task_scope scope({.name = "app", .timeout = 1h});
  auto [tx, rx] = roost::make_channel<int>(16);
  scope.spawn("squares", [tx = std::move(tx)]() mutable {
    for (int i = 0; i < 10; ++i)
      if (!tx.send(i * i))
        return;
  });
  roost::event done;
  auto text = scope.spawn("text", [&] {
    roost::select(roost::on_set(done, [] {}), roost::on_timeout(1h, [] {}));
    return std::string(roost::this_task::name());
  });
  for (int square : rx)
    sum += square;
  done.set();
  const bool works = sum == 285 && text.get() == "text" && !to_text(roost::report_all()).empty();
  std::cout << (works ? "the module works\n" : "the module is broken\n");
  return works ? 0 : 1;
}
