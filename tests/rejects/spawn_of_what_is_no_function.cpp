// SPDX-License-Identifier: BSL-1.0
// expect: roost::task_scope::spawn: the task must be callable with no arguments or with a std::stop_token; bind arguments with a lambda
#include <roost.hpp>

int main() {
  roost::task_scope scope;
  scope.spawn([](int) {});
}
