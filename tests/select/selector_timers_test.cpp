// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"
#include "support/virtual_time.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <deque>
#include <memory>
#include <set>
#include <vector>

// A selector asks its timers when they are due and not before.

using namespace std::chrono_literals;
using roost::on_deadline;
using roost::on_receive;
using roost::on_set;
using roost::on_tick;
using roost::on_timeout;
using test::outcome_of;
using test::seen;

namespace {

constexpr auto ignore = [](auto&&...) {};
const auto long_ago = roost::clock::time_point{};

struct counts {
  int asked = 0;
  int looked_at = 0;
};

// What on_deadline makes, but it counts.
class counting_timer final : public roost::detail::select_case {
 public:
  counting_timer(roost::clock::time_point due, counts& seen)
      : select_case(&operation_, roost::site::current()),
        operation_(due, seen) {}
  counting_timer(roost::detail::keep_t, counting_timer&& other)
      : counting_timer(other.operation_.due_, other.operation_.seen_) {}

  void run() override {}

 private:
  struct operation final : roost::detail::operation {
    operation(roost::clock::time_point due, counts& seen)
        : roost::detail::operation({}, nullptr, nullptr),
          due_(due),
          seen_(seen) {}
    bool try_locked() noexcept override {
      ++seen_.asked;
      return roost::clock::now() >= due_;
    }
    void conclude(roost::detail::wait_state) noexcept override {}
    roost::clock::time_point due() const noexcept override {
      ++seen_.looked_at;
      return due_;
    }
    roost::clock::time_point due_; // NOLINT(readability-identifier-naming)
    counts& seen_;                 // NOLINT(readability-identifier-naming)
  };

  operation operation_;
};

// Lets time pass that nothing here can bring about.
void until(roost::clock::time_point t) {
  roost::this_task::sleep_until(t);
}

} // namespace

TEST_CASE("a selector of a thousand timers asks none before it is due", "[selector]") {
  constexpr int events = 100;
  auto ch = roost::make_channel<int>(1);
  counts seen;
  roost::selector all;
  for (int i = 0; i < 1000; ++i)
    all.add(counting_timer(roost::clock::now() + 1h, seen));
  const std::size_t key = all.add(on_receive(ch.rx, ignore));
  seen = {};
  int wrong = 0;
  for (int i = 0; i < events; ++i) {
    REQUIRE(ch.tx.send(i));
    wrong += (i % 2 == 0 ? all.select() : all.select_biased()) != key;
    wrong += all.try_select().has_value();
    wrong += all.select_for(1ns).has_value(); // has to wait
  }
  CHECK(wrong == 0);
  CHECK(seen.asked == 0);
  CHECK(seen.looked_at == 0);
}

TEST_CASE("a timer of a selector is asked once it is due and no other", "[selector]") {
  test::bubble([&] {
    counts seen;
    counts early;
    roost::selector all;
    for (int i = 0; i < 100; ++i)
      all.add(counting_timer(roost::clock::now() + 1h + i * 1s, seen));
    const std::size_t key = all.add(counting_timer(roost::clock::now() + 1min, early));
    seen = {};
    CHECK(all.select() == key);
    CHECK(early.asked == 1);
    CHECK(seen.asked == 0);
    CHECK(seen.looked_at == 0);
    CHECK(all.size() == 100);
  });
}

