// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// Callables that wait for ever, and count those that have ended.
struct waiters {
  roost::event never;
  std::atomic<int> ended{0};

  auto one() {
    return [this] {
      const test::at_exit count([this] { ++ended; });
      never.wait();
    };
  }
};

} // namespace

TEST_CASE("when_all throws the first failure itself, when the others were stopped and have ended",
          "[when_all]") {
  const test::no_thread_left check;
  const int place = GENERATE(0, 1, 2);
  const auto error = std::make_exception_ptr(std::runtime_error("the first"));
  waiters others;
  const auto fail = [&] {
    test::wait_until_waiting(others.never, 2);
    std::rethrow_exception(error);
  };
  const auto call = [&](int index) {
    return index == place ? std::function<void()>(fail) : std::function<void()>(others.one());
  };
  SECTION("of arguments") {
    CHECK(test::exception_of([&] { (void)roost::when_all(call(0), call(1), call(2)); }) == error);
  }
  SECTION("of a range") {
    const std::vector calls{call(0), call(1), call(2)};
    CHECK(test::exception_of([&] { roost::when_all(calls); }) == error);
  }
  CHECK(others.ended == 2);
}

TEST_CASE("what fails after the first failure of a when_all goes to the hook", "[when_all]") {
  const test::no_thread_left check;
  const test::unobserved_failures hook;
  roost::event never;
  const auto fail_late = [&] {
    try {
      never.wait();
    } catch (const roost::stopped& s) {
      throw std::runtime_error("after: " + s.cause().message);
    }
  };
  const auto fail = [&] {
    test::wait_until_waiting(never, 1);
    throw std::runtime_error("the first");
  };
  CHECK(test::thrown_by([&] { (void)roost::when_all(fail_late, fail); }) == "the first");
  CHECK(hook.messages() == "after: the first;");
}

TEST_CASE("when_all calls nothing where the caller was stopped before", "[when_all]") {
  const test::no_thread_left check;
  std::atomic<int> calls{0};
  const auto call = [&] { ++calls; };
  roost::task_scope scope;
  scope.request_stop();
  CHECK(test::thrown_by([&] { (void)roost::when_all(call, call); }) == "stopped");
  CHECK(test::thrown_by([&] { roost::when_all(std::vector{call, call}); }) == "stopped");
  CHECK(test::thrown_by([&] { roost::when_all(std::vector<std::function<void()>>()); }) ==
        "stopped");
  CHECK(calls == 0);
}

TEST_CASE("a stop of the caller ends all callables and then when_all", "[when_all]") {
  const test::no_thread_left check;
  waiters all;
  roost::task_scope scope;
  scope.spawn([&] {
    test::wait_until_waiting(all.never, 2);
    scope.request_stop("enough");
  });
  std::string why;
  try {
    (void)roost::when_all(all.one(), all.one());
  } catch (const roost::stopped& s) {
    why = s.cause().message;
  }
  CHECK(why == "enough");
  CHECK(all.ended == 2);
}

TEST_CASE("when_all throws stopped where the caller was stopped though all went on to their end",
          "[when_all]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  const auto stop_and_return = [&] {
    scope.request_stop();
    return 1;
  };
  CHECK(test::thrown_by([&] { (void)roost::when_all(stop_and_return); }) == "stopped");
}

TEST_CASE("a stop that comes when all results are there does not take them", "[when_all]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  CHECK(roost::when_all([] { return 1; }, [] { return 2; }) == std::tuple(1, 2));
  scope.request_stop();
  CHECK(test::thrown_by([] { roost::this_task::checkpoint(); }) == "stopped");
}

TEST_CASE("the failure of a sibling of the caller's is what ends a when_all", "[when_all]") {
  const test::no_thread_left check;
  waiters all;
  roost::task_scope scope;
  scope.spawn([&] {
    test::wait_until_waiting(all.never, 2);
    throw std::runtime_error("a sibling's");
  });
  CHECK(test::thrown_by([&] { (void)roost::when_all(all.one(), all.one()); }) == "a sibling's");
  CHECK(all.ended == 2);
  CHECK(test::thrown_by([&] { scope.join(); }) == "a sibling's"); // no wait takes it
}

