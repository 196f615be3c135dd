// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using roost::barrier;
using roost::on_phase_end;
using roost::on_timeout;
using roost::otherwise;
using test::outcome_of;
using test::seen;

namespace {

struct arrive_form {
  const char* name;
  bool (*arrive)(barrier&);
};

const arrive_form forms[] = {
    {"arrive_and_wait",
     [](barrier& b) {
       b.arrive_and_wait();
       return true;
     }},
    {"arrive_and_wait_for", [](barrier& b) { return b.arrive_and_wait_for(1h); }},
    {"arrive_and_wait_until",
     [](barrier& b) { return b.arrive_and_wait_until(roost::clock::now() + 1h); }},
    {"arrive and wait",
     [](barrier& b) {
       b.wait(b.arrive());
       return true;
     }},
    {"arrive and wait_for", [](barrier& b) { return b.wait_for(b.arrive(), 1h); }},
    {"arrive and wait_until",
     [](barrier& b) { return b.wait_until(b.arrive(), roost::clock::now() + 1h); }},
};

} // namespace

TEST_CASE("a barrier stays where it is", "[barrier]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<barrier>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<barrier>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<barrier>);
  STATIC_REQUIRE(std::is_trivially_copyable_v<barrier::arrival_token>);
}

TEST_CASE("a barrier for no thread is refused", "[barrier]") {
  CHECK(test::thrown_by([] { barrier b(0); }).find("wait_group") != std::string::npos);
  CHECK_THROWS_AS(barrier((std::numeric_limits<std::size_t>::max)()), std::invalid_argument);
}

TEST_CASE("none goes through a barrier before all have arrived", "[barrier]") {
  const auto& form = forms[GENERATE(range(0, 6))];
  CAPTURE(form.name);
  constexpr std::size_t count = 5;
  barrier b(count);
  std::atomic<int> through = 0;
  roost::task_scope scope;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    scope.spawn([&] { through += form.arrive(b); });
    test::wait_until_waiting(b, i + 1);
    CHECK(through == 0);
  }
  CHECK(form.arrive(b)); // waits no more
  scope.join();
  CHECK(through == count - 1);
  CHECK(test::waiting(b) == 0);
}

TEST_CASE("threads go through the phases of a barrier together", "[barrier]") {
  const auto& form = forms[GENERATE(range(0, 6))];
  CAPTURE(form.name);
  constexpr int phases = 100;
  constexpr int count = 4;
  barrier b(count);
  std::atomic<int> arrived[phases] = {};
  std::atomic<int> wrong = 0;
  {
    roost::task_scope scope;
    for (int i = 0; i < count; ++i) {
      scope.spawn([&] {
        for (auto& phase : arrived) {
          ++phase;
          wrong += !form.arrive(b);
          wrong += phase != count;
        }
      });
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a barrier of one thread holds up nobody", "[barrier]") {
  barrier b(1);
  for (const auto& form : forms)
    CHECK(form.arrive(b));
}

TEST_CASE("a phase that is over stays over", "[barrier]") {
  barrier b(2);
  const auto first = b.arrive();
  CHECK_FALSE(b.wait_for(first, 0ns));
  (void)b.arrive();
  b.wait(first);
  const auto second = b.arrive();
  CHECK(b.wait_for(first, -1h));
  CHECK_FALSE(b.wait_until(second, roost::clock::time_point::min()));
  b.wait(first);
}

TEST_CASE("a thread that drops is not waited for any more", "[barrier]") {
  barrier b(3);
  roost::task_scope scope;
  auto one = scope.spawn([&] { b.arrive_and_wait(); });
  auto two = scope.spawn([&] { b.arrive_and_wait(); });
  test::wait_until_waiting(b, 2);
  b.arrive_and_drop(); // as the last one of this phase
  one.get();
  two.get();
  auto again = scope.spawn([&] { b.arrive_and_wait(); });
  test::wait_until_waiting(b, 1);
  b.arrive_and_wait();
  again.get();
  b.arrive_and_drop(); // as the first one
  b.arrive_and_wait();
  b.arrive_and_drop();
  CHECK_THROWS_AS(b.arrive_and_drop(), std::logic_error);
  CHECK_THROWS_AS(b.arrive(), std::logic_error);
  CHECK(test::thrown_by([&] { b.arrive_and_wait(); }).find("all have dropped") !=
        std::string::npos);
}

TEST_CASE("who gives up at a barrier has not arrived", "[barrier]") {
  test::bubble([&] {
    barrier b(2);
    const auto start = roost::clock::now();
    CHECK_FALSE(b.arrive_and_wait_for(1h));
    CHECK(roost::clock::now() == start + 1h);
    CHECK_FALSE(b.arrive_and_wait_until(start));
    CHECK(test::waiting(b) == 0);
    const auto phase = b.arrive();
    CHECK_FALSE(b.wait_for(phase, 0ns)); // what arrive() has counted stays
    CHECK(b.arrive_and_wait_for(0ns));
    CHECK(b.wait_for(phase, 0ns));
  });
}

TEST_CASE("who is stopped at a barrier has not arrived", "[barrier]") {
  const auto& form = forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  barrier b(2);
  seen outcome[2] = {};
  {
    roost::task_scope scope;
    scope.spawn([&] {
      for (seen& each : outcome)
        each = outcome_of([&] { form.arrive(b); });
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(outcome[0] == seen::stopped);
  CHECK(outcome[1] == seen::stopped);
  CHECK(test::waiting(b) == 0);
  const auto phase = b.arrive();
  CHECK_FALSE(b.wait_for(phase, 0ns));
  (void)b.arrive();
  CHECK(b.wait_for(phase, 0ns));
}

TEST_CASE("a stop wakes who waits for a phase in which it has arrived", "[barrier]") {
  const auto& form = forms[GENERATE(3, 4, 5)];
  CAPTURE(form.name);
  barrier b(2);
  seen outcome = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] { outcome = outcome_of([&] { form.arrive(b); }); });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(outcome == seen::stopped);
  CHECK(b.arrive_and_wait_for(0ns)); // that arrival has stayed
}

TEST_CASE("a phase that was over before the stop is over for all", "[barrier]") {
  barrier b(2);
  bool through = false;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      b.arrive_and_wait();
      through = true;
    });
    test::wait_until_waiting(b, 1);
    (void)b.arrive();
    scope.request_stop();
  }
  CHECK(through);
}

