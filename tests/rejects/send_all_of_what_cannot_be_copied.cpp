// SPDX-License-Identifier: BSL-1.0
// expect: roost::sender::send_all: these items cannot be copied
// expect: send the vector with std::move
#include <roost.hpp>

#include <memory>
#include <vector>

int main() {
  auto channel = roost::make_channel<std::unique_ptr<int>>(2);
  std::vector<std::unique_ptr<int>> items(2);
  (void)channel.tx.send_all(items);
}
