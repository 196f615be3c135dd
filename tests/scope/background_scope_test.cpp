// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

// A scope as a member of a class: it leaves the thread that makes it alone.

using namespace std::chrono_literals;
using roost::background_scope;

namespace {

struct component {
  component() = default;
  component(const component&) = delete;
  component& operator=(const component&) = delete;
  virtual ~component() = default;
};

struct service : component {
  explicit service(const roost::scope_options& options = {}) : tasks(options) {}

  void fail() {
    (void)tasks.spawn("fails", [] { throw std::runtime_error("disk full"); }).wait_for(1h);
  }
  roost::task_handle<test::seen> wait_until_stopped() {
    auto handle = tasks.spawn(
        "waits", [] { return test::outcome_of([] { roost::this_task::sleep_for(1h); }); });
    test::wait_until_blocked(tasks, 1);
    return handle;
  }

  background_scope tasks;
};

} // namespace

TEST_CASE("a class with a virtual destructor can have a scope as a member", "[background_scope]") {
  STATIC_REQUIRE(std::is_nothrow_destructible_v<background_scope>);
  STATIC_REQUIRE(std::is_nothrow_destructible_v<service>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<background_scope>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<background_scope>);
  STATIC_REQUIRE(std::is_convertible_v<background_scope&, roost::task_scope&>);
  const test::no_thread_left check;
  const std::unique_ptr<component> owner = std::make_unique<service>();
}

TEST_CASE("a failed task of an object does not reach the thread that made the object",
          "[background_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures lost;
  service s;
  s.fail();
  CHECK(test::unobserved_failures::messages() == "disk full;"); // at once
  CHECK_NOTHROW(roost::this_task::checkpoint());
  roost::task_scope later;
  CHECK_FALSE(later.stop_requested());
  CHECK(later.spawn([] { return 1; }).get() == 1);
}

TEST_CASE("a failed task of an object stops no other of it", "[background_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures lost;
  service s;
  const auto waits = s.wait_until_stopped();
  s.fail();
  CHECK_FALSE(s.tasks.stop_requested());
  CHECK_FALSE(waits.ready());
  CHECK(s.tasks.spawn([] { return 1; }).get() == 1);
}

