// SPDX-License-Identifier: BSL-1.0
// Loops that work on several elements at once. Notice that transform() returns the results in the
// order of the elements, whichever is ready first. A receiver is a range like any other, so a pool
// of workers at a channel is one line.
#include <roost.hpp>

#include <atomic>
#include <iostream>
#include <numeric>
#include <utility>
#include <vector>

namespace {

bool is_prime(int n) {
  for (int d = 2; d <= n / d; ++d)
    if (n % d == 0)
      return false;
  return n > 1;
}

int steps_to_one(int n) { // by Collatz's rule
  return n == 1 ? 0 : 1 + steps_to_one(n % 2 == 0 ? n / 2 : 3 * n + 1);
}

roost::receiver<int> count_to(int last, roost::task_scope& scope) {
  auto numbers = roost::make_channel<int>(16);
  scope.spawn("count_to", [last, out = std::move(numbers.tx)] {
    for (int n = 1; n <= last && out.send(n); ++n) {
    }
  });
  return std::move(numbers.rx);
}

} // namespace

int main() {
  std::vector<int> numbers(10);
  std::iota(numbers.begin(), numbers.end(), 1);

  std::cout << "steps:";
  for (const int steps : roost::transform(numbers, steps_to_one))
    std::cout << ' ' << steps;
  std::cout << '\n';

  roost::for_each(numbers, [](int& n) { n *= n; }); // no other thread has this element
  std::cout << "the last square: " << numbers.back() << '\n';

  roost::task_scope scope;
  std::atomic<int> primes{0}; // all threads add to it
  roost::for_each(
      count_to(10'000, scope), [&](int n) { primes += is_prime(n) ? 1 : 0; }, {.limit = 3});
  std::cout << "primes: " << primes << '\n';
}

// Output:
//   steps: 0 1 7 2 5 8 16 3 19 6
//   the last square: 100
//   primes: 1229
