// SPDX-License-Identifier: BSL-1.0
// expect: what the body returns would be lost, as it is run in many orders; let it return nothing
#include <roost.hpp>
#include <roost/testing.hpp>

int main() {
  roost::testing::explore([](roost::task_scope& scope) { return scope.stop_requested(); });
}
