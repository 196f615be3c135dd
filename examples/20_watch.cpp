// SPDX-License-Identifier: BSL-1.0
// Settings change while tasks work: get() returns the latest at any time, and wait() brings the
// next one. Notice that a loop of get() and wait() misses no state that lasts: a value that is set
// between the two calls is a change, too. A change stays until the receiver has seen it, however
// late.
#include <roost.hpp>

#include <iostream>
#include <string>
#include <utility>

namespace {

struct settings {
  std::string greeting;
  bool paused = true;
};

} // namespace

int main() {
  roost::task_scope scope;
  auto guests = roost::make_channel<std::string>();
  auto greetings = roost::make_channel<std::string>();
  roost::watch<settings> current(settings{"Hello"});

  scope.spawn("greeter", [rx = guests.rx, out = greetings.tx, latest = current.subscribe()] {
    while (latest.get().paused) {
      if (!latest.wait())
        return; // the watch is closed: the pause never ends
    }
    for (const std::string& guest : rx)
      (void)out.send(latest.get().greeting + ", " + guest + "!");
  });
  auto last = scope.spawn("audit", [latest = current.subscribe()] {
    std::string greeting;
    for (const settings& s : latest) // it may skip some, but never the last one
      greeting = s.greeting;
    return greeting;
  });

  current.set({"Good morning", false});
  (void)guests.tx.send("Ada");
  std::cout << greetings.rx.receive().value() << '\n';
  current.set({"Good night", false});
  (void)guests.tx.send("Grace");
  std::cout << greetings.rx.receive().value() << '\n';
  guests.tx.close();
  current.close();
  std::cout << "in the end: " << last.get() << '\n';
}

// Output:
//   Good morning, Ada!
//   Good night, Grace!
//   in the end: Good night
