// SPDX-License-Identifier: BSL-1.0
// expect: roost::transform: the function must be callable with an element of the range
#include <roost.hpp>

#include <vector>

int main() {
  roost::transform(std::vector<int>(), [] { return 1; });
}
