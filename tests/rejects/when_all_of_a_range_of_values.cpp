// SPDX-License-Identifier: BSL-1.0
// expect: roost::when_all: the range's elements must be callable with no arguments or with a std::stop_token
#include <roost.hpp>

#include <vector>

int main() {
  roost::when_all(std::vector<int>());
}
