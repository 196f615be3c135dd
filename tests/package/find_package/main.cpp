// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include <utility>

// The headers and the package files that are found belong together.
static_assert(ROOST_VERSION_MAJOR * 10'000 + ROOST_VERSION_MINOR * 100 + ROOST_VERSION_PATCH ==
              VERSION_OF_PACKAGE);

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
