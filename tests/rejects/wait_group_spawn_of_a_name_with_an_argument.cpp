// SPDX-License-Identifier: BSL-1.0
// expect: roost::wait_group::spawn: .*bind arguments with a lambda
#include <roost.hpp>

int main() {
  roost::wait_group group;
  roost::task_scope scope;
  group.spawn(
      scope, "parser", [](int) {}, 3);
}
