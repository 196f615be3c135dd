// SPDX-License-Identifier: BSL-1.0
// What a debug build tells of a precondition that does not hold: one line on stderr, and the end.
#include <roost.hpp>

#include <string_view>

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "receive") {
    auto [tx, rx] = roost::make_channel<int>(1, "numbers");
    return *rx.try_receive();
  }
  if (what == "broadcast") {
    roost::broadcast<int> numbers(1);
    auto rx = numbers.subscribe();
    return *rx.try_receive();
  }
  return 2;
}
