// SPDX-License-Identifier: BSL-1.0
// How a stop arrives. Notice that fetch() knows nothing of deadlines: the stop reaches any wait of
// the thread, and tells its cause.
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
    const roost::shield clean_up(1min); // while it lives, the stop reaches no wait here
    (void)log.send("stopped: " + s.cause().message);
    throw; // a task that a stop ends has not failed
  }
}

} // namespace

int main() {
  try {
    roost::task_scope scope({.name = "page", .timeout = 20ms}); // it covers this thread, too
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
  scope.join(); // returns: a stop on request is no failure
  std::cout << log.rx.receive().value() << '\n';
}

// Output:
//   roost: the deadline of scope "page" passed
//   started
//   stopped: enough
