// SPDX-License-Identifier: BSL-1.0
// expect: roost::testing::bubble: the body must be callable without arguments, or with a
#include <roost.hpp>
#include <roost/testing.hpp>

int main() {
  roost::testing::bubble([](int) {});
}
