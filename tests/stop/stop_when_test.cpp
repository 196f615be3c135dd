// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;

TEST_CASE("a stop_when stays where it was made", "[stop_when]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<roost::stop_when>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<roost::stop_when>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::stop_token, roost::stop_when>);
}

TEST_CASE("the token of a stop_when stops a plain thread's waits", "[stop_when]") {
  const test::no_thread_left check;
  roost::event never;
  std::string first;
  std::string after;
  roost::stop_reason reason{};
  std::jthread thread([&](const std::stop_token& token) {
    {
      const roost::stop_when when(token);
      first = test::thrown_by([&] { never.wait(); });
      reason = roost::this_task::cause().reason;
    }
    after = test::thrown_by([] { roost::this_task::checkpoint(); });
  });
  test::wait_until_waiting(never, 1);
  thread.request_stop();
  thread.join();
  CHECK(first == "stopped");
  CHECK(after == "nothing"); // it works only while it lives
  CHECK(reason == roost::stop_reason::token);
}

TEST_CASE("stop_when tells its own line as the cause", "[stop_when]") {
  const test::no_thread_left check;
  std::stop_source source;
  roost::task_scope scope;
  auto cause = scope.spawn("handler", [&] {
    const roost::stop_when when(source.get_token());
    const unsigned line = __LINE__ - 1;
    source.request_stop();
    try {
      roost::this_task::checkpoint();
    } catch (const roost::stopped& s) {
      return std::pair(s.cause(), line);
    }
    return std::pair(roost::stop_cause(), line);
  });
  const auto [seen, line] = cause.get();
  CHECK(seen.reason == roost::stop_reason::token);
  CHECK(seen.message == "the token of a stop_when");
  CHECK(seen.task == "handler");
  CHECK(seen.where.line == line);
}

TEST_CASE("a task that a stop_when ends has not failed", "[stop_when]") {
  const test::no_thread_left check;
  std::stop_source source;
  roost::event never;
  roost::task_scope scope;
  auto task = scope.spawn([&] {
    const roost::stop_when when(source.get_token());
    never.wait();
  });
  auto other = scope.spawn([] { return 1; });
  test::wait_until_waiting(never, 1);
  source.request_stop();
  CHECK(scope.wait_for(1h));
  CHECK_FALSE(scope.stop_requested()); // nobody else is stopped
  CHECK(other.get() == 1);
  CHECK(test::thrown_by([&] { task.get(); }) == "stopped");
  scope.join();
  CHECK(scope.failures().empty());
}

TEST_CASE("a token that was stopped before stops at the next wait", "[stop_when]") {
  const test::no_thread_left check;
  std::stop_source source;
  source.request_stop();
  roost::event set;
  set.set();
  const roost::stop_when when(source.get_token());
  CHECK(roost::this_task::stop_requested());
  CHECK_THROWS_AS(set.wait(), roost::stopped);
}

TEST_CASE("a token on which no stop is possible stops nothing", "[stop_when]") {
  const test::no_thread_left check;
  const roost::stop_when when{std::stop_token()};
  CHECK_NOTHROW(roost::this_task::checkpoint());
  roost::task_scope scope;
  CHECK(scope.spawn([] { return 1; }).get() == 1);
}

TEST_CASE("stop_when reaches the scopes made under it", "[stop_when]") {
  const test::no_thread_left check;
  std::stop_source source;
  roost::event never;
  roost::stop_cause seen;
  const auto handle_request = [&] {
    const roost::stop_when when(source.get_token());
    roost::task_scope scope;
    scope.spawn([&] {
      roost::task_scope nested;
      nested.spawn([&] {
        try {
          never.wait();
        } catch (const roost::stopped& s) {
          seen = s.cause();
          throw;
        }
      });
    });
    test::wait_until_waiting(never, 1);
    source.request_stop();
    scope.join();
  };
  SECTION("on a plain thread") {
    CHECK(test::thrown_by(handle_request) == "stopped");
  }
  SECTION("in a task, which has not failed") {
    roost::task_scope scope;
    auto task = scope.spawn(handle_request);
    scope.join();
    CHECK(scope.failures().empty());
    CHECK(test::thrown_by([&] { task.get(); }) == "stopped");
  }
  CHECK(seen.reason == roost::stop_reason::parent);
  CHECK(seen.message == "the token of a stop_when");
}

