// SPDX-License-Identifier: BSL-1.0
// All that waits for a time, in a bubble: it takes the time of the bubble, exactly, and none of
// ours.
#include <roost.hpp>
#include <roost/testing.hpp>

#include "support/catch.hpp"
#include "support/no_thread_left.hpp"
#include "support/told_texts.hpp"

#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace std::chrono_literals;
using roost::clock;
using roost::testing::bubble;

namespace {

/// For tasks: Catch counts its checks without a lock.
void must(bool holds, roost::site where = roost::site::current()) {
  if (!holds)
    throw std::logic_error("what must hold does not: line " + std::to_string(where.line));
}

/// How long `f()` takes, by roost's clock.
template <class F>
clock::duration length_of(F f) {
  const auto begin = clock::now();
  f();
  return clock::now() - begin;
}

/// What happened, in order.
class diary {
 public:
  void note(const std::string& what) {
    const std::lock_guard guard(mutex_);
    notes_ += notes_.empty() ? what : " " + what;
  }
  const std::string& notes() const { return notes_; }

 private:
  std::mutex mutex_;
  std::string notes_;
};

} // namespace

TEST_CASE("an hour of sleep takes no time in a bubble", "[testing][bubble]") {
  const test::no_thread_left check;
  const auto begin = std::chrono::steady_clock::now();
  bubble([] {
    CHECK(length_of([] { roost::this_task::sleep_for(1h); }) == 1h);
    CHECK(length_of([] { roost::this_task::sleep_until(clock::now() + 24h * 365 * 100); }) ==
          24h * 365 * 100);
    CHECK(length_of([] { roost::this_task::sleep_for(-1h); }) == 0ns);
    CHECK(length_of([] { roost::this_task::sleep_for(1ns); }) == 1ns);
  });
  CHECK(std::chrono::steady_clock::now() - begin < 1h);
}

TEST_CASE("the time of a bubble begins with the system's, and is its own", "[testing][bubble]") {
  const auto before = std::chrono::steady_clock::now();
  bubble([&] {
    CHECK(clock::now() >= before);
    CHECK(clock::now() <= std::chrono::steady_clock::now());
    roost::this_task::sleep_for(1h);
    CHECK(clock::now() > std::chrono::steady_clock::now() + 30min);
  });
  CHECK(clock::now() < before + 30min);
}

TEST_CASE("the time stands still while a task runs", "[testing][bubble]") {
  bubble([](roost::task_scope& scope) {
    const auto begin = clock::now();
    scope.spawn([begin] {
      volatile int work = 0;
      for (int i = 0; i < 1'000'000; ++i)
        work = work + 1;
      must(clock::now() == begin);
    });
    roost::this_task::sleep_for(1ms);
    CHECK(clock::now() == begin + 1ms);
  });
}

TEST_CASE("every operation with a timeout waits by the time of the bubble", "[testing][bubble]") {
  bubble([](roost::task_scope& scope) {
    auto ends = roost::make_channel<int>(1);
    auto& tx = ends.tx;
    auto& rx = ends.rx;
    roost::event never;
    roost::wait_group busy;
    const auto token = busy.enter();
    roost::semaphore taken(1);
    const auto permit = taken.acquire();
    roost::barrier phase(2);
    roost::watch<int> value(0);

    CHECK(length_of([&] { CHECK_FALSE(rx.receive_for(1h)); }) == 1h);
    CHECK(tx.send(1));
    CHECK(length_of([&] { CHECK_FALSE(tx.send_for(2, 2h)); }) == 2h);
    CHECK(length_of([&] { CHECK_FALSE(never.wait_for(3h)); }) == 3h);
    CHECK(length_of([&] { CHECK_FALSE(busy.wait_for(4h)); }) == 4h);
    CHECK(length_of([&] { CHECK_FALSE(taken.acquire_for(5h)); }) == 5h);
    CHECK(length_of([&] { CHECK_FALSE(phase.arrive_and_wait_for(6h)); }) == 6h);
    CHECK(length_of([&] { CHECK_FALSE(never.wait_until(clock::now() + 7h)); }) == 7h);
    auto slow = scope.spawn([] { roost::this_task::sleep_for(9h); });
    CHECK(length_of([&] { CHECK_FALSE(slow.wait_for(8h)); }) == 8h);
    CHECK(length_of([&] { CHECK(scope.wait_for(8h)); }) == 1h);
    CHECK(length_of([&] {
            roost::select(roost::on_receive(rx, [](auto) {}),
                          roost::on_timeout(1h, [] { FAIL("the channel has an item"); }));
          }) == 0h);
    CHECK(length_of([&] {
            roost::select(roost::on_receive(rx, [](auto) { FAIL("there is no item"); }),
                          roost::on_set(never, [] { FAIL("it is never set"); }),
                          roost::on_deadline(clock::now() + 11h, [] {}),
                          roost::on_timeout(10h, [] {}));
          }) == 10h);
  });
}

