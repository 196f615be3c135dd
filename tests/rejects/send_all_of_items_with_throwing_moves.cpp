// SPDX-License-Identifier: BSL-1.0
// expect: roost::sender::send_all: moving the items must not throw; send them one by one
#include <roost.hpp>

#include <utility>
#include <vector>

struct item {
  item() = default;
  item(item&&) noexcept(false) {}
  item& operator=(item&&) noexcept(false) { return *this; }
};

int main() {
  auto channel = roost::make_channel<item>(1);
  std::vector<item> items(2);
  (void)channel.tx.send_all(std::move(items));
}
