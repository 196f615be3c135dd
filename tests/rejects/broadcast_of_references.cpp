// SPDX-License-Identifier: BSL-1.0
// expect: roost::broadcast: the items must be values; send a pointer, a std::reference_wrapper or a std::array instead
#include <roost.hpp>

int main() {
  roost::broadcast<int&> all(1);
}
