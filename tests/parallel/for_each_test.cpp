// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/numbered_items.hpp"
#include "support/threads.hpp"
#include "support/visits.hpp"

#include <atomic>
#include <cstddef>
#include <list>
#include <string>
#include <thread>
#include <vector>

using test::numbers;
using test::visits;

namespace {

std::list<int> listed(int count) {
  const std::vector<int> all = numbers(0, count);
  return {all.begin(), all.end()};
}

} // namespace

TEST_CASE("for_each works on as many elements at once as the limit says", "[for_each]") {
  const test::no_thread_left check;
  const int limit = GENERATE(1, 2, 5);
  test::gate gate;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  const auto work = [&](int) {
    const int now = ++inside;
    for (int before = most; before < now && !most.compare_exchange_weak(before, now);) {
    }
    gate.pass();
    --inside;
  };
  const std::jthread opener([&] {
    gate.wait_for_arrivals(limit); // or this does not return
    gate.open();
  });
  const roost::parallel_options options{.limit = static_cast<std::size_t>(limit)};
  SECTION("through a range with indices") {
    roost::for_each(numbers(0, 200), work, options);
  }
  SECTION("through another range") {
    roost::for_each(listed(200), work, options);
  }
  CHECK(most == limit);
  CHECK(inside == 0);
}

TEST_CASE("with a limit of one for_each goes in order on the calling thread", "[for_each]") {
  const test::no_thread_left check;
  std::vector<int> order;
  bool elsewhere = false;
  const auto note = [&, caller = std::this_thread::get_id()](int number) {
    order.push_back(number);
    elsewhere = elsewhere || std::this_thread::get_id() != caller;
  };
  SECTION("through a range with indices") {
    roost::for_each(numbers(0, 1000), note, {.limit = 1});
  }
  SECTION("through another range") {
    roost::for_each(listed(1000), note, {.limit = 1});
  }
  CHECK(order == numbers(0, 1000));
  CHECK_FALSE(elsewhere);
}

TEST_CASE("for_each makes no more threads than there are elements", "[for_each]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  std::atomic<std::size_t> most{0};
  roost::for_each(numbers(0, 2), [&](int) { most = test::count_threads(); }, {.limit = 100});
  CHECK(most <= before + 1);
}

TEST_CASE("the function of for_each is neither copied nor moved", "[for_each]") {
  struct immovable {
    std::atomic<int> sum{0};
    void operator()(int number) { sum += number; }
  };
  const test::no_thread_left check;
  immovable function;
  roost::for_each(numbers(1, 100), function, {.limit = 3});
  CHECK(function.sum == 5050);
  roost::for_each(numbers(1, 100), immovable(), {.limit = 3});
}

TEST_CASE("tasks of for_each bear the name in its options, and the caller's own is back "
          "afterwards",
          "[for_each]") {
  const test::no_thread_left check;
  std::atomic<int> named{0};
  roost::task_scope scope;
  auto own = scope.spawn("caller", [&] {
    const auto look = [&](int) { named += roost::this_task::name() == "resize" ? 1 : 0; };
    roost::for_each(numbers(0, 20), look, {.limit = 2, .name = std::string("resize")});
    return std::string(roost::this_task::name());
  });
  CHECK(own.get() == "caller");
  CHECK(named == 20);
}

TEST_CASE("for_each in for_each visits all", "[for_each]") {
  const test::no_thread_left check;
  visits seen(12 * 12);
  roost::task_scope scope({.limit = 1});
  auto all = scope.spawn([&] {
    roost::for_each(numbers(0, 12),
                    [&](int row) {
                      roost::for_each(
                          listed(12), [&](int column) { seen(row * 12 + column); }, {.limit = 2});
                    },
                    {.limit = 3});
  });
  all.get();
  CHECK(seen.once_each());
}
