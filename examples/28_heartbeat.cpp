// SPDX-License-Identifier: BSL-1.0
// A task that sends as long as another one does. Notice that its weak_sender does not keep the
// channel open: the worker's sender is the last one, so the channel closes with the worker. Then
// lock() finds no sender, the heartbeat ends, and so does the loop in main.
#include <roost.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;

int main() {
  roost::event enough;
  roost::task_scope scope;
  auto [tx, rx] = roost::make_channel<std::string>(16);
  scope.spawn("heartbeat", [weak = roost::weak_sender(tx)] {
    for (roost::ticker beat(1ms);; beat.wait()) {
      const auto out = weak.lock();
      if (!out)
        return; // the last sender has gone
      (void)out->send("alive");
    }
  });
  scope.spawn("worker", [&enough, out = std::move(tx)] {
    (void)out.send("begun");
    enough.wait(); // its work
    (void)out.send("done");
  });

  int beats = 0;
  for (const std::string& news : rx) {
    if (news != "alive")
      std::cout << news << '\n';
    else if (++beats == 3)
      enough.set();
  }
  std::cout << (beats >= 3 ? "alive in between\n" : "dead\n");
}

// Output:
//   begun
//   done
//   alive in between
