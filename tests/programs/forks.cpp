// SPDX-License-Identifier: BSL-1.0
// What is promised of fork: without a scope there is no thread of roost, and the child may use all
// of it; with one open the child may only exec or _exit, and the parent goes on.
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;
using test::expect;

namespace {

// Threads, a channel, a deadline, a failure: 0 if all is well.
int use_all() {
  bool timed_out = false;
  bool failed = false;
  int sum = 0;
  {
    roost::task_scope scope;
    auto [tx, rx] = roost::make_channel<int>(1);
    scope.spawn([out = std::move(tx)] {
      for (int i = 0; i < 10 && out.send(i); ++i) {
      }
    });
    for (const int i : rx)
      sum += i;
  }
  try {
    roost::with_scope({.timeout = 1ms}, [](roost::task_scope& scope) {
      scope.spawn([] { roost::this_task::sleep_for(1h); });
    });
  } catch (const roost::timeout_error&) {
    timed_out = true;
  }
  try {
    roost::with_scope(
        [](roost::task_scope& scope) { scope.spawn([] { throw std::runtime_error("planned"); }); });
  } catch (const std::runtime_error&) {
    failed = true;
  }
  return sum == 45 && timed_out && failed ? 0 : 1;
}

int exit_of(pid_t child) {
  int status = -1;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status))
    return -1;
  return WEXITSTATUS(status);
}

void a_child_without_a_scope_uses_all() {
  const std::size_t before = test::count_threads(); // a sanitizer may have one of its own
  expect(use_all() == 0, "before the fork");
  expect(test::threads_back_to(before), "no thread is left without a scope");
  const pid_t child = ::fork();
  if (child == 0)
    ::_exit(use_all());
  expect(exit_of(child) == 0, "the child of a program without a scope");
  expect(use_all() == 0, "and its parent");
}

// What a child may do while a scope of its parent is open.
void children_may_leave() {
  const pid_t leaves = ::fork();
  if (leaves == 0)
    ::_exit(7); // not exit(), and not the end of the block: they would wait for the tasks
  expect(exit_of(leaves) == 7, "a child that leaves by _exit");
  const pid_t runs = ::fork();
  if (runs == 0) {
    ::execl("/bin/sh", "sh", "-c", "exit 8", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  expect(exit_of(runs) == 8, "a child that runs another program");
}

void a_child_with_a_scope_may_leave() {
  roost::event go_on;
  roost::task_scope scope({.timeout = 1h});
  auto waits = scope.spawn([&] { return go_on.wait_for(1h); });
  test::wait_until_blocked(scope, 1);
  children_may_leave();
  go_on.set();
  expect(waits.get(), "the parent's tasks go on");
}

// Threads that have nothing to do are no better for a child than others: it has none of them.
void a_child_with_idle_threads_may_leave() {
  constexpr int tasks = 3;
  test::gate all;
  roost::task_scope scope;
  for (int i = 0; i < tasks; ++i)
    scope.spawn([&] { all.pass(); });
  all.wait_for_arrivals(tasks);
  all.open();
  test::wait_until_idle(scope, tasks);
  children_may_leave();
  expect(scope.spawn([] { return 1; }).get() == 1, "the parent's threads take further tasks");
  scope.join();
  const pid_t later = ::fork();
  if (later == 0)
    ::_exit(use_all());
  expect(exit_of(later) == 0, "once the scope has ended a child uses all");
}

} // namespace

int main() {
  a_child_without_a_scope_uses_all();
  a_child_with_a_scope_may_leave();
  a_child_with_idle_threads_may_leave();
  return test::exit_code();
}
