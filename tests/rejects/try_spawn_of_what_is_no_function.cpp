// SPDX-License-Identifier: BSL-1.0
// expect: the task must be callable with no arguments or with a std::stop_token; bind arguments with a lambda
#include <roost.hpp>

int main() {
  roost::task_scope scope({.limit = 1});
  (void)scope.try_spawn("named", [](int) {});
}
