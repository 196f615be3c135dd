// SPDX-License-Identifier: BSL-1.0
// Prefix sums in phases: in each phase every task reads one element, and then writes its own.
// Notice the two waits: the first one keeps a task from writing what another task still reads. A
// task that fails need not leave the barrier: its scope stops the others, and their waits throw.
#include <roost.hpp>

#include <cstddef>
#include <iostream>
#include <vector>

int main() {
  std::vector<int> sums{3, 1, 4, 1, 5, 9, 2, 6};
  roost::barrier step(sums.size());
  roost::task_scope scope;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    scope.spawn("sum", [&sums, &step, i] {
      for (std::size_t distance = 1; distance < sums.size(); distance *= 2) {
        const int left = i >= distance ? sums[i - distance] : 0;
        step.arrive_and_wait(); // now all have read
        sums[i] += left;
        step.arrive_and_wait(); // now all have written
      }
    });
  }
  scope.join();

  for (const int sum : sums)
    std::cout << sum << '\n';
}

// Output:
//   3
//   4
//   8
//   9
//   14
//   23
//   25
//   31
