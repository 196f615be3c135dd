// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// Callables that wait for ever, and count those that have ended.
struct waiters {
  roost::event never;
  std::atomic<int> ended{0};

  auto one() {
    return [this]() -> int {
      const test::at_exit count([this] { ++ended; });
      never.wait();
      return 0;
    };
  }
};

} // namespace

TEST_CASE("the others are stopped and have ended when when_any returns", "[when_any]") {
  const test::no_thread_left check;
  waiters losers;
  std::string why;
  const auto win = [&] {
    test::wait_until_waiting(losers.never, 3);
    return 5;
  };
  const auto told = [&] {
    try {
      return losers.one()();
    } catch (const roost::stopped& s) {
      why = s.cause().message;
      throw;
    }
  };
  SECTION("of arguments") {
    CHECK(std::get<1>(roost::when_any(losers.one(), win, told, losers.one())) == 5);
  }
  SECTION("of a range") {
    const std::vector<std::function<int()>> calls{losers.one(), told, losers.one(), win};
    CHECK(roost::when_any(calls) == std::pair(std::size_t{3}, 5));
  }
  CHECK(losers.ended == 3);
  CHECK(why == "when_any has its answer");
}

TEST_CASE("when_any waits for a loser that does not heed the stop", "[when_any]") {
  const test::no_thread_left check;
  test::gate gate;
  roost::event told;
  std::atomic<bool> returned{false};
  std::atomic<bool> loser_ended{false};
  bool returned_before = true;
  {
    const std::jthread opener([&] { // opens when the answer is there and the stop was sent
      told.wait();
      gate.wait_for_arrivals(1);
      returned_before = returned;
      gate.open();
    });
    const auto deaf = [&] {
      const std::stop_callback tell(roost::this_task::stop_token(), [&] { told.set(); });
      gate.pass();
      loser_ended = true;
      return 1;
    };
    const auto win = [&] {
      gate.wait_for_arrivals(1);
      return 2;
    };
    const auto result = roost::when_any(deaf, win);
    returned = true;
    CHECK(loser_ended);
    CHECK(std::get<1>(result) == 2);
  }
  CHECK_FALSE(returned_before);
}

TEST_CASE("when_any calls nothing where the caller was stopped before", "[when_any]") {
  const test::no_thread_left check;
  std::atomic<int> calls{0};
  const auto call = [&] { return ++calls; };
  roost::task_scope scope;
  scope.request_stop();
  CHECK(test::thrown_by([&] { (void)roost::when_any(call, call); }) == "stopped");
  CHECK(test::thrown_by([&] { (void)roost::when_any(std::vector{call, call}); }) == "stopped");
  CHECK(calls == 0);
}

TEST_CASE("a stop of the caller ends all callables and then when_any", "[when_any]") {
  const test::no_thread_left check;
  const test::unobserved_failures hook; // for the one that may have failed before
  waiters all;
  roost::task_scope scope;
  scope.spawn([&] {
    test::wait_until_waiting(all.never, 2);
    scope.request_stop();
  });
  const auto fail = [] { throw std::runtime_error("x"); };
  CHECK(test::thrown_by([&] { (void)roost::when_any(all.one(), fail, all.one()); }) == "stopped");
  CHECK(all.ended == 2);
}

TEST_CASE("the deadline of the scope around ends a when_any with timeout_error", "[when_any]") {
  const test::no_thread_left check;
  waiters all;
  roost::task_scope scope({.timeout = 5ms});
  CHECK_THROWS_AS(roost::when_any(all.one(), all.one()), roost::timeout_error);
  CHECK_THROWS_AS(scope.join(), roost::timeout_error); // no wait takes it
}

TEST_CASE("when_any returns an answer that was there before the caller was stopped", "[when_any]") {
  const test::no_thread_left check;
  roost::event never;
  roost::task_scope scope;
  const auto stop_after_the_answer = [&] {
    try {
      never.wait();
    } catch (const roost::stopped&) {
      scope.request_stop();
    }
    return 1;
  };
  const auto win = [&] {
    test::wait_until_waiting(never, 1);
    return 2;
  };
  CHECK(std::get<1>(roost::when_any(stop_after_the_answer, win)) == 2);
  CHECK(test::thrown_by([] { roost::this_task::checkpoint(); }) == "stopped");
}

TEST_CASE("when_any in a task of a limited scope has threads of its own", "[when_any]") {
  const test::no_thread_left check;
  roost::task_scope scope({.limit = 1});
  auto answer = scope.spawn([] {
    waiters losers;
    return std::get<1>(roost::when_any(losers.one(), [&] {
      test::wait_until_waiting(losers.never, 1);
      return 5;
    }));
  });
  CHECK(answer.get() == 5);
}

TEST_CASE("a range that throws while when_any goes through it stops what was begun", "[when_any]") {
  const test::no_thread_left check;
  waiters all;
  auto calls = roost::make_channel<std::function<int()>>(2);
  REQUIRE(calls.tx.send(all.one()));
  REQUIRE(calls.tx.send(all.one()));
  calls.tx.fail(std::make_exception_ptr(std::runtime_error("no more callables")));
  CHECK(test::thrown_by([&] { (void)roost::when_any(calls.rx); }) == "no more callables");
  CHECK(test::waiting(all.never) == 0);
}

TEST_CASE("when_any takes all callables from a channel before one of them has the answer",
          "[when_any]") {
  const test::no_thread_left check;
  auto callables = roost::make_channel<std::function<int()>>(2);
  roost::event begun;
  for (int i = 1; i <= 2; ++i) {
    REQUIRE(callables.tx.send([&begun, i] {
      begun.set();
      return i;
    }));
  }
  roost::task_scope scope;
  scope.spawn([tx = std::move(callables.tx), rx = callables.rx] {
    test::wait_until_waiting(rx, 1); // for the third, which does not come
  });
  CHECK(roost::when_any(callables.rx).second > 0);
  CHECK(begun.is_set());
}
