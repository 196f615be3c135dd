// SPDX-License-Identifier: BSL-1.0
// expect-success
// What is right compiles with the very command that must refuse the other files here.
#include <roost.hpp>

int main() {
  auto [tx, rx] = roost::make_channel<int>(1);
  roost::task_scope scope;
  scope.spawn("sender", [tx = std::move(tx)]() mutable {
    if (!tx.send(1))
      return;
  });
  return rx.receive().value() - 1;
}