TEST_CASE("a mutex is waited for by the time of the bubble", "[testing][bubble]") {
  bubble([](roost::task_scope& scope) {
    roost::mutex guarded;
    std::unique_lock held(guarded);
    auto other = scope.spawn([&guarded] {
      must(length_of([&] { must(!guarded.try_lock_for(2h)); }) == 2h);
      must(length_of([&] { guarded.lock(); }) == 1h);
      guarded.unlock();
    });
    roost::this_task::sleep_for(3h);
    held.unlock();
    other.get();
  });
}

TEST_CASE("what is due at the same time happens in the order it was asked for",
          "[testing][bubble]") {
  for (int runs = 0; runs < 20; ++runs) {
    diary seen;
    bubble([&](roost::task_scope& scope) {
      const auto due = clock::now() + 1h;
      for (int i = 0; i < 6; ++i) {
        scope.spawn([&seen, due, i] {
          roost::this_task::sleep_for(i * 1ms); // they ask one after another
          if (i % 2 == 0) {
            roost::this_task::sleep_until(due);
          } else {
            try {
              const roost::task_scope timed({.deadline = due}); // kept by the timekeeper
              roost::event().wait();
            } catch (const roost::timeout_error&) { // it has come
            }
          }
          seen.note(std::to_string(i));
        });
      }
    });
    CHECK(seen.notes() == "0 1 2 3 4 5");
  }
}

TEST_CASE("each that is due goes on until all wait before the next does", "[testing][bubble]") {
  for (int runs = 0; runs < 20; ++runs) {
    diary seen;
    bubble([&](roost::task_scope& scope) {
      const auto due = clock::now() + 1h;
      auto [tx, rx] = roost::make_channel<int>();
      scope.spawn([&seen, due, tx = std::move(tx)]() mutable {
        roost::this_task::sleep_until(due);
        for (int i = 0; i < 3; ++i)
          must(bool(tx.send(i))); // wakes the receiver, and waits for it
        seen.note("sent");
      });
      scope.spawn([&seen, due] {
        roost::this_task::sleep_for(1ms);
        roost::this_task::sleep_until(due);
        seen.note("late");
      });
      for (int i = 0; i < 3; ++i) {
        CHECK(*rx.receive() == i);
        seen.note("got" + std::to_string(i));
      }
    });
    CHECK(seen.notes().substr(0, 9) == "got0 got1");
    CHECK(seen.notes().substr(seen.notes().size() - 4) == "late");
  }
}

TEST_CASE("a ticker ticks by the time of the bubble", "[testing][bubble]") {
  bubble([](roost::task_scope& scope) {
    roost::ticker every(1min);
    CHECK(length_of([&] {
            for (int i = 0; i < 60; ++i)
              every.wait();
          }) == 1h);
    roost::this_task::sleep_for(5min + 30s); // one tick is pending
    CHECK(length_of([&] { every.wait(); }) == 0s);

    int ticks = 0;
    scope.spawn([&] {
      roost::ticker second(1s);
      while (ticks < 100)
        roost::select(roost::on_tick(second, [&] { ++ticks; }));
    });
    CHECK(length_of([&] { scope.join(); }) == 100s);
  });
}

