// SPDX-License-Identifier: BSL-1.0
// Each allocation and each creation of a thread fails in turn, on whatever thread, in all that
// scopes do: an exception comes out or it goes well, what failed is told, and nothing is left or
// lost.
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/faults.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using test::attack;
using test::expect;
using test::expect_refusal_or_nothing;
using test::expect_usable;
using test::long_name;

namespace {

bool on_plain_thread() {
  return !roost::this_task::stop_token().stop_possible() &&
         roost::this_task::deadline() == roost::clock::time_point::max();
}

// --- scopes and layers -------------------------------------------------------------

void making_scopes_and_layers() {
  const auto captured = std::make_shared<int>();
  const std::stop_source source;
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope(
        {.name = long_name, .timeout = 1h, .on_failure = [captured](const roost::failure&) {}});
    const roost::stop_when when(source.get_token());
    const roost::shield s(1h);
    const roost::task_scope inner({.timeout = 1min});
  });
  expect_refusal_or_nothing(error);
  expect(on_plain_thread(), "no half of a scope is left");
  expect(captured.use_count() == 1, "no handler is left");
}

void with_scope() {
  int value = 0;
  const std::exception_ptr error = attack([&] {
    value = roost::with_scope({.name = long_name}, [](roost::task_scope& scope) {
      return scope.spawn(long_name, [] { return 1; }).get();
    });
  });
  expect_refusal_or_nothing(error);
  expect((value == 1) == (error == nullptr), "a value or an exception");
  expect(on_plain_thread(), "no half of a scope is left");
}

void scopes_in_tasks() {
  std::atomic<int> ran{0};
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope;
    for (int i = 0; i < 2; ++i) {
      scope.spawn([&] {
        roost::task_scope inner({.timeout = 1h});
        inner.spawn([&] {
          roost::this_task::sleep_for(1us);
          ++ran;
        });
      });
    }
  });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || ran == 2, "if nothing is thrown all have run");
}

// --- spawns --------------------------------------------------------------------------

void spawns() {
  std::atomic<int> ran{0};
  int spawned = 0;
  const auto captured = std::make_shared<int>();
  roost::task_scope scope;
  const std::exception_ptr error = attack([&] {
    for (int i = 0; i < 2; ++i) {
      scope.spawn([&, captured] { ++ran; });
      ++spawned;
      scope.spawn(long_name, [&, captured] { ++ran; });
      ++spawned;
      spawned += scope.try_spawn([&, captured] { ++ran; }) ? 1 : 0;
    }
  });
  expect_refusal_or_nothing(error);
  expect_usable(scope);
  scope.join();
  expect(ran == spawned, "what was spawned ran, and nothing else");
  expect(captured.use_count() == 1, "all callables are destroyed");
}

// One runs, one is in the queue, and for the third there is no place until its spawn waits.
void spawns_that_wait_for_a_place() {
  std::atomic<int> ran{0};
  std::atomic<bool> over{false};
  int spawned = 0;
  const auto captured = std::make_shared<int>();
  roost::task_scope scope({.limit = 1, .backlog = 1});
  test::gate begun;
  begun.open();
  scope.spawn([&] {
    begun.pass();
    test::wait_until([&] { return over || test::scope_probe::waiting_spawns(scope) != 0; });
  });
  begun.wait_for_arrivals(1);
  const std::exception_ptr error = attack([&] {
    for (int i = 0; i < 3; ++i) {
      scope.spawn(long_name, [&, captured] { ++ran; });
      ++spawned;
    }
  });
  over = true;
  expect_refusal_or_nothing(error);
  expect_usable(scope);
  scope.join();
  expect(ran == spawned, "what was spawned ran, and nothing else");
  expect(captured.use_count() == 1, "all callables are destroyed");
}

void limited_spawns_and_gets() {
  std::atomic<int> ran{0};
  std::atomic<int> spawned{0};
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope({.limit = 2, .errors = roost::on_error::collect});
    for (int i = 0; i < 3; ++i) {
      scope.spawn([&] {
        auto handle = scope.spawn([&] { ++ran; });
        ++spawned;
        handle.get();
      });
    }
  });
  expect(ran <= spawned, "nothing runs that was not spawned");
  expect(error != nullptr || ran == 3, "if nothing is thrown all have run");
}

// The task ends when its handle is waited for.
void gets_that_wait() {
  std::atomic<bool> over{false};
  roost::task_scope scope;
  auto handle = scope.spawn([&] {
    test::wait_until([&] { return over || test::scope_probe::owner_blocked(scope); });
    return std::string(long_name);
  });
  std::string got;
  const std::exception_ptr error = attack([&] { got = handle.get(); });
  over = true;
  expect_refusal_or_nothing(error);
  if (error != nullptr && scope.failures().empty())
    got = handle.get();
  if (scope.failures().empty()) {
    expect(got == long_name, "the result is not lost");
    expect_usable(scope);
  } else {
    expect(error != nullptr, "the failure was got");
  }
}

// --- failures ------------------------------------------------------------------------

struct boom {
  unsigned bit;
};

std::atomic<unsigned> told{0};

void tell(const std::exception_ptr& error) {
  try {
    if (error)
      std::rethrow_exception(error);
  } catch (const boom& b) {
    told |= b.bit;
  } catch (const roost::exception_list& all) {
    for (const roost::failure& f : all.failures())
      tell(f.error);
  } catch (...) { // bad_alloc, no thread
  }
}

enum class end { destructor, join, wait, body };

