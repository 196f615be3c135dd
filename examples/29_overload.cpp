// SPDX-License-Identifier: BSL-1.0
// More work than there is room for, and a sender that must not wait. Notice what each policy gives
// up: drop_oldest the old value, drop_newest the new one, which its sender keeps; and try_spawn()
// refuses a task for which there is neither a thread nor a place in the queue.
#include <roost.hpp>

#include <iostream>
#include <string>

int main() {
  const auto gauge = roost::make_channel<int>(1, roost::overflow::drop_oldest);
  for (const int degrees : {18, 19, 20, 21})
    (void)gauge.tx.send(degrees); // always succeeds
  std::cout << "latest: " << gauge.rx.receive().value() << '\n';

  const auto letters = roost::make_channel<std::string>(2, roost::overflow::drop_newest);
  for (const std::string letter : {"first", "second", "third"}) {
    if (!letters.tx.send(letter))
      std::cout << "no room: " << letter << '\n';
  }

  roost::event done;
  roost::task_scope scope({.name = "requests", .limit = 1, .backlog = 1});
  for (const char* request : {"a", "b", "c"}) { // one runs, one is queued, one is too many
    if (!scope.try_spawn(request, [&done] { done.wait(); }))
      std::cout << "busy: " << request << '\n';
  }
  done.set();
}

// Output:
//   latest: 21
//   no room: third
//   busy: c
