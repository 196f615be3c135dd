// SPDX-License-Identifier: BSL-1.0
// A deadlock ends its scope, or is told, also where there is no memory for a look at it at first.
#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/expect.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <new>
#include <string_view>

using namespace std::chrono_literals;
using test::expect;

namespace {

/// Lets a task wait for ever once its owner waits for it; `fail()` is called right before.
template <class Fail>
void wait_in_vain(roost::task_scope& scope, roost::event& awaited, Fail fail) {
  scope.spawn([&scope, &awaited, fail] {
    roost::this_task::sleep_for(1us); // afterwards a wait takes no memory
    test::wait_until([&] { return scope.report().scopes.front().owner.has_value(); });
    fail();
    awaited.wait();
  });
  scope.join();
}

/// So many allocations fail, and then no other.
void stops(long failures) {
  roost::event never;
  bool found = false;
  try {
    roost::task_scope scope(
        {.stall_after = roost::clock::duration::max(), .on_deadlock = roost::on_deadlock::stop});
    wait_in_vain(
        scope, never, [failures] { test::failing_allocations.start_with_failures(failures); });
  } catch (const roost::deadlock_error&) {
    found = true;
  } catch (const std::bad_alloc&) { // the last that failed was for the error itself
    found = failures != 0;
  }
  expect(test::failing_allocations.stop() || failures == 0, "what was to fail has failed");
  expect(found, "the deadlock is found");
}

int told = 0;
roost::event* awaited_now = nullptr;

/// One allocation fails, after so many. Where that was for the text, the owner tells it later.
bool reports(long before) {
  told = 0;
  roost::event once_told;
  awaited_now = &once_told;
  {
    roost::task_scope scope({.stall_after = 2ms, .on_deadlock = roost::on_deadlock::report});
    wait_in_vain(scope, once_told, [before] { test::failing_allocations.start(before, false); });
  }
  expect(told == 1, "the deadlock is told once");
  return test::failing_allocations.stop();
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  for (const long failures : {0L, 1L, 20L, 60L, 100L})
    stops(failures);
  roost::set_report_sink([](std::string_view text) {
    if (text.find("DEADLOCK") != std::string_view::npos) {
      ++told;
      awaited_now->set();
    }
  });
  long failed = 0;
  while (reports(failed))
    ++failed;
  expect(failed > 5, "a report takes memory"); // with sanitizers libc++'s own is not counted
  return test::exit_code();
}
