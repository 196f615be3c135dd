// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <memory>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct wait_form {
  const char* name;
  bool (*wait)(const roost::event&);
};

const wait_form forms[] = {
    {"wait",
     [](const roost::event& e) {
       e.wait();
       return true;
     }},
    {"wait_for", [](const roost::event& e) { return e.wait_for(1h); }},
    {"wait_until", [](const roost::event& e) { return e.wait_until(roost::clock::now() + 1h); }},
};

} // namespace

TEST_CASE("an event stays where it is", "[event]") {
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<roost::event>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<roost::event>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<roost::event>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<roost::event>);
  STATIC_REQUIRE_FALSE(std::is_move_assignable_v<roost::event>);
  STATIC_REQUIRE(noexcept(std::declval<roost::event&>().set()));
  STATIC_REQUIRE(noexcept(std::declval<const roost::event&>().is_set()));
}

TEST_CASE("an event is set once and for ever", "[event]") {
  roost::event e;
  CHECK_FALSE(e.is_set());
  CHECK_FALSE(e.wait_for(0ns));
  e.set();
  CHECK(e.is_set());
  e.set();
  CHECK(e.is_set());
  for (const auto& form : forms) {
    CAPTURE(form.name);
    CHECK(form.wait(e));
    CHECK(form.wait(e));
  }
}

TEST_CASE("setting an event wakes all who wait", "[event]") {
  const auto& form = forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  roost::event e;
  int written_before = 0;
  roost::task_scope scope;
  std::vector<roost::task_handle<int>> woken;
  for (int i = 0; i < 16; ++i) {
    woken.push_back(scope.spawn([&] { return form.wait(e) ? written_before : -1; }));
  }
  test::wait_until_waiting(e, 16);
  written_before = 5;
  e.set();
  for (auto& each : woken)
    CHECK(each.get() == 5); // and each sees what was done before
  CHECK(test::waiting(e) == 0);
}

TEST_CASE("a plain thread waits for an event", "[event]") {
  roost::event e;
  bool woken = false;
  {
    const std::jthread waiter([&] {
      e.wait();
      woken = true;
    });
    test::wait_until_waiting(e, 1);
    e.set();
  }
  CHECK(woken);
}

TEST_CASE("a timed wait for an event gives up at its deadline and not before", "[event]") {
  test::bubble([&] {
    roost::event e;
    const auto deadline = roost::clock::now() + 1h;
    CHECK_FALSE(e.wait_until(deadline));
    CHECK(roost::clock::now() == deadline);
    const auto start = roost::clock::now();
    CHECK_FALSE(e.wait_for(1h));
    CHECK(roost::clock::now() == start + 1h);
    CHECK(test::waiting(e) == 0);
  });
}

TEST_CASE("an event that is set is waited for although the time has passed", "[event]") {
  roost::event e;
  e.set();
  CHECK(e.wait_for(0ns));
  CHECK(e.wait_for(-1h));
  CHECK(e.wait_for(roost::clock::duration::min()));
  CHECK(e.wait_until(roost::clock::time_point::min()));
  CHECK(e.wait_until(roost::clock::time_point{}));
}

TEST_CASE("an event can be waited for with any timeout", "[event]") {
  roost::event e;
  roost::task_scope scope;
  scope.spawn([&] { (void)e.wait_for(roost::clock::duration::max()); });
  scope.spawn([&] { (void)e.wait_for(std::chrono::hours::max()); });
  scope.spawn([&] { (void)e.wait_for(std::chrono::duration<double>(1e300)); });
  scope.spawn([&] { (void)e.wait_until(roost::clock::time_point::max()); });
  test::wait_until_waiting(e, 4);
  CHECK_FALSE(e.wait_for(std::chrono::duration<double>(-1e300)));
  CHECK_FALSE(e.wait_until(roost::clock::time_point::min()));
  e.set();
}

TEST_CASE("a stop wakes those who wait for an event", "[event]") {
  const auto& form = forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  roost::event e;
  int stopped = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      for (int turn = 0; turn < 2; ++turn) {
        try {
          form.wait(e);
        } catch (const roost::stopped&) {
          ++stopped;
        }
      }
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(stopped == 2);
  CHECK(test::waiting(e) == 0);
  e.set();
  CHECK(e.wait_for(0ns));
}

TEST_CASE("a task that was stopped does not pass an event that is set", "[event]") {
  roost::event e;
  e.set();
  int passed = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      scope.request_stop();
      for (const auto& form : forms) {
        try {
          passed += form.wait(e);
        } catch (const roost::stopped&) {
        }
      }
    });
  }
  CHECK(passed == 0);
}

TEST_CASE("an event that was set before the stop has happened to those who waited", "[event]") {
  roost::event e;
  bool passed = false;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      e.wait();
      passed = true;
    });
    test::wait_until_waiting(e, 1);
    e.set();
    scope.request_stop();
  }
  CHECK(passed);
}

TEST_CASE("whoever returns from the wait may destroy the event at once", "[event]") {
  for (int turn = 0; turn < 100; ++turn) {
    auto e = std::make_unique<roost::event>();
    roost::event& shared = *e;
    roost::task_scope scope;
    scope.spawn([&, mine = std::move(e)]() mutable {
      mine->wait();
      mine.reset();
    });
    if (turn % 2 == 0)
      test::wait_until_waiting(shared, 1);
    shared.set();
  }
}

TEST_CASE("an event may be set by a stop callback and by a destructor", "[event]") {
  roost::event by_callback;
  roost::event by_destructor;
  struct setter {
    explicit setter(roost::event& e) noexcept : e_(e) {}
    ~setter() { e_.set(); }
    setter(const setter&) = delete;
    setter& operator=(const setter&) = delete;
    roost::event& e_; // NOLINT(readability-identifier-naming)
  };
  roost::task_scope scope;
  const std::stop_callback callback(scope.get_stop_token(), [&] { by_callback.set(); });
  scope.spawn([&] {
    const setter at_end(by_destructor);
    roost::event never;
    never.wait();
  });
  test::wait_until_blocked(scope, 1);
  scope.request_stop();
  scope.join();
  CHECK(by_callback.is_set());
  CHECK(by_destructor.is_set());
}
