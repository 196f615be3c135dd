// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"
#include "support/tracked.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using token = roost::wait_group::token;

struct wait_form {
  const char* name;
  bool (*wait)(const roost::wait_group&);
};

const wait_form forms[] = {
    {"wait",
     [](const roost::wait_group& g) {
       g.wait();
       return true;
     }},
    {"wait_for", [](const roost::wait_group& g) { return g.wait_for(1h); }},
    {"wait_until",
     [](const roost::wait_group& g) { return g.wait_until(roost::clock::now() + 1h); }},
};

bool is_zero(const roost::wait_group& g) {
  return g.wait_for(0ns);
}

} // namespace

TEST_CASE("a wait group stays where it is and its tokens can only be moved", "[wait_group]") {
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<roost::wait_group>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<roost::wait_group>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<roost::wait_group>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<roost::wait_group>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<token>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<token>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<token>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<token>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<token>);
}

TEST_CASE("a wait group without anything to be done does not wait", "[wait_group]") {
  roost::wait_group g;
  for (const auto& form : forms) {
    CAPTURE(form.name);
    CHECK(form.wait(g));
  }
  CHECK(g.wait_for(-1h));
  CHECK(g.wait_until(roost::clock::time_point::min()));
}

TEST_CASE("a wait group waits until as much is done as was added", "[wait_group]") {
  roost::wait_group g;
  g.add();
  g.add(3);
  g.add(0);
  for (int i = 0; i < 4; ++i) {
    CHECK_FALSE(is_zero(g));
    g.done();
  }
  CHECK(is_zero(g));
}

TEST_CASE("the last done wakes all who wait", "[wait_group]") {
  const auto& form = forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  roost::wait_group g;
  g.add(2);
  int written_before = 0;
  roost::task_scope scope;
  std::vector<roost::task_handle<int>> woken;
  for (int i = 0; i < 16; ++i)
    woken.push_back(scope.spawn([&] { return form.wait(g) ? written_before : -1; }));
  test::wait_until_waiting(g, 16);
  g.done();
  CHECK(test::waiting(g) == 16);
  written_before = 9;
  g.done();
  for (auto& each : woken)
    CHECK(each.get() == 9);
  CHECK(test::waiting(g) == 0);
}

TEST_CASE("more done than added is refused and harms nothing", "[wait_group]") {
  roost::wait_group g;
  CHECK_THROWS_AS(g.done(), std::logic_error);
  g.add();
  g.done();
  CHECK_THROWS_AS(g.done(), std::logic_error);
  CHECK(is_zero(g));
  g.add();
  CHECK_FALSE(is_zero(g));
  g.done();
  CHECK(is_zero(g));
}

TEST_CASE("a count beyond all numbers is refused and harms nothing", "[wait_group]") {
  roost::wait_group g;
  g.add(std::numeric_limits<std::size_t>::max() / 2);
  CHECK_THROWS_AS(g.add(), std::length_error);
  CHECK_FALSE(is_zero(g));
  g.done();
  g.add();
  CHECK_THROWS_AS(g.add(std::numeric_limits<std::size_t>::max()), std::length_error);
}

TEST_CASE("a count that was meant to be negative is refused with a remedy", "[wait_group]") {
  roost::wait_group g;
  const int negative = -1;
  CHECK_THROWS_AS(g.add(static_cast<std::size_t>(negative)), std::length_error);
  CHECK(is_zero(g));
}

TEST_CASE("a token counts while it lives and wherever it moves", "[wait_group]") {
  roost::wait_group g;
  {
    const auto t = g.enter();
    CHECK_FALSE(is_zero(g));
  }
  CHECK(is_zero(g));

  std::optional first = g.enter();
  std::optional<token> second = std::move(*first);
  first.reset();
  CHECK_FALSE(is_zero(g));
  second.reset();
  CHECK(is_zero(g));

  auto a = g.enter();
  auto b = g.enter();
  a = std::move(b); // one of the two counts is over, the other is a's
  CHECK_FALSE(is_zero(g));
  {
    token last = std::move(a);
    token& same = last;
    last = std::move(same);
    CHECK_FALSE(is_zero(g));
  }
  CHECK(is_zero(g));

  roost::wait_group other;
  auto c = g.enter();
  {
    auto d = other.enter();
    c.swap(d);
    CHECK_FALSE(is_zero(other));
  }
  CHECK(is_zero(g));
  CHECK_FALSE(is_zero(other));
}

TEST_CASE("a token is given back by an exception, too", "[wait_group]") {
  roost::wait_group g;
  try {
    const auto t = g.enter();
    throw std::runtime_error("left early");
  } catch (const std::runtime_error&) {
  }
  CHECK(is_zero(g));
}

TEST_CASE("a wait group can be used again and again", "[wait_group]") {
  roost::wait_group g;
  std::atomic<int> done = 0;
  auto work = roost::make_channel<token>(4);
  roost::task_scope scope;
  scope.spawn([&, rx = std::move(work.rx)] {
    while (auto t = rx.receive()) {
      const token mine = std::move(*t);
      ++done;
    }
  });
  int wrong = 0;
  for (int generation = 0; generation < 1000; ++generation) {
    for (int i = 0; i < 3; ++i)
      REQUIRE(work.tx.send(g.enter()));
    g.wait();
    wrong += done != 3 * (generation + 1);
  }
  CHECK(wrong == 0);
  work.tx.close();
}

