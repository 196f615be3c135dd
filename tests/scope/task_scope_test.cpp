// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

int answer() {
  return 42;
}

struct counter {
  int value = 0;
  int add(int n) { return value += n; }
};

// Can be called once, as an rvalue, and moved but not copied.
struct one_shot {
  std::unique_ptr<int> value;
  int operator()() && { return *value; }
};

struct takes_either {
  int operator()() const { return 1; }
  int operator()(const std::stop_token&) const { return 2; }
};

} // namespace

TEST_CASE("a task scope stays where it was made", "[task_scope]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<roost::task_scope>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<roost::task_scope>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<roost::task_scope>);
  STATIC_REQUIRE_FALSE(std::is_move_assignable_v<roost::task_scope>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<roost::scope_options, roost::task_scope>);
  STATIC_REQUIRE_FALSE(std::is_nothrow_destructible_v<roost::task_scope>);
  STATIC_REQUIRE(noexcept(std::declval<roost::task_scope&>().request_stop()));
  STATIC_REQUIRE(noexcept(std::declval<roost::task_scope&>().get_stop_token()));
  STATIC_REQUIRE(noexcept(std::declval<roost::task_scope&>().stop_requested()));
}

TEST_CASE("each task has a thread of its own", "[task_scope]") {
  const test::no_thread_left check;
  const int tasks = GENERATE(1, 2, 4);
  test::gate all_run;
  std::vector<std::thread::id> ids(static_cast<std::size_t>(tasks));
  {
    roost::task_scope scope;
    for (auto& id : ids) {
      scope.spawn([&id, &all_run] {
        id = std::this_thread::get_id();
        all_run.pass();
      });
    }
    all_run.wait_for_arrivals(tasks); // all at once, or this does not return
    all_run.open();
  }
  std::set<std::thread::id> distinct(ids.begin(), ids.end());
  distinct.insert(std::this_thread::get_id());
  CHECK(distinct.size() == ids.size() + 1);
}

TEST_CASE("a task may be any callable that std::jthread takes", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  counter total;
  one_shot moved{std::make_unique<int>(7)};
  const std::function<int()> stored = answer;

  auto function = scope.spawn(&answer);
  auto functor = scope.spawn(std::move(moved));
  auto member = scope.spawn(std::bind_front(&counter::add, &total, 3));
  auto wrapped = scope.spawn(stored);
  auto with_token = scope.spawn([](const std::stop_token& token) { return token.stop_possible(); });
  auto either = scope.spawn(takes_either());
  auto generic = scope.spawn([](auto... arguments) { return sizeof...(arguments); });

  CHECK(function.get() == 42);
  CHECK(functor.get() == 7);
  CHECK(member.get() == 3);
  CHECK(wrapped.get() == 42);
  CHECK(with_token.get());
  CHECK(either.get() == 2); // as std::jthread chooses
  CHECK(generic.get() == 1);
}

TEST_CASE("spawn copies an lvalue and leaves it as it was", "[task_scope]") {
  const test::no_thread_left check;
  auto value = std::make_shared<int>(5);
  const auto task = [value] { return *value; };
  roost::task_scope scope;
  CHECK(scope.spawn(task).get() == 5);
  CHECK(scope.spawn(task).get() == 5);
  CHECK(value.use_count() == 2);
}

TEST_CASE("a task that takes a stop_token gets the one that this_task has, which the scope stops",
          "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  test::gate stopped;
  bool is_so = false;
  auto task = scope.spawn([&](std::stop_token token) {
    const bool same = token == roost::this_task::stop_token() && !token.stop_requested();
    stopped.pass();
    is_so = same && token.stop_requested();
  });
  stopped.wait_for_arrivals(1);
  scope.request_stop();
  stopped.open();
  scope.join();
  CHECK(is_so);
}

TEST_CASE("an unused scope ends at once", "[task_scope]") {
  const test::no_thread_left check;
  { const roost::task_scope scope; }
  roost::task_scope joined;
  joined.join();
  CHECK(joined.failures().empty());
  CHECK(joined.cause().reason == roost::stop_reason::none);
}

