// SPDX-License-Identifier: BSL-1.0
// expect: no matching function for call to .*for_each
#include <roost.hpp>

int main() {
  roost::for_each(5, [](int) {});
}
