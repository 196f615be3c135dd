// SPDX-License-Identifier: BSL-1.0
#include "squares.hpp"

#include <utility>

void send_squares(roost::task_scope& scope, roost::sender<int> tx) {
  scope.spawn("squares", [tx = std::move(tx)]() mutable {
    for (int i = 0; i < 10; ++i)
      if (!tx.send(i * i))
        return;
  });
}