TEST_CASE("wait_for tells whether something runs and closes nothing", "[task_scope]") {
  const test::no_thread_left check;
  test::gate gate;
  roost::task_scope scope;
  CHECK(scope.wait_for(0ms));
  scope.spawn([&] { gate.pass(); });
  CHECK_FALSE(scope.wait_for(1ms));
  CHECK_FALSE(scope.wait_for(-1h));
  CHECK_FALSE(scope.wait_until(roost::clock::time_point::min()));
  gate.open();
  CHECK(scope.wait_for(roost::clock::duration::max()));
  CHECK(scope.wait_until(roost::clock::time_point::max()));
  CHECK(scope.spawn(answer).get() == 42);
}

TEST_CASE("join closes the scope and a second join returns at once", "[task_scope]") {
  const test::no_thread_left check;
  auto captured = std::make_shared<int>();
  roost::task_scope scope;
  scope.spawn([captured] {});
  scope.join();
  CHECK(captured.use_count() == 1);
  scope.join();
  CHECK(scope.wait_for(0ms));
  CHECK_THROWS_AS(scope.spawn([captured] {}), roost::scope_closed);
  CHECK(captured.use_count() == 1); // refused, and its captures destroyed
}

TEST_CASE("a task may spawn siblings while the owner joins", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<int> ran{0};
  roost::task_scope scope;
  std::function<void(int)> spawn_chain = [&](int left) {
    ++ran;
    if (left > 0)
      scope.spawn([&spawn_chain, left] { spawn_chain(left - 1); });
  };
  scope.spawn([&] {
    test::wait_until_joining(scope);
    spawn_chain(20);
  });
  scope.join();
  CHECK(ran == 21);
}

TEST_CASE("a thread that is no task may spawn while the scope is open", "[task_scope]") {
  const test::no_thread_left check;
  std::thread::id foreign;
  std::atomic<int> ran{0};
  {
    roost::task_scope scope;
    const std::jthread outside([&] {
      foreign = std::this_thread::get_id();
      for (int i = 0; i < 10; ++i)
        scope.spawn([&ran] { ++ran; });
    });
  }
  CHECK(ran == 10);
  CHECK(foreign != std::thread::id());
}

TEST_CASE("a callable's destructor may spawn", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<int> ran{0};
  {
    roost::task_scope scope;
    std::shared_ptr<void> at_its_end(nullptr, [&](void*) { scope.spawn([&ran] { ++ran; }); });
    scope.spawn([at_its_end = std::move(at_its_end)] {});
  }
  CHECK(ran == 1);
}

TEST_CASE("a callable that cannot be moved into the task leaves the scope as it was",
          "[task_scope]") {
  struct throws_when_moved {
    throws_when_moved() = default;
    // NOLINTNEXTLINE(performance-noexcept-move-constructor,bugprone-exception-escape): under test
    throws_when_moved(throws_when_moved&&) noexcept(false) {
      throw std::runtime_error("cannot move");
    }
    throws_when_moved(const throws_when_moved&) { throw std::runtime_error("cannot copy"); }
    throws_when_moved& operator=(const throws_when_moved&) = delete;
    ~throws_when_moved() = default;
    void operator()() const {}
  };
  const test::no_thread_left check;
  roost::task_scope scope;
  const throws_when_moved kept;
  CHECK(test::thrown_by([&] { scope.spawn(throws_when_moved()); }) == "cannot move");
  CHECK(test::thrown_by([&] { scope.spawn(kept); }) == "cannot copy");
  CHECK(scope.wait_for(0ms));
  CHECK_FALSE(scope.stop_requested());
  CHECK(scope.spawn(answer).get() == 42);
}

TEST_CASE("the threads of ended tasks do not pile up", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  std::size_t most = before;
  roost::task_scope scope;
  for (int i = 0; i < 300; ++i) {
    scope.spawn([] {}).get();
    most = std::max(most, test::count_threads());
  }
  CHECK(most < before + 50);
}

TEST_CASE("data declared before a scope outlives its tasks", "[task_scope]") {
  const test::no_thread_left check;
  const int tasks = GENERATE(1, 2, 4);
  std::vector<std::string> texts(static_cast<std::size_t>(tasks));
  {
    roost::task_scope scope;
    for (std::string& text : texts)
      scope.spawn([&text] { text = "written by a task, too long for the string itself"; });
  }
  for (const std::string& text : texts)
    CHECK(text.size() > 40);
}
