// SPDX-License-Identifier: BSL-1.0
// expect: roost::when_any: each argument must be callable with no arguments or with a std::stop_token, or the only one be a range of such; bind arguments with a lambda
#include <roost.hpp>

int main() {
  roost::when_any([] {}, 5);
}
