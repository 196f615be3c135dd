// SPDX-License-Identifier: BSL-1.0
// The concurrent prime sieve, well known from Go: a chain of tasks, one for each prime. A task
// passes on the numbers that its prime does not divide. Notice what ends the chain, though no line
// says so: when main has seen enough, its receiver goes; so the last filter's send fails, and the
// filter ends; its receiver goes with it, and so on up to the source.
#include <roost.hpp>

#include <iostream>
#include <utility>

namespace {

roost::receiver<int> count_from(int first, roost::task_scope& scope) {
  auto numbers = roost::make_channel<int>();
  scope.spawn("count_from", [first, out = std::move(numbers.tx)] {
    for (int n = first; out.send(n); ++n) {
    }
  });
  return std::move(numbers.rx);
}

roost::receiver<int>
without_multiples(int prime, roost::receiver<int> numbers, roost::task_scope& scope) {
  auto rest = roost::make_channel<int>();
  scope.spawn("without_multiples", [prime, in = std::move(numbers), out = std::move(rest.tx)] {
    for (const int n : in)
      if (n % prime != 0 && !out.send(n))
        return;
  });
  return std::move(rest.rx);
}

} // namespace

int main() {
  roost::task_scope scope({.name = "sieve"});
  auto numbers = count_from(2, scope); // declared after the scope: it goes first
  for (int i = 0; i < 20; ++i) {
    const int prime = numbers.receive().value();
    std::cout << prime << ' ';
    numbers = without_multiples(prime, std::move(numbers), scope);
  }
  std::cout << "...\n";
}

// Output:
//   2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 ...