TEST_CASE("a scope's timeout comes by the time of the bubble", "[testing][bubble]") {
  bubble([] {
    CHECK(length_of([] {
            CHECK_THROWS_AS(roost::with_scope({.timeout = 1h},
                                              [](roost::task_scope& inner) {
                                                inner.spawn([] { roost::event().wait(); });
                                              }),
                            roost::timeout_error);
          }) == 1h);
    // The earlier one, also inside.
    CHECK(length_of([] {
            CHECK_THROWS_AS(roost::with_scope({.timeout = 2h},
                                              [](roost::task_scope& outer) {
                                                outer.spawn([] {
                                                  roost::task_scope inner({.timeout = 3h});
                                                  inner.spawn(
                                                      [] { roost::this_task::sleep_for(100h); });
                                                });
                                              }),
                            roost::timeout_error);
          }) == 2h);
  });
}

TEST_CASE("a bubble's own deadline is inherited as any", "[testing][bubble]") {
  bubble([](roost::task_scope& scope) {
    const auto due = clock::now() + 1h;
    scope.spawn([due] {
      const roost::task_scope timed({.deadline = due});
      must(roost::this_task::deadline() == due);
    });
  });
}

TEST_CASE("a shield's limit counts by the time of the bubble", "[testing][bubble]") {
  bubble([](roost::task_scope& scope) {
    clock::duration shielded{};
    scope.spawn([&] {
      try {
        roost::event().wait();
      } catch (const roost::stopped&) {
        shielded = length_of([] {
          const roost::shield s(10min);
          try {
            roost::this_task::sleep_for(1h);
            must(false);
          } catch (const roost::stopped&) { // the limit is over
          }
        });
        throw;
      }
    });
    roost::this_task::sleep_for(1s);
    scope.request_stop();
    CHECK(scope.wait_for(1h));
    CHECK(shielded == 10min);
  });
}

TEST_CASE("retries with a back-off over an hour are seen exactly", "[testing][bubble]") {
  bubble([] {
    std::vector<clock::duration> tried_at;
    const auto begin = clock::now();
    for (auto pause = 1s; tried_at.size() < 12; pause *= 2) {
      tried_at.push_back(clock::now() - begin);
      roost::this_task::sleep_for(pause);
    }
    CHECK(tried_at.back() == 2047s);
    CHECK(clock::now() - begin == 4095s);
  });
}

TEST_CASE("parallel work takes the time of its longest part", "[testing][bubble]") {
  bubble([] {
    const auto sleep = [](int hours) { roost::this_task::sleep_for(hours * 1h); };
    CHECK(length_of([&] {
            roost::when_all([&] { sleep(1); }, [&] { sleep(3); }, [&] { sleep(2); });
          }) == 3h);
    CHECK(length_of([&] {
            roost::when_any([&] { sleep(2); }, [&] { sleep(1); }, [&] { sleep(3); });
          }) == 1h);
    const std::vector<int> hours{1, 1, 1, 1, 1, 1};
    CHECK(length_of([&] { roost::for_each(hours, sleep, {.limit = 2}); }) == 3h);
    // Forks in forks: none waits for a time to get its thread.
    CHECK(length_of([&] {
            roost::when_all([&] { roost::when_all([&] { sleep(1); }, [&] { sleep(1); }); },
                            [&] { roost::when_all([&] { sleep(1); }, [&] { sleep(1); }); });
          }) == 1h);
  });
}

TEST_CASE("what lies beyond all that the clock can tell never comes", "[testing][bubble]") {
  const auto three_centuries = [] {
    constexpr auto century = std::chrono::hours(24) * 365 * 100;
    for (int i = 0; i < 3; ++i)
      roost::this_task::sleep_for(century);
  };
  const test::told_texts sink;
  CHECK_THROWS_AS(bubble(three_centuries), roost::deadlock_error);
}

TEST_CASE("any patience will do", "[testing][bubble]") {
  for (const auto patience : {std::chrono::hours::max(), std::chrono::hours(0)}) {
    bubble({.patience = patience}, [](roost::task_scope& scope) {
      scope.spawn([] { roost::this_task::sleep_for(1h); });
      roost::this_task::sleep_for(2h);
    });
  }
}
