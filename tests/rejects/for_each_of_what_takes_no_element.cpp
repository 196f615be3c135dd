// SPDX-License-Identifier: BSL-1.0
// expect: roost::for_each: the function must be callable with an element of the range
#include <roost.hpp>

#include <vector>

int main() {
  roost::for_each(std::vector<int>(), [] { return 1; });
}
