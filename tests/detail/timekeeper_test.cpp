// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

class test_timer final : public roost::detail::timer {
 public:
  explicit test_timer(std::function<void()> f) : f_(std::move(f)) {}

 private:
  void expired() noexcept override { f_(); }
  std::function<void()> f_;
};

} // namespace

TEST_CASE("a scope without a deadline needs nobody to keep the time", "[timekeeper]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  const roost::task_scope scope;
  const roost::task_scope nested;
  CHECK(test::count_threads() == before);
}

TEST_CASE("one thread keeps the time of all scopes inside an outermost one", "[timekeeper]") {
  const test::no_thread_left check;
  if (!test::can_count_threads())
    return;
  const std::size_t before = test::count_threads();
  {
    roost::task_scope outermost({.timeout = 1h});
    CHECK(test::count_threads() == before + 1);
    const roost::task_scope nested({.timeout = 30min});
    const roost::task_scope unlinked({.timeout = 2h, .inherit = false});
    const roost::shield s(1min);
    const roost::stop_when when{std::stop_token()};
    const roost::task_scope under({.timeout = 10min});
    CHECK(test::count_threads() == before + 1);
    auto in_task = outermost.spawn([before] {
      const roost::task_scope of_task({.timeout = 10min});
      return test::count_threads() - before; // the timekeeper and this one
    });
    CHECK(in_task.get() == 2);
  }
  CHECK(test::threads_back_to(before));
}

TEST_CASE("the last time that the clock has does not come, and keeps no other from coming",
          "[timekeeper]") {
  const test::no_thread_left check;
  constexpr roost::clock::time_point last = roost::detail::no_deadline - roost::clock::duration(1);
  std::atomic<int> of_last{0};
  std::atomic<int> of_first{0};
  test_timer far_away([&] { ++of_last; });
  test_timer first([&] { ++of_first; });
  roost::detail::timekeeper keeper;
  keeper.add(far_away, last);
  keeper.add(first, roost::clock::now() + 1ms);
  test::wait_until([&] { return of_first == 1; });
  keeper.add(first, roost::clock::time_point{}); // long past
  test::wait_until([&] { return of_first == 2; });
  keeper.remove(far_away);
  CHECK(of_last == 0);
}

TEST_CASE("a scope that does not cover its owner has a timekeeper of its own", "[timekeeper]") {
  const test::no_thread_left check;
  if (!test::can_count_threads())
    return;
  const roost::task_scope outermost({.timeout = 1h});
  const std::size_t before = test::count_threads();
  {
    const roost::task_scope member({.timeout = 20min, .covers_owner = false});
    CHECK(test::count_threads() == before + 1);
  }
  CHECK(test::threads_back_to(before));
}

TEST_CASE("the timekeeper starts with the first deadline even if that is a nested scope's",
          "[timekeeper]") {
  const test::no_thread_left check;
  if (!test::can_count_threads())
    return;
  const std::size_t before = test::count_threads();
  roost::task_scope outermost;
  {
    const roost::task_scope nested({.timeout = 1h});
    CHECK(test::count_threads() == before + 1);
  }
  {
    const roost::task_scope another({.timeout = 1h});
    CHECK(test::count_threads() == before + 1); // the same one
  }
  outermost.join();
  CHECK(test::threads_back_to(before));
}

TEST_CASE("deadlines come in their order however they were made", "[timekeeper]") {
  const test::no_thread_left check;
  test::bubble([] {
    std::vector<int> order;
    std::vector<std::unique_ptr<test_timer>> timers;
    roost::detail::timekeeper keeper; // one for all, as a scope and those inside it have
    const auto start = roost::clock::now();
    for (const int time : {3, 1, 5, 2, 4}) {
      timers.push_back(std::make_unique<test_timer>([time, &order] { order.push_back(time); }));
      keeper.add(*timers.back(), start + time * 1h);
    }
    test::let_pass(6h);
    CHECK(order == std::vector<int>{1, 2, 3, 4, 5});
  });
}

