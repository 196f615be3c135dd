// SPDX-License-Identifier: BSL-1.0
// expect: the items must be values; send a pointer, a std::reference_wrapper or a std::array instead
#include <roost.hpp>

int main() {
  (void)roost::make_channel<const int>(1);
}
