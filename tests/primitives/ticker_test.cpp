// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/no_thread_left.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ratio>
#include <stdexcept>
#include <stop_token>
#include <string_view>
#include <type_traits>

using namespace std::chrono_literals;
using steady = roost::clock;
using roost::ticker;
using test::outcome_of;
using test::seen;

namespace {

// How many of the timed waits take a deadline of this type.
template <class Time>
inline constexpr int waits_until = requires(const roost::sender<int>& tx, Time t) {
  tx.send_until(1, t);
}
+ requires(const roost::receiver<int>& rx, Time t) {
  rx.receive_until(t);
}
+ requires(roost::semaphore& s, Time t) {
  s.acquire_until(t);
}
+ requires(roost::event& e, Time t) {
  e.wait_until(t);
}
+ requires(Time t) {
  roost::on_deadline(t);
}
+ requires(Time t) {
  roost::this_task::sleep_until(t);
};

// True if a tick was due; then it is taken.
bool take_tick(ticker& t) {
  return roost::select(roost::on_tick(t), roost::otherwise()) == 0;
}

// Lets time pass that nothing here can bring about.
void until(steady::time_point t) {
  roost::this_task::sleep_until(t);
}

} // namespace

TEST_CASE("a ticker stays where it is and time is that of the steady clock", "[ticker]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<ticker>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<ticker>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<steady::duration, ticker>);
  STATIC_REQUIRE(std::is_same_v<steady::time_point, std::chrono::steady_clock::time_point>);
  STATIC_REQUIRE(steady::is_steady);
}

TEST_CASE("a deadline is a point in time of the steady clock in any precision", "[ticker]") {
  STATIC_REQUIRE(waits_until<steady::time_point> == 6);
  STATIC_REQUIRE(waits_until<std::chrono::time_point<steady, std::chrono::hours>> == 6);
  STATIC_REQUIRE(waits_until<std::chrono::time_point<steady, std::chrono::duration<float>>> == 6);
}

TEST_CASE("a period that is not positive is refused", "[ticker]") {
  using float_seconds = std::chrono::duration<float>;
  using unsigned_seconds = std::chrono::duration<unsigned>;
  CHECK_THROWS_AS(ticker(0ns), std::invalid_argument);
  CHECK_THROWS_AS(ticker(-1ns), std::invalid_argument);
  CHECK_THROWS_AS(ticker(-1h), std::invalid_argument);
  CHECK_THROWS_AS(ticker(steady::duration::min()), std::invalid_argument);
  CHECK_THROWS_AS(ticker(std::chrono::hours::min()), std::invalid_argument);
  CHECK_THROWS_AS(ticker(unsigned_seconds(0)), std::invalid_argument);
  CHECK_THROWS_AS(ticker(float_seconds(-0.0F)), std::invalid_argument);
  CHECK_THROWS_AS(ticker(float_seconds(-1e30F)), std::invalid_argument);
  CHECK_THROWS_AS(ticker(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())),
                  std::invalid_argument);
}

TEST_CASE("a period that the clock cannot tell is rounded up", "[ticker]") {
  using picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  CHECK(ticker(picoseconds(1)).period() == 1ns);
  CHECK(ticker(picoseconds(1001)).period() == 2ns);
  CHECK(ticker(std::chrono::duration<double>(1e-30)).period() == 1ns);
  CHECK(ticker(std::chrono::duration<float, std::milli>(1.5F)).period() == 1500us);
  CHECK(ticker(3ms).period() == 3ms);
}

