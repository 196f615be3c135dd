// SPDX-License-Identifier: BSL-1.0
// A channel of task handles: the results come in the order of their inputs, as each becomes ready,
// and the number of tasks under way has a bound. Notice the bound: the channel's capacity, and one
// handle more at each side. (For a whole range at once take transform().)
#include <roost.hpp>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <utility>

namespace {

int steps_to_one(int n) { // by Collatz's rule
  return n == 1 ? 0 : 1 + steps_to_one(n % 2 == 0 ? n / 2 : 3 * n + 1);
}

} // namespace

int main() {
  std::atomic<int> under_way = 0;
  int most = 0; // only the feeder touches it until its task has ended
  roost::task_scope scope;
  auto [tx, rx] = roost::make_channel<roost::task_handle<int>>(4);
  scope.spawn("feeder", [&scope, &under_way, &most, out = std::move(tx)] {
    for (int n = 1; n <= 1000; ++n) {
      most = std::max(most, ++under_way);
      if (!out.send(scope.spawn([n] { return steps_to_one(n); })))
        return; // the loop below has ended early
    }
  });

  long sum = 0;
  for (roost::task_handle<int>& next : rx) {
    const int steps = next.get(); // throws the task's failure, in its turn
    --under_way;
    sum += steps;
  }
  scope.join();
  std::cout << "steps in all: " << sum << '\n'
            << (most <= 4 + 2 ? "never more than 6 at once\n" : "too many\n");
}

// Output:
//   steps in all: 59542
//   never more than 6 at once
