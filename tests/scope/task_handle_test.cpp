// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct no_default {
  int value;
  explicit no_default(int v) : value(v) {}
};

struct moves_may_throw {
  std::string value;
  explicit moves_may_throw(std::string v) : value(std::move(v)) {}
  moves_may_throw(moves_may_throw&& other) noexcept(false) : value(std::move(other.value)) {}
  moves_may_throw& operator=(moves_may_throw&&) = delete;
  ~moves_may_throw() = default;
};

template <class R>
using result_of = decltype(std::declval<roost::task_handle<R>&>().get());

} // namespace

TEST_CASE("a handle can be moved but not copied", "[task_handle]") {
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<roost::task_handle<int>>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<roost::task_handle<int>>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<roost::task_handle<int>>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<roost::task_handle<int>>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<roost::task_handle<int>>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<roost::task_handle<void>>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<roost::task_handle<void>>);
  STATIC_REQUIRE(std::is_same_v<result_of<void>, void>);
  STATIC_REQUIRE(std::is_same_v<result_of<int>, int>);
  STATIC_REQUIRE(std::is_same_v<result_of<int&>, int&>);
  STATIC_REQUIRE(std::is_same_v<result_of<const int&>, const int&>);
}

TEST_CASE("get returns what the task returned whatever its type", "[task_handle]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  int object = 3;
  const std::string constant = "constant";

  auto nothing = scope.spawn([] {});
  auto value = scope.spawn([] { return 1; });
  auto reference = scope.spawn([&object]() -> int& { return object; });
  auto to_const = scope.spawn([&constant]() -> const std::string& { return constant; });
  auto move_only = scope.spawn([] { return std::make_unique<int>(2); });
  auto without_default = scope.spawn([] { return no_default(4); });
  auto throwing_move = scope.spawn([] { return moves_may_throw("moved"); });
  auto rvalue = scope.spawn([&object]() -> int&& { return static_cast<int&&>(object); });
  auto many = scope.spawn([] { return std::vector<int>(1000, 7); });
  auto pointer = scope.spawn([] { return static_cast<int*>(nullptr); });

  STATIC_REQUIRE(std::is_same_v<decltype(nothing), roost::task_handle<void>>);
  STATIC_REQUIRE(std::is_same_v<decltype(reference), roost::task_handle<int&>>);
  nothing.get();
  CHECK(value.get() == 1);
  CHECK(&reference.get() == &object);
  CHECK(&to_const.get() == &constant);
  CHECK(*move_only.get() == 2);
  CHECK(without_default.get().value == 4);
  CHECK(throwing_move.get().value == "moved");
  int&& got = rvalue.get();
  CHECK(&got == &object);
  CHECK(many.get().size() == 1000);
  CHECK(pointer.get() == nullptr);
}

TEST_CASE("get gives the result once", "[task_handle]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto handle = scope.spawn([] { return 1; });
  CHECK(handle.get() == 1);
  CHECK(test::thrown_by([&] { (void)handle.get(); }).find("the result was got before; keep it") !=
        std::string::npos);
  CHECK(handle.ready());
  CHECK(handle.wait_for(0ms));
  auto nothing = scope.spawn([] {});
  nothing.get();
  CHECK_THROWS_AS(nothing.get(), std::logic_error);
}

TEST_CASE("a handle that was got and then moved from throws as one that was not got",
          "[task_handle]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto handle = scope.spawn([] { return 1; });
  CHECK(handle.get() == 1);
  const auto moved = std::move(handle);
  // NOLINTBEGIN(bugprone-use-after-move): that is what this is about
  CHECK_THROWS_AS(handle.get(), std::logic_error);
  CHECK(test::thrown_by([&] { (void)handle.get(); }).find("moved from") != std::string::npos);
  // NOLINTEND(bugprone-use-after-move)
  CHECK(moved.ready());
}

TEST_CASE("ready and wait_for tell whether the task has ended", "[task_handle]") {
  const test::no_thread_left check;
  test::gate gate;
  roost::task_scope scope;
  auto handle = scope.spawn([&] {
    gate.pass();
    return 1;
  });
  CHECK_FALSE(handle.ready());
  CHECK_FALSE(handle.wait_for(1ms));
  CHECK_FALSE(handle.wait_for(-1s));
  CHECK_FALSE(handle.wait_until(roost::clock::now()));
  gate.open();
  CHECK(handle.wait_for(roost::clock::duration::max()));
  CHECK(handle.ready());
  CHECK(handle.wait_until(roost::clock::time_point::min()));
  CHECK(handle.get() == 1);
}

