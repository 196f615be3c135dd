// SPDX-License-Identifier: BSL-1.0
// A `stopped` that nothing catches ends the program, which says what stopped it. Run with where it
// leaves: "main"; "handler", where the program has a handler for std::terminate() of its own;
// "other", where another exception leaves main after a `stopped` that was caught.
#include <roost.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string_view>

using namespace std::chrono_literals;

namespace {

void wait_in_a_stopped_scope() {
  roost::task_scope scope;
  scope.spawn("closer", [&] { scope.request_stop("enough"); });
  roost::this_task::sleep_for(1h);
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): that is what it shows
int main(int argc, char** argv) {
  const std::string_view how = argc == 2 ? argv[1] : "";
  if (how == "other") {
    try {
      wait_in_a_stopped_scope();
    } catch (const roost::stopped&) {
      throw std::runtime_error("another one");
    }
  }
  if (how == "handler") {
    std::set_terminate([] {
      std::fputs("the handler of the program\n", stderr);
      std::abort();
    });
  }
  wait_in_a_stopped_scope();
}