void failing_tasks(const roost::scope_options& options, end how) {
  std::atomic<unsigned> thrown{0};
  told = 0;
  tell(attack([&] {
    roost::with_scope([&](roost::task_scope&) {
      roost::task_scope scope(options);
      for (unsigned bit = 1; bit < 8; bit *= 2) {
        scope.spawn(long_name, [&thrown, bit] {
          thrown |= bit;
          throw boom{bit};
        });
      }
      if (how == end::join)
        scope.join();
      if (how == end::wait)
        roost::this_task::sleep_for(1ms);
      if (how == end::body)
        throw boom{0};
    });
  }));
  expect(told == thrown, "each failure is told");
}

template <end how>
void failures_that_stop_the_others() {
  failing_tasks({.name = long_name}, how);
}

template <end how>
void failures_that_are_collected() {
  failing_tasks({.name = long_name, .errors = roost::on_error::collect}, how);
}

template <end how>
void failures_for_a_handler() {
  failing_tasks({.on_failure =
                     [](const roost::failure& f) {
                       const std::string copy = f.task; // it may fail as well
                       tell(f.error);
                     }},
                how);
}

template <end how>
void failures() {
  test::with_each_fault("failures that stop the others", &failures_that_stop_the_others<how>);
  test::with_each_fault("failures that are collected", &failures_that_are_collected<how>);
  test::with_each_fault("failures for a handler", &failures_for_a_handler<how>);
}

void failures_of_handles() {
  std::atomic<unsigned> thrown{0};
  told = 0;
  tell(attack([&] {
    roost::task_scope scope;
    auto handle = scope.spawn(long_name, [&]() -> int {
      thrown |= 1U;
      throw boom{1};
    });
    try {
      handle.get();
    } catch (const boom&) {
      tell(std::current_exception());
    }
  }));
  expect(told == thrown, "the failure is told");
}

void a_body_that_fails() {
  std::atomic<unsigned> thrown{0};
  told = 0;
  tell(attack([&] {
    roost::with_scope({.errors = roost::on_error::collect}, [&](roost::task_scope& scope) {
      scope.spawn(long_name, [&] {
        thrown |= 1U;
        throw boom{1};
      });
      thrown |= 2U;
      throw boom{2};
    });
  }));
  expect(told == thrown, "each failure is told");
}

// --- stops ---------------------------------------------------------------------------

void deadlines() {
  std::string thrown;
  const std::exception_ptr error = attack([&] {
    try {
      roost::event never;
      roost::task_scope scope({.name = long_name, .timeout = 1ms});
      scope.spawn([&] { never.wait(); });
      never.wait();
    } catch (const roost::timeout_error&) {
      thrown = "timeout";
    }
  });
  expect_refusal_or_nothing(error);
  expect((error == nullptr) == (thrown == "timeout"), "the timeout or why it cannot be told");
  expect(on_plain_thread(), "no half of a scope is left");
}

void stops() {
  std::atomic<bool> stopped{false};
  std::atomic<bool> failed{false};
  {
    roost::event never;
    roost::task_scope scope({.errors = roost::on_error::collect});
    scope.spawn(long_name, [&] {
      try {
        roost::with_scope([&](roost::task_scope& inner) {
          inner.spawn([&] { never.wait(); });
          never.wait();
        });
      } catch (const roost::stopped&) {
        stopped = true;
      } catch (...) { // under attack it may have had no memory to begin with
        failed = true;
      }
    });
    test::wait_until([&] { return failed || test::waiting(never) == 2; });
    const std::exception_ptr error = attack([&] {
      expect(scope.request_stop(long_name), "it is the first");
      expect(scope.stop_requested(), "a stop needs nothing");
      scope.join();
    });
    expect(error == nullptr, "nor does the end after it");
  }
  expect(stopped, "the task is stopped");
}

void queries() {
  roost::task_scope scope({.errors = roost::on_error::collect});
  scope.spawn(long_name, [] { throw boom{1}; });
  expect(scope.wait_for(1h), "the task ends");
  scope.request_stop(long_name);
  expect_refusal_or_nothing(attack([&] {
    (void)scope.failures();
    (void)scope.cause();
  }));
  expect(scope.failures().at(0).task == long_name, "the failure is still there");
  expect(scope.cause().message == long_name, "so is the cause");
  told = 0;
  try {
    scope.join();
  } catch (...) {
    tell(std::current_exception());
  }
  expect(told == 1, "and the owner gets it");
}

void stall_reports() {
  std::atomic<bool> began{false};
  std::atomic<bool> ended{false};
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope({.stall_after = 1ms});
    scope.spawn(long_name, [&] {
      began = true;
      const auto later = roost::clock::now() + 5ms;
      test::wait_until([&] { return roost::clock::now() > later; });
      ended = true;
    });
    test::wait_until([&] { return began.load(); });
    scope.request_stop();
    scope.join();
  });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || ended, "the end waits although it may not be able to report");
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  roost::set_unobserved_failure_hook([](const roost::failure& f) { tell(f.error); });
  test::with_each_fault("making scopes and layers", &making_scopes_and_layers);
  test::with_each_fault("with_scope", &with_scope);
  test::with_each_fault("scopes in tasks", &scopes_in_tasks);
  test::with_each_fault("spawns", &spawns);
  test::with_each_fault("spawns that wait for a place", &spawns_that_wait_for_a_place);
  test::with_each_fault("limited spawns and gets", &limited_spawns_and_gets);
  test::with_each_fault("gets that wait", &gets_that_wait);
  failures<end::destructor>();
  failures<end::join>();
  failures<end::wait>();
  failures<end::body>();
  test::with_each_fault("failures of handles", &failures_of_handles);
  test::with_each_fault("a body that fails", &a_body_that_fails);
  test::with_each_fault("deadlines", &deadlines);
  test::with_each_fault("stops", &stops);
  test::with_each_fault("queries", &queries);
  test::with_each_fault("stall reports", &stall_reports);
  return test::exit_code();
}
