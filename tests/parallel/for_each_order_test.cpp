// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/numbered_items.hpp"
#include "support/scripted_range.hpp"
#include "support/visits.hpp"

#include <atomic>
#include <cstddef>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

// Which elements are under way at the same time, and which of them may wait for which.

TEST_CASE("for_each takes no element from a range before there is a thread for it", "[for_each]") {
  const test::no_thread_left check;
  const int limit = GENERATE(1, 2, 4);
  test::gate gate;
  std::atomic<int> steps{0};
  int steps_then = -1;
  const test::scripted_range range{
      50, [&](test::step what, int) { steps += what == test::step::increment ? 1 : 0; }};
  const std::jthread opener([&] {
    gate.wait_for_arrivals(limit);
    steps_then = steps; // all threads are at the gate
    gate.open();
  });
  roost::for_each(range, [&](int) { gate.pass(); }, {.limit = static_cast<std::size_t>(limit)});
  CHECK(steps_then == limit - 1);
  CHECK(steps == 50);
}

TEST_CASE("for_each begins elements in order", "[for_each]") {
  const test::no_thread_left check;
  const int limit = GENERATE(2, 3);
  std::mutex mutex;
  std::vector<int> late; // begun though an earlier one, beyond those under way, was not
  int begun = 0;
  const auto note = [&](int number) {
    const std::lock_guard lock(mutex);
    if (++begun < number - limit + 2)
      late.push_back(number);
  };
  const roost::parallel_options options{.limit = static_cast<std::size_t>(limit), .chunks = false};
  SECTION("of a range with indices") {
    roost::for_each(test::numbers(0, 2000), note, options);
  }
  SECTION("of another range") {
    roost::for_each(test::scripted_range{2000, {}}, note, options);
  }
  CHECK(begun == 2000);
  CHECK(late.empty());
}

TEST_CASE("an endless range ends where the function throws", "[for_each]") {
  const test::no_thread_left check;
  const std::size_t limit = GENERATE(as<std::size_t>(), 1, 2, 0);
  std::atomic<int> most{0};
  const auto find = [&](int number) {
    for (int before = most; before < number && !most.compare_exchange_weak(before, number);) {
    }
    if (number == 1000)
      throw std::runtime_error("found");
  };
  const test::scripted_range endless{-1, {}};
  CHECK(test::thrown_by([&] { roost::for_each(endless, find, {.limit = limit}); }) == "found");
  CHECK(most >= 1000);
}

TEST_CASE("elements may wait for earlier ones", "[for_each]") {
  const test::no_thread_left check;
  const std::size_t limit = GENERATE(as<std::size_t>(), 1, 2, 4);
  constexpr int count = 2000;
  std::vector<roost::event> done(count);
  std::atomic<int> ended{0};
  const auto after_the_one_before = [&](int number) {
    if (number % 100 != 0) // most are cheap, and come several at a time
      done[static_cast<std::size_t>(number) - 1].wait();
    done[static_cast<std::size_t>(number)].set();
    ++ended;
  };
  SECTION("of a range with indices") {
    roost::for_each(test::numbers(0, count), after_the_one_before, {.limit = limit});
  }
  SECTION("of another range") {
    roost::for_each(test::scripted_range{count, {}}, after_the_one_before, {.limit = limit});
  }
  CHECK(ended == count);
}

TEST_CASE("pairs of neighbours may wait for each other", "[for_each]") {
  const test::no_thread_left check;
  constexpr std::size_t pairs = 300;
  std::vector<roost::event> come(2 * pairs);
  const auto meet = [&](int number) {
    const auto place = static_cast<std::size_t>(number);
    come[place].set();
    come[place ^ 1].wait();
  };
  const auto numbers = test::numbers(0, 2 * pairs);
  SECTION("of a range with indices") {
    roost::for_each(numbers, meet, {.limit = 2});
  }
  SECTION("where they are handed out one by one") {
    roost::for_each(numbers, meet, {.limit = 2, .chunks = false});
  }
  SECTION("of another range, where there are none") {
    roost::for_each(std::list(numbers.begin(), numbers.end()), meet, {.limit = 2});
  }
  for (const roost::event& one : come)
    CHECK(one.is_set());
}

TEST_CASE("the few elements of a short range may wait for each other", "[for_each]") {
  const test::no_thread_left check;
  const int count = GENERATE(2, 4, 7);
  test::gate gate;
  std::atomic<int> ended{0};
  const std::jthread opener([&] {
    gate.wait_for_arrivals(count);
    gate.open();
  });
  const auto meet = [&](int) {
    gate.pass();
    ++ended;
  };
  roost::for_each(test::numbers(0, count), meet, {.limit = 7});
  CHECK(ended == count);
}

TEST_CASE("cheap elements in chunks are visited as they are one by one", "[for_each]") {
  const test::no_thread_left check;
  const bool chunks = GENERATE(true, false);
  constexpr int count = 100'000;
  test::visits seen(count);
  roost::for_each(
      test::numbers(0, count), [&](int number) { seen(number); }, {.limit = 4, .chunks = chunks});
  CHECK(seen.once_each());
}

TEST_CASE("an element that is worked on may send the next one", "[for_each]") {
  const test::no_thread_left check;
  auto ends = roost::make_channel<int>(1);
  std::vector<int> seen;
  std::mutex mutex;
  REQUIRE(ends.tx.send(0));
  const auto count_up = [&](int number) {
    {
      const std::lock_guard lock(mutex);
      seen.push_back(number);
    }
    if (number == 50 || !ends.tx.send(number + 1))
      ends.tx.close();
  };
  roost::for_each(ends.rx, count_up, {.limit = 3});
  CHECK(seen == test::numbers(0, 51));
}
