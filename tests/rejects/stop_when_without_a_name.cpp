// SPDX-License-Identifier: BSL-1.0
// expect: it works only while it lives: give it a name
#include <roost.hpp>

#include <stop_token>

int main() {
  std::stop_source source;
  roost::stop_when{source.get_token()};
}
