// SPDX-License-Identifier: BSL-1.0
// expect: it is unlocked when this goes: give it a name
#include <roost.hpp>

int main() {
  roost::mutex m;
  roost::mutex::guard{m};
}
