// SPDX-License-Identifier: BSL-1.0
// expect: roost::selector::add: write the case into the call itself
#include <roost.hpp>

int main() {
  roost::event ready;
  auto when_ready = roost::on_set(ready);
  roost::selector cases;
  cases.add(when_ready);
}
