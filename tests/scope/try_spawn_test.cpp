// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/busy_scope.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;
using test::full_scope;

TEST_CASE("try_spawn spawns where that does not wait", "[task_scope]") {
  STATIC_REQUIRE(
      std::is_same_v<decltype(std::declval<roost::task_scope&>().try_spawn([] { return 1; })),
                     std::optional<roost::task_handle<int>>>);
  const test::no_thread_left check;
  std::atomic<int> ran{0};
  SECTION("without a limit always") {
    roost::task_scope scope;
    CHECK(scope.try_spawn("named", [] { return std::string(roost::this_task::name()); })
              .value()
              .get() == "named");
    test::gate all;
    for (int i = 0; i < 20; ++i)
      CHECK(scope.try_spawn([&] { all.pass(); }));
    all.wait_for_arrivals(20);
    all.open();
    scope.join();
  }
  SECTION("below the limit, and while there are places in the line") {
    test::gate busy;
    roost::task_scope scope({.limit = 2, .backlog = 3});
    for (int i = 0; i < 2; ++i)
      CHECK(scope.try_spawn([&] { busy.pass(); }));
    for (int i = 0; i < 3; ++i)
      CHECK(scope.try_spawn([&] { ++ran; }));
    CHECK_FALSE(scope.try_spawn([&] { ran += 100; }));
    busy.open();
    scope.join();
    CHECK(ran == 3);
  }
  SECTION("by a task of the scope always") {
    roost::task_scope scope({.limit = 1, .backlog = 0});
    scope.spawn([&] {
      for (int i = 0; i < 5; ++i)
        (void)scope.try_spawn([&] { ++ran; });
      roost::task_scope inner;
      inner.spawn([&] { (void)scope.try_spawn([&] { ++ran; }); });
    });
    scope.join();
    CHECK(ran == 6);
  }
}

TEST_CASE("try_spawn leaves the callable untouched where it would wait", "[task_scope]") {
  struct owner_of_a_number {
    std::unique_ptr<int> number = std::make_unique<int>(4);
    int operator()() const { return *number; }
  };
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1, 2);
  full_scope full({.backlog = backlog});
  owner_of_a_number callable;
  CHECK_FALSE(full.scope.try_spawn(std::move(callable)));
  CHECK_FALSE(full.scope.try_spawn("named", std::move(callable)));
  // NOLINTNEXTLINE(bugprone-use-after-move): what is under test
  REQUIRE(callable.number != nullptr);
  CHECK(test::scope_probe::queued(full.scope) == backlog);
  SECTION("and after a stop") {
    full.scope.request_stop();
    CHECK_FALSE(full.scope.try_spawn(std::move(callable)));
    full.busy.open();
    full.scope.join();
    CHECK(callable.number != nullptr);
  }
  SECTION("and spawns it later") {
    full.busy.open();
    CHECK(full.scope.wait_for(1h));
    auto handle = full.scope.try_spawn(std::move(callable));
    REQUIRE(handle.has_value());
    CHECK(handle->get() == 4);
  }
}

TEST_CASE("try_spawn does not jump the queue of the spawns that wait", "[task_scope]") {
  const test::no_thread_left check;
  full_scope full({.backlog = 1});
  {
    const std::jthread outside([&] { full.scope.spawn([&] { ++full.ran; }); });
    test::wait_until_spawns_wait(full.scope, 1);
    CHECK_FALSE(full.scope.try_spawn([&] { full.ran += 100; }));
    full.busy.open();
  }
  full.scope.join();
  CHECK(full.ran == 2);
}

TEST_CASE("try_spawn is refused by a scope that was stopped or joined", "[task_scope]") {
  const test::no_thread_left check;
  const auto value = std::make_unique<int>(1);
  roost::task_scope scope;
  scope.request_stop();
  CHECK_FALSE(scope.try_spawn([&] { return *value; }));
  CHECK(scope.failures().empty());
  scope.join();
  CHECK_THROWS_AS(scope.try_spawn([] {}), roost::scope_closed);
  roost::task_scope limited({.limit = 1, .backlog = 0});
  limited.join();
  CHECK_THROWS_AS(limited.try_spawn([] {}), roost::scope_closed);
  CHECK_THROWS_AS(limited.spawn([] {}), roost::scope_closed);
}

TEST_CASE("try_spawn does not heed a stop of the caller", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<int> ran{0};
  roost::task_scope pool({.limit = 1, .backlog = 0});
  roost::task_scope callers({.inherit = false, .covers_owner = false});
  auto spawned = callers.spawn([&] {
    callers.request_stop();
    return pool.try_spawn([&] { ++ran; }).has_value();
  });
  CHECK(spawned.get());
  pool.join();
  CHECK(ran == 1);
}