TEST_CASE("the stop of the scope around reaches through a stop_when", "[stop_when]") {
  const test::no_thread_left check;
  const std::stop_source source;
  roost::event never;
  roost::task_scope scope;
  auto cause = scope.spawn([&] {
    const roost::stop_when when(source.get_token());
    try {
      never.wait();
    } catch (const roost::stopped& s) {
      return s.cause();
    }
    return roost::stop_cause();
  });
  test::wait_until_waiting(never, 1);
  scope.request_stop("from around");
  scope.join();
  const roost::stop_cause seen = cause.get();
  CHECK(seen.reason == roost::stop_reason::requested);
  CHECK(seen.message == "from around");
}

TEST_CASE("an owner under a stop_when still gets the failure of its scope", "[stop_when]") {
  const test::no_thread_left check;
  const std::stop_source source;
  roost::event never;
  roost::task_scope scope;
  const roost::stop_when when(source.get_token());
  scope.spawn([&] {
    test::wait_until_waiting(never, 1);
    throw std::runtime_error("boom");
  });
  CHECK(test::thrown_by([&] { never.wait(); }) == "boom");
  CHECK(test::thrown_by([&] { scope.join(); }) == "boom");
}

TEST_CASE("an owner whose own stop_when is stopped gets stopped and its scope goes on",
          "[stop_when]") {
  const test::no_thread_left check;
  std::stop_source source;
  roost::event go;
  roost::task_scope scope;
  auto task = scope.spawn([&] {
    go.wait();
    return 1;
  });
  {
    const roost::stop_when when(source.get_token());
    source.request_stop();
    CHECK(test::thrown_by([] { roost::this_task::checkpoint(); }) == "stopped");
    CHECK_FALSE(scope.stop_requested());
  }
  go.set();
  CHECK(task.get() == 1);
}

TEST_CASE("stop_whens nest and any of their tokens stops", "[stop_when]") {
  const test::no_thread_left check;
  std::stop_source outer;
  std::stop_source inner;
  const roost::stop_when first(outer.get_token());
  const roost::stop_when second(inner.get_token());
  SECTION("the outer one") {
    outer.request_stop();
  }
  SECTION("the inner one") {
    inner.request_stop();
  }
  CHECK_THROWS_AS(roost::this_task::checkpoint(), roost::stopped);
  CHECK(roost::this_task::cause().reason == roost::stop_reason::token);
}

TEST_CASE("a token may be stopped while its stop_when ends", "[stop_when]") {
  const test::no_thread_left check;
  for (int i = 0; i < 200; ++i) {
    std::stop_source source;
    test::gate gate;
    const std::jthread stopper([&] {
      gate.pass();
      source.request_stop();
    });
    gate.wait_for_arrivals(1);
    {
      const roost::stop_when when(source.get_token());
      gate.open();
    }
  }
  CHECK_NOTHROW(roost::this_task::checkpoint());
}

TEST_CASE("the timekeeper goes with its scope although a stop_when made inside lives on",
          "[stop_when]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  std::optional<roost::task_scope> scope;
  scope.emplace(roost::scope_options{.timeout = 1h});
  const roost::stop_when when{std::stop_token()};
  scope.reset();
  CHECK(test::threads_back_to(before));
}

TEST_CASE("a task that throws stopped on after its stop_when has fired has not failed",
          "[stop_when]") {
  const test::no_thread_left check;
  roost::task_scope other({.inherit = false, .covers_owner = false});
  other.request_stop("the other one");
  auto dropped = other.spawn([] { return 1; });
  std::stop_source source;
  const bool fires = GENERATE(true, false);
  const bool inside = GENERATE(true, false); // the one that fires is the outer one of two
  roost::task_scope scope;
  scope.spawn([&] {
    const roost::stop_when when(source.get_token());
    const std::stop_source silent;
    std::optional<roost::stop_when> inner;
    if (inside)
      inner.emplace(silent.get_token());
    try {
      (void)dropped.get();
    } catch (const roost::stopped& s) {
      if (s.by_token())
        std::terminate();
      if (fires)
        source.request_stop();
      if (s.by_token() != fires)
        std::terminate();
      throw;
    }
  });
  CHECK(scope.wait_for(1h));
  CHECK(scope.failures().size() == (fires ? 0 : 1)); // else nobody has stopped it
  CHECK(test::thrown_by([&] { scope.join(); }) == (fires ? "nothing" : "stopped"));
}
