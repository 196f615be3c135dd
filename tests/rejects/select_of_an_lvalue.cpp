// SPDX-License-Identifier: BSL-1.0
// expect: roost::select: write the cases into the call itself; they refer to what they are made from
#include <roost.hpp>

int main() {
  roost::event ready;
  auto when_ready = roost::on_set(ready);
  roost::select(when_ready);
}