TEST_CASE("the same deadline stops all scopes that have it", "[timekeeper]") {
  const test::no_thread_left check;
  const roost::task_scope outermost;
  const auto deadline = roost::clock::now() + 20ms;
  std::vector<std::unique_ptr<roost::task_scope>> scopes;
  for (int i = 0; i < 50; ++i) {
    scopes.push_back(std::make_unique<roost::task_scope>(
        roost::scope_options{.deadline = deadline, .covers_owner = false}));
  }
  for (const auto& scope : scopes)
    test::wait_until([&] { return scope->stop_requested(); });
  CHECK(roost::clock::now() >= deadline);
}

TEST_CASE("a scope that ends before its deadline is forgotten", "[timekeeper]") {
  const test::no_thread_left check;
  roost::task_scope outermost({.timeout = 1h});
  for (int i = 0; i < 200; ++i)
    const roost::task_scope nested({.timeout = std::chrono::microseconds(i)});
  CHECK_FALSE(outermost.stop_requested());
}

TEST_CASE("a callback that a deadline runs cannot wait for that scope", "[timekeeper]") {
  const test::no_thread_left check;
  std::error_code code;
  bool called = false;
  test::bubble([&] {
    roost::task_scope scope({.timeout = 1h, .covers_owner = false});
    const std::stop_callback callback(scope.get_stop_token(), [&] {
      called = true;
      try {
        (void)scope.wait_for(1h);
      } catch (const std::system_error& e) {
        code = e.code();
      }
    });
    test::let_pass(2h);
  });
  CHECK(called);
  CHECK(code == std::errc::resource_deadlock_would_occur);
}

TEST_CASE("a timer that was removed never runs", "[timekeeper]") {
  const test::no_thread_left check;
  bool ran = false;
  std::atomic<bool> later{false};
  test_timer removed([&] { ran = true; });
  test_timer last([&] { later = true; });
  roost::detail::timekeeper keeper;
  const auto now = roost::clock::now();
  keeper.add(removed, now + 10ms);
  keeper.add(last, now + 20ms);
  keeper.remove(removed);
  const bool in_time = roost::clock::now() < now + 10ms;
  test::wait_until([&] { return later.load(); });
  CHECK((!ran || !in_time));
  keeper.remove(removed); // again, and one that is over
  keeper.remove(last);
}

TEST_CASE("removing a timer waits for its call that is under way", "[timekeeper]") {
  const test::no_thread_left check;
  test::gate gate;
  std::atomic<bool> ended{false};
  test_timer slow([&] {
    gate.pass();
    ended = true;
  });
  roost::detail::timekeeper keeper;
  keeper.add(slow, roost::clock::now());
  gate.wait_for_arrivals(1);
  bool ended_before_remove_returned = false;
  {
    const std::jthread remover([&] {
      keeper.remove(slow);
      ended_before_remove_returned = ended;
    });
    gate.open();
  }
  CHECK(ended_before_remove_returned);
}

TEST_CASE("a timer may remove itself and add itself again", "[timekeeper]") {
  const test::no_thread_left check;
  std::atomic<int> rounds{0};
  roost::detail::timekeeper keeper;
  std::optional<test_timer> again;
  again.emplace([&] {
    keeper.remove(*again);
    if (++rounds < 5)
      keeper.add(*again, roost::clock::now() + 1ms);
  });
  keeper.add(*again, roost::clock::now());
  test::wait_until([&] { return rounds == 5; });
  keeper.remove(*again);
}

TEST_CASE("an earlier timer that comes later runs first", "[timekeeper]") {
  const test::no_thread_left check;
  std::atomic<bool> early_ran{false};
  test_timer late([] {});
  test_timer early([&] { early_ran = true; });
  roost::detail::timekeeper keeper;
  keeper.add(late, roost::clock::now() + 24h);
  keeper.add(early, roost::clock::now() + 1ms);
  test::wait_until([&] { return early_ran.load(); });
  keeper.remove(late);
}
