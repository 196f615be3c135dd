// SPDX-License-Identifier: BSL-1.0
// expect: roost::when_all: each argument must be callable with no arguments or with a std::stop_token
#include <roost.hpp>

int main() {
  roost::when_all();
}