TEST_CASE("get rethrows what the task threw and then it is told", "[task_handle]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto errors = GENERATE(roost::on_error::fail_fast, roost::on_error::collect);
  const auto body = [&] {
    roost::task_scope scope({.errors = errors});
    auto handle = scope.spawn([]() -> int { throw std::runtime_error("boom"); });
    CHECK(test::thrown_by([&] { (void)handle.get(); }) == "boom");
    CHECK(scope.failures().size() == 1);
  };
  CHECK(test::thrown_by(body) == "nothing");
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a failure that only a sibling got is still thrown to the owner", "[task_handle]") {
  const test::no_thread_left check;
  roost::task_scope scope({.errors = roost::on_error::collect});
  auto handle = scope.spawn([]() -> int { throw std::runtime_error("boom"); });
  scope.spawn([handle = std::move(handle)]() mutable {
    if (test::thrown_by([&] { (void)handle.get(); }) != "boom")
      std::terminate();
  });
  CHECK_THROWS_AS(scope.join(), roost::exception_list);
}

TEST_CASE("get returns only after the captures are destroyed", "[task_handle]") {
  const test::no_thread_left check;
  const bool fails = GENERATE(false, true);
  for (int i = 0; i < 50; ++i) {
    auto captured = std::make_shared<int>(i);
    roost::task_scope scope;
    auto handle = scope.spawn([captured, fails] {
      if (fails)
        throw std::runtime_error("boom");
      return *captured;
    });
    int result = i;
    CHECK(test::thrown_by([&] { result = handle.get(); }) == (fails ? "boom" : "nothing"));
    CHECK(result == i);
    if (!fails) // else the wait may have told of it before the task's end
      CHECK(captured.use_count() == 1);
    scope.join();
    CHECK(captured.use_count() == 1);
  }
}

TEST_CASE("a handle may be moved and assigned over", "[task_handle]") {
  const test::no_thread_left check;
  auto first_result = std::make_shared<int>(1);
  auto second_result = std::make_shared<int>(2);
  roost::task_scope scope;
  auto first = scope.spawn([first_result] { return first_result; });
  auto second = scope.spawn([second_result] { return second_result; });
  REQUIRE(scope.wait_for(1h));
  auto moved = std::move(first);
  CHECK(first_result.use_count() == 2);
  moved = std::move(second);
  CHECK(first_result.use_count() == 1); // its result went with it
  CHECK(*moved.get() == 2);
  // NOLINTNEXTLINE(bugprone-use-after-move): what is under test
  CHECK_THROWS_AS(static_cast<void>(first.get()), std::logic_error);
  CHECK_THROWS_AS(second.ready(), std::logic_error); // NOLINT(bugprone-use-after-move)
}

TEST_CASE("a dropped handle neither stops its task nor waits for it", "[task_handle]") {
  const test::no_thread_left check;
  test::gate gate;
  auto result = std::make_shared<int>();
  bool stopped = true;
  roost::task_scope scope;
  {
    const auto dropped = scope.spawn([&gate, &stopped, result] {
      gate.pass();
      stopped = roost::this_task::stop_requested();
      return result;
    });
  }
  gate.wait_for_arrivals(1); // still there
  gate.open();
  scope.join();
  CHECK_FALSE(stopped);
  CHECK(result.use_count() == 1);
}

TEST_CASE("the failure of a task whose handle was dropped reaches the scope", "[task_handle]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  (void)scope.spawn([]() -> int { throw std::runtime_error("boom"); });
  CHECK(test::thrown_by([&] { scope.join(); }) == "boom");
}

TEST_CASE("a handle may be kept longer than its scope", "[task_handle]") {
  const test::no_thread_left check;
  std::vector<roost::task_handle<std::unique_ptr<int>>> handles;
  std::optional<roost::task_handle<int>> failed;
  std::optional<roost::task_handle<int>> dropped;
  {
    roost::task_scope scope({.errors = roost::on_error::collect});
    for (int i = 0; i < 3; ++i)
      handles.push_back(scope.spawn([i] { return std::make_unique<int>(i); }));
    failed.emplace(scope.spawn("bad", []() -> int { throw std::runtime_error("boom"); }));
    CHECK(scope.wait_for(1h));
    scope.request_stop("enough");
    dropped.emplace(scope.spawn([] { return 1; }));
    CHECK_THROWS_AS(scope.join(), roost::exception_list);
  }
  handles.erase(handles.begin()); // one is never got
  CHECK(*handles[0].get() == 1);
  CHECK(*handles[1].get() == 2);
  CHECK(test::thrown_by([&] { (void)failed->get(); }) == "boom");
  try {
    (void)dropped->get();
    FAIL("there is no result");
  } catch (const roost::stopped& s) {
    CHECK(s.cause().message == "enough");
  }
}

