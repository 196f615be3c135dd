// SPDX-License-Identifier: BSL-1.0
// What a bubble is, beside its time: how it ends, what it tells, and what is outside of it.
#include <roost.hpp>
#include <roost/testing.hpp>

#include "support/another_thread.hpp"
#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/told_texts.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

using namespace std::chrono_literals;
using roost::clock;
using roost::detail::sync::thread_state;
using roost::testing::bubble;
using roost::testing::bubble_options;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// For tasks: Catch counts its checks without a lock.
void must(bool holds, roost::site where = roost::site::current()) {
  if (!holds)
    throw std::logic_error("what must hold does not: line " + std::to_string(where.line));
}

/// The text of the deadlock_error that a bubble with `body` throws; empty for none.
template <class F>
std::string deadlock_in(F body) {
  try {
    bubble({.patience = 1h}, body);
  } catch (const roost::deadlock_error& e) {
    CHECK_FALSE(e.what_waits().tasks.empty());
    return e.what();
  }
  return {};
}

} // namespace

TEST_CASE("a body with or without its scope, and what it throws", "[testing][bubble]") {
  const test::no_thread_left check;
  int calls = 0;
  bubble([&] { ++calls; });
  bubble([&](roost::task_scope& scope) { scope.spawn([&] { ++calls; }); });
  bubble(bubble_options{}, [&]() mutable { ++calls; });
  CHECK(calls == 3);
  CHECK_THROWS_AS(bubble([] { throw std::runtime_error("body"); }), std::runtime_error);
  CHECK_THROWS_AS(bubble([](roost::task_scope& scope) {
                    scope.spawn([] {
                      roost::this_task::sleep_for(1h);
                      throw std::invalid_argument("task");
                    });
                    roost::this_task::sleep_for(2h);
                  }),
                  std::invalid_argument);
  bubble([](roost::task_scope& scope) {
    scope.request_stop();
    roost::this_task::sleep_for(1h); // ends the body, as in with_scope
  });
}

TEST_CASE("a bubble returns what its body returns", "[testing][bubble]") {
  int outside = 1;
  const auto hours = bubble([&](roost::task_scope& scope) {
    const auto begin = clock::now();
    scope.spawn([] { roost::this_task::sleep_for(3h); }).get();
    return std::make_unique<clock::duration>(clock::now() - begin);
  });
  CHECK(*hours == 3h);
  CHECK(&bubble({.patience = 1s}, [&]() -> int& { return outside; }) == &outside);
  STATIC_REQUIRE(std::is_void_v<decltype(bubble([] {}))>);
  STATIC_REQUIRE(std::is_same_v<int&, decltype(bubble([]() -> int& { throw 1; }))>);
  CHECK_THROWS_AS(bubble([]() -> int { throw std::runtime_error("body"); }), std::runtime_error);
  const auto asked_to_stop = [](roost::task_scope& scope) {
    scope.request_stop();
    roost::this_task::sleep_for(1h);
    return 1; // not reached: there is nothing to return
  };
  CHECK_THROWS_AS(bubble(asked_to_stop), roost::stopped);
}

TEST_CASE("a deadlock in a bubble is thrown with its report", "[testing][bubble]") {
  const test::no_thread_left check;
  const test::told_texts sink;
  const std::string of_channel = deadlock_in([](roost::task_scope& scope) {
    auto [tx, rx] = roost::make_channel<int>(2, "rows");
    scope.spawn("parse", [tx = std::move(tx)]() mutable {
      while (tx.send(1)) {
      }
    });
    auto kept = std::move(rx);
    scope.spawn("sleep", [] { roost::this_task::sleep_for(1h); });
    roost::event().wait();
  });
  CHECK(contains(of_channel, "DEADLOCK"));
  CHECK(contains(of_channel, "\"parse\""));
  CHECK(contains(of_channel, "sender::send on \"rows\""));
  CHECK_FALSE(contains(of_channel, "\"sleep\"")); // that one has ended an hour later
  INFO(of_channel);
  CHECK(contains(of_channel, "blocked 1 h"));

  const std::string of_event = deadlock_in(
      [](roost::task_scope& scope) { scope.spawn("lonely", [] { roost::event().wait(); }); });
  CHECK(contains(of_event, "\"lonely\""));
  CHECK(sink.all().empty());
}

