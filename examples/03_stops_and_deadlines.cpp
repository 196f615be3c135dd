// SPDX-License-Identifier: BSL-1.0
// How a stop arrives. Notice that fetch() knows nothing of deadlines: the stop reaches whatever the
// thread waits in, and says why.
#include <roost.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

std::string fetch(const roost::receiver<std::string>& connection) {
  return connection.receive().value(); // the slow server never answers
}

void report(const roost::sender<std::string>& log) {
  try {
    (void)log.send("started");
    roost::this_task::sleep_for(1h);
  } catch (const roost::stopped& s) {
    const roost::shield clean_up(1s); // the stop does not reach this thread's waits meanwhile
    (void)log.send("stopped: " + s.cause().message);
    throw; // a task that a stop ended has not failed
  }
}

} // namespace

int main() {
  try {
    roost::task_scope scope({.name = "page", .timeout = 20ms}); // covers this thread, too
    auto server = roost::make_channel<std::string>();
    std::cout << fetch(server.rx);
  } catch (const roost::timeout_error& e) {
    std::cout << e.what() << '\n';
  }

  auto log = roost::make_channel<std::string>(2);
  roost::task_scope scope;
  scope.spawn("reporter", [&] { report(log.tx); });
  std::cout << log.rx.receive().value() << '\n';
  scope.request_stop("enough");
  scope.join(); // normally: to be stopped on request is no failure
  std::cout << log.rx.receive().value() << '\n';
}

// Output:
//   roost: the deadline of scope "page" passed
//   started
//   stopped: enough
