// SPDX-License-Identifier: BSL-1.0
// A program that hangs, and a look at why. Notice that the report needs no debugger and stops
// no task: any thread may take one at any time. On a real terminal one would print it as it is:
// `std::cerr << scope.report()`, or to_json() for a page that shows it.
#include <roost.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <string>

namespace {

bool all_are_blocked(const roost::report& r) {
  return std::all_of(r.tasks.begin(), r.tasks.end(), [](const roost::task_report& t) {
    return t.state == roost::task_state::blocked;
  });
}

} // namespace

int main() {
  const auto jobs = roost::make_channel<int>(1, "jobs");
  roost::event configured; // which no task sets
  roost::task_scope scope({.name = "service", .exit = roost::on_exit::stop});
  scope.spawn("producer", [&] {
    for (int job = 0; jobs.tx.send(job); ++job) {
    }
  });
  scope.spawn("consumer", [&] {
    configured.wait();
    for (const int job : jobs.rx)
      std::cout << job << '\n';
  });

  roost::report r = scope.report();
  while (!all_are_blocked(r)) {
    roost::this_task::sleep_for(std::chrono::milliseconds(1));
    r = scope.report();
  }
  std::map<std::string, std::string> lines; // by name: tasks begin in any order
  for (const roost::task_report& t : r.tasks)
    lines[t.name] = t.blocked->operation + ": " + t.blocked->object + ", " + t.blocked->detail;
  for (const auto& [name, line] : lines)
    std::cout << name << " is blocked in " << line << '\n';
}

// Output:
//   consumer is blocked in event::wait: event, not set
//   producer is blocked in sender::send: jobs, 1/1, 1 receiver
