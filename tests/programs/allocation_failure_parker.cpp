// SPDX-License-Identifier: BSL-1.0
// Threads that need a parker where the pool has none, and there is no memory for another one.
#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/errors.hpp"
#include "support/expect.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using test::expect;

namespace {

/// While it lives the pool has only the parkers that are made meanwhile.
class empty_pool {
 public:
  empty_pool() = default;
  empty_pool(const empty_pool&) = delete;
  empty_pool& operator=(const empty_pool&) = delete;
  ~empty_pool() { test::wait_probe::show_parkers(hidden_); }

 private:
  roost::detail::parker* hidden_ = test::wait_probe::hide_parkers();
};

// The thread of a task has a parker of its own, from its start on.
void a_spawn_that_needs_a_new_thread() {
  int failures = 0;
  for (bool failed = true; failed; failures += failed ? 1 : 0) {
    const empty_pool no_parkers;
    roost::task_scope scope;
    test::until_failure = failures;
    failed = test::thrown_by([&] { scope.spawn([] {}); }).find("bad_alloc") != std::string::npos;
    test::until_failure = -1;
    expect(scope.spawn([] { return 1; }).get() == 1, "the scope takes further tasks");
  }
  expect(failures >= 4, "the task, the thread, its parker and what std::jthread needs");
}

void an_end_on_a_thread_that_has_never_waited() {
  const empty_pool no_parkers;
  bool ended = false;
  bool in_time = true;
  std::jthread([&] {
    test::gate gate;
    roost::task_scope scope;
    scope.spawn([&] {
      gate.pass();
      ended = true;
    });
    test::no_memory = true; // of this thread
    in_time = scope.wait_for(0ms);
    gate.open();
    scope.join();
    expect(ended, "it waits for the tasks");
  }).join();
  expect(!in_time, "a deadline ends a wait that could not sleep");
}

void an_arrival_on_a_thread_that_has_never_waited() {
  const empty_pool no_parkers;
  roost::barrier all(2);
  std::string says;
  std::jthread([&] {
    const test::without_memory now;
    says = test::thrown_by([&] { all.arrive_and_wait(); });
  }).join();
  expect(says.find("bad_alloc") != std::string::npos, "it cannot wait");
  expect(!all.wait_for(all.arrive(), 0ms), "it has not arrived");
  (void)all.arrive();
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  a_spawn_that_needs_a_new_thread();
  an_end_on_a_thread_that_has_never_waited();
  an_arrival_on_a_thread_that_has_never_waited();
  return test::exit_code();
}
