// SPDX-License-Identifier: BSL-1.0
// A function for each stage of a pipeline: it spawns its task and returns the end to receive from.
// Notice that fan-out is three tasks at one channel, and fan-in is one selector for three channels.
#include <roost.hpp>

#include <iostream>
#include <set>
#include <utility>

namespace {

roost::receiver<int> count_to(int last, roost::task_scope& scope) {
  auto numbers = roost::make_channel<int>(16);
  scope.spawn("count_to", [last, out = std::move(numbers.tx)] {
    for (int n = 1; n <= last && out.send(n); ++n) {
    }
  });
  return std::move(numbers.rx);
}

bool is_perfect(int n) { // it equals the sum of its divisors
  int sum = 0;
  for (int d = 1; d <= n / 2; ++d)
    sum += n % d == 0 ? d : 0;
  return sum == n;
}

roost::receiver<int> perfect_among(roost::receiver<int> numbers, roost::task_scope& scope) {
  auto perfect = roost::make_channel<int>();
  scope.spawn("perfect_among", [in = std::move(numbers), out = std::move(perfect.tx)] {
    for (const int n : in)
      if (is_perfect(n) && !out.send(n))
        return;
  });
  return std::move(perfect.rx);
}

} // namespace

int main() {
  roost::task_scope scope;
  const auto numbers = count_to(1000, scope);
  std::set<int> found; // the three tasks find them in any order
  roost::selector results;
  for (int i = 0; i < 3; ++i) {
    results.add(roost::on_receive(perfect_among(numbers, scope), [&found](auto n) {
      if (n) // empty when the channel is closed; then the selector drops the case
        found.insert(*n);
    }));
  }
  while (!results.empty())
    results.select();
  for (const int n : found)
    std::cout << n << '\n';
}

// Output:
//   6
//   28
//   496
