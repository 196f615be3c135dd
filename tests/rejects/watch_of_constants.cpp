// SPDX-License-Identifier: BSL-1.0
// expect: roost::watch: it holds a value; watch a pointer, a std::reference_wrapper or a std::array instead
#include <roost.hpp>

int main() {
  roost::watch<const int> value(1);
}
