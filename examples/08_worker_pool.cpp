// SPDX-License-Identifier: BSL-1.0
// Workers survive a job that fails. Notice that the failure is a result like any other, and that
// the catch takes a std::exception: a stop is none, so it still ends the worker.
#include <roost.hpp>

#include <exception>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using result = std::pair<int, std::string>; // a job and its outcome

int steps_to_one(int n) { // by Collatz's rule
  if (n < 1)
    throw std::domain_error("not a positive number");
  return n == 1 ? 0 : 1 + steps_to_one(n % 2 == 0 ? n / 2 : 3 * n + 1);
}

result run(int job) {
  try {
    return {job, std::to_string(steps_to_one(job)) + " steps"};
  } catch (const std::exception& e) {
    return {job, e.what()};
  }
}

// When it returns, only the workers have the other ends of both channels.
roost::receiver<result> run_all(std::vector<int> numbers, roost::task_scope& scope) {
  auto jobs = roost::make_channel<int>(numbers.size()); // room for all: the next line cannot wait
  (void)jobs.tx.send_all(std::move(numbers));
  auto results = roost::make_channel<result>();
  for (int worker = 0; worker < 3; ++worker) {
    scope.spawn("worker", [in = jobs.rx, out = results.tx] {
      for (const int job : in)
        if (!out.send(run(job)))
          return; // the receiver has gone
    });
  }
  return std::move(results.rx);
}

} // namespace

int main() {
  roost::task_scope scope({.name = "pool"});
  std::map<int, std::string> results; // the workers send them in any order
  for (result& r : run_all({27, 0, 871}, scope))
    results.insert(std::move(r));
  for (const auto& [job, text] : results)
    std::cout << job << ": " << text << '\n';
}

// Output:
//   0: not a positive number
//   27: 111 steps
//   871: 178 steps