TEST_CASE("each timer of a selector happens once and none before its time", "[selector]") {
  ROOST_TEST_SHOW_SEED();
  test::random_numbers random(1);
  test::bubble([&] {
    const auto start = roost::clock::now();
    roost::selector all;
    std::multiset<int> wanted;
    std::multiset<int> happened;
    int early = 0;
    for (int i = 0; i < 50; ++i) {
      const int us = random.below(50'000);
      wanted.insert(us);
      all.add(on_deadline(start + us * 1us, [&, us] {
        happened.insert(us);
        early += roost::clock::now() < start + us * 1us;
      }));
    }
    while (!all.empty())
      all.select();
    CHECK(happened == wanted);
    CHECK(early == 0);
  });
}

TEST_CASE("a selector's timers that are due are as likely as what else can happen", "[selector]") {
  // Two timers, two events and a channel; and five events that cannot happen.
  constexpr int draws = 10'000;
  std::array<int, 5> chosen{};
  auto ch = roost::make_channel<int>(1);
  roost::event set;
  set.set();
  roost::event unset;
  roost::ticker every(1ns);
  for (int turn = 0; turn < draws; ++turn) {
    roost::selector all;
    (void)ch.tx.try_send(1);
    all.add(on_set(unset));
    all.add(on_deadline(long_ago, [&] { ++chosen[0]; }));
    all.add(on_set(set, [&] { ++chosen[1]; }));
    all.add(on_receive(ch.rx, [&](auto) { ++chosen[2]; }));
    for (int i = 0; i < 4; ++i)
      all.add(on_set(unset));
    all.add(on_tick(every, [&] { ++chosen[3]; }));
    all.add(on_set(set, [&] { ++chosen[4]; }));
    all.add(on_timeout(1h));
    all.select();
  }
  // See select_fairness_test: once in 100'000 times, at most.
  const double noise = 4.4172 / (2 * std::sqrt(double{draws}));
  for (const int count : chosen)
    CHECK(std::abs(count / double{draws} - 0.2) < noise);
}

TEST_CASE("select_biased of a selector minds the order of timers too", "[selector]") {
  auto ch = roost::make_channel<int>(2);
  roost::event unset;
  roost::selector all;
  all.add(on_set(unset));
  const std::size_t second = all.add(on_deadline(long_ago + 1s));
  const std::size_t channel = all.add(on_receive(ch.rx, ignore));
  all.add(on_timeout(1h));
  const std::size_t last = all.add(on_deadline(long_ago));
  const std::size_t after = all.add(on_deadline(long_ago));
  REQUIRE(ch.tx.send(1));
  REQUIRE(ch.tx.send(2));
  CHECK(all.select_biased() == second);
  CHECK(all.select_biased() == channel);
  CHECK(all.select_biased() == channel);
  CHECK(all.select_biased() == last);
  CHECK(all.select_biased() == after);
  CHECK(all.size() == 3);
}

TEST_CASE("timers of a selector are removed in any order and by handlers", "[selector]") {
  ROOST_TEST_SHOW_SEED();
  test::random_numbers random(2);
  roost::selector all;
  std::vector<std::size_t> keys;
  int wrong = 0;
  for (int i = 0; i < 1000; ++i)
    keys.push_back(all.add(on_timeout(std::chrono::minutes(1 + random.below(100)))));
  const std::size_t due = all.add(on_deadline(long_ago));
  const std::size_t also_due = all.add(on_deadline(long_ago, [&] { wrong = 1000; }));
  while (keys.size() > 1) {
    const auto gone = keys.begin() + random.below(static_cast<int>(keys.size()));
    wrong += !all.remove(*gone) || all.remove(*gone);
    keys.erase(gone);
  }
  CHECK(all.size() == 3);
  CHECK(all.select_biased() == due); // finds both that are due
  CHECK(all.remove(also_due));
  CHECK_FALSE(all.remove(due));
  CHECK_FALSE(all.try_select());
  std::size_t own = 0;
  own = all.add(on_deadline(long_ago, [&] {
    wrong += all.remove(own); // it has gone already
    wrong += !all.remove(keys[0]);
    keys[0] = all.add(on_deadline(long_ago));
  }));
  CHECK(all.select() == own);
  CHECK(all.select() == keys[0]);
  CHECK(all.empty());
  CHECK(wrong == 0);
}

TEST_CASE("a selector whose timers come and go keeps no more than it has", "[selector]") {
  const auto handler = std::make_shared<int>(0);
  roost::selector all;
  std::deque<std::size_t> keys;
  int wrong = 0;
  for (int i = 0; i < 10'000; ++i) {
    keys.push_back(all.add(on_timeout(1h, [handler] {})));
    if (keys.size() > 10) {
      wrong += !all.remove(keys.front());
      keys.pop_front();
    }
    wrong += all.size() != keys.size();
    wrong += test::select_probe::places(all) > 2 * all.size();
  }
  CHECK(wrong == 0);
  CHECK(handler.use_count() == 11);
  for (const std::size_t key : keys)
    CHECK(all.remove(key));
  CHECK(all.empty());
  CHECK(handler.use_count() == 1);
}

TEST_CASE("a selector of timers only sleeps until the first is due", "[selector]") {
  test::bubble([&] {
    const auto start = roost::clock::now();
    roost::selector all;
    all.add(on_timeout(1h));
    all.add(on_deadline(roost::clock::time_point::max()));
    const std::size_t first = all.add(on_deadline(start + 1min));
    CHECK(all.select() == first);
    CHECK(roost::clock::now() == start + 1min);
    CHECK_FALSE(all.select_for(58min));
    CHECK(all.size() == 2);
  });
}

TEST_CASE("a selector's deadline and a timer's at one moment are no loss of the timer",
          "[selector]") {
  test::bubble([&] {
    roost::selector all;
    for (int turn = 0; turn < 20; ++turn) {
      const auto moment = roost::clock::now() + 1h;
      const std::size_t key = all.add(on_deadline(moment));
      CHECK(all.select_until(moment) == key);
    }
  });
}

TEST_CASE("a tick that another thread took leaves its selector waiting for the next",
          "[selector]") {
  test::bubble([&] {
    roost::ticker every(1h);
    const auto start = roost::clock::now();
    roost::selector all;
    const std::size_t key = all.add(on_tick(every));
    until(start + 61min);
    CHECK(roost::select(on_tick(every), roost::otherwise()) == 0); // it is taken here
    CHECK_FALSE(all.try_select());
    CHECK(all.select() == key);
    CHECK(roost::clock::now() == start + 2h);
    CHECK_FALSE(all.try_select());
    CHECK(all.size() == 1);
  });
}

TEST_CASE("two selectors share the ticks of many tickers", "[selector]") {
  constexpr int wanted = 200;
  test::bubble([&] {
    const auto start = roost::clock::now();
    std::deque<roost::ticker> tickers;
    for (int i = 0; i < 20; ++i)
      tickers.emplace_back(1ms + i * 37us);
    std::array<int, 2> ticks{};
    {
      roost::task_scope scope;
      for (int& mine : ticks) {
        scope.spawn([&] {
          roost::selector all;
          for (auto& each : tickers)
            all.add(on_tick(each, [&] { ++mine; }));
          while (mine < wanted)
            all.select();
        });
      }
    }
    CHECK(ticks[0] + ticks[1] == 2 * wanted);
    // No ticker ticked more often than its period allows.
    CHECK(roost::clock::now() - start >= 1ms * (2 * wanted / 20));
  });
}

TEST_CASE("a stop wakes a selector of timers and goes before those that are due", "[selector]") {
  seen waiting = seen::neither;
  seen due = seen::neither;
  std::size_t left = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      roost::selector all;
      all.add(on_timeout(1h));
      waiting = outcome_of([&] { all.select(); });
      all.add(on_deadline(long_ago));
      due = outcome_of([&] { all.select(); });
      left = all.size();
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(waiting == seen::stopped);
  CHECK(due == seen::stopped);
  CHECK(left == 2);
}
