// SPDX-License-Identifier: BSL-1.0
// A task, a channel, and an end to both. Notice what is missing: no line closes the channel, and no
// line joins the thread.
#include <roost.hpp>

#include <iostream>
#include <utility>

int main() {
  roost::task_scope scope;                      // no task outlives this block
  auto [tx, rx] = roost::make_channel<int>(16); // after it: a loop left early tells the sender
  scope.spawn("squares", [tx = std::move(tx)] {
    for (int i = 0; i < 10; ++i) {
      if (!tx.send(i * i)) {
        return; // nobody listens any more
      }
    }
  }); // the last sender goes: the channel closes itself
  for (int square : rx) {
    std::cout << square << '\n';
  }
} // joined here; a failed task rethrows here

// Output:
//   0
//   1
//   4
//   9
//   16
//   25
//   36
//   49
//   64
//   81
