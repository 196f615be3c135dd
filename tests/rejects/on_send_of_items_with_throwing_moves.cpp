// SPDX-License-Identifier: BSL-1.0
// expect: roost::on_send: moving the items must not throw
// expect: send a std::unique_ptr to them instead
#include <roost.hpp>

#include <utility>

struct throwing {
  throwing() = default;
  throwing(throwing&&) noexcept(false) {}
  throwing& operator=(throwing&&) noexcept(false) { return *this; }
};

int main() {
  auto channel = roost::make_channel<throwing>();
  throwing item;
  roost::select(roost::on_send(channel.tx, std::move(item), [](roost::send_result) {}));
}
