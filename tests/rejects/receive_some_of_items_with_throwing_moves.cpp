// SPDX-License-Identifier: BSL-1.0
// expect: roost::receiver::receive_some: moving the items must not throw; receive them one by one
#include <roost.hpp>

#include <vector>

struct item {
  item() = default;
  item(item&&) noexcept(false) {}
  item& operator=(item&&) noexcept(false) { return *this; }
};

int main() {
  auto channel = roost::make_channel<item>(1);
  std::vector<item> items;
  (void)channel.rx.receive_some(items, 2);
}
