// SPDX-License-Identifier: BSL-1.0
// expect: roost::select_biased: it needs a case
// expect: call select()
#include <roost.hpp>

int main() {
  roost::select_biased();
}
