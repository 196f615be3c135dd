// SPDX-License-Identifier: BSL-1.0
// expect: deleted (function|copy constructor)|implicitly deleted
#include <roost.hpp>

int main() {
  roost::task_scope scope;
  auto handle = scope.spawn([] { return 1; });
  auto copy = handle;
}
