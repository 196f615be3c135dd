// SPDX-License-Identifier: BSL-1.0
// flags: -std=c++17
// at-most: 20 lines
// expect: roost needs C\+\+20: compile with -std=c\+\+20, or in CMake link to roost::roost
#include <roost.hpp>

int main() {
  roost::task_scope scope;
}
