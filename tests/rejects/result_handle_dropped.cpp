// SPDX-License-Identifier: BSL-1.0
// expect: it is how to get the result; cast to void what is not needed
#include <roost.hpp>

int main() {
  roost::task_scope scope;
  scope.spawn([] { return 1; });
}
