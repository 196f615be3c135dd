// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/tracked.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
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

struct immovable {
  immovable() = default;
  immovable(const immovable&) = delete;
  immovable& operator=(const immovable&) = delete;
  int operator()() { return ++calls; }
  int calls = 0;
};

/// Waits until it is stopped.
int wait_for_ever() {
  roost::event never;
  never.wait();
  return 0;
}

[[noreturn]] int fail() {
  throw std::runtime_error("planned");
}

} // namespace

TEST_CASE("when_any returns the first result as the alternative of its callable", "[when_any]") {
  const test::no_thread_left check;
  const std::size_t winner = GENERATE(as<std::size_t>(), 0, 1, 2);
  const auto call = [&](std::size_t index) {
    return [=] { return index == winner ? 5 : wait_for_ever(); };
  };
  const auto result = roost::when_any(call(0), call(1), call(2));
  STATIC_REQUIRE(std::is_same_v<decltype(result), const std::variant<int, int, int>>);
  CHECK(result.index() == winner);
  CHECK(std::visit([](int value) { return value; }, result) == 5);
}

TEST_CASE("the results of when_any may differ in type", "[when_any]") {
  const test::no_thread_left check;
  const std::string name = "a name";
  const auto result = roost::when_any(
      [] { return wait_for_ever(); },
      [] { (void)wait_for_ever(); },
      [&]() -> const std::string& { return name; },
      []() -> std::unique_ptr<int> { return std::make_unique<int>(wait_for_ever()); });
  STATIC_REQUIRE(std::is_same_v<decltype(result),
                                const std::variant<int,
                                                   std::monostate,
                                                   std::reference_wrapper<const std::string>,
                                                   std::unique_ptr<int>>>);
  REQUIRE(result.index() == 2);
  CHECK(&std::get<2>(result).get() == &name);
}

TEST_CASE("a callable of when_any that returns nothing succeeds", "[when_any]") {
  const test::no_thread_left check;
  CHECK(roost::when_any([] {}, wait_for_ever).index() == 0);
  CHECK(roost::when_any(wait_for_ever, [] {}).index() == 1);
}

TEST_CASE("the result of when_any need only be movable", "[when_any]") {
  const test::no_thread_left check;
  test::item_counts counts;
  {
    const auto result =
        roost::when_any(wait_for_ever, [&] { return test::unassignable_item(counts, 2); });
    CHECK(std::get<1>(result).value() == 2);
  }
  CHECK(counts.live == 0);
  CHECK(counts.copies == 0);
}

TEST_CASE("when_any calls all at the same time, the last on the calling thread", "[when_any]") {
  const test::no_thread_left check;
  test::gate all_run;
  const std::jthread opener([&] {
    all_run.wait_for_arrivals(3); // or this does not return
    all_run.open();
  });
  std::thread::id last;
  const auto meet = [&] { all_run.pass(); };
  (void)roost::when_any(meet, meet, [&] {
    last = std::this_thread::get_id();
    all_run.pass();
  });
  CHECK(last == std::this_thread::get_id());
}

TEST_CASE("when_any calls whatever a task may be", "[when_any]") {
  const test::no_thread_left check;
  immovable stays;
  CHECK(std::get<0>(roost::when_any(stays)) == 1);
  CHECK(std::get<0>(roost::when_any(std::ref(stays))) == 2);
  const auto with_token = [](const std::stop_token& token) {
    return token.stop_possible() && token == roost::this_task::stop_token();
  };
  CHECK(std::get<0>(roost::when_any(with_token)));
  auto own = [value = std::make_unique<int>(3)]() mutable { return std::move(value); };
  CHECK(*std::get<0>(roost::when_any(std::move(own))) == 3);
}

TEST_CASE("callables of when_any have a name, and the caller's own is back afterwards",
          "[when_any]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto names = scope.spawn("caller", [] {
    const auto own = [] { return std::string(roost::this_task::name()); };
    const auto first = roost::when_any(own, wait_for_ever);
    const auto last = roost::when_any(wait_for_ever, own);
    return std::get<0>(first) + ", " + std::get<1>(last) + ", " + own();
  });
  CHECK(names.get() == "when_any 0, when_any 1, caller");
}

