// SPDX-License-Identifier: BSL-1.0
// expect: roost::task_scope::spawn: .*bind arguments with a lambda
#include <roost.hpp>

int main() {
  roost::task_scope scope;
  scope.spawn(
      "parser", [](int, int) {}, 3, 4);
}
