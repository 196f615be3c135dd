// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#if !defined(__clang__) || __clang_major__ >= 16 // clang 14 cannot compile libstdc++'s views
#include <ranges>
#define ROOST_TEST_VIEWS
#endif

namespace {

int answer() {
  return 42;
}

// Can be called once, as an rvalue.
struct one_shot {
  std::unique_ptr<int> value;
  int operator()() && { return *value; }
};

struct immovable {
  immovable() = default;
  immovable(const immovable&) = delete;
  immovable& operator=(const immovable&) = delete;
  int operator()() { return ++calls; }
  std::atomic<int> calls{0};
};

struct takes_either {
  int operator()() const { return 1; }
  int operator()(const std::stop_token&) const { return 2; }
};

} // namespace

TEST_CASE("when_all returns the results in the order of the callables", "[when_all]") {
  const test::no_thread_left check;
  roost::event second;
  roost::event third;
  const auto results = roost::when_all( // they end in the reverse order
      [&] {
        second.wait();
        return 1;
      },
      [&] {
        third.wait();
        second.set();
        return std::string("two");
      },
      [&] {
        third.set();
        return 3.0;
      });
  STATIC_REQUIRE(std::is_same_v<decltype(results), const std::tuple<int, std::string, double>>);
  CHECK(results == std::tuple(1, std::string("two"), 3.0));
}

TEST_CASE("when_all calls all at the same time, the last on the calling thread", "[when_all]") {
  const test::no_thread_left check;
  test::gate all_run;
  const std::jthread opener([&] {
    all_run.wait_for_arrivals(3); // or this does not return
    all_run.open();
  });
  const auto meet = [&] {
    all_run.pass();
    return std::this_thread::get_id();
  };
  const auto [first, second, last] = roost::when_all(meet, meet, meet);
  CHECK(last == std::this_thread::get_id());
  CHECK(first != last);
  CHECK(second != last);
  CHECK(first != second);
}

TEST_CASE("when_all gives monostate for callables that return nothing", "[when_all]") {
  const test::no_thread_left check;
  bool called = false;
  const auto results = roost::when_all([&] { called = true; }, answer);
  STATIC_REQUIRE(std::is_same_v<decltype(results), const std::tuple<std::monostate, int>>);
  CHECK(called);
  CHECK(std::get<1>(results) == 42);
}

TEST_CASE("when_all returns references as they are", "[when_all]") {
  const test::no_thread_left check;
  int left = 1;
  const std::string right = "right";
  auto results = roost::when_all([&]() -> int& { return left; },
                                 [&]() -> const std::string& { return right; });
  STATIC_REQUIRE(std::is_same_v<decltype(results), std::tuple<int&, const std::string&>>);
  CHECK(&std::get<0>(results) == &left);
  CHECK(&std::get<1>(results) == &right);
}

TEST_CASE("the results of when_all need only be movable", "[when_all]") {
  const test::no_thread_left check;
  test::item_counts counts;
  {
    const auto [own, moved] =
        roost::when_all([] { return std::make_unique<int>(1); },
                        [&] { return test::unassignable_item(counts, 2); }); // not even assignable
    CHECK(*own == 1);
    CHECK(moved.value() == 2);
    CHECK(counts.live == 1);
  }
  CHECK(counts.live == 0);
  CHECK(counts.copies == 0);
}

TEST_CASE("when_all calls whatever a task may be", "[when_all]") {
  const test::no_thread_left check;
  immovable stays;
  const immovable* const place = &stays;
  const std::function<int()> stored = answer;
  const auto results = roost::when_all(
      answer,
      stays,
      one_shot{std::make_unique<int>(7)},
      stored,
      takes_either(),
      [](const std::stop_token& token) { return token == roost::this_task::stop_token(); },
      [](std::stop_token token) { return token.stop_possible(); },
      std::ref(stays));
  CHECK(std::get<0>(results) == 42);
  CHECK(std::get<1>(results) + std::get<7>(results) == 3);
  CHECK(place->calls == 2);
  CHECK(std::get<2>(results) == 7);
  CHECK(std::get<3>(results) == 42);
  CHECK(std::get<4>(results) == 2);
  CHECK(std::get<5>(results));
  CHECK(std::get<6>(results));
}

