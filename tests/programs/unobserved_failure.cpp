// SPDX-License-Identifier: BSL-1.0
// The line that the default hook prints of a failure that nobody took.
#include <roost.hpp>

#include "support/probe.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  const std::string_view mode = argc == 2 ? argv[1] : "";
  try {
    roost::event never;
    roost::task_scope scope;
    const auto fails_late = [&] {
      try {
        never.wait();
      } catch (const roost::stopped&) {
        if (mode == "number")
          throw 7;
        throw std::runtime_error("the task's own");
      }
    };
    if (mode == "named") {
      scope.spawn("cleaner", fails_late);
    } else {
      scope.spawn(fails_late);
    }
    test::wait_until_blocked(scope, 1);
    throw std::runtime_error("the body's");
  } catch (const std::runtime_error& e) {
    return e.what() == std::string_view("the body's") ? 0 : 1;
  }
}
