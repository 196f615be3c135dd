// SPDX-License-Identifier: BSL-1.0
// expect: roost::broadcast: these items cannot be copied; send them with std::move
#include <roost.hpp>

#include <memory>

int main() {
  roost::broadcast<std::unique_ptr<int>> all(1);
  const auto item = std::make_unique<int>(1);
  (void)all.send(item);
}
