// SPDX-License-Identifier: BSL-1.0
// expect: roost::select: the handler of on_tick must be callable without arguments, or with
#include <roost.hpp>

#include <chrono>
#include <string>

int main() {
  roost::ticker t(std::chrono::seconds(1));
  roost::select(roost::on_tick(t, [](const std::string&) {}));
}
