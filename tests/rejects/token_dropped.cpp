// SPDX-License-Identifier: BSL-1.0
// expect: it counts only while it lives: give it a name
#include <roost.hpp>

int main() {
  roost::wait_group group;
  group.enter();
}
