// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/numbered_items.hpp"
#include "support/probe.hpp"
#include "support/scripted_range.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if !defined(__clang__) || __clang_major__ >= 16 // clang 14 cannot compile libstdc++'s views
#include <ranges>
#define ROOST_TEST_VIEWS
#endif

using test::numbers;

namespace {

/// A result that can be made from a number, moved into something new, and nothing else.
struct bare {
  explicit bare(int n) : value(n) {}
  bare(bare&&) = default;
  bare& operator=(bare&&) = delete;
  int value;
};

int twice(int number) {
  return 2 * number;
}

std::vector<int> twice_all(int count) {
  std::vector<int> all = numbers(0, count);
  for (int& number : all)
    number *= 2;
  return all;
}

} // namespace

TEST_CASE("transform returns the results in the order of the elements", "[transform]") {
  const test::no_thread_left check;
  const int count = GENERATE(0, 1, 2, 40, 3000);
  const std::size_t limit = GENERATE(as<std::size_t>(), 0, 1, 2, 100);
  const bool chunks = GENERATE(true, false);
  const roost::parallel_options options{.limit = limit, .chunks = chunks};
  const std::vector<int> all = numbers(0, count);
  CHECK(roost::transform(all, twice, options) == twice_all(count));
  CHECK(roost::transform(std::list(all.begin(), all.end()), twice, options) == twice_all(count));
  const std::vector<bare> made = roost::transform(
      all, [](int n) { return bare(n); }, options);
  REQUIRE(made.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    CHECK(made[i].value == all[i]);
}

TEST_CASE("transform keeps the order though the elements end in the reverse one", "[transform]") {
  const test::no_thread_left check;
  constexpr std::size_t count = 5;
  std::vector<roost::event> ended(count + 1);
  ended.back().set();
  const auto after_the_next = [&](int number) {
    const auto place = static_cast<std::size_t>(number);
    ended[place + 1].wait();
    ended[place].set();
    return number;
  };
  const roost::parallel_options options{.limit = count};
  SECTION("with results put into their places") {
    CHECK(roost::transform(numbers(0, count), after_the_next, options) == numbers(0, count));
  }
  SECTION("with results that have no places before they are there") {
    const auto made = roost::transform(
        numbers(0, count), [&](int n) { return bare(after_the_next(n)); }, options);
    REQUIRE(made.size() == count);
    for (std::size_t i = 0; i < count; ++i)
      CHECK(made[i].value == static_cast<int>(i));
  }
  SECTION("of a range without indices") {
    CHECK(roost::transform(test::scripted_range{count, {}}, after_the_next, options) ==
          numbers(0, count));
  }
}

TEST_CASE("transform gives truth values like any other", "[transform]") {
  const test::no_thread_left check;
  const std::vector<bool> odd =
      roost::transform(numbers(0, 5000), [](int n) { return n % 2 == 1; }, {.limit = 4});
  REQUIRE(odd.size() == 5000);
  int wrong = 0;
  for (std::size_t i = 0; i < odd.size(); ++i)
    wrong += odd[i] == (i % 2 == 1) ? 0 : 1;
  CHECK(wrong == 0);
}

TEST_CASE("the results of transform need only be movable", "[transform]") {
  const test::no_thread_left check;
  test::item_counts counts;
  {
    const auto make = [&](int n) { return test::move_only_item(counts, n); };
    const auto made = roost::transform(numbers(0, 100), make, {.limit = 2});
    CHECK(test::values(made) == numbers(0, 100));
    CHECK(counts.live == 100);
  }
  CHECK(counts.live == 0);
  CHECK(counts.copies == 0);
  const auto owners =
      roost::transform(numbers(0, 100), [](int n) { return std::make_unique<int>(n); });
  for (std::size_t i = 0; i < owners.size(); ++i)
    CHECK(*owners[i] == static_cast<int>(i));
}

TEST_CASE("transform copies what references refer to", "[transform]") {
  const test::no_thread_left check;
  const std::map<int, std::string> names{{1, "one"}, {2, "two"}};
  const auto name_of = [](const std::pair<const int, std::string>& entry) -> const std::string& {
    return entry.second;
  };
  const auto result = roost::transform(names, name_of);
  STATIC_REQUIRE(std::is_same_v<decltype(result), const std::vector<std::string>>);
  CHECK(result == std::vector<std::string>{"one", "two"});
  CHECK(roost::transform(names, &std::pair<const int, std::string>::second) == result);
}

TEST_CASE("transform receives until the channel is closed", "[transform]") {
  const test::no_thread_left check;
  auto [tx, rx] = roost::make_channel<int>();
  roost::task_scope scope;
  scope.spawn([out = std::move(tx)] {
    for (int i = 0; i < 300 && out.send(i); ++i) {
    }
  });
  CHECK(roost::transform(rx, twice, {.limit = 3}) == twice_all(300));
}

#ifdef ROOST_TEST_VIEWS
TEST_CASE("transform goes through views", "[transform]") {
  const test::no_thread_left check;
  using namespace std::views;
  CHECK(roost::transform(iota(0, 50), twice) == twice_all(50));
  CHECK(roost::transform(iota(0) | take(50), twice) == twice_all(50));
  CHECK(roost::transform(iota(0) | filter([](int n) { return n % 2 == 0; }) | take(50),
                         [](int n) { return n; }) == twice_all(50));
  CHECK(roost::transform(iota(1, 4) | reverse, twice) == std::vector{6, 4, 2});
}

TEST_CASE("transform refuses more results than a vector can have", "[transform]") {
  const std::uint64_t many = (std::uint64_t{1} << 62U) + 3; // of 32 bits 3 would be left
  const auto identity = [](std::uint64_t n) { return n; };
  CHECK_THROWS_AS(roost::transform(std::views::iota(std::uint64_t{0}, many), identity),
                  std::length_error);
}
#endif

TEST_CASE("transform with a limit of one calls in order on the calling thread", "[transform]") {
  const test::no_thread_left check;
  std::vector<int> order;
  const auto note = [&, caller = std::this_thread::get_id()](int number) {
    order.push_back(number);
    return std::this_thread::get_id() == caller;
  };
  CHECK(roost::transform(numbers(0, 100), note, {.limit = 1}) == std::vector<bool>(100, true));
  CHECK(order == numbers(0, 100));
}

TEST_CASE("tasks of transform bear the name in its options", "[transform]") {
  const test::no_thread_left check;
  const auto name = [](int) { return std::string(roost::this_task::name()); };
  CHECK(roost::transform(numbers(0, 20), name, {.limit = 2, .name = "resize"}) ==
        std::vector<std::string>(20, "resize"));
}

TEST_CASE("transform in transform, within a limited scope", "[transform]") {
  const test::no_thread_left check;
  const auto row = [](int count) {
    return roost::transform(numbers(0, count), twice, {.limit = 2});
  };
  roost::task_scope scope({.limit = 1});
  auto rows = scope.spawn([&] { return roost::transform(numbers(0, 20), row, {.limit = 3}); });
  const auto got = rows.get();
  REQUIRE(got.size() == 20);
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK(got[i] == twice_all(static_cast<int>(i)));
}

TEST_CASE("transform throws the first failure itself and leaves no result behind", "[transform]") {
  const test::no_thread_left check;
  const int bad = GENERATE(0, 10, 19);
  const std::size_t limit = GENERATE(as<std::size_t>(), 1, 3);
  const auto error = std::make_exception_ptr(std::runtime_error("planned"));
  test::item_counts counts;
  const auto fail_at_bad = [&](int number) {
    if (number == bad)
      std::rethrow_exception(error);
    return test::move_only_item(counts, number);
  };
  CHECK(test::exception_of([&] {
          (void)roost::transform(numbers(0, 20), fail_at_bad, {.limit = limit});
        }) == error);
  CHECK(counts.live == 0);
}

TEST_CASE("a result of transform that cannot be moved is a failure like any other", "[transform]") {
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  const int moves = GENERATE(0, 5, 15, 25); // the last ones are into the vector that it returns
  const std::size_t limit = GENERATE(as<std::size_t>(), 1, 3);
  test::item_counts counts;
  counts.moves_until_throw = moves;
  const auto make = [&](int number) { return test::throwing_item(counts, number); };
  CHECK(test::thrown_by([&] { (void)roost::transform(numbers(0, 20), make, {.limit = limit}); }) ==
        "this move was to throw");
  CHECK(counts.live == 0);
}

TEST_CASE("a result of transform that cannot be copied from its reference is a failure",
          "[transform]") {
  struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("cannot copy"); }
    throws_when_copied(throws_when_copied&&) = default;
    throws_when_copied& operator=(const throws_when_copied&) = delete;
    ~throws_when_copied() = default;
  };
  const test::no_thread_left check;
  const std::vector<std::unique_ptr<throws_when_copied>> all(3);
  const throws_when_copied one;
  const auto refer = [&](const auto&) -> const throws_when_copied& { return one; };
  CHECK(test::thrown_by([&] { (void)roost::transform(all, refer, {.limit = 1}); }) ==
        "cannot copy");
}

