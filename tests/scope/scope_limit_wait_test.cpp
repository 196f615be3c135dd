// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/busy_scope.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

// A task that waits for one in the queue runs it inside its wait, as a task of its own.

using namespace std::chrono_literals;
using test::busy_scope;

namespace {

std::thread::id id_here() {
  return std::this_thread::get_id();
}

} // namespace

TEST_CASE("a task waits for one in the queue by running it itself", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.limit = 1});
  std::function<int(int)> sum = [&](int n) {
    if (n == 0)
      return 0;
    return n + scope.spawn([&sum, n] { return sum(n - 1); }).get();
  };
  CHECK(scope.spawn([&] { return sum(50); }).get() == 50 * 51 / 2);
}

TEST_CASE("it runs just the one that it waits for", "[task_scope]") {
  const test::no_thread_left check;
  std::vector<std::string> order;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    auto first = scope.spawn([&] { order.emplace_back("first"); });
    auto second = scope.spawn([&] {
      order.emplace_back("second");
      return id_here();
    });
    const bool here = second.get() == id_here();
    order.emplace_back(here ? "got" : "got on another thread");
    (void)first.wait_for(0ms); // does not run it
    order.emplace_back("ends");
  });
  scope.join();
  CHECK(order == std::vector<std::string>{"second", "got", "ends", "first"});
}

TEST_CASE("the owner waits for a task in the queue without running it", "[task_scope]") {
  const test::no_thread_left check;
  busy_scope one;
  auto waiting = one.scope.spawn(id_here);
  const std::jthread opener([&] {
    test::wait_until_owner_blocked(one.scope);
    one.busy.open();
  });
  CHECK(waiting.get() != id_here());
}

TEST_CASE("a task of another scope waits for a task in the queue without running it",
          "[task_scope]") {
  const test::no_thread_left check;
  busy_scope one;
  auto waiting = one.scope.spawn(id_here);
  roost::task_scope others;
  auto told = others.spawn([&] { return waiting.get() == id_here(); });
  test::wait_until_blocked(others, 1);
  one.busy.open();
  CHECK_FALSE(told.get());
}

TEST_CASE("a task of a nested scope runs what it waits for further out", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.limit = 1});
  auto told = scope.spawn([&] {
    auto waiting = scope.spawn(id_here);
    roost::task_scope inner;
    return inner.spawn([&] { return waiting.get() == id_here(); }).get();
  });
  CHECK(told.get());
}

TEST_CASE("the owner of a nested scope runs what it waits for further out", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.limit = 1});
  auto told = scope.spawn([&] {
    auto waiting = scope.spawn([&] { return std::pair(id_here(), roost::this_task::deadline()); });
    roost::task_scope inner({.timeout = 1h});
    return waiting.get() == std::pair(id_here(), roost::clock::time_point::max());
  });
  CHECK(told.get());
}

TEST_CASE("what runs inside a wait sees nothing of the task that waits", "[task_scope]") {
  struct seen {
    std::string name;
    bool stopped = false;
    bool thrown = false;
    bool innermost = false;
    bool no_deadline = false;

    static seen here() {
      return {std::string(roost::this_task::name()),
              roost::this_task::stop_requested(),
              test::thrown_by([] { roost::this_task::checkpoint(); }) != "nothing",
              roost::detail::this_thread.top == roost::detail::this_thread.task,
              roost::this_task::deadline() == roost::clock::time_point::max()};
    }
  };
  const test::no_thread_left check;
  seen inside;
  bool restored = false;
  roost::task_scope scope({.limit = 1});
  SECTION("nor of a stop_when, which waits for the end of it") {
    std::string waits;
    scope
        .spawn("waits",
               [&] {
                 std::stop_source source;
                 auto waiting = scope.spawn("in the queue", [&] {
                   source.request_stop();
                   inside = seen::here();
                 });
                 const roost::stop_when when(source.get_token());
                 waits = test::thrown_by([&] { waiting.get(); });
                 restored = roost::this_task::stop_requested() &&
                            roost::this_task::name() == "waits" && waiting.ready();
               })
        .get();
    CHECK(waits == "stopped");
  }
  SECTION("nor of a nested scope's deadline and stop") {
    scope
        .spawn("waits",
               [&] {
                 auto waiting = scope.spawn("in the queue", [&] { inside = seen::here(); });
                 roost::task_scope inner({.timeout = 1h});
                 waiting.get();
                 restored = roost::this_task::name() == "waits" &&
                            roost::this_task::stop_token() == inner.get_stop_token() &&
                            roost::this_task::deadline() < roost::clock::time_point::max();
               })
        .get();
  }
  SECTION("nor of a shield") {
    scope
        .spawn("waits",
               [&] {
                 auto waiting = scope.spawn("in the queue", [&] { inside = seen::here(); });
                 const roost::shield s(1h);
                 waiting.get();
                 restored = roost::this_task::name() == "waits" &&
                            roost::this_task::stop_token() != scope.get_stop_token();
               })
        .get();
  }
  CHECK(inside.name == "in the queue");
  CHECK_FALSE(inside.stopped);
  CHECK_FALSE(inside.thrown);
  CHECK(inside.innermost);
  CHECK(inside.no_deadline);
  CHECK(restored);
}