TEST_CASE("when_any and when_all go into each other", "[when_any]") {
  const test::no_thread_left check;
  const auto both = [] { return roost::when_all([] { return 1; }, [] { return 2; }); };
  const auto never_both = [] { return roost::when_all([] { return 1; }, wait_for_ever); };
  const auto result =
      roost::when_any(never_both, both, [&] { return roost::when_any(never_both, wait_for_ever); });
  REQUIRE(result.index() == 1);
  CHECK(std::get<1>(result) == std::tuple(1, 2));
}

TEST_CASE("when_any of a range returns the index and the result of the first success",
          "[when_any]") {
  const test::no_thread_left check;
  const std::size_t winner = GENERATE(as<std::size_t>(), 0, 1, 4);
  std::vector<std::function<std::string()>> calls(5,
                                                  [] { return std::to_string(wait_for_ever()); });
  calls[winner] = [] { return "first"; };
  const auto [index, result] = roost::when_any(calls);
  CHECK(index == winner);
  CHECK(result == "first");
}

TEST_CASE("when_any of a range tells which callable succeeded if they return nothing",
          "[when_any]") {
  const test::no_thread_left check;
  std::vector<std::function<void()>> calls(2, [] { (void)wait_for_ever(); });
  calls.emplace_back([] {});
  const auto result = roost::when_any(calls);
  STATIC_REQUIRE(std::is_same_v<decltype(result), const std::pair<std::size_t, std::monostate>>);
  CHECK(result.first == 2);
}

TEST_CASE("when_any of a range keeps a reference in a reference_wrapper", "[when_any]") {
  const test::no_thread_left check;
  int value = 1;
  const std::vector<std::function<int&()>> calls(1, [&]() -> int& { return value; });
  CHECK(&roost::when_any(calls).second.get() == &value);
}

TEST_CASE("when_any of a range calls its elements in their place", "[when_any]") {
  const test::no_thread_left check;
  std::vector<immovable> calls(1);
  CHECK(roost::when_any(calls) == std::pair(std::size_t{0}, 1));
  CHECK(calls[0].calls == 1);
}

TEST_CASE("when_any takes over callables that a receiver hands out", "[when_any]") {
  const test::no_thread_left check;
  auto [tx, rx] = roost::make_channel<std::function<int()>>(3);
  REQUIRE(tx.send(fail));
  REQUIRE(tx.send([] { return 5; }));
  REQUIRE(tx.send(fail));
  tx.close();
  CHECK(roost::when_any(rx) == std::pair(std::size_t{1}, 5));
}

TEST_CASE("nothing can succeed in an empty range, which when_any refuses", "[when_any]") {
  const test::no_thread_left check;
  CHECK_THROWS_AS(roost::when_any(std::vector<std::function<int()>>()), std::invalid_argument);
}

#ifdef ROOST_TEST_VIEWS
TEST_CASE("when_any takes over callables that a view makes on the way", "[when_any]") {
  const test::no_thread_left check;
  const auto make = [](int i) {
    return [own = std::make_unique<int>(i)] { return *own == 2 ? *own : wait_for_ever(); };
  };
  CHECK(roost::when_any(std::views::iota(0, 4) | std::views::transform(make)) ==
        std::pair(std::size_t{2}, 2));
}
#endif

TEST_CASE("when_any calls whatever a range makes on the way as a task is called", "[when_any]") {
  const test::no_thread_left check;
  struct takes_a_token {
    int operator()(const std::stop_token& token) const { return token.stop_possible() ? 7 : 0; }
  };
  auto callables = roost::make_channel<takes_a_token>(1);
  REQUIRE(callables.tx.send(takes_a_token()));
  callables.tx.close();
  CHECK(roost::when_any(callables.rx).second == 7);
}
