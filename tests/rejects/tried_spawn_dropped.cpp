// SPDX-License-Identifier: BSL-1.0
// expect: nothing means that it was not spawned
#include <roost.hpp>

int main() {
  roost::task_scope scope({.limit = 1});
  scope.try_spawn([] {});
}
