// SPDX-License-Identifier: BSL-1.0
// expect: roost::selector::add: instead of adding `otherwise` call try_select\(\)
#include <roost.hpp>

int main() {
  roost::selector cases;
  cases.add(roost::otherwise());
}