TEST_CASE("when_all of one callable calls it on the calling thread", "[when_all]") {
  const test::no_thread_left check;
  const auto id = roost::when_all([] { return std::this_thread::get_id(); });
  CHECK(id == std::tuple(std::this_thread::get_id()));
  CHECK(std::get<0>(roost::when_all([] { return std::tuple(1, 2); })) == std::tuple(1, 2));
}

TEST_CASE("when_all inside when_all gives a tuple in a tuple", "[when_all]") {
  const test::no_thread_left check;
  const auto inner = [] { return roost::when_all(answer, answer, answer); };
  const auto outer = [&] { return roost::when_all(inner, inner); };
  const auto [left, right] = roost::when_all(outer, outer);
  CHECK(left == right);
  CHECK(std::get<1>(left) == std::tuple(42, 42, 42));
}

TEST_CASE("callables of when_all have a name, and the caller's own is back afterwards",
          "[when_all]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto names = scope.spawn("caller", [] {
    const auto own = [] { return std::string(roost::this_task::name()); };
    const auto [first, last] = roost::when_all(own, own);
    return first + ", " + last + ", " + own();
  });
  CHECK(names.get() == "when_all 0, when_all 1, caller");
}

TEST_CASE("when_all of a range returns a vector in its order", "[when_all]") {
  const test::no_thread_left check;
  const int count = GENERATE(1, 2, 5);
  std::vector<roost::event> ended(static_cast<std::size_t>(count) + 1);
  ended.back().set();
  std::vector<std::function<int()>> calls;
  for (std::size_t i = 0; i + 1 < ended.size(); ++i) {
    calls.emplace_back([&ended, i] { // in the reverse order, and so all at the same time
      ended[i + 1].wait();
      ended[i].set();
      return static_cast<int>(i);
    });
  }
  const std::vector<int> results = roost::when_all(calls);
  REQUIRE(results.size() == calls.size());
  for (std::size_t i = 0; i < results.size(); ++i)
    CHECK(results[i] == static_cast<int>(i));
  CHECK(roost::when_all(std::as_const(calls)) == results);
}

TEST_CASE("when_all of an empty range returns at once", "[when_all]") {
  const test::no_thread_left check;
  CHECK(roost::when_all(std::vector<std::function<int()>>()).empty());
  roost::when_all(std::vector<std::function<void()>>());
}

TEST_CASE("when_all of a range without results returns nothing", "[when_all]") {
  const test::no_thread_left check;
  int first = 0;
  int second = 0;
  const std::vector<std::function<void()>> calls{[&] { first = 1; }, [&] { second = 2; }};
  STATIC_REQUIRE(std::is_void_v<decltype(roost::when_all(calls))>);
  roost::when_all(calls);
  CHECK(first + second == 3);
}

TEST_CASE("when_all of a range keeps references in a reference_wrapper", "[when_all]") {
  const test::no_thread_left check;
  int value = 1;
  const std::vector<std::function<int&()>> calls(2, [&]() -> int& { return value; });
  const auto results = roost::when_all(calls);
  REQUIRE(results.size() == 2);
  CHECK(&results[0].get() == &value);
  CHECK(&results[1].get() == &value);
}

TEST_CASE("when_all calls what lies in a container in its place", "[when_all]") {
  const test::no_thread_left check;
  std::vector<immovable> calls(3);
  CHECK(roost::when_all(calls) == std::vector<int>(3, 1));
  for (const immovable& call : calls)
    CHECK(call.calls == 1);
}

TEST_CASE("when_all takes over callables that a receiver hands out", "[when_all]") {
  const test::no_thread_left check;
  auto [tx, rx] = roost::make_channel<std::function<int()>>(3);
  for (int i = 0; i < 3; ++i)
    REQUIRE(tx.send([i] { return i; }));
  tx.close();
  CHECK(roost::when_all(rx) == std::vector<int>{0, 1, 2});
}

#ifdef ROOST_TEST_VIEWS
TEST_CASE("when_all takes over callables that a view makes on the way", "[when_all]") {
  const test::no_thread_left check;
  const auto make = [](int i) { return [own = std::make_unique<int>(i)] { return *own; }; };
  const std::vector<int> results =
      roost::when_all(std::views::iota(0, 3) | std::views::transform(make));
  CHECK(results == std::vector<int>{0, 1, 2});
}
#endif