TEST_CASE("a period longer than all programs run never ticks", "[ticker]") {
  test::bubble([&] {
    const auto never_ticks = [](ticker t) {
      CHECK(t.period() > 24h * 365 * 50);
      CHECK_FALSE(take_tick(t));
      CHECK(roost::select_biased(roost::on_tick(t), roost::on_timeout(1h)) == 1);
      seen end = seen::neither;
      {
        roost::task_scope scope;
        scope.spawn([&] { end = outcome_of([&] { t.wait(); }); });
        test::wait_until_blocked(scope, 1);
        scope.request_stop();
      }
      CHECK(end == seen::stopped);
    };
    never_ticks(ticker(steady::duration::max()));
    never_ticks(ticker(std::chrono::hours::max()));
    never_ticks(ticker(std::chrono::duration<std::int64_t, std::ratio<604'800>>::max()));
    never_ticks(ticker(std::chrono::duration<float>(1e30F)));
    never_ticks(ticker(std::chrono::duration<double>(std::numeric_limits<double>::infinity())));
  });
}

TEST_CASE("the first tick comes a period after the construction and not before", "[ticker]") {
  test::bubble([&] {
    const auto start = steady::now();
    ticker t(1h);
    t.wait();
    CHECK(steady::now() == start + 1h);

    const auto start_of_other = steady::now();
    ticker other(1h);
    CHECK(roost::select(roost::on_tick(other)) == 0);
    CHECK(steady::now() == start_of_other + 1h);
  });
}

TEST_CASE("ticks come at fixed distances", "[ticker]") {
  test::bubble([&] {
    const auto start = steady::now();
    ticker t(1h);
    for (int i = 1; i <= 5; ++i) {
      t.wait();
      CHECK(steady::now() == start + i * 1h);
    }
  });
}

TEST_CASE("who comes late for a tick but within its period does not shift the next one",
          "[ticker]") {
  test::bubble([&] {
    const auto start = steady::now();
    ticker t(40min);
    until(start + 50min);
    t.wait();
    CHECK(roost::select_biased(roost::on_tick(t), roost::on_deadline(start + 85min)) == 0);
    CHECK(steady::now() == start + 80min);
  });
}

TEST_CASE("a slow consumer finds one tick pending and the next a period later", "[ticker]") {
  test::bubble([&] {
    const auto start = steady::now();
    ticker t(20min);
    until(start + 90min); // four ticks are over
    const auto before = steady::now();
    t.wait();
    CHECK_FALSE(take_tick(t));
    t.wait();
    CHECK(steady::now() == before + 20min);
  });
}

TEST_CASE("a thread that comes late for ticks is told how many were left out", "[ticker]") {
  test::bubble([&] {
    const auto now = steady::now();
    ticker t(now - 3h - 30min, 1h);
    CHECK(t.wait() == 3);
    CHECK_FALSE(take_tick(t)); // the next one is an hour from now

    ticker other(now - 3h - 30min, 1h);
    std::int64_t left_out = -1;
    CHECK(roost::select(roost::on_tick(other, [&](std::int64_t n) { left_out = n; })) == 0);
    CHECK(left_out == 3);

    ticker in_time(now, 1h);
    CHECK(in_time.wait() == 0);
  });
}

TEST_CASE("a ticker that skips keeps its beat, and one that shifts has no two ticks close together",
          "[ticker]") {
  test::bubble([&] {
    const auto next_of = [](ticker& t, steady::time_point limit) {
      return roost::select_biased(roost::on_tick(t), roost::on_deadline(limit));
    };
    const auto now = steady::now();
    ticker skips(now - 1h + 20min, 30min, roost::missed_ticks::skip);
    CHECK(skips.wait() == 1); // of now - 1h + 20min; that of half an hour later is left out
    CHECK(next_of(skips, now + 21min) == 0);
    CHECK(steady::now() == now + 20min);
    CHECK_FALSE(take_tick(skips));

    ticker shifts(steady::now() - 40min, 30min, roost::missed_ticks::shift);
    CHECK(shifts.wait() == 1);
    const auto shifted = steady::now();
    CHECK(next_of(shifts, shifted + 29min) == 1);
    CHECK(next_of(shifts, shifted + 31min) == 0);
    CHECK(steady::now() == shifted + 30min);
  });
}

TEST_CASE("a ticker that began before the clock did keeps its beat", "[ticker]") {
  test::bubble([] {
    const auto first = steady::time_point{} - 10h;
    ticker t(first, 1h, roost::missed_ticks::skip);
    const std::int64_t left_out = t.wait();
    CHECK(left_out == (steady::now() - first) / 1h);
  });
}

TEST_CASE("a first tick may be due at once, in the past of all clocks, or never", "[ticker]") {
  test::bubble([] {
    ticker at_once(steady::now(), 1h);
    CHECK(take_tick(at_once));
    CHECK_FALSE(take_tick(at_once));
    ticker long_ago(steady::time_point::min(), 1h, roost::missed_ticks::skip);
    CHECK(take_tick(long_ago));
    CHECK_FALSE(take_tick(long_ago));
    ticker never(steady::time_point::max(), 1ns);
    CHECK_FALSE(take_tick(never));
  });
}

TEST_CASE("a select takes the tick that is due and no other", "[ticker]") {
  test::bubble([&] {
    const auto start = steady::now();
    ticker due(1h);
    ticker not_due(2h);
    until(start + 1h);
    int handled = 0;
    CHECK(roost::select(roost::on_tick(not_due, [&] { handled += 100; }),
                        roost::on_tick(due, [&] { ++handled; })) == 1);
    CHECK(handled == 1);
    CHECK_FALSE(take_tick(not_due));
  });
}

TEST_CASE("a select that takes another case leaves the tick pending", "[ticker]") {
  test::bubble([&] {
    auto ch = roost::make_channel<int>(1);
    const auto start = steady::now();
    ticker t(1h);
    until(start + 1h);
    REQUIRE(ch.tx.send(7));
    int got = 0;
    CHECK(roost::select_biased(roost::on_receive(ch.rx, [&](auto r) { got = r.value(); }),
                               roost::on_tick(t, [&] { got = -1; })) == 0);
    CHECK(got == 7);
    CHECK(take_tick(t));
  });
}

TEST_CASE("a tick and an item wake the same select", "[ticker]") {
  test::bubble([&] {
    auto ch = roost::make_channel<int>();
    const auto start = steady::now();
    ticker t(1h);
    int ticks = 0;
    std::atomic<int> items = 0;
    roost::task_scope scope;
    auto sender = scope.spawn([&] {
      for (int i = 0; i < 5; ++i)
        (void)ch.tx.send(i);
    });
    while (ticks < 5 || items < 5)
      roost::select(roost::on_receive(ch.rx, [&](auto) { ++items; }),
                    roost::on_tick(t, [&] { ++ticks; }));
    CHECK(steady::now() == start + 5 * 1h);
    CHECK(ticks == 5);
    CHECK(items == 5);
    sender.get();
  });
}

TEST_CASE("a tick case in a selector stays and ticks again", "[ticker]") {
  test::bubble([&] {
    const auto start = steady::now();
    ticker t(1h);
    int ticks = 0;
    roost::selector all;
    const auto key = all.add(roost::on_tick(t, [&] { ++ticks; }));
    for (int i = 0; i < 4; ++i)
      CHECK(all.select() == key);
    CHECK(steady::now() == start + 4 * 1h);
    CHECK(ticks == 4);
    CHECK(all.size() == 1);
  });
}

TEST_CASE("threads that share a ticker share its ticks", "[ticker]") {
  const test::no_thread_left check;
  test::bubble([&] {
    std::atomic<int> ticks = 0;
    const auto start = steady::now();
    ticker t(1h);
    {
      roost::task_scope scope;
      for (int task = 0; task < 3; ++task) {
        scope.spawn([&, task] {
          while (ticks < 20) {
            if (task == 0) {
              roost::select(roost::on_tick(t));
            } else {
              t.wait();
            }
            ++ticks;
          }
        });
      }
    }
    // Each tick went to one: together they cannot have more than there were.
    CHECK(steady::now() >= start + ticks.load() * 1h);
    CHECK(ticks >= 20);
  });
}

TEST_CASE("a ticker has no thread and none waits for it when it goes", "[ticker]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  for (int i = 0; i < 100; ++i) {
    const ticker t(1h);
    CHECK(t.period() == 1h);
  }
  ticker ticks(1us);
  ticks.wait();
  CHECK(test::count_threads() <= before);
}

TEST_CASE("a stop wakes those who wait for a tick", "[ticker]") {
  ticker t(1h);
  int stopped = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      stopped += outcome_of([&] { t.wait(); }) == seen::stopped;
      stopped += outcome_of([&] { t.wait(); }) == seen::stopped;
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(stopped == 2);
}

TEST_CASE("an outside token and a deadline wake those who wait for a tick", "[ticker]") {
  test::bubble([&] {
    ticker t(2h);
    std::stop_source outside;
    seen end = seen::neither;
    {
      roost::task_scope scope;
      scope.spawn([&] {
        const roost::stop_when s(outside.get_token());
        end = outcome_of([&] { t.wait(); });
      });
      test::wait_until([&] {
        return std::string_view(test::scope_probe::first_task_call(scope).operation) ==
               "ticker::wait";
      });
      outside.request_stop();
    }
    CHECK(end == seen::stopped);
    const auto wait_too_long = [&] {
      const roost::task_scope scope({.timeout = 1h});
      t.wait();
    };
    CHECK_THROWS_AS(wait_too_long(), roost::timeout_error);
  });
}

TEST_CASE("a task that was stopped leaves a tick that is due to others", "[ticker]") {
  test::bubble([&] {
    const auto start = steady::now();
    ticker t(1h);
    until(start + 1h);
    seen by_wait = seen::neither;
    seen by_select = seen::neither;
    {
      roost::task_scope scope;
      scope.spawn([&] {
        scope.request_stop();
        by_wait = outcome_of([&] { t.wait(); });
        by_select = outcome_of([&] { roost::select(roost::on_tick(t)); });
      });
    }
    CHECK(by_wait == seen::stopped);
    CHECK(by_select == seen::stopped);
    CHECK(take_tick(t));
  });
}

TEST_CASE("a loop over a ticker ends at the stop although ticks never end", "[ticker]") {
  ticker t(1us);
  std::atomic<int> ticks = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      for (;;) {
        t.wait();
        ++ticks;
      }
    });
    test::wait_until([&] { return ticks > 50; });
    scope.request_stop();
  }
  CHECK(ticks > 50);
}
