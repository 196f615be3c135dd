// SPDX-License-Identifier: BSL-1.0
// Each allocation and each creation of a thread fails in turn, on whatever thread, while bubbles
// run, in any order or in one that is explored: an exception comes out, or it goes well.
#include <roost.hpp>
#include <roost/testing.hpp>

#include "support/expect.hpp"
#include "support/faults.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <string_view>

using namespace std::chrono_literals;
using test::attack;
using test::expect;

namespace {

/// Tasks that make tasks and objects, wait for each other, and poll without a look at a stop.
void body() {
  roost::mutex guards;
  roost::semaphore one(1);
  roost::event set;
  auto ends = roost::make_channel<int>(1);
  int sum = 0;
  roost::task_scope scope; // what its tasks use is declared before it
  scope.spawn([&] {
    for (int i = 0; i < 2; ++i)
      (void)ends.tx.send(1);
    set.set();
  });
  scope.spawn([&] {
    auto inner = scope.spawn([&] {
      const roost::mutex::guard held(guards);
      ++sum;
    });
    inner.get();
    const auto permit = one.acquire();
  });
  scope.spawn([&] {
    while (!set.is_set() && !roost::this_task::stop_requested()) {
    }
  });
  for (int i = 0; i < 2; ++i)
    (void)ends.rx.receive().value();
  roost::this_task::sleep_for(1h);
  scope.join();
}

/// More threads than a run has: what a bubble keeps of each is made.
void make_seats() {
  roost::testing::bubble([] {
    roost::event set;
    roost::task_scope scope;
    for (int i = 0; i < 16; ++i)
      scope.spawn([&] { set.wait(); });
    roost::testing::wait_until_blocked(scope, 16);
    set.set();
  });
}

/// Null, or that something was refused; explore() puts that into an explore_error.
void expect_refusal_or_nothing(const std::exception_ptr& error,
                               roost::site where = roost::site::current()) {
  try {
    if (error != nullptr)
      std::rethrow_exception(error);
  } catch (const roost::testing::explore_error& e) {
    test::expect_refusal_or_nothing(e.error(), where);
  } catch (...) {
    test::expect_refusal_or_nothing(error, where);
  }
}

void bubbles() {
  expect_refusal_or_nothing(attack([] { roost::testing::bubble(body); }));
}

template <class Run>
void in_order(Run run) {
  expect_refusal_or_nothing(attack(run));
}

void walks() {
  in_order([] { roost::testing::replay(body, "walk-1f00d"); });
}

void weighted() {
  in_order([] { roost::testing::replay(body, "surw-1f00d-2.8.3x4"); });
}

void priorities() {
  in_order([] { roost::testing::replay(body, "pct3-1f00d-30"); });
}

void explorations() {
  in_order([] { roost::testing::explore({.runs = 2, .seed = 1}, body); });
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  roost::set_report_sink([](std::string_view) {}); // what explore() tells of each fault
  roost::set_unobserved_failure_hook([](const roost::failure& f) {
    expect(test::is_refusal(f.error), "only what was refused fails");
  });
  make_seats();
  test::with_each_fault("bubbles", &bubbles);
  test::with_each_fault("walks", &walks);
  test::with_each_fault("weighted orders", &weighted);
  test::with_each_fault("orders by priority", &priorities);
  test::with_each_fault("explorations", &explorations);
  return test::exit_code();
}
