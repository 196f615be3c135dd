// SPDX-License-Identifier: BSL-1.0
// expect: it is what to wait for
#include <roost.hpp>

int main() {
  roost::barrier together(2);
  together.arrive();
}
