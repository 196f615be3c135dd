// SPDX-License-Identifier: BSL-1.0
// A task waits for a pipe, as it would for a socket or a terminal. Notice that the wait is one of
// roost's: the stop ends it. A read that blocks by itself it could not end.
#include <roost.hpp>
#include <roost/posix.hpp>

#include <iostream>
#include <unistd.h>

int main() {
  int ends[2] = {};
  if (::pipe(ends) != 0)
    return 1;
  auto letters = roost::make_channel<char>();
  roost::task_scope scope({.name = "input"});
  scope.spawn("reader", [&letters, input = ends[0]] {
    for (char letter = 0;; (void)letters.tx.send(letter)) {
      roost::wait_readable(input); // throws when the task is stopped; there is a form with a time
      if (::read(input, &letter, 1) != 1)
        return;
    }
  });
  if (::write(ends[1], "a", 1) == 1)
    std::cout << letters.rx.receive().value() << '\n';
  scope.request_stop("seen enough");
  scope.join();
  std::cout << "reader stopped: " << scope.cause().message << '\n';
}

// Output:
//   a
//   reader stopped: seen enough
