// SPDX-License-Identifier: BSL-1.0

// Whether a scope finds each deadlock, and none that is not there.

#include <roost/channel.hpp>
#include <roost/deadlock_error.hpp>
#include <roost/event.hpp>
#include <roost/task_handle.hpp>
#include <roost/task_scope.hpp>

#include "model/model.hpp"

#include <chrono>
#include <utility>

namespace {

using namespace std::chrono_literals;

template <class Body>
bool finds_deadlock(Body body) {
  try {
    roost::task_scope scope({.on_deadlock = roost::on_deadlock::stop});
    body(scope);
    scope.join();
    return false;
  } catch (const roost::deadlock_error&) {
    // at once, and not because the owner looks again after some seconds
    model::check(roost::detail::sync::now() < roost::clock::time_point(5s), "it is found late");
    return true;
  }
}

// What is found is told with numbers that no other run has: so a search, which must repeat itself,
// is not for these.
MODEL_CASE("verdict: two tasks that wait for what nobody sets",
           .times = 0,
           .random_runs = 4000,
           .exhaustively = false) {
  roost::event never_set;
  const bool found = finds_deadlock([&](roost::task_scope& scope) {
    scope.spawn([&] { never_set.wait(); });
    scope.spawn([&] { never_set.wait(); });
  });
  model::check(found, "a deadlock is not found");
}

MODEL_CASE("verdict: the last that could help ends",
           .times = 0,
           .random_runs = 4000,
           .exhaustively = false) {
  roost::event never_set;
  const bool found = finds_deadlock([&](roost::task_scope& scope) {
    scope.spawn([&] { never_set.wait(); });
    scope.spawn([] {});
  });
  model::check(found, "a deadlock is not found");
}

MODEL_CASE("verdict: none where one task sends to another", .random_runs = 4000) {
  auto [tx, rx] = roost::make_channel<int>();
  int got = 0;
  const bool found = finds_deadlock([&tx = tx, &rx = rx, &got](roost::task_scope& scope) {
    scope.spawn([&] { got = rx.receive().value(); });
    scope.spawn([&] { (void)tx.send(1); });
  });
  model::check(!found && got == 1, "a deadlock is found that is not there");
}

MODEL_CASE("verdict: none where the owner sends to a task", .random_runs = 4000) {
  auto [tx, rx] = roost::make_channel<int>(1);
  int got = 0;
  const bool found = finds_deadlock([&tx = tx, &rx = rx, &got](roost::task_scope& scope) {
    scope.spawn([&] { got = rx.receive().value() + rx.receive().value(); });
    (void)tx.send(1);
    (void)tx.send(1);
  });
  model::check(!found && got == 2, "a deadlock is found that is not there");
}

MODEL_CASE("verdict: none where a task is waited for", .random_runs = 4000) {
  roost::event ready;
  const bool found = finds_deadlock([&](roost::task_scope& scope) {
    auto handle = scope.spawn([&] {
      ready.wait();
      return 1;
    });
    scope.spawn([&] { ready.set(); });
    model::check(handle.get() == 1, "the result is not there");
  });
  model::check(!found, "a deadlock is found that is not there");
}

MODEL_CASE("verdict: none where a time comes", .times = 2, .random_runs = 4000) {
  auto [tx, rx] = roost::make_channel<int>();
  const bool found = finds_deadlock([&tx = tx, &rx = rx](roost::task_scope& scope) {
    scope.spawn([&] {
      (void)rx.receive_for(1ms);
      tx.close();
    });
    scope.spawn([&] { (void)rx.receive(); });
  });
  model::check(!found, "a deadlock is found that is not there");
}

} // namespace
