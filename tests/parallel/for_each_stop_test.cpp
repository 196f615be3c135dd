// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/go_through.hpp"
#include "support/no_thread_left.hpp"
#include "support/numbered_items.hpp"
#include "support/probe.hpp"
#include "support/scripted_range.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <stop_token>

using namespace std::chrono_literals;
using test::go_through;
using test::numbers;

TEST_CASE("for_each begins nothing where the caller was stopped before", "[for_each]") {
  const test::no_thread_left check;
  const int count = GENERATE(0, 10);
  std::atomic<int> calls{0};
  roost::task_scope scope;
  scope.request_stop();
  for (const bool has_indices : {true, false})
    CHECK(test::thrown_by([&] { go_through(has_indices, count, [&](int) { ++calls; }); }) ==
          "stopped");
  CHECK(calls == 0);
}

TEST_CASE("a stop of the caller ends for_each in the midst of its work", "[for_each]") {
  const test::no_thread_left check;
  const bool has_indices = GENERATE(true, false);
  const std::size_t limit = GENERATE(as<std::size_t>(), 1, 3);
  std::atomic<int> begun{0};
  SECTION("while elements wait") {
    roost::event never;
    roost::task_scope scope;
    scope.spawn([&] {
      test::wait_until_waiting(never, limit);
      scope.request_stop();
    });
    const auto wait = [&](int) {
      ++begun;
      never.wait();
    };
    CHECK(test::thrown_by([&] { go_through(has_indices, 100, wait, {.limit = limit}); }) ==
          "stopped");
    CHECK(begun == static_cast<int>(limit));
  }
  SECTION("while elements compute, and never look for a stop") {
    roost::task_scope scope;
    const auto stop = [&](int number) {
      ++begun;
      if (number == 10)
        scope.request_stop();
      else if (number >= 1000) // the others wait for that
        test::wait_until([] { return roost::this_task::stop_requested(); });
    };
    CHECK(test::thrown_by([&] { go_through(has_indices, 1'000'000, stop, {.limit = limit}); }) ==
          "stopped");
    CHECK(begun < 1'000'000);
    if (limit == 1)
      CHECK(begun == 11);
  }
}

TEST_CASE("few cheap elements are begun after a stop", "[for_each]") {
  const test::no_thread_left check;
  const int last = 500'000;
  const bool chunks = GENERATE(true, false);
  int begun = 0;
  roost::task_scope scope;
  const auto stop = [&](int number) {
    ++begun;
    if (number == last)
      scope.request_stop();
  };
  CHECK(test::thrown_by([&] {
          roost::for_each(numbers(0, 2 * last), stop, {.limit = 1, .chunks = chunks});
        }) == "stopped");
  CHECK(begun <= last + 1 + (chunks ? 31 : 0));
}

TEST_CASE("for_each throws stopped though the stop came at its last element", "[for_each]") {
  const test::no_thread_left check;
  const bool has_indices = GENERATE(true, false);
  roost::task_scope scope;
  const auto stop_at_last = [&](int number) {
    if (number == 4)
      scope.request_stop();
  };
  CHECK(test::thrown_by([&] { go_through(has_indices, 5, stop_at_last, {.limit = 1}); }) ==
        "stopped");
}

TEST_CASE("a stop ends for_each where it waits for a channel", "[for_each]") {
  const test::no_thread_left check;
  const int items = GENERATE(0, 4);
  auto ends = roost::make_channel<int>(4);
  for (int i = 0; i < items; ++i)
    REQUIRE(ends.tx.send(i));
  std::atomic<int> received{0};
  roost::task_scope scope;
  scope.spawn([&] {
    test::wait_until([&] { return received == items; });
    test::wait_until_waiting(ends.rx, 1);
    scope.request_stop();
  });
  CHECK(test::thrown_by([&] {
          roost::for_each(ends.rx, [&](int) { ++received; }, {.limit = 3});
        }) == "stopped");
  CHECK(received == items);
}

TEST_CASE("the deadline of the scope around ends for_each with timeout_error", "[for_each]") {
  const test::no_thread_left check;
  roost::event never;
  roost::task_scope scope({.timeout = 5ms});
  const auto wait = [&](int) { never.wait(); };
  CHECK_THROWS_AS(roost::for_each(numbers(0, 9), wait, {.limit = 2}), roost::timeout_error);
  CHECK_THROWS_AS(scope.join(), roost::timeout_error); // no wait takes it
}

TEST_CASE("a shield around for_each keeps a stop of the caller from it", "[for_each]") {
  const test::no_thread_left check;
  std::atomic<int> visited{0};
  roost::task_scope scope;
  scope.request_stop();
  const roost::shield hide(1h);
  roost::for_each(numbers(0, 100), [&](int) {
    roost::this_task::checkpoint();
    ++visited;
  });
  CHECK(visited == 100);
}

TEST_CASE("an element that a token of its own stops ends for_each", "[for_each]") {
  const test::no_thread_left check;
  const bool has_indices = GENERATE(true, false);
  std::stop_source token;
  token.request_stop();
  std::atomic<int> done{0};
  const auto visit = [&](int number) {
    const roost::stop_when s(number == 3 ? token.get_token() : std::stop_token());
    roost::this_task::checkpoint();
    ++done;
  };
  CHECK(test::thrown_by([&] { go_through(has_indices, 50, visit, {.limit = 2}); }) == "stopped");
  CHECK(done < 50);
}

TEST_CASE("a stop while an iterator steps is noticed before its element is begun", "[for_each]") {
  const test::no_thread_left check;
  roost::event steps;
  roost::event second;
  roost::event fails;
  std::atomic<bool> begun{false};
  const test::scripted_range range{10, [&](test::step what, int place) {
                                     if (what != test::step::increment || place != 1)
                                       return;
                                     const roost::shield s(1h);
                                     steps.set();
                                     fails.wait();
                                   }};
  const auto visit = [&](int number) {
    if (number == 0) {
      steps.wait();
      second.wait();
      throw std::runtime_error("first");
    }
    if (number == 1) {
      second.set();
      try {
        roost::this_task::sleep_for(1h);
      } catch (const roost::stopped&) {
        fails.set(); // the scope is stopped by now
        throw;
      }
    }
    begun = true;
  };
  CHECK(test::thrown_by([&] { roost::for_each(range, visit, {.limit = 3}); }) == "first");
  CHECK_FALSE(begun);
}
