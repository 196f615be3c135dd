// SPDX-License-Identifier: BSL-1.0
// expect: these items cannot be copied; send them with std::move, which leaves a const one as it is: a lambda that holds it must be mutable
#include <roost.hpp>

#include <memory>
#include <utility>

int main() {
  auto channel = roost::make_channel<std::unique_ptr<int>>(1);
  const auto send = [&channel, p = std::make_unique<int>(1)] {
    (void)channel.tx.send(std::move(p));
  };
  send();
}
