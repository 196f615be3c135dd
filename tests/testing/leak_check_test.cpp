// SPDX-License-Identifier: BSL-1.0

#include <roost.hpp>
#include <roost/testing.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>

using namespace std::chrono_literals;
using roost::testing::leak_check;
using roost::testing::leak_error;

namespace {

// What a check at the end of `body` tells; empty if that leaves nothing. Without patience: a leak
// does not end by itself.
template <class F>
std::string left_by(F body) {
  leak_check check(0ms);
  body();
  try {
    check.check();
  } catch (const leak_error& e) {
    return e.what();
  }
  return {};
}

bool has(const std::string& text, const std::string& words) {
  INFO(text);
  const bool found = text.find(words) != std::string::npos;
  CHECK(found);
  return found;
}

bool can_list_threads() {
  return !roost::detail::sync::all_threads().empty();
}

} // namespace

TEST_CASE("a leak_check stays where it is", "[testing]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<leak_check>);
  STATIC_REQUIRE_FALSE(std::is_nothrow_destructible_v<leak_check>);
}

TEST_CASE("what has ended is no leak", "[testing]") {
  CHECK_NOTHROW([] {
    const leak_check check(1h);
    roost::task_scope scope({.timeout = 1h}); // has a timekeeper, too
    roost::background_scope service;
    for (int i = 0; i < 20; ++i) {
      scope.spawn([] {});
      service.spawn([] {});
    }
    std::thread([] {}).join();
  }());
}

TEST_CASE("a scope that is joined, but still there, is no leak", "[testing]") {
  leak_check check(1h);
  roost::task_scope scope;
  scope.spawn([] {});
  scope.join();
  CHECK_NOTHROW(check.check());
}

TEST_CASE("a task that still runs is told with its name, its line and its wait", "[testing]") {
  roost::event done;
  roost::task_scope scope({.name = "there before"});
  const std::string text = left_by([&] {
    scope.spawn("poll", [&] { done.wait(); });
    test::wait_until_blocked(scope, 1);
  });
  done.set();
  has(text, "roost: left since ");
  has(text, "leak_check_test.cpp");
  has(text, ": 1 task\n");
  has(text, "scope \"there before\"");
  has(text, "\"poll\"");
  has(text, "in event::wait");
}

TEST_CASE("a task that was there before is no leak, one that came later is", "[testing]") {
  roost::event done;
  roost::task_scope scope;
  scope.spawn("old", [&] { done.wait(); });
  test::wait_until_blocked(scope, 1);
  const std::string text = left_by([&] {
    scope.spawn("new", [&] { done.wait(); });
    test::wait_until_blocked(scope, 2);
  });
  done.set();
  has(text, "\"new\"");
  CHECK(text.find("\"old\"") == std::string::npos);
}

TEST_CASE("a background_scope that is kept is told, without tasks as well", "[testing]") {
  std::optional<roost::background_scope> kept;
  const std::string text =
      left_by([&] { kept.emplace(roost::scope_options{.name = "log"}, roost::site::current()); });
  has(text, ": 1 scope\n");
  has(text, "scope \"log\"");
}

TEST_CASE("threads that a scope keeps idle are told as its own", "[testing]") {
  SECTION("not, if it was there before") {
    roost::task_scope scope;
    CHECK_NOTHROW([&] {
      const leak_check check(1h); // they begin and end in their own time
      scope.spawn([] {}).get();
      const roost::task_scope inner({.timeout = 1h}); // makes the timekeeper of the tree
    }());
  }
  SECTION("as the scope, if it is new") {
    std::optional<roost::background_scope> kept;
    const std::string text = left_by([&] {
      kept.emplace();
      kept->spawn([] {}).get();
      CHECK(kept->wait_for(1h));
    });
    has(text, ": 1 scope\n"); // and no thread
  }
}

TEST_CASE("a std::thread that runs on is told", "[testing]") {
  if (!can_list_threads())
    return;
  test::gate gate;
  std::thread leaked;
  const std::string text = left_by([&] { leaked = std::thread([&] { gate.pass(); }); });
  gate.open();
  leaked.join();
  has(text, ": 1 thread\n");
  has(text, "not one of roost");
}

TEST_CASE("a detached thread that is about to end is waited for", "[testing]") {
  CHECK_NOTHROW([] {
    const leak_check check(1h);
    const auto gate = std::make_shared<test::gate>();
    std::thread([gate] { gate->pass(); }).detach();
    gate->wait_for_arrivals(1);
    gate->open();
  }());
}

TEST_CASE("the destructor of a leak_check throws what it finds", "[testing]") {
  std::optional<roost::background_scope> kept;
  CHECK_THROWS_AS(
      [&] {
        const leak_check check(0ms);
        kept.emplace();
      }(),
      leak_error);
}

TEST_CASE("a leak_check that is unwound prints what it finds", "[testing]") {
  std::optional<roost::background_scope> kept;
  CHECK_THROWS_AS(
      [&] {
        const leak_check check(0ms);
        kept.emplace();
        throw std::out_of_range("the test's own");
      }(),
      std::out_of_range);
}

TEST_CASE("a leak_check in a destructor that runs while unwinding throws all the same",
          "[testing]") {
  struct looks_when_destroyed {
    bool* found;
    ~looks_when_destroyed() {
      std::optional<roost::background_scope> kept;
      try {
        const leak_check check(0ms);
        kept.emplace();
      } catch (const leak_error&) {
        *found = true;
      }
    }
  };
  bool found = false;
  try {
    const looks_when_destroyed looks{&found};
    throw 1;
  } catch (int) {
  }
  CHECK(found);
}

TEST_CASE("a check that was made is not made again", "[testing]") {
  std::optional<roost::background_scope> kept;
  CHECK_NOTHROW([&] {
    leak_check check(0ms);
    CHECK_NOTHROW(check.check());
    kept.emplace();
  }());
}