TEST_CASE("the deadline of the scope around ends a when_all with timeout_error", "[when_all]") {
  const test::no_thread_left check;
  waiters all;
  roost::task_scope scope({.timeout = 5ms});
  CHECK_THROWS_AS(roost::when_all(all.one(), all.one()), roost::timeout_error);
  CHECK_THROWS_AS(scope.join(), roost::timeout_error); // no wait takes it
}

TEST_CASE("when_all in a task of a limited scope has threads of its own", "[when_all]") {
  const test::no_thread_left check;
  roost::task_scope scope({.limit = 1});
  std::vector<roost::task_handle<int>> sums;
  for (int i = 0; i < 3; ++i) {
    sums.push_back(scope.spawn([] {
      roost::event met;
      const auto [none, sum] = roost::when_all([&] { met.set(); },
                                               [&] {
                                                 met.wait();
                                                 return 5;
                                               });
      return sum;
    }));
  }
  for (auto& sum : sums)
    CHECK(sum.get() == 5);
}

TEST_CASE("a shield around when_all keeps a stop of the caller from its callables", "[when_all]") {
  const test::no_thread_left check;
  roost::event told;
  roost::task_scope scope;
  scope.request_stop();
  const auto wait = [&] { return told.wait_for(0ms); };
  {
    const roost::shield hide(1h);
    CHECK(roost::when_all(wait, wait) == std::tuple(false, false));
  }
  CHECK(test::thrown_by([&] { (void)roost::when_all(wait, wait); }) == "stopped");
}

TEST_CASE("a shield in a callable of when_all lets it clean up before the others' end is awaited",
          "[when_all]") {
  const test::no_thread_left check;
  roost::event never;
  auto log = roost::make_channel<std::string>(1);
  const auto clean_up = [&] {
    try {
      never.wait();
    } catch (const roost::stopped&) {
      const roost::shield s(1h);
      (void)log.tx.send("cleaned up");
      throw;
    }
  };
  const auto fail = [&] {
    test::wait_until_waiting(never, 1);
    throw std::runtime_error("the first");
  };
  CHECK(test::thrown_by([&] { (void)roost::when_all(clean_up, fail); }) == "the first");
  CHECK(log.rx.try_receive().value() == "cleaned up");
}

TEST_CASE("a stop_when around when_all stops its callables", "[when_all]") {
  const test::no_thread_left check;
  waiters all;
  std::stop_source source;
  const roost::stop_when s(source.get_token());
  const auto stop = [&] {
    test::wait_until_waiting(all.never, 2);
    source.request_stop();
  };
  CHECK(test::thrown_by([&] { (void)roost::when_all(all.one(), stop, all.one()); }) == "stopped");
  CHECK(all.ended == 2);
}

TEST_CASE("a failure far inside ends all of a nested when_all", "[when_all]") {
  const test::no_thread_left check;
  waiters all;
  const auto fail = [&] {
    test::wait_until_waiting(all.never, 3);
    throw std::runtime_error("far inside");
  };
  const auto left = [&] { (void)roost::when_all(all.one(), all.one()); };
  const auto right = [&] { (void)roost::when_all(fail, all.one()); };
  CHECK(test::thrown_by([&] { (void)roost::when_all(left, right); }) == "far inside");
  CHECK(all.ended == 3);
}

TEST_CASE("a range that throws while when_all goes through it stops what was begun", "[when_all]") {
  const test::no_thread_left check;
  waiters all;
  auto calls = roost::make_channel<std::function<void()>>(3);
  for (int i = 0; i < 3; ++i)
    REQUIRE(calls.tx.send(all.one()));
  calls.tx.fail(std::make_exception_ptr(std::runtime_error("no more callables")));
  CHECK(test::thrown_by([&] { roost::when_all(calls.rx); }) == "no more callables");
  CHECK(test::waiting(all.never) == 0);
}

TEST_CASE("when_all throws stopped where a callable was ended by a token of its own",
          "[when_all]") {
  const test::no_thread_left check;
  bool other_ended = false;
  std::stop_source source;
  source.request_stop();
  const auto ends_itself = [&] {
    const roost::stop_when s(source.get_token());
    roost::this_task::checkpoint();
  };
  CHECK(test::thrown_by([&] { (void)roost::when_all(ends_itself, [&] { other_ended = true; }); }) ==
        "stopped");
  CHECK(other_ended);
}
