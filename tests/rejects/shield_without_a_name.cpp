// SPDX-License-Identifier: BSL-1.0
// expect: it works only while it lives: give it a name
#include <roost.hpp>

#include <chrono>

int main() {
  roost::shield{std::chrono::seconds(1)};
}
