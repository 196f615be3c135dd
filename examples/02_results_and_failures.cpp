// SPDX-License-Identifier: BSL-1.0
// Tasks return values and throw exceptions, as functions do. Notice that the first failure stops
// the sibling that waits, and that the caller gets the same exception, unchanged.
#include <roost.hpp>

#include <iostream>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace {

long sum(const std::vector<int>& numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  return roost::with_scope([&](roost::task_scope& scope) {
    auto left = scope.spawn([&] { return std::accumulate(numbers.begin(), middle, 0L); });
    const long right = std::accumulate(middle, numbers.end(), 0L);
    return left.get() + right;
  });
}

void load_both() {
  roost::event never;
  roost::with_scope([&](roost::task_scope& scope) {
    scope.spawn("waits", [&] { never.wait(); }); // its sibling's failure wakes it
    scope.spawn("fails", [] { throw std::runtime_error("no such file"); });
  });
}

void load_all() {
  roost::task_scope scope({.errors = roost::on_error::collect}); // a failure stops no sibling
  for (const char* name : {"a", "b"}) {
    scope.spawn(name, [name] { throw std::invalid_argument(name); });
  }
  scope.join();
}

} // namespace

int main() {
  std::cout << "sum: " << sum({1, 2, 3, 4, 5, 6}) << '\n';
  try {
    load_both();
  } catch (const std::runtime_error& e) {
    std::cout << "failed: " << e.what() << '\n';
  }
  try {
    load_all();
  } catch (const roost::exception_list& e) {
    std::cout << "failures: " << e.failures().size() << '\n';
  }
}

// Output:
//   sum: 21
//   failed: no such file
//   failures: 2
