// SPDX-License-Identifier: BSL-1.0
// Lets each allocation of scopes fail in turn: bad_alloc then comes out, nothing is half done and
// nothing leaks; and what must not fail, a stop and the end of a scope, does not.
#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/at_exit.hpp"
#include "support/errors.hpp"
#include "support/expect.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using test::expect;
using test::without_memory;

namespace {

constexpr const char* long_text = "a text that is too long to lie in the string itself";

/// Calls `f()` with its first allocation failing, then with its second, and so on, until it needs
/// no more. `check(failed)` comes after each call. Returns how many allocations failed.
template <class F, class Check>
int with_each_allocation_failing(F f, Check check) {
  for (int n = 0;; ++n) {
    test::until_failure = n;
    bool failed = false;
    try {
      f();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    const bool out_of_reach = test::until_failure >= 0;
    test::until_failure = -1;
    check(failed);
    if (out_of_reach)
      return n;
  }
}

bool on_plain_thread() {
  return !roost::this_task::stop_token().stop_possible() &&
         roost::this_task::deadline() == roost::clock::time_point::max();
}

void construction() {
  const std::size_t threads = test::count_threads();
  const auto captured = std::make_shared<int>();
  const roost::scope_options options{
      .name = long_text, .timeout = 1h, .on_failure = [captured](const roost::failure&) {}};
  const int failures = with_each_allocation_failing(
      [&] {
        roost::task_scope scope(options);
        test::until_failure = std::max(test::until_failure, -1L);
      },
      [&](bool) {
        expect(on_plain_thread(), "no half of a scope is left");
        expect(test::threads_back_to(threads), "no thread is left");
        expect(captured.use_count() == 2, "no handler is left");
      });
  expect(failures >= 3, "a scope allocates");
}

void construction_of_layers() {
  roost::task_scope outer({.timeout = 1h});
  const std::stop_source source;
  with_each_allocation_failing(
      [&] {
        const roost::stop_when when(source.get_token());
        const roost::shield s(1h);
        const roost::task_scope inner;
      },
      [&](bool) {
        expect(roost::this_task::stop_token() == outer.get_stop_token(),
               "only the outer scope is left");
      });
}

void spawn() {
  const auto captured = std::make_shared<int>();
  std::atomic<int> ran{0};
  int spawned = 0;
  {
    roost::task_scope scope;
    const int failures = with_each_allocation_failing(
        [&] {
          auto handle = scope.spawn(long_text, [&ran, captured] {
            ++ran;
            return std::array<char, 1000>();
          });
          ++spawned;
        },
        [&](bool failed) {
          expect(!failed || captured.use_count() == 1 + spawned - ran || !scope.wait_for(0ms) ||
                     captured.use_count() == 1,
                 "the callable of a failed spawn is destroyed");
          expect(!scope.stop_requested(), "nobody is stopped");
          expect(scope.failures().empty(), "nothing has failed");
          expect(scope.spawn([] { return 1; }).get() == 1, "the scope takes further tasks");
        });
    expect(failures >= 2, "a spawn allocates");
    expect(scope.wait_for(1h), "all tasks end");
    expect(captured.use_count() == 1, "all callables are destroyed");
  }
  expect(spawned == ran, "what was spawned ran");
}

void with_scope() {
  int value = 0;
  std::atomic<int> ran{0};
  int bodies = 0;
  with_each_allocation_failing(
      [&] {
        value = 0;
        value = roost::with_scope({.name = long_text}, [&](roost::task_scope& scope) {
          ++bodies;
          return scope.spawn([&] { return 1 + 0 * ++ran; }).get();
        });
      },
      [&](bool failed) {
        expect(failed == (value == 0), "a value or bad_alloc");
        expect(on_plain_thread(), "no half of a scope is left");
      });
  expect(bodies > 1 && ran >= 1, "the body ran, with and without success");
}

void a_request_to_stop() {
  roost::event never;
  bool stopped = false;
  roost::task_scope scope;
  scope.spawn(long_text, [&] {
    const test::at_exit note([&] { stopped = roost::this_task::stop_requested(); });
    never.wait();
  });
  auto nested = scope.spawn([&] {
    roost::task_scope inner;
    inner.spawn([&] { never.wait(); });
  });
  test::wait_until_waiting(never, 2);
  {
    const without_memory none;
    expect(scope.request_stop(long_text), "a stop needs no memory");
    expect(scope.stop_requested(), "it is stopped");
  }
  scope.join();
  expect(stopped, "the tasks are woken");
  expect(scope.cause().reason == roost::stop_reason::requested, "the reason is known");
  expect(test::thrown_by([&] { nested.get(); }) == "stopped", "nested scopes are stopped, too");
}

void a_stop_at_the_end() {
  roost::event never;
  bool stopped = false;
  {
    roost::task_scope scope({.name = long_text, .exit = roost::on_exit::stop});
    scope.spawn([&] {
      const test::at_exit note([&] { stopped = roost::this_task::stop_requested(); });
      never.wait();
    });
    test::wait_until_blocked(scope, 1);
    test::no_memory = true;
  }
  test::no_memory = false;
  expect(stopped, "the end stops and waits without memory");
}

void a_failure_without_memory() {
  const auto errors = {roost::on_error::fail_fast, roost::on_error::collect};
  for (const auto policy : errors) {
    roost::task_scope scope({.errors = policy});
    scope.spawn(long_text, [] {
      test::no_memory = true; // for the rest of this thread
      throw std::bad_alloc();
    });
    expect(scope.wait_for(1h), "the task ends");
    expect(scope.failures().size() == 1, "its failure is kept");
    expect(scope.failures()[0].task == long_text, "with its name");
    expect(scope.stop_requested() == (policy == roost::on_error::fail_fast), "it stops as usual");
    const std::string thrown = test::thrown_by([&] { scope.join(); });
    expect(thrown.find("bad_alloc") != std::string::npos, "and is thrown: " + thrown);
  }
}

void a_handler_without_memory() {
  bool called = false;
  roost::task_scope scope({.on_failure = [&](const roost::failure&) { called = true; }});
  scope.spawn(long_text, [] {
    test::no_memory = true; // for the rest of this thread
    throw 7;
  });
  expect(scope.wait_for(1h), "the task ends");
  const std::exception_ptr error = test::exception_of([&] { scope.join(); });
  expect(called || error != nullptr, "the handler or the owner gets the failure");
}

void what_the_owner_is_told() {
  for (const auto policy : {roost::on_error::fail_fast, roost::on_error::collect}) {
    const test::unobserved_failures unobserved;
    int thrown = 0;
    with_each_allocation_failing(
        [&] {
          thrown = 0;
          std::optional<roost::task_scope> scope;
          const long failing = std::exchange(test::until_failure, -1);
          scope.emplace(roost::scope_options{.name = long_text, .errors = policy});
          scope->spawn(long_text, [] { throw std::runtime_error("boom"); });
          (void)scope->wait_for(1h);
          test::until_failure = failing;
          try {
            scope->join();
          } catch (const std::bad_alloc&) {
            test::until_failure = 0;
            (void)test::unobserved_failures::take();
            ++thrown;
          } catch (...) {
            ++thrown;
          }
          const long rest = std::exchange(test::until_failure, -1);
          expect(scope->wait_for(0ms), "the scope has ended");
          scope.reset();
          test::until_failure = rest;
        },
        [&](bool) { expect(thrown == 1, "the owner gets the failure, or bad_alloc"); });
  }
}

void a_timeout() {
  roost::event never;
  int told = 0;
  with_each_allocation_failing(
      [&] {
        const long failing = std::exchange(test::until_failure, -1);
        roost::task_scope scope({.name = long_text, .timeout = 0ms});
        scope.spawn([&] { never.wait(); });
        test::until_failure = failing;
        try {
          scope.join();
        } catch (const roost::timeout_error&) {
          ++told;
        } catch (const std::bad_alloc&) {
          ++told;
        }
        const long rest = std::exchange(test::until_failure, -1);
        expect(scope.wait_for(0ms), "the scope has ended");
        test::until_failure = rest;
      },
      [&](bool) { expect(std::exchange(told, 0) == 1, "the owner is told of the timeout"); });
}

void a_stall_report() {
  test::gate gate;
  bool ended = false;
  {
    roost::task_scope scope({.stall_after = 1ms});
    scope.spawn(long_text, [&] {
      gate.pass();
      const auto later = roost::clock::now() + 50ms;
      test::wait_until([&] { return roost::clock::now() > later; });
      ended = true;
    });
    gate.wait_for_arrivals(1);
    scope.request_stop();
    gate.open();
    test::no_memory = true; // of the thread that joins
  }
  test::no_memory = false;
  expect(ended, "the end waits although it cannot report");
}

void queries() {
  roost::task_scope scope({.errors = roost::on_error::collect});
  scope.spawn(long_text, [] { throw std::runtime_error(long_text); });
  expect(scope.wait_for(1h), "the task ends");
  scope.request_stop(long_text);
  with_each_allocation_failing([&] { (void)scope.failures(); }, [](bool) {});
  with_each_allocation_failing([&] { (void)scope.cause(); }, [](bool) {});
  expect(scope.failures().size() == 1, "the failures are still there");
  expect(scope.cause().message == long_text, "so is the cause");
  expect(test::message_of(test::exception_of([&] { scope.join(); })).find(long_text) !=
             std::string::npos,
         "and the owner gets what it would");
}

// What threads sleep on is kept for the next ones: more than will ever sleep here at once.
void fill_the_pool_of_parkers() {
  constexpr std::size_t sleepers = 16;
  roost::event wake;
  roost::task_scope scope;
  for (std::size_t i = 0; i < sleepers; ++i)
    scope.spawn([&] { wake.wait(); });
  test::wait_until_waiting(wake, sleepers);
  wake.set();
}

void all() {
  construction();
  construction_of_layers();
  spawn();
  with_scope();
  a_request_to_stop();
  a_stop_at_the_end();
  a_failure_without_memory();
  a_handler_without_memory();
  what_the_owner_is_told();
  a_timeout();
  a_stall_report();
  queries();
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  const std::size_t threads = test::count_threads();
  fill_the_pool_of_parkers();
  all(); // also makes what else is kept
  const long before = test::living_allocations;
  all();
  expect(test::threads_back_to(threads), "no thread is left");
  const long left = test::living_allocations - before;
  expect(left <= 0, std::to_string(left) + " allocations are not released");
  return test::exit_code();
}
