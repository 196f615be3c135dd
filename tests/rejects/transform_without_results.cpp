// SPDX-License-Identifier: BSL-1.0
// expect: roost::transform: the function returns nothing; take roost::for_each
#include <roost.hpp>

#include <vector>

int main() {
  (void)roost::transform(std::vector<int>(), [](int) {});
}
