// SPDX-License-Identifier: BSL-1.0
// expect: roost::task_scope::spawn: .*a name comes before the task
#include <roost.hpp>

int main() {
  roost::task_scope scope;
  scope.spawn([] {}, "parser");
}
