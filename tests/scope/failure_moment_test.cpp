// SPDX-License-Identifier: BSL-1.0
// What a failure does, or meets, on its way does not change the moment at which it counts as
// thrown; see failure_order_test.cpp.
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/cause_and_consequence.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>

using namespace std::chrono_literals;

TEST_CASE(
    "waits in an unwinding, under a shield or at the end of a scope, do not change its moment",
    "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  const bool by_scope = GENERATE(false, true);
  const auto fail = [&] {
    const test::at_exit wait([&] {
      if (by_scope) {
        roost::task_scope inner({.inherit = false});
        inner.spawn([] {});
      } else {
        const roost::shield s(1h);
        roost::this_task::sleep_for(1ms);
      }
    });
    const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
    throw std::runtime_error("disk error");
  };
  CHECK(test::thrown_by_both(fail, [&] { test::receive_all(ch.rx); }) == "disk error");
}

TEST_CASE("a hook that waits does not change the moment of what a scope throws", "[task_scope]") {
  const test::no_thread_left check;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  const auto before = roost::set_unobserved_failure_hook([](const roost::failure&) {
    try {
      roost::this_task::sleep_for(1us);
    } catch (const roost::stopped&) { // it has waited all the same
    }
  });
  const test::at_exit restore([&] { roost::set_unobserved_failure_hook(before); });
  const bool joins = GENERATE(false, true);
  const auto fail = [&] {
    test::gate begun;
    roost::task_scope inner;
    inner.spawn([&] {
      begun.pass();
      test::wait_until([&] { return inner.stop_requested(); });
      throw std::runtime_error("for the hook");
    });
    begun.wait_for_arrivals(1);
    begun.open();
    inner.spawn([&] {
      const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
      throw std::runtime_error("disk error");
    });
    if (joins)
      inner.join();
  };
  CHECK(test::thrown_by_both(fail, [&] { test::receive_all(ch.rx); }) == "disk error");
}

TEST_CASE("a scope that outlives a handler gives its exception's moment to no other one",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  std::optional<roost::background_scope> made_in_handler;
  std::atomic<bool> made{false};
  CHECK(test::thrown_by([&] {
          roost::task_scope scope;
          scope.spawn("consequence", [&] {
            try {
              const auto other = roost::make_channel<int>(1); // touched by the unwinding
              throw std::runtime_error("handled");
            } catch (const std::runtime_error&) {
              made_in_handler.emplace();
            }
            made = true;
            test::receive_all(ch.rx);
            made_in_handler.reset();
            throw std::runtime_error("unexpected end of input");
          });
          scope.spawn("cause", [&] {
            test::wait_until([&] { return made.load(); });
            const auto slow = test::slow_local(scope);
            const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
            throw std::runtime_error("disk error");
          });
          scope.join();
        }) == "disk error");
}

TEST_CASE("a cause keeps its place on its way through scopes further in", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  std::optional<roost::sender<int>> tx = std::move(ch.tx);
  const auto fail = [&] {
    const roost::sender<int> out = std::move(*std::exchange(tx, std::nullopt));
    throw std::runtime_error("disk error");
  };
  std::atomic<bool> thrown{false};
  bool read_on = true; // else it is read on when the cause was thrown to the one further out
  const auto read = [&] {
    test::receive_all(ch.rx);
    test::wait_until([&] { return read_on || thrown; });
  };
  SECTION("thrown by the end of a task_scope") {
    CHECK(test::thrown_by_both(
              [&] {
                roost::task_scope inner;
                inner.spawn(fail);
              },
              read) == "disk error");
  }
  SECTION("thrown by join") {
    CHECK(test::thrown_by_both(
              [&] {
                roost::task_scope inner;
                inner.spawn(fail);
                inner.join();
              },
              read) == "disk error");
  }
  SECTION("thrown by a wait") {
    read_on = false;
    CHECK(test::thrown_by_both(
              [&] {
                roost::task_scope inner;
                const test::at_exit note([&] { thrown = true; });
                inner.spawn(fail);
                roost::this_task::sleep_for(1h);
              },
              read) == "disk error");
  }
  SECTION("thrown by get") {
    read_on = false;
    CHECK(test::thrown_by_both(
              [&] {
                roost::task_scope inner({.errors = roost::on_error::collect});
                const test::at_exit note([&] { thrown = true; });
                inner.spawn(fail).get();
              },
              read) == "disk error");
  }
  SECTION("thrown by with_scope, whose body has failed") {
    CHECK(test::thrown_by_both([&] { roost::with_scope([&](roost::task_scope&) { fail(); }); },
                               read) == "disk error");
  }
  SECTION("thrown by with_scope, whose task has failed") {
    CHECK(test::thrown_by_both(
              [&] { roost::with_scope([&](roost::task_scope& inner) { inner.spawn(fail); }); },
              read) == "disk error");
  }
  SECTION("thrown by when_all") {
    CHECK(test::thrown_by_both([&] { roost::when_all(fail, [] {}); }, read) == "disk error");
  }
  SECTION("thrown by for_each") {
    CHECK(test::thrown_by_both([&] { roost::for_each(std::array{1}, [&](int) { fail(); }); },
                               read) == "disk error");
  }
}