TEST_CASE("a timed wait for a wait group gives up at its deadline and not before", "[wait_group]") {
  test::bubble([&] {
    roost::wait_group g;
    const auto t = g.enter();
    const auto deadline = roost::clock::now() + 1h;
    CHECK_FALSE(g.wait_until(deadline));
    CHECK(roost::clock::now() == deadline);
    const auto start = roost::clock::now();
    CHECK_FALSE(g.wait_for(1h));
    CHECK(roost::clock::now() == start + 1h);
    CHECK(test::waiting(g) == 0);
  });
}

TEST_CASE("a stop wakes those who wait for a wait group", "[wait_group]") {
  const auto& form = forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  roost::wait_group g;
  const auto t = g.enter();
  int stopped = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      for (int turn = 0; turn < 2; ++turn) {
        try {
          form.wait(g);
        } catch (const roost::stopped&) {
          ++stopped;
        }
      }
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(stopped == 2);
  CHECK(test::waiting(g) == 0);
}

TEST_CASE("a task that was stopped does not pass a wait group that is at zero", "[wait_group]") {
  roost::wait_group g;
  int passed = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      scope.request_stop();
      for (const auto& form : forms) {
        try {
          passed += form.wait(g);
        } catch (const roost::stopped&) {
        }
      }
    });
  }
  CHECK(passed == 0);
}

TEST_CASE("whoever returns from the wait may destroy the wait group at once", "[wait_group]") {
  for (int turn = 0; turn < 100; ++turn) {
    auto g = std::make_unique<roost::wait_group>();
    roost::wait_group& shared = *g;
    shared.add(2);
    roost::task_scope scope;
    scope.spawn([&, mine = std::move(g)]() mutable {
      mine->wait();
      mine.reset();
    });
    scope.spawn([&] { shared.done(); });
    shared.done();
  }
}

TEST_CASE("a wait group waits for the tasks spawned through it and for no others", "[wait_group]") {
  roost::wait_group g;
  test::gate others;
  std::atomic<int> done = 0;
  roost::task_scope scope;
  scope.spawn([&] { others.pass(); });
  for (int i = 0; i < 5; ++i)
    g.spawn(scope, [&] { ++done; });
  g.wait();
  CHECK(done == 5);
  CHECK_FALSE(scope.wait_for(0ns));
  others.open();
}

TEST_CASE("a task spawned through a wait group may return a value and take a token",
          "[wait_group]") {
  roost::wait_group g;
  roost::task_scope scope;
  auto value = g.spawn(scope, [owned = std::make_unique<int>(6)] { return *owned; });
  auto stopped = g.spawn(scope, [](const std::stop_token& stop) { return stop.stop_possible(); });
  g.wait();
  CHECK(value.get() == 6);
  CHECK(stopped.get());
}

TEST_CASE("a task spawned through a wait group has the name and the line of its spawn",
          "[wait_group]") {
  roost::wait_group g;
  test::gate gate;
  roost::task_scope scope;
  const auto name_of_task = [&] {
    gate.pass();
    return std::string(roost::this_task::name());
  };
  const unsigned line = __LINE__ + 1;
  auto named = g.spawn(scope, std::string("render"), name_of_task);
  g.spawn(scope, "blur", [&](const std::stop_token&) { gate.pass(); });
  g.spawn(scope, [&] { gate.pass(); });
  gate.wait_for_arrivals(3);
  const roost::report r = scope.report();
  gate.open();
  g.wait();
  CHECK(named.get() == "render");
  CHECK(test::task_in(r, "render").spawned.line == line);
  CHECK(test::task_in(r, "blur").spawned.line == line + 1);
  CHECK(test::task_in(r, "").spawned.line == line + 2);
}

TEST_CASE("a task is counted until its captures are destroyed", "[wait_group]") {
  test::item_counts counts;
  roost::wait_group g;
  roost::task_scope scope;
  for (int i = 0; i < 20; ++i) {
    g.spawn(scope, [captured = test::tracked_item(counts, i)] { return; });
    g.wait();
    CHECK(counts.live == 0);
  }
}

TEST_CASE("a task that fails is not counted any more", "[wait_group]") {
  roost::wait_group g;
  roost::task_scope scope({.on_failure = [](const roost::failure&) {}});
  g.spawn(scope, [] { throw std::runtime_error("failed"); });
  g.wait();
  CHECK(is_zero(g));
}

TEST_CASE("a task that was not started is not counted", "[wait_group]") {
  roost::wait_group g;
  roost::task_scope stopped;
  stopped.request_stop();
  g.spawn(stopped, [] {});
  stopped.join();
  CHECK(is_zero(g));
  CHECK_THROWS_AS(g.spawn(stopped, [] {}), roost::scope_closed);
  CHECK(is_zero(g));
}