TEST_CASE("what a thread outside has used may be in a deadlock of a bubble", "[testing][bubble]") {
  auto [tx, rx] = roost::make_channel<int>(1);
  CHECK(tx.send(1));
  CHECK_FALSE(tx.send_for(2, 1ms)); // a thread that is in no bubble has waited there
  CHECK(*rx.receive() == 1);
  const std::string text = deadlock_in([&rx = rx](roost::task_scope& scope) {
    scope.spawn("reader", [&rx] { (void)rx.receive(); });
  });
  CHECK(contains(text, "\"reader\""));
}

TEST_CASE("the stop of a deadlock may take its time", "[testing][bubble]") {
  clock::duration cleaned{};
  const std::string text = deadlock_in([&](roost::task_scope& scope) {
    scope.spawn([&] {
      try {
        roost::event().wait();
      } catch (const roost::stopped&) {
        const auto begin = clock::now();
        const roost::shield s(1min);
        roost::this_task::sleep_for(30s);
        cleaned = clock::now() - begin;
        throw;
      }
    });
  });
  CHECK(contains(text, "DEADLOCK"));
  CHECK(cleaned == 30s);
}

TEST_CASE("no time passes while something outside may wake a task", "[testing][bubble]") {
  for (int runs = 0; runs < 20; ++runs) {
    roost::event from_outside;
    std::optional<roost::outside_waker> waker;
    test::gate waits;
    std::thread outside([&] {
      waits.wait_for_arrivals(1);
      from_outside.set();
      waker.reset();
    });
    bubble([&](roost::task_scope& scope) {
      waker.emplace(scope);
      const auto begin = clock::now();
      scope.spawn([&] { must(from_outside.wait_for(1h)); });
      scope.spawn([&] {
        waits.open();
        waits.pass();
      });
      from_outside.wait();
      CHECK(clock::now() == begin);
      roost::this_task::sleep_for(1h);
      CHECK(clock::now() == begin + 1h);
    });
    outside.join();
  }
}

TEST_CASE("a waker that goes from outside lets the time pass, or tells of the deadlock",
          "[testing][bubble]") {
  for (int runs = 0; runs < 20; ++runs) {
    std::optional<roost::outside_waker> waker;
    const bool sleeps = runs % 2 == 0;
    test::gate made;
    std::thread outside([&] {
      made.wait_for_arrivals(1);
      waker.reset();
      made.open();
    });
    const auto body = [&](roost::task_scope& scope) {
      waker.emplace(scope);
      scope.spawn([&] { made.pass(); });
      if (sleeps)
        roost::this_task::sleep_for(1h);
      else
        roost::event().wait();
    };
    if (sleeps)
      bubble(body);
    else
      CHECK_THROWS_AS(bubble(body), roost::deadlock_error);
    outside.join();
  }
}

TEST_CASE("bubbles at the same time have their own times", "[testing][bubble]") {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 1; i <= 4; ++i) {
    threads.emplace_back([&right, i] {
      for (int runs = 0; runs < 25; ++runs) {
        bubble([&](roost::task_scope& scope) {
          const auto begin = clock::now();
          for (int tasks = 0; tasks < 4; ++tasks)
            scope.spawn([i] { roost::this_task::sleep_for(i * 1h); });
          scope.join();
          if (clock::now() - begin == i * 1h)
            ++right;
        });
      }
    });
  }
  for (std::thread& t : threads)
    t.join();
  CHECK(right == 100);
}

TEST_CASE("a bubble in a task is a world of its own", "[testing][bubble]") {
  const test::no_thread_left check;
  bool ended = false;
  roost::task_scope scope;
  scope.spawn("test", [&] {
    roost::task_scope around;
    const auto before = clock::now();
    bubble([&] {
      scope.request_stop(); // reaches the task, and not its bubble
      CHECK(roost::this_task::name().empty());
      CHECK_FALSE(roost::this_task::stop_requested());
      roost::this_task::sleep_for(1h);
    });
    CHECK(clock::now() < before + 30min);
    CHECK(roost::this_task::name() == "test");
    CHECK(roost::this_task::stop_requested());
    ended = true;
  });
  CHECK(scope.wait_for(1h));
  CHECK(ended);
}

