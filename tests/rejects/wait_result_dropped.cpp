// SPDX-License-Identifier: BSL-1.0
// expect: ignoring return value
#include <roost.hpp>

#include <chrono>

int main() {
  roost::task_scope scope;
  scope.wait_for(std::chrono::seconds(1));
}
