// SPDX-License-Identifier: BSL-1.0
// expect: roost::select: a select has at most one case `otherwise`
#include <roost.hpp>

int main() {
  roost::event ready;
  roost::select(roost::on_set(ready), roost::otherwise(), roost::otherwise([] {}));
}
