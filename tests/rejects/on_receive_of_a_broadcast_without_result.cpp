// SPDX-License-Identifier: BSL-1.0
// expect: roost::on_receive: the handler must be callable with a shared_result<T>; it is empty when the broadcast is closed
#include <roost.hpp>

int main() {
  roost::broadcast<int> all(1);
  roost::select(roost::on_receive(all.subscribe(), [] {}));
}
