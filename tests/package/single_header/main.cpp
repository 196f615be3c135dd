// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#if __has_include(<poll.h>)
#include <roost/posix.hpp>
#endif

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
#if __has_include(<poll.h>)
  roost::select(roost::on_readable(0), roost::otherwise()); // it links
#endif
  return sum == 285 ? 0 : 1;
}