TEST_CASE("failures of an object's tasks go to its handler", "[background_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures lost;
  std::vector<std::string> told; // the tasks fail one after the other
  {
    service s({.on_failure = [&](const roost::failure& f) {
      told.push_back(f.task + ": " + test::message_of(f.error));
    }});
    s.fail();
    s.fail();
  }
  CHECK(told == std::vector<std::string>{"fails: disk full", "fails: disk full"});
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("what an object's handler does not take goes to the hook and is not thrown",
          "[background_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures lost;
  std::string at_once;
  {
    service s({.on_failure = [](const roost::failure&) { throw std::runtime_error("no pager"); }});
    const auto waits = s.wait_until_stopped();
    s.fail();
    at_once = test::unobserved_failures::messages();
    CHECK_FALSE(s.tasks.stop_requested()); // and it stops nobody
    CHECK_FALSE(waits.ready());
  }
  CHECK(at_once == "no pager;");
  CHECK(test::unobserved_failures::messages() == "disk full;");
}

TEST_CASE("the end of an object stops its tasks", "[background_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures lost;
  const bool while_unwinding = GENERATE(false, true);
  auto s = std::make_unique<service>();
  auto waits = s->wait_until_stopped();
  try {
    const std::unique_ptr<service> owner = std::move(s);
    if (while_unwinding)
      throw std::runtime_error("something else");
  } catch (const std::runtime_error&) {
  }
  CHECK(waits.get() == test::seen::stopped);
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("an object may be ended by another thread than that which made it",
          "[background_scope]") {
  const test::no_thread_left check;
  auto s = std::make_unique<service>();
  auto waits = s->wait_until_stopped();
  std::jthread([&] { s.reset(); }).join();
  CHECK(waits.get() == test::seen::stopped);
}

TEST_CASE("objects that are made on one thread are stopped one by one", "[background_scope]") {
  const test::no_thread_left check;
  service first;
  service second;
  const auto waits = second.wait_until_stopped();
  first.tasks.request_stop("only this one");
  CHECK_FALSE(second.tasks.stop_requested());
  CHECK_FALSE(waits.ready());
  CHECK_NOTHROW(roost::this_task::checkpoint());
}

TEST_CASE("an object is stopped with the scope around the place where it was made",
          "[background_scope]") {
  const test::no_thread_left check;
  const bool inherit = GENERATE(true, false);
  roost::task_scope around;
  service s({.inherit = inherit});
  around.request_stop("everything");
  CHECK(s.tasks.stop_requested() == inherit);
}

TEST_CASE("a stop reaches an object that has outlived the shields and tokens around its place",
          "[background_scope]") {
  const test::no_thread_left check;
  const bool is_stopped_before = GENERATE(true, false);
  std::optional<service> first;
  std::optional<service> second;
  std::stop_source token;
  roost::task_scope around;
  {
    const roost::stop_when w(token.get_token());
    const roost::shield outer(1h);
    second.emplace();
    const roost::shield inner(roost::clock::duration::max());
    first.emplace();
    if (is_stopped_before) {
      around.request_stop("everything");
      CHECK_FALSE(first->tasks.stop_requested());
      CHECK_FALSE(second->tasks.stop_requested());
    }
  }
  token.request_stop(); // it reaches nothing any more
  if (!is_stopped_before) {
    CHECK_FALSE(first->tasks.stop_requested());
    const auto waits = first->wait_until_stopped();
    around.request_stop("everything");
    test::wait_until([&] { return waits.ready(); });
  }
  CHECK(first->tasks.cause().message == "everything");
  first.reset();
  CHECK(second->tasks.cause().message == "everything");
}

TEST_CASE("a stop reaches an object that has outlived a task and the shield in there",
          "[background_scope]") {
  const test::no_thread_left check;
  std::optional<service> s;
  roost::task_scope around;
  const auto handle = around.spawn([&] {
    const roost::shield hides(1h);
    s.emplace();
  });
  CHECK(handle.wait_for(1h));
  CHECK(roost::report_all().scopes.size() == 2);
  around.request_stop("everything");
  CHECK(s->tasks.cause().message == "everything");
}

TEST_CASE("a shield that ends while a stop tells others does not tell of it in its place",
          "[background_scope]") {
  const test::no_thread_left check;
  test::gate telling;
  std::optional<service> s;
  std::atomic<bool> scope_is_told{false};
  roost::task_scope around;
  const auto has_a_token_of_its_own = around.spawn([&] {
    const std::stop_callback holds_it_up(roost::this_task::stop_token(), [&] { telling.pass(); });
    try {
      roost::this_task::sleep_for(1h);
    } catch (const roost::stopped&) {
      telling.wait_for_arrivals(1); // waits wake first, and with them the callback could go
      throw;
    }
  });
  test::wait_until_blocked(around, 1);
  const std::stop_callback told(roost::this_task::stop_token(), [&] { scope_is_told = true; });
  std::jthread stopper;
  {
    const roost::shield hides(1h);
    s.emplace();
    stopper = std::jthread([&] { around.request_stop("everything"); });
    telling.wait_for_arrivals(1);
  }
  CHECK_FALSE(scope_is_told);
  telling.open();
  stopper.join();
  CHECK(scope_is_told);
  CHECK(s->tasks.cause().message == "everything");
}

TEST_CASE("an object that has outlived a stop_when outside of scopes is stopped by it no more",
          "[background_scope]") {
  const test::no_thread_left check;
  std::optional<service> s;
  std::stop_source token;
  {
    const roost::stop_when w(token.get_token());
    s.emplace();
  }
  token.request_stop();
  CHECK_FALSE(s->tasks.stop_requested());
  s.reset();
  CHECK(roost::report_all().scopes.empty());
}

TEST_CASE("a deadline stops an object's tasks and is not thrown", "[background_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures lost;
  roost::stop_cause cause;
  {
    service s({.timeout = 1ms});
    auto task = s.tasks.spawn([] { roost::this_task::sleep_for(1h); });
    (void)task.wait_for(1h);
    cause = s.tasks.cause();
  }
  CHECK(cause.reason == roost::stop_reason::deadline);
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("an object's tasks can be waited for before its end", "[background_scope]") {
  const test::no_thread_left check;
  std::atomic<int> done{0};
  test::gate g;
  service s({.limit = 1});
  s.tasks.spawn([&] {
    g.pass();
    ++done;
  });
  s.tasks.spawn([&] { ++done; });
  g.open();
  s.tasks.join();
  CHECK(done == 2);
  CHECK_THROWS_AS(s.tasks.spawn([] {}), roost::scope_closed);
}
