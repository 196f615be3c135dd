// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/go_through.hpp"
#include "support/no_thread_left.hpp"
#include "support/numbered_items.hpp"
#include "support/probe.hpp"
#include "support/scripted_range.hpp"

#include <atomic>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <vector>

using test::go_through;
using test::numbers;

TEST_CASE("for_each throws what the function throws and begins no further element", "[for_each]") {
  const test::no_thread_left check;
  const bool has_indices = GENERATE(true, false);
  const int bad = GENERATE(0, 50, 99);
  const auto error = std::make_exception_ptr(std::runtime_error("planned"));
  std::vector<int> seen;
  const auto fail_at_bad = [&](int number) {
    seen.push_back(number);
    if (number == bad)
      std::rethrow_exception(error);
  };
  CHECK(test::exception_of([&] { go_through(has_indices, 100, fail_at_bad, {.limit = 1}); }) ==
        error);
  CHECK(seen == numbers(0, bad + 1));
}

TEST_CASE("a failure in for_each stops the elements under way and waits for them", "[for_each]") {
  const test::no_thread_left check;
  const bool has_indices = GENERATE(true, false);
  const int bad = GENERATE(0, 1, 2);
  roost::event never;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::atomic<int> told{0};
  const auto fail_or_wait = [&](int number) {
    ++begun;
    const test::at_exit count([&] { ++ended; });
    if (number == bad) {
      test::wait_until_waiting(never, 2);
      throw std::runtime_error("planned");
    }
    try {
      never.wait();
    } catch (const roost::stopped& s) {
      told += s.cause().message == "planned" ? 1 : 0;
      throw;
    }
  };
  CHECK(test::thrown_by([&] { go_through(has_indices, 100, fail_or_wait, {.limit = 3}); }) ==
        "planned");
  CHECK(begun == 3);
  CHECK(ended == 3);
  CHECK(told == 2);
}

TEST_CASE("what fails after the first failure of a for_each goes to the hook", "[for_each]") {
  const test::no_thread_left check;
  const test::unobserved_failures hook;
  roost::event never;
  const auto fail = [&](int number) {
    if (number == 0) {
      test::wait_until_waiting(never, 1);
      throw std::runtime_error("the first");
    }
    try {
      never.wait();
    } catch (const roost::stopped&) {
      throw std::runtime_error("the second");
    }
  };
  CHECK(test::thrown_by([&] { roost::for_each(numbers(0, 9), fail, {.limit = 2}); }) ==
        "the first");
  CHECK(hook.messages() == "the second;");
}

TEST_CASE("for_each throws what an iterator throws", "[for_each]") {
  const test::no_thread_left check;
  const auto what = GENERATE(
      test::step::begin, test::step::compare, test::step::increment, test::step::dereference);
  const int place = GENERATE(0, 7);
  const std::size_t limit = GENERATE(as<std::size_t>(), 1, 3);
  const int bad = what == test::step::begin ? 0 : place;
  std::atomic<int> beyond{0};
  std::atomic<int> steps_beyond{0};
  const auto error = std::make_exception_ptr(std::runtime_error("iterator"));
  const test::scripted_range range{20, [&](test::step now, int at) {
                                     if (now == what && at == bad)
                                       std::rethrow_exception(error);
                                     // Others may be dereferenced meanwhile, but not stepped.
                                     if (now == test::step::increment && at > bad &&
                                         what != test::step::dereference)
                                       ++steps_beyond;
                                   }};
  const auto note = [&](int number) { beyond += number > bad ? 1 : 0; };
  CHECK(test::exception_of([&] { roost::for_each(range, note, {.limit = limit}); }) == error);
  if (limit == 1 || what != test::step::dereference)
    CHECK(beyond == 0);
  CHECK(steps_beyond == 0);
}

TEST_CASE("an iterator that throws stops the elements under way", "[for_each]") {
  const test::no_thread_left check;
  roost::event never;
  const test::scripted_range range{20, [&](test::step now, int at) {
                                     if (now != test::step::increment || at != 1)
                                       return;
                                     test::wait_until_waiting(never, 2);
                                     throw std::runtime_error("iterator");
                                   }};
  CHECK(test::thrown_by([&] {
          roost::for_each(range, [&](int) { never.wait(); }, {.limit = 4});
        }) == "iterator");
}

TEST_CASE("for_each throws what closed the channel that it receives from", "[for_each]") {
  const test::no_thread_left check;
  auto [tx, rx] = roost::make_channel<int>(3);
  std::atomic<int> sum{0};
  REQUIRE(tx.send(1));
  REQUIRE(tx.send(2));
  tx.fail(std::make_exception_ptr(std::runtime_error("connection lost")));
  CHECK(test::thrown_by([&, &in = rx] {
          roost::for_each(in, [&](int number) { sum += number; }, {.limit = 1});
        }) == "connection lost");
  CHECK(sum == 3);
}

TEST_CASE("a failure ends for_each where it waits for a channel", "[for_each]") {
  const test::no_thread_left check;
  auto ends = roost::make_channel<int>(1);
  REQUIRE(ends.tx.send(0));
  const auto fail = [&](int) {
    test::wait_until_waiting(ends.rx, 1);
    throw std::runtime_error("planned");
  };
  CHECK(test::thrown_by([&] { roost::for_each(ends.rx, fail, {.limit = 2}); }) == "planned");
}

TEST_CASE("a failure far inside ends a for_each in a for_each", "[for_each]") {
  const test::no_thread_left check;
  roost::event never;
  const auto inner = [&](int row) {
    const auto fail_or_wait = [&](int column) {
      if (row == 1 && column == 1) {
        test::wait_until_waiting(never, 3);
        throw std::runtime_error("far inside");
      }
      never.wait();
    };
    roost::for_each(numbers(0, 10), fail_or_wait, {.limit = 2});
  };
  CHECK(test::thrown_by([&] { roost::for_each(numbers(0, 10), inner, {.limit = 2}); }) ==
        "far inside");
}

TEST_CASE("a failure among cheap elements ends for_each before the others are begun",
          "[for_each]") {
  const test::no_thread_left check;
  constexpr int count = 1'000'000;
  constexpr int halt = 100'000;
  const int failing = GENERATE(0, 5000, count - 1);
  const std::vector<int> all = test::numbers(0, count);
  std::atomic<int> begun{0};
  std::atomic<bool> others_halt{false};
  const auto visit = [&](int number) {
    ++begun;
    if (failing == 0 && number == halt) {
      others_halt = true;
      test::wait_until([] { return roost::this_task::stop_requested(); });
    }
    if (number != failing)
      return;
    if (failing == 0)
      test::wait_until([&] { return others_halt.load(); });
    throw std::runtime_error("cheap");
  };
  CHECK(test::thrown_by([&] { roost::for_each(all, visit, {.limit = 2}); }) == "cheap");
  if (failing == 0)
    CHECK(begun <= halt + 32); // at most the rest of a block after the stop
}

TEST_CASE("no element is begun after one that fails, however cheap they are", "[for_each]") {
  const test::no_thread_left check;
  const int bad = GENERATE(1000, 123'456);
  int last = -1;
  const auto fail_at_bad = [&](int number) {
    last = number;
    if (number == bad)
      throw std::runtime_error("planned");
  };
  CHECK(test::thrown_by([&] { roost::for_each(numbers(0, 200'000), fail_at_bad, {.limit = 1}); }) ==
        "planned");
  CHECK(last == bad);
}