TEST_CASE("a body that fails over what a task's unwinding has ended is second", "[with_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  auto ch = roost::make_channel<int>(4);
  const auto run = [&] {
    roost::with_scope([&](roost::task_scope& scope) {
      scope.spawn([&scope, tx = std::move(ch.tx)]() mutable {
        const auto slow = test::slow_local(scope);
        const roost::sender<int> out = std::move(tx);
        throw std::runtime_error("disk error");
      });
      test::receive_all(ch.rx);
      throw std::runtime_error("unexpected end of input");
    });
  };
  CHECK(test::thrown_by(run) == "disk error");
  CHECK(test::unobserved_failures::messages() == "unexpected end of input;");
}

TEST_CASE("a list of failures is in the order of the moments", "[task_scope]") {
  const test::no_thread_left check;
  auto ch = roost::make_channel<int>(4);
  const auto run = [&] {
    roost::task_scope scope({.errors = roost::on_error::collect});
    scope.spawn("before", [] { throw std::runtime_error("x"); });
    CHECK(scope.wait_for(1h));
    for (int i = 0; i < 2; ++i) {
      scope.spawn("parse", [&] {
        test::receive_all(ch.rx);
        throw std::runtime_error("unexpected end");
      });
    }
    scope.spawn("read", [&scope, tx = std::move(ch.tx)]() mutable {
      const test::at_exit slow(
          [&] { test::wait_until([&] { return scope.failures().size() == 3; }); });
      const roost::sender<int> out = std::move(tx);
      throw std::runtime_error("disk error");
    });
    CHECK(scope.wait_for(1h));
    scope.spawn("after", [] { throw std::runtime_error("y"); });
  };
  CHECK(test::thrown_by(run) ==
        "5 tasks failed: \"before\": x; \"read\": disk error; \"parse\": unexpected end; "
        "\"parse\": unexpected end; \"after\": y");
}

TEST_CASE("an exception that was handled does not make a later failure the first", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  roost::event never;
  const auto run = [&] {
    roost::task_scope scope;
    scope.spawn("retries", [&] {
      try {
        const auto own = roost::make_channel<int>();
        throw std::runtime_error("handled");
      } catch (const std::runtime_error&) { // NOLINT(bugprone-empty-catch): what is under test
      }
      try {
        never.wait();
      } catch (const roost::stopped&) {
        throw std::runtime_error("canceled");
      }
    });
    test::wait_until_blocked(scope, 1);
    scope.spawn([] { throw std::runtime_error("disk error"); });
    scope.join();
  };
  CHECK(test::thrown_by(run) == "disk error");
  CHECK(test::unobserved_failures::messages() == "canceled;");
}

TEST_CASE("an exception that a task has handled does not give its place to the thread's next task",
          "[task_scope]") {
  const test::no_thread_left check;
  test::gate both_run;
  test::gate fail;
  const auto run = [&] {
    roost::task_scope scope({.limit = 2, .errors = roost::on_error::collect});
    scope.spawn("handles", [&] {
      both_run.pass();
      try {
        const auto own = roost::make_channel<int>();
        throw std::runtime_error("handled");
      } catch (const std::runtime_error&) { // NOLINT(bugprone-empty-catch): what is under test
      }
    });
    scope.spawn("first", [&] {
      fail.pass();
      throw std::runtime_error("x");
    });
    scope.spawn("second", [&] { // on the thread of the one that handles
      fail.open();
      test::wait_until([&] { return scope.failures().size() == 1; });
      throw std::runtime_error("y");
    });
    both_run.open();
    scope.join();
  };
  CHECK(test::thrown_by(run) == "2 tasks failed: \"first\": x; \"second\": y");
}
