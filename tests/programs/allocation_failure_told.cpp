// SPDX-License-Identifier: BSL-1.0
// What went wrong reaches the owner, the handler or the hook also where there is no memory to tell
// it: then the owner gets bad_alloc instead. Nothing is lost, and nothing ends the program.
#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/expect.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <new>
#include <utility>

using namespace std::chrono_literals;
using test::expect;
using test::long_name;

namespace {

constexpr int failures = 3;

// How many the hook got. It allocates nothing: that there is no memory is what this is about.
std::atomic<int> hooked{0};

void count_hooked(const roost::failure&) {
  ++hooked;
}

/// Not counting parkers, which are kept for ever. All threads but this one have ended.
long allocations() {
  return test::living_allocations -
         test::wait_probe::show_parkers(test::wait_probe::hide_parkers());
}

// --- the end of a scope ----------------------------------------------------------

/// Its allocations fail from the first on, then from the second on, and so on, until it needs no
/// more. `call(start)` calls `start()` where that is to begin.
template <class Call>
void with_each_allocation_failing(const char* what, Call call) {
  bool reached = true;
  for (int n = 0; reached; ++n) {
    const long before = allocations();
    hooked = 0;
    int told = 0;
    bool out_of_memory = false;
    try {
      call([n] { test::until_failure = n; });
    } catch (const roost::exception_list& all) {
      told = static_cast<int>(all.failures().size());
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
    reached = std::exchange(test::until_failure, -1) < 0;
    expect(reached || !out_of_memory, what); // or only a name is missing
    expect(told == (out_of_memory ? 0 : failures), what);
    expect(hooked == (out_of_memory ? failures : 0), what);
    expect(allocations() == before, what);
    expect(n > 0 || reached, "it was to allocate");
  }
}

void spawn_failures(roost::task_scope& scope) {
  for (int i = 0; i < failures; ++i)
    scope.spawn(long_name, [] { throw 7; });
  expect(scope.wait_for(1h), "they end");
}

void an_end_without_memory_for_the_list() {
  const roost::scope_options collect{.errors = roost::on_error::collect};
  with_each_allocation_failing("the hook gets what a destructor cannot list", [&](auto start) {
    roost::task_scope scope(collect);
    spawn_failures(scope);
    start();
  });
  with_each_allocation_failing("the hook gets what a join cannot list", [&](auto start) {
    roost::task_scope scope(collect);
    spawn_failures(scope);
    start();
    scope.join();
  });
  with_each_allocation_failing("the hook gets what with_scope cannot list", [&](auto start) {
    roost::with_scope(collect, [&](roost::task_scope& scope) {
      spawn_failures(scope);
      start();
    });
  });
  with_each_allocation_failing("so it does of a body that fails", [&](auto start) {
    roost::with_scope(collect, [&](roost::task_scope& scope) {
      for (int i = 1; i < failures; ++i)
        scope.spawn(long_name, [] { throw 7; });
      expect(scope.wait_for(1h), "they end");
      start();
      throw 7;
    });
  });
}

// --- handler and hook ------------------------------------------------------------

void a_handler_that_throws_for_a_task_with_a_long_name() {
  hooked = 0;
  roost::task_scope scope({.on_failure = [](const roost::failure& failed) {
    expect(failed.task == long_name, "there was memory for the first copy of the name");
    test::no_memory = true; // for the rest of this thread
    throw 8;
  }});
  scope.spawn(long_name, [] { throw 7; });
  expect(scope.wait_for(1h), "the task ends");
  expect(hooked == 1, "the hook gets what the handler threw");
  try {
    scope.join();
    expect(false, "the owner gets the failure");
  } catch (int thrown) {
    expect(thrown == 7, "the owner gets the task's failure");
  }
}

// It prints a line for each, without the name.
void the_default_hook_without_memory() {
  const auto before = roost::set_unobserved_failure_hook(nullptr);
  try {
    roost::task_scope scope({.errors = roost::on_error::collect});
    scope.spawn(long_name, [] { throw 7; });
    expect(scope.wait_for(1h), "this one fails first");
    scope.spawn("short", [] { throw std::bad_alloc(); });
    expect(scope.wait_for(1h), "then this one");
    test::no_memory = true;
    throw 8;
  } catch (int) {
    test::no_memory = false;
  }
  roost::set_unobserved_failure_hook(before);
}

// --- when_any ----------------------------------------------------------------------

void a_when_any_without_memory_for_the_list() {
  with_each_allocation_failing("the hook gets what when_any cannot list", [](auto start) {
    const auto fail = [] { throw 7; };
    roost::when_any(fail, fail, [&] {
      start(); // this one runs here
      throw 7;
    });
  });
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  roost::set_unobserved_failure_hook(&count_hooked);
  { // makes what is kept
    roost::task_scope scope;
    try {
      spawn_failures(scope);
      scope.join();
    } catch (int) {
    }
  }
  an_end_without_memory_for_the_list();
  a_handler_that_throws_for_a_task_with_a_long_name();
  the_default_hook_without_memory();
  a_when_any_without_memory_for_the_list();
  return test::exit_code();
}
