// SPDX-License-Identifier: BSL-1.0
// A loop receives from two channels, one of them first, until both are closed. Notice that the
// selector drops the case of a closed channel; a select() in a loop would find it ready for ever. A
// failure that fail() tells comes after the items sent before it, and it stops no task.
#include <roost.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

// A handler: it takes the result of a receive, which is empty when the channel is closed.
auto print(const std::string& from) {
  return [from](auto message) {
    if (!message && !message.error())
      return; // closed
    try {
      const auto& content = message.value(); // throws what fail() was given
      std::cout << from << ": " << content << '\n';
    } catch (const std::exception& e) {
      std::cout << from << " has failed: " << e.what() << '\n';
    }
  };
}

} // namespace

int main() {
  auto control = roost::make_channel<std::string>(8);
  auto data = roost::make_channel<int>(8);
  (void)data.tx.send_all({1, 2, 3});
  (void)control.tx.send_all({"slower", "faster"});
  data.tx.fail(std::make_exception_ptr(std::runtime_error("connection lost")));
  control.tx.close();

  roost::selector all;
  all.add(roost::on_receive(control.rx, print("control"))); // asked first
  all.add(roost::on_receive(data.rx, print("data")));
  while (!all.empty())
    all.select_biased();
}

// Output:
//   control: slower
//   control: faster
//   data: 1
//   data: 2
//   data: 3
//   data has failed: connection lost
