// SPDX-License-Identifier: BSL-1.0
// expect: deleted function
#include <roost.hpp>

int main() {
  roost::select(roost::on_set(roost::event()));
}
