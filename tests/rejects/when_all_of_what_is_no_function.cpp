// SPDX-License-Identifier: BSL-1.0
// expect: roost::when_all: each argument must be callable with no arguments or with a std::stop_token, or the only one be a range of such; bind arguments with a lambda
#include <roost.hpp>

int main() {
  (void)roost::when_all([] {}, [](int) {});
}
