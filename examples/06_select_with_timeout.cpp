// SPDX-License-Identifier: BSL-1.0
// One thread waits for two channels and for the clock. Notice that silence is a case like any
// other, and that a closed channel is ready, too: so the loop learns of its end. A stop needs no
// case: select() then throws.
#include <roost.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

int main() {
  roost::event ask_again;
  roost::task_scope scope;
  auto prices = roost::make_channel<int>();
  auto notices = roost::make_channel<std::string>();

  // The slow server: after two prices it says nothing until it is asked again.
  scope.spawn("exchange", [&ask_again, price = std::move(prices.tx), news = std::move(notices.tx)] {
    (void)price.send(1010);
    (void)price.send(990);
    ask_again.wait();
    (void)news.send("connected again");
    (void)price.send(1030);
    (void)news.send("closed for today");
  }); // the task's senders go with it: both channels close

  bool open = true;
  const auto show_price = [&open](auto cents) { // empty if the channel is closed
    if (cents)
      std::cout << *cents << " cents\n";
    open = cents.has_value();
  };
  const auto show_notice = [&open](auto notice) {
    if (notice)
      std::cout << "exchange: " << *notice << '\n';
    open = notice.has_value();
  };
  while (open) {
    roost::select(roost::on_receive(prices.rx, show_price),
                  roost::on_receive(notices.rx, show_notice),
                  roost::on_timeout(20ms, [&ask_again] { ask_again.set(); }));
  }
}

// Output:
//   1010 cents
//   990 cents
//   exchange: connected again
//   1030 cents
//   exchange: closed for today
