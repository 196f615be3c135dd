// SPDX-License-Identifier: BSL-1.0
// flags: -fno-exceptions
// at-most: 20 lines
// expect: roost needs exceptions: a wait that is stopped throws; compile without -fno-exceptions
#include <roost/testing.hpp>

int main() {
  roost::testing::bubble([] {});
}
