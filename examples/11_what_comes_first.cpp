// SPDX-License-Identifier: BSL-1.0
// Messages of several channels, with precedence for one, until all are closed. Notice that the
// selector drops a case whose channel is closed: a select in a loop would find it ready for ever.
// And that a failure told by fail() comes after what was sent before it, and stops nobody.
#include <roost.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

// Calls it with the result of a receive; empty when the channel is closed.
auto print(const std::string& from) {
  return [from](auto message) {
    if (!message && !message.error())
      return; // closed
    try {
      const auto& content = message.value(); // throws what the channel was closed with
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