TEST_CASE("a stop of the caller ends transform in the midst of its work", "[transform]") {
  const test::no_thread_left check;
  roost::event never;
  std::atomic<int> begun{0};
  roost::task_scope scope;
  scope.spawn([&] {
    test::wait_until_waiting(never, 2);
    scope.request_stop();
  });
  const auto wait = [&](int number) {
    ++begun;
    never.wait();
    return number;
  };
  CHECK(test::thrown_by([&] { (void)roost::transform(numbers(0, 9), wait, {.limit = 2}); }) ==
        "stopped");
  CHECK(begun == 2);
  CHECK(test::thrown_by([&] { (void)roost::transform(numbers(0, 0), twice); }) == "stopped");
}

TEST_CASE("an element that a token of its own stops leaves no gap in the results", "[transform]") {
  const test::no_thread_left check;
  std::stop_source token;
  token.request_stop();
  const auto string_of = [&](int number) {
    const roost::stop_when s(number == 3 ? token.get_token() : std::stop_token());
    roost::this_task::checkpoint();
    return std::make_unique<int>(number);
  };
  CHECK(test::thrown_by([&] {
          (void)roost::transform(test::numbers(0, 50), string_of, {.limit = 2});
        }) == "stopped");
}

TEST_CASE("transform throws what an iterator throws", "[transform]") {
  const test::no_thread_left check;
  const test::scripted_range range{10, [](test::step what, int place) {
                                     if (what == test::step::increment && place == 4)
                                       throw std::runtime_error("step");
                                   }};
  const auto twice = [](int number) { return 2 * number; };
  CHECK(test::thrown_by([&] { (void)roost::transform(range, twice, {.limit = 2}); }) == "step");
}