TEST_CASE("a shield around a wait does not shield what runs inside it", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  std::string inside;
  std::string outside;
  std::string end;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    auto waiting = scope.spawn([&] {
      inside = test::thrown_by([&] { never.wait(); });
      roost::this_task::checkpoint();
    });
    {
      const roost::shield s(1h);
      outside = test::thrown_by([&] { waiting.get(); });
      outside += test::thrown_by([] { roost::this_task::checkpoint(); });
    }
    end = test::thrown_by([] { roost::this_task::checkpoint(); });
  });
  test::wait_until_waiting(never, 1);
  scope.request_stop();
  scope.join();
  CHECK(inside == "stopped");
  CHECK(outside == "stopped"
                   "nothing"); // the task's end, then the shield's quiet
  CHECK(end == "stopped");
}

TEST_CASE("a stop wakes what runs inside a wait and then ends the wait", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  std::atomic<int> stopped{0};
  roost::task_scope scope({.limit = 1});
  auto outer = scope.spawn([&] {
    auto waiting = scope.spawn([&] {
      auto further = scope.spawn([&] {
        stopped += test::thrown_by([&] { never.wait(); }) == "stopped" ? 1 : 0;
        roost::this_task::checkpoint();
      });
      further.get();
    });
    waiting.get();
  });
  test::wait_until_waiting(never, 1);
  scope.request_stop("enough");
  CHECK(test::thrown_by([&] { outer.get(); }) == "stopped");
  scope.join();
  CHECK(stopped == 1);
  CHECK(scope.failures().empty());
}

TEST_CASE("what fails inside a wait fails as a task of its own", "[task_scope]") {
  const test::no_thread_left check;
  SECTION("where failures are collected, the waiting task gets it, and the list has it once") {
    std::string got;
    std::string name;
    std::optional<roost::task_scope> scope(
        std::in_place, roost::scope_options{.limit = 1, .errors = roost::on_error::collect});
    scope->spawn("waits", [&] {
      auto waiting = scope->spawn("fails", [] { throw std::runtime_error("inside"); });
      got = test::thrown_by([&] { waiting.get(); });
      name = roost::this_task::name();
      roost::this_task::checkpoint();
    });
    CHECK(test::thrown_by([&] { scope->join(); }) == "1 task failed: \"fails\": inside");
    CHECK(got == "inside");
    CHECK(name == "waits");
  }
  SECTION("where the first one stops all, the waiting task is stopped") {
    std::string got;
    roost::task_scope scope({.limit = 1});
    scope.spawn([&] {
      auto waiting = scope.spawn([] { throw std::runtime_error("inside"); });
      got = test::thrown_by([&] { waiting.get(); });
      roost::this_task::checkpoint();
    });
    CHECK(test::thrown_by([&] { scope.join(); }) == "inside");
    CHECK(got == "stopped");
    CHECK(scope.failures().size() == 1);
  }
}

TEST_CASE("what runs inside the wait of a scope's owner is not that owner", "[task_scope]") {
  const test::no_thread_left check;
  std::string joins;
  roost::task_scope scope({.limit = 1});
  scope
      .spawn([&] {
        std::optional<roost::task_scope> inner;
        auto waiting = scope.spawn([&] { joins = test::thrown_by([&] { inner->join(); }); });
        inner.emplace();
        waiting.get();
        inner.reset();
      })
      .get();
  CHECK(joins.find("a scope is joined by the thread that made it") != std::string::npos);
}

TEST_CASE("what ran inside a wait is over when the wait is", "[task_scope]") {
  const test::no_thread_left check;
  auto captured = std::make_shared<int>();
  bool gone = false;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    auto waiting = scope.spawn([captured] { return *captured; });
    waiting.get();
    gone = captured.use_count() == 1;
  });
  scope.join();
  CHECK(gone);
}

TEST_CASE("a join waits for a task in the queue that a scope beyond its task has run",
          "[task_scope]") {
  const test::no_thread_left check;
  std::unique_ptr<roost::task_scope> beyond;
  roost::event maker_is_over;
  test::gate second;
  test::gate inside;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    beyond = std::make_unique<roost::task_scope>(roost::scope_options{.covers_owner = false});
    scope.spawn([&] { second.pass(); });
    auto queued = scope.spawn([&] { inside.pass(); });
    beyond->spawn([&maker_is_over, queued = std::move(queued)]() mutable {
      maker_is_over.wait();
      queued.get();
    });
  });
  second.wait_for_arrivals(1);
  maker_is_over.set();
  test::wait_until([&] {
    return std::string_view(test::scope_probe::first_task_call(*beyond).operation) ==
               "task_handle::get" ||
           test::scope_probe::queued(scope) == 0;
  });
  second.open();
  inside.wait_for_arrivals(1);
  CHECK_FALSE(scope.wait_for(20ms)); // it runs
  inside.open();
  CHECK(scope.wait_for(1h));
  beyond.reset();
}

TEST_CASE("a failure got inside a wait of the owner is still the owner's to hear", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.errors = roost::on_error::collect});
  auto fails = scope.spawn([] { throw std::runtime_error("first"); });
  (void)roost::when_all([&] {
    try {
      fails.get();
    } catch (const std::runtime_error&) { // the task's own business
    }
  });
  CHECK_THROWS_AS(scope.join(), roost::exception_list);
}
