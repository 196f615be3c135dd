// SPDX-License-Identifier: BSL-1.0
// expect: roost::select: the handler of this case must be callable without arguments
#include <roost.hpp>

int main() {
  roost::event ready;
  roost::select(roost::on_set(ready, [](int) {}));
}
