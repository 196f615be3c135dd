// SPDX-License-Identifier: BSL-1.0
// expect: deleted (function|constructor)
#include <roost.hpp>

int main() {
  roost::task_scope scope;
  roost::task_scope copy = scope;
}