TEST_CASE("a failed task wakes those who wait for it at a barrier", "[barrier]") {
  test::bubble([&] {
    barrier b(3);
    CHECK_THROWS_AS(roost::with_scope([&](roost::task_scope& scope) {
                      scope.spawn([&] { b.arrive_and_wait(); });
                      scope.spawn([] { throw std::out_of_range("the cause"); });
                      b.arrive_and_wait();
                    }),
                    std::out_of_range);
    CHECK_THROWS_AS(
        roost::with_scope({.timeout = 1h}, [&](roost::task_scope&) { b.arrive_and_wait(); }),
        roost::timeout_error);
    const auto phase = b.arrive();
    (void)b.arrive();
    CHECK_FALSE(b.wait_for(phase, 0ns)); // none of theirs is counted
  });
}

TEST_CASE("plain threads wait at a barrier", "[barrier]") {
  barrier b(3);
  int written[3] = {};
  int sums[3] = {};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] {
        written[i] = i + 1;
        b.arrive_and_wait();
        sums[i] = written[0] + written[1] + written[2];
      });
    }
  }
  for (const int sum : sums)
    CHECK(sum == 6);
}

TEST_CASE("whoever returns from a barrier last may destroy it at once", "[barrier]") {
  for (int turn = 0; turn < 100; ++turn) {
    auto b = std::make_unique<barrier>(2U);
    barrier& shared = *b;
    roost::task_scope scope;
    scope.spawn([&, mine = std::move(b)]() mutable {
      mine->arrive_and_wait();
      mine.reset();
    });
    if (turn % 2 == 0)
      test::wait_until_waiting(shared, 1);
    (void)shared.arrive();
  }
}

TEST_CASE("a select waits for the end of a phase", "[barrier]") {
  roost::barrier b(2);
  const auto phase = b.arrive();
  CHECK(roost::select(on_phase_end(b, phase), otherwise()) == 1);
  roost::task_scope scope;
  std::atomic<int> handled = 0;
  scope.spawn([&] { roost::select(on_timeout(1h), on_phase_end(b, phase, [&] { ++handled; })); });
  scope.spawn([&] {
    roost::selector all;
    all.add(on_phase_end(b, phase, [&] { ++handled; }));
    all.select();
    handled += all.empty() ? 10 : 0;
  });
  test::wait_until_waiting(b, 2);
  (void)b.arrive();
  scope.join();
  CHECK(handled == 12);
  CHECK(roost::select(on_phase_end(b, phase), otherwise()) == 0); // it stays over
}

TEST_CASE("a stop wakes a select for a phase", "[barrier]") {
  barrier b(2);
  const auto phase = b.arrive();
  seen outcome = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] { outcome = outcome_of([&] { roost::select(on_phase_end(b, phase)); }); });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(outcome == seen::stopped);
  CHECK(test::waiting(b) == 0);
}
