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
#include <functional>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct fails {
  const char* what;
  void operator()() const { throw std::runtime_error(what); }
};

} // namespace

TEST_CASE("later failures of a fail_fast scope go to the hook", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto body = [] {
    test::gate both;
    roost::task_scope scope;
    for (int i = 0; i < 3; ++i) {
      scope.spawn([&both] {
        both.pass();
        throw std::runtime_error("boom");
      });
    }
    both.wait_for_arrivals(3);
    both.open();
    scope.join();
  };
  CHECK(test::thrown_by(body) == "boom");
  CHECK(test::unobserved_failures::messages() == "boom;boom;");
}

TEST_CASE("a failure while the scope is left by an exception goes to the hook", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  unsigned line = 0;
  const auto body = [&] {
    roost::event never;
    roost::task_scope scope;
    line = __LINE__ + 1;
    scope.spawn("cleaner", [&] {
      try {
        never.wait();
      } catch (const roost::stopped&) {
        throw std::runtime_error("the task's");
      }
    });
    test::wait_until_blocked(scope, 1);
    throw std::runtime_error("the body's");
  };
  CHECK(test::thrown_by(body) == "the body's");
  const std::vector<roost::failure> lost = test::unobserved_failures::take();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].task == "cleaner");
  CHECK(lost[0].where.line == line);
  CHECK(test::message_of(lost[0].error) == "the task's");
}

TEST_CASE("the owner's wait throws the failure of the task it waits for", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  roost::wait_group group;
  group.add();
  auto ends = roost::make_channel<int>();
  roost::task_scope scope;
  auto slow = scope.spawn([&] { never.wait(); });
  test::wait_until_blocked(scope, 1);
  const std::vector<std::function<void()>> waits = {
      [&] { never.wait(); },
      [&] { (void)never.wait_for(1h); },
      [&] { group.wait(); },
      [&] { (void)ends.rx.receive(); },
      [&] { (void)ends.tx.send(1); },
      [&] {
        for (const int i : ends.rx)
          (void)i;
      },
      [&] { slow.get(); },
      [&] { (void)slow.wait_for(1h); },
      [&] { roost::this_task::sleep_for(1h); },
  };
  const std::function<void()>& wait = waits.at(GENERATE(range(std::size_t{0}, std::size_t{9})));
  SECTION("while it waits") {
    scope.spawn([&] {
      test::wait_until_owner_blocked(scope);
      throw std::runtime_error("boom");
    });
  }
  SECTION("before it waits") {
    scope.spawn(fails{"boom"});
    test::wait_until([&] { return scope.stop_requested(); });
  }
  CHECK(test::thrown_by(wait) == "boom");
  CHECK(test::thrown_by(wait) == "stopped");
  CHECK(test::thrown_by(waits.at(0)) == "stopped");
  CHECK(test::thrown_by([&] { scope.join(); }) == "boom"); // no wait takes it
  CHECK(test::thrown_by([&] { scope.join(); }) == "nothing");
}

TEST_CASE("an owner inside nested scopes gets the failure of the outer one", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  roost::event never;
  SECTION("by a wait") {
    const auto body = [&] {
      roost::task_scope outer;
      const roost::task_scope inner;
      outer.spawn([&] {
        test::wait_until_owner_blocked(inner);
        throw std::runtime_error("boom");
      });
      never.wait();
    };
    CHECK(test::thrown_by(body) == "boom");
  }
  SECTION("by the end of the inner one, whose work was cut short") {
    const auto body = [&] {
      roost::task_scope outer;
      {
        roost::task_scope inner;
        inner.spawn([&] { never.wait(); });
        test::wait_until_blocked(inner, 1);
        outer.spawn(fails{"boom"});
      }
      FAIL("the inner scope must not end normally");
    };
    CHECK(test::thrown_by(body) == "boom");
  }
  CHECK(test::unobserved_failures::messages().empty()); // told
}

TEST_CASE("a failure that a wait of the owner threw is thrown by the destructor all the same",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto body = [] {
    roost::event never;
    roost::task_scope scope;
    scope.spawn(fails{"boom"});
    CHECK(test::thrown_by([&] { never.wait(); }) == "boom");
  };
  CHECK(test::thrown_by(body) == "boom");
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a failure that leaves the block by a wait is not told to the hook", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto body = [] {
    roost::event never;
    roost::task_scope scope;
    scope.spawn(fails{"boom"});
    never.wait();
  };
  CHECK(test::thrown_by(body) == "boom");
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("to read the failures does not take them", "[task_scope]") {
  const test::no_thread_left check;
  const auto errors = GENERATE(roost::on_error::fail_fast, roost::on_error::collect);
  roost::task_scope scope({.errors = errors});
  scope.spawn(fails{"boom"});
  test::wait_until([&] { return scope.failures().size() == 1; });
  const std::exception_ptr error = test::exception_of([&] { scope.join(); });
  CHECK(test::message_of(error) ==
        (errors == roost::on_error::fail_fast ? "boom" : "1 task failed: (unnamed): boom"));
}
