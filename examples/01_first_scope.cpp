// SPDX-License-Identifier: BSL-1.0
// A task, a channel, and an end to both. Notice what is not there: nobody closes the channel, and
// nobody joins the thread.
#include <roost.hpp>

#include <iostream>
#include <utility>

int main() {
  auto [tx, rx] = roost::make_channel<int>(16);
  roost::task_scope scope; // no task outlives this block
  scope.spawn("squares", [out = std::move(tx)] {
    for (int i = 0; i < 10; ++i) {
      if (!out.send(i * i)) {
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
