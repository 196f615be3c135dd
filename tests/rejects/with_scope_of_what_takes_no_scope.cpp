// SPDX-License-Identifier: BSL-1.0
// expect: roost::with_scope: the body must be callable with a roost::task_scope&
#include <roost.hpp>

int main() {
  roost::with_scope([] {});
}
