// SPDX-License-Identifier: BSL-1.0
// expect: roost: a duration needs a unit: 2s, 20ms, std::chrono::hours\(1\)
#include <roost.hpp>

int main() {
  const roost::task_scope scope({.timeout = 2});
}
