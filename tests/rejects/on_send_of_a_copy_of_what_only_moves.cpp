// SPDX-License-Identifier: BSL-1.0
// expect: these items cannot be copied; send them with std::move
#include <roost.hpp>

#include <memory>

int main() {
  auto channel = roost::make_channel<std::unique_ptr<int>>(1);
  const auto item = std::make_unique<int>(1);
  roost::select(roost::on_send(channel.tx, item, [](roost::send_result) {}));
}
