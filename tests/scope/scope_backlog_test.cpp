// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/busy_scope.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

// A spawn from outside waits for a place in the line, and gets it in its turn.

using namespace std::chrono_literals;
using test::captured;
using test::full_scope;

TEST_CASE("a spawn from outside waits for a place in the line and no longer", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1, 2);
  std::array<test::gate, 4> gates;
  std::atomic<bool> is_in{false};
  roost::task_scope scope({.limit = 1, .backlog = backlog});
  const auto spawn = [&](std::size_t i) { scope.spawn([&gates, i] { gates[i].pass(); }); };
  for (std::size_t i = 0; i <= backlog; ++i)
    spawn(i);
  CHECK(test::scope_probe::queued(scope) == backlog);
  {
    const std::jthread outside([&] {
      spawn(backlog + 1);
      is_in = true;
    });
    test::wait_until_spawns_wait(scope, 1);
    CHECK_FALSE(is_in);
    gates[0].open();
  } // it has a place although the others do not end
  CHECK(is_in);
  gates[1].wait_for_arrivals(1);
  CHECK(test::scope_probe::queued(scope) == backlog);
  CHECK(test::scope_probe::waiting_spawns(scope) == 0);
  for (test::gate& g : gates)
    g.open();
  scope.join();
}

TEST_CASE("a spawn keeps the scope while it waits for a place there", "[task_scope]") {
  test::gate first;
  roost::task_scope scope({.limit = 1, .backlog = 0});
  scope.spawn([&] { first.pass(); });
  first.wait_for_arrivals(1);
  const auto domain = test::scope_probe::domain(scope);
  const std::size_t pointers = domain.use_count();
  const std::jthread outside([&] { scope.spawn([] {}); });
  test::wait_until_spawns_wait(scope, 1);
  CHECK(domain.use_count() == pointers + 1);
  first.open();
}

TEST_CASE("the owner's spawn waits as well", "[task_scope]") {
  const test::no_thread_left check;
  full_scope full({.backlog = GENERATE(as<std::size_t>(), 0, 1, 2)});
  const std::jthread opener([&] {
    test::wait_until_owner_blocked(full.scope);
    full.busy.open();
  });
  CHECK(full.scope.spawn([] { return 1; }).get() == 1);
  CHECK(full.ran == static_cast<int>(full.queued.size()));
}

TEST_CASE("a place that a waiting task takes from the line is free as well", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<bool> is_in{false};
  std::optional<roost::task_handle<void>> first;
  test::gate go;
  roost::task_scope scope({.limit = 1, .backlog = 1});
  auto busy = scope.spawn([&] {
    go.pass();
    first->get(); // runs it here
    test::wait_until([&] { return is_in.load(); });
  });
  first = scope.spawn([] {});
  {
    const std::jthread outside([&] {
      scope.spawn([] {});
      is_in = true;
    });
    test::wait_until_spawns_wait(scope, 1);
    go.open();
  }
  busy.get();
}

TEST_CASE("spawns that wait get in first come first served", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1, 3);
  std::vector<int> order;
  full_scope full({.backlog = backlog});
  std::vector<std::jthread> spawners;
  for (int i = 0; i < 6; ++i) {
    spawners.emplace_back([&, i] { full.scope.spawn([&order, i] { order.push_back(i); }); });
    test::wait_until_spawns_wait(full.scope, static_cast<std::size_t>(i) + 1);
  }
  full.busy.open();
  spawners.clear();
  full.scope.join();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a spawn that waits for long keeps its turn", "[task_scope]") {
  const test::no_thread_left check;
  std::vector<std::string> order;
  full_scope full({.backlog = 1, .stall_after = 1ms}); // after which it looks around
  const auto spawn = [&](std::string name) {
    return std::jthread([&full, &order, name] {
      full.scope.spawn(name, [&order] { order.emplace_back(roost::this_task::name()); });
    });
  };
  const auto end = roost::clock::now() + 50ms;
  {
    const std::jthread first = spawn("first");
    test::wait_until_spawns_wait(full.scope, 1);
    const std::jthread second = spawn("second");
    test::wait_until_spawns_wait(full.scope, 2);
    test::wait_until([&] {
      return test::scope_probe::first_waiting_spawn(full.scope) != "first" ||
             roost::clock::now() > end;
    });
    CHECK(test::scope_probe::first_waiting_spawn(full.scope) == "first");
    full.busy.open();
  }
  full.scope.join();
  CHECK(order == std::vector<std::string>{"first", "second"});
}

