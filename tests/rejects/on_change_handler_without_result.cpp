// SPDX-License-Identifier: BSL-1.0
// expect: roost::on_change: the handler must be callable with a shared_result<T>; it is empty when the watch is closed
#include <roost.hpp>

int main() {
  roost::watch<int> value(1);
  roost::select(roost::on_change(value.subscribe(), [](int) {}));
}