TEST_CASE("get of a task that a stop ended throws stopped with its cause", "[task_handle]") {
  const test::no_thread_left check;
  roost::event never;
  roost::task_scope scope({.covers_owner = false});
  auto handle = scope.spawn([&] {
    never.wait();
    return 1;
  });
  test::wait_until_blocked(scope, 1);
  scope.request_stop("enough");
  try {
    (void)handle.get();
    FAIL("there is no result");
  } catch (const roost::stopped& s) {
    CHECK(s.cause().reason == roost::stop_reason::requested);
    CHECK(s.cause().message == "enough");
  }
  CHECK(scope.failures().empty());
}

TEST_CASE("a get that a stop of its caller ends may be repeated", "[task_handle]") {
  const test::no_thread_left check;
  test::gate gate;
  roost::task_scope scope;
  auto slow = scope.spawn([&] {
    gate.pass();
    return 1;
  });
  {
    roost::task_scope waiters;
    auto waits = waiters.spawn([&] { return test::thrown_by([&] { (void)slow.get(); }); });
    test::wait_until_blocked(waiters, 1);
    waiters.request_stop();
    waiters.join();
    CHECK(waits.get() == "stopped");
  }
  gate.open();
  CHECK(slow.get() == 1);
}

TEST_CASE("a result whose move throws is thrown by get and goes with the handle", "[task_handle]") {
  struct throws_later {
    std::shared_ptr<int> alive;
    int moves = 0;
    explicit throws_later(std::shared_ptr<int> a) : alive(std::move(a)) {}
    // NOLINTNEXTLINE(performance-noexcept-move-constructor,bugprone-exception-escape): under test
    throws_later(throws_later&& other) noexcept(false)
        : alive(std::move(other.alive)),
          moves(other.moves + 1) {
      if (moves > 1)
        throw std::runtime_error("cannot move");
    }
    throws_later& operator=(throws_later&&) = delete;
    ~throws_later() = default;
  };
  const test::no_thread_left check;
  auto alive = std::make_shared<int>();
  roost::task_scope scope;
  {
    auto handle = scope.spawn([alive] { return throws_later(alive); });
    CHECK(test::thrown_by([&] { (void)handle.get(); }) == "cannot move");
  }
  CHECK(alive.use_count() == 1);
  CHECK(scope.failures().empty());
}

TEST_CASE("a result whose move throws can be got again", "[task_handle]") {
  struct throws_once {
    int moves = 0;
    throws_once() = default;
    // NOLINTNEXTLINE(performance-noexcept-move-constructor,bugprone-exception-escape): under test
    throws_once(throws_once&& other) noexcept(false) : moves(++other.moves) {
      if (moves == 2) // the first is into the task
        throw std::runtime_error("cannot move yet");
    }
    throws_once& operator=(throws_once&&) = delete;
    ~throws_once() = default;
  };
  const test::no_thread_left check;
  roost::task_scope scope;
  auto handle = scope.spawn([] { return throws_once(); });
  CHECK(test::thrown_by([&] { (void)handle.get(); }) == "cannot move yet");
  CHECK(handle.get().moves == 3);
  CHECK_THROWS_AS(handle.get(), std::logic_error);
}

TEST_CASE("results that need more alignment than most have it", "[task_handle]") {
  const test::no_thread_left check;
  struct alignas(64) wide {
    wide() = default;
    wide(wide&& other) noexcept : aligned(other.aligned && is_aligned()) {}
    wide& operator=(wide&&) = delete;
    ~wide() = default;
    bool is_aligned() const { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
    bool aligned = true;
  };
  roost::task_scope scope;
  bool all = true;
  for (int i = 0; i < 20; ++i)
    all = all && scope.spawn([] { return wide(); }).get().aligned;
  CHECK(all);
}
