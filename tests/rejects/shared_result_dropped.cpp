// SPDX-License-Identifier: BSL-1.0
// expect: an item that was received does not come again
#include <roost.hpp>

int main() {
  roost::broadcast<int> all(1);
  all.subscribe().try_receive();
}
