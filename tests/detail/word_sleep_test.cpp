// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/sync/thread_number.hpp>
#include <roost/detail/sync/thread_state.hpp>
#include <roost/detail/sync/word_sleep.hpp>
#include <roost/detail/wait/parker.hpp>

#include "support/catch.hpp"
#include "support/lockstep.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <thread>

// How a thread sleeps until a word changes: by the standard's means, and by the system's.

using namespace std::chrono_literals;
using roost::detail::basic_parker;
using roost::detail::no_deadline;
using roost::detail::portable_word_sleep;
using roost::detail::word_sleep;
using roost::detail::sync::thread_number;
using roost::detail::sync::thread_state;

TEMPLATE_TEST_CASE("a sleep does not begin when the word has changed already",
                   "[word_sleep]",
                   portable_word_sleep,
                   word_sleep) {
  TestType sleep;
  const std::atomic<std::uint32_t> word{1};
  sleep.wait_while(word, 0, no_deadline);
  SUCCEED("it returned");
}

TEMPLATE_TEST_CASE("a sleep ends at its deadline, at once if that has passed",
                   "[word_sleep]",
                   portable_word_sleep,
                   word_sleep) {
  TestType sleep;
  const std::atomic<std::uint32_t> word{0};
  sleep.wait_while(word, 0, roost::clock::time_point{});
  sleep.wait_while(word, 0, (roost::clock::time_point::min)());
  const auto deadline = roost::clock::now() + 10ms;
  while (roost::clock::now() < deadline)
    sleep.wait_while(word, 0, deadline);
  CHECK(roost::clock::now() >= deadline);
}

// Where the system counts seconds in 32 bits, that time is in the past, or so it seems; and where
// a condition variable counts by another clock, the last one of the clock overflows.
TEMPLATE_TEST_CASE("a thread that sleeps for up to a century, or to the clock's end, sleeps",
                   "[word_sleep]",
                   portable_word_sleep,
                   word_sleep) {
  const bool is_last = GENERATE(false, true);
  const roost::clock::time_point deadline =
      is_last ? no_deadline - roost::clock::duration(1) : roost::clock::now() + 100 * 365 * 24h;
  TestType sleep;
  std::atomic<std::uint32_t> word{0};
  std::atomic<std::uint64_t> number{0};
  {
    const std::jthread sleeper([&] {
      number = thread_number();
      while (word == 0)
        sleep.wait_while(word, 0, deadline);
    });
    test::wait_until([&] { return number != 0; });
    test::wait_until([&] {
      const std::string_view state = thread_state(number);
      return state == "sleeping" || state.empty(); // not every system says it
    });
    word = 1;
    sleep.wake(word);
  }
  SUCCEED("it was seen asleep");
}

TEMPLATE_TEST_CASE("a sleep leaves the user's errno alone",
                   "[word_sleep]",
                   portable_word_sleep,
                   word_sleep) {
  TestType sleep;
  const std::atomic<std::uint32_t> word{0};
  errno = 12345;
  sleep.wait_while(word, 0, roost::clock::time_point{});
  sleep.wait_while(word, 1, no_deadline);
  CHECK(errno == 12345);
}

TEMPLATE_TEST_CASE("a parker loses no wake, however its thread sleeps",
                   "[word_sleep][parker]",
                   portable_word_sleep,
                   word_sleep) {
  basic_parker<TestType> there;
  basic_parker<TestType> back;
  constexpr int rounds = 2000;
  int seen = 0;
  {
    std::jthread other([&] {
      for (int i = 0; i < rounds; ++i) {
        there.park();
        ++seen; // ordered by the parkers
        back.unpark();
      }
    });
    for (int i = 0; i < rounds; ++i) {
      there.unpark();
      if (i % 2 == 0) {
        back.park();
      } else {
        while (!back.park_until(roost::clock::now() + 1ms)) {
        }
      }
    }
  }
  CHECK(seen == rounds);
}

TEMPLATE_TEST_CASE("a wake that meets the beginning of a sleep ends it",
                   "[word_sleep][parker]",
                   portable_word_sleep,
                   word_sleep) {
  const test::race_time time;
  basic_parker<TestType> sleeper;
  test::lockstep together(2);
  std::atomic<int> rounds{2000};
  std::jthread other([&] {
    for (int i = 0; i < rounds; ++i) {
      together.meet();
      sleeper.unpark();
      together.meet();
    }
  });
  int woken = 0;
  for (int i = 0; i < rounds; ++i) {
    together.meet();
    if (sleeper.park_until(no_deadline))
      ++woken;
    if (time.is_over())
      rounds = i + 1;
    together.meet();
  }
  CHECK(woken == rounds);
}