TEST_CASE("threads outside see their own time, and wake those inside", "[testing][bubble]") {
  auto [tx, rx] = roost::make_channel<int>(0);
  auto [back, answers] = roost::make_channel<int>(0);
  std::atomic<bool> sent{true};
  std::thread echo([&sent, rx = std::move(rx), back = std::move(back)]() mutable {
    for (const int i : rx)
      sent = sent && back.send(i);
  });
  bubble([tx = std::move(tx), answers = std::move(answers)](roost::task_scope& scope) mutable {
    const roost::outside_waker echoes(scope);
    scope.spawn([] { roost::this_task::sleep_for(1h); });
    for (int i = 0; i < 100; ++i) {
      CHECK(tx.send(i));
      CHECK(*answers.receive() == i);
    }
  });
  echo.join();
  CHECK(sent);
}

TEST_CASE("a bubble inside a bubble is refused", "[testing][bubble]") {
  CHECK_THROWS_AS(bubble([] { bubble([] {}); }), std::logic_error);
  CHECK_THROWS_AS(bubble([](roost::task_scope& scope) { scope.spawn([] { bubble([] {}); }); }),
                  std::logic_error);
}

TEST_CASE("a scope of a bubble that outlives it is told of", "[testing][bubble]") {
  test::gate runs;
  std::unique_ptr<roost::background_scope> outlives;
  CHECK_THROWS_AS(bubble([&] {
                    outlives = std::make_unique<roost::background_scope>();
                    outlives->spawn([&] { runs.pass(); });
                    runs.wait_for_arrivals(1);
                  }),
                  std::logic_error);
  runs.open();
}

TEST_CASE("a background_scope in a bubble lives by its time", "[testing][bubble]") {
  bubble([] {
    const auto begin = clock::now();
    {
      std::atomic<int> rounds{0};
      roost::background_scope all;
      all.spawn([&] {
        for (;; ++rounds)
          roost::this_task::sleep_for(1min);
      });
      roost::this_task::sleep_for(1h + 30s);
      CHECK(rounds == 60);
    }
    CHECK(clock::now() == begin + 1h + 30s);
  });
}

TEST_CASE("callbacks of a stop may wait in a bubble", "[testing][bubble]") {
  bubble([] {
    const auto begin = clock::now();
    const auto wait = [] { // by the thread that keeps the time, or the one that was stopped
      const roost::shield s(2h);
      roost::this_task::sleep_for(1h);
    };
    std::optional<std::stop_callback<decltype(wait)>> called; // outside: its end would wait for it
    CHECK_THROWS_AS(roost::with_scope({.timeout = 1h},
                                      [&](roost::task_scope& timed) {
                                        called.emplace(timed.get_stop_token(), wait);
                                        roost::event().wait();
                                      }),
                    roost::timeout_error);
    CHECK(clock::now() - begin == 2h); // the end of the scope waits for the callback
  });
}

TEST_CASE("a thread outside may spawn into a scope of a bubble", "[testing][bubble]") {
  bool slept = false;
  bubble([&](roost::task_scope& scope) {
    const roost::outside_waker known(scope);
    std::thread([&] {
      scope.spawn([&] {
        const auto begin = clock::now();
        roost::this_task::sleep_for(1h);
        slept = clock::now() == begin + 1h;
      });
    }).join();
  });
  CHECK(slept);
}

TEST_CASE("a scope that is kept outside of its bubble is refused, and can be used",
          "[testing][bubble]") {
  std::unique_ptr<roost::background_scope> kept;
  CHECK_THROWS_AS(bubble([&] { kept = std::make_unique<roost::background_scope>(); }),
                  std::logic_error);
  { const roost::outside_waker known(*kept); }
  kept.reset();
  bubble([] { roost::this_task::sleep_for(1h); });
}

TEST_CASE("a thread of one bubble that another one joins is waited for outside",
          "[testing][bubble]") {
  // Ends once the thread that joins it sleeps.
  struct ends_when_joined {
    std::atomic<std::uint64_t> joiner{0};
    static void run(void* on) {
      const auto& joined_by = static_cast<ends_when_joined*>(on)->joiner;
      test::wait_until([&] { return joined_by != 0; });
      test::wait_until([&] {
        const std::string_view state = thread_state(joined_by);
        return state == "sleeping" || state.empty(); // not every system says it
      });
    }
  } on;
  roost::detail::sync::thread kept;
  CHECK_THROWS_AS(bubble([&] {
                    kept = roost::detail::start_thread(
                        &ends_when_joined::run, &on, roost::detail::sync::bubble_here);
                  }),
                  std::logic_error);
  bubble([&] {
    on.joiner = roost::detail::sync::thread_number();
    kept.join();
    roost::this_task::sleep_for(1h);
  });
}