TEST_CASE("a waiting spawn that gives up does not hold up those behind it", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1);
  full_scope full({.backlog = backlog});
  roost::task_scope callers({.inherit = false, .covers_owner = false});
  std::atomic<int> ran{0};
  captured given_up = std::make_shared<int>();
  auto gives_up = callers.spawn([&] { full.scope.spawn([&ran, given_up] { ran += 100; }); });
  test::wait_until_spawns_wait(full.scope, 1);
  {
    const std::jthread behind([&] { full.scope.spawn([&] { ++ran; }); });
    test::wait_until_spawns_wait(full.scope, 2);
    callers.request_stop();
    CHECK(test::thrown_by([&] { gives_up.get(); }) == "stopped");
    CHECK(test::scope_probe::waiting_spawns(full.scope) == 1);
    full.busy.open();
  }
  full.scope.join();
  CHECK(ran == 1);
  CHECK(given_up.use_count() == 1);
}

TEST_CASE("a spawn that waits while the owner joins gets in", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1);
  std::atomic<int> ran{0};
  full_scope full({.backlog = backlog});
  std::vector<std::jthread> spawners;
  for (int i = 0; i < 3; ++i)
    spawners.emplace_back([&] { full.scope.spawn([&] { ++ran; }); });
  test::wait_until_spawns_wait(full.scope, 3);
  const std::jthread opener([&] {
    test::wait_until_joining(full.scope);
    full.busy.open();
  });
  full.scope.join();
  CHECK(ran == 3);
}

TEST_CASE("a spawn by a task of the scope never waits", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1);
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = 1, .backlog = backlog});
  std::size_t queued = 0;
  const auto spawn_ten = [&] {
    for (int i = 0; i < 10; ++i)
      scope.spawn([&] { ++ran; });
    queued = test::scope_probe::queued(scope);
  };
  SECTION("itself") {
    scope.spawn(spawn_ten).get();
  }
  SECTION("as the owner of a nested scope") {
    scope
        .spawn([&] {
          const roost::task_scope inner;
          spawn_ten();
        })
        .get();
  }
  SECTION("by a task of a nested scope") {
    scope
        .spawn([&] {
          roost::task_scope inner;
          inner.spawn([&] {
            roost::task_scope innermost({.limit = 1, .inherit = false});
            innermost.spawn(spawn_ten).get();
          });
        })
        .get();
  }
  SECTION("inside the wait of another") {
    scope.spawn([&] { scope.spawn(spawn_ten).get(); }).get();
  }
  CHECK(queued == 10);
  scope.join();
  CHECK(ran == 10);
}

TEST_CASE("a spawn from outside waits until the line is below the backlog again", "[task_scope]") {
  const test::no_thread_left check;
  std::vector<int> order;
  std::atomic<std::size_t> longest{0};
  test::gate filled;
  roost::task_scope scope({.limit = 1, .backlog = 2});
  scope.spawn([&] {
    for (int i = 0; i < 8; ++i)
      scope.spawn([&order, i] { order.push_back(i); });
    filled.pass();
  });
  filled.wait_for_arrivals(1);
  CHECK(test::scope_probe::queued(scope) == 8);
  {
    const std::jthread outside([&] {
      for (int i = 8; i < 12; ++i) {
        scope.spawn([&order, i] { order.push_back(i); });
        longest = std::max(longest.load(), test::scope_probe::queued(scope));
      }
    });
    test::wait_until_spawns_wait(scope, 1);
    filled.open();
  }
  scope.join();
  CHECK(longest <= 2);
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

TEST_CASE("an exception whose destructor spawns does not wait for its own thread", "[task_scope]") {
  const test::no_thread_left check;
  test::gate gate;
  std::atomic<int> ran{0};
  std::jthread outside;
  {
    roost::task_scope scope({.limit = 1, .backlog = 0, .on_failure = [](const roost::failure&) {}});
    const auto spawns = [&](const int*) { scope.spawn([&] { ++ran; }); };
    scope.spawn([&] {
      gate.pass();
      throw std::shared_ptr<const int>(nullptr, spawns);
    });
    gate.wait_for_arrivals(1);
    outside = std::jthread([&] { scope.spawn([&] { ++ran; }); });
    test::wait_until_spawns_wait(scope, 1);
    gate.open();
    test::wait_until([&] { return ran == 2; });
  }
  CHECK(ran == 2);
}
