// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/busy_scope.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// A limit bounds how many tasks of a scope run at once. The others are in the queue.

using namespace std::chrono_literals;
using test::busy_scope;

namespace {

/// How many are inside at once.
class attendance {
 public:
  void enter() {
    const int now = ++inside_;
    for (int most = most_; most < now && !most_.compare_exchange_weak(most, now);) {
    }
  }
  void leave() { --inside_; }
  int most() const { return most_; }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> most_{0};
};

std::vector<int> numbers_below(int end) {
  std::vector<int> numbers(static_cast<std::size_t>(end));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::thread::id id_here() {
  return std::this_thread::get_id();
}

} // namespace

TEST_CASE("never more tasks run than the limit lets", "[task_scope]") {
  const test::no_thread_left check;
  const int limit = GENERATE(1, 2, 4);
  constexpr int tasks = 60;
  test::gate first_ones;
  attendance inside;
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = static_cast<std::size_t>(limit)});
  for (int i = 0; i < tasks; ++i) {
    scope.spawn([&] {
      inside.enter();
      first_ones.pass();
      ++ran;
      inside.leave();
    });
  }
  first_ones.wait_for_arrivals(limit);
  CHECK(test::scope_probe::queued(scope) == static_cast<std::size_t>(tasks - limit));
  CHECK(test::scope_probe::started_tasks(scope) == static_cast<std::size_t>(limit));
  first_ones.open();
  scope.join();
  CHECK(inside.most() == limit);
  CHECK(ran == tasks);
}

TEST_CASE("the limit holds whoever spawns", "[task_scope]") {
  const test::no_thread_left check;
  const int limit = GENERATE(1, 2, 4);
  attendance inside;
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = static_cast<std::size_t>(limit), .backlog = 3});
  const std::function<void(int)> spawn_more = [&](int depth) {
    for (int i = 0; i < 3; ++i) {
      scope.spawn([&, depth] {
        inside.enter();
        ++ran;
        if (depth > 0)
          spawn_more(depth - 1);
        inside.leave();
      });
    }
  };
  {
    const std::jthread outside([&] { spawn_more(2); });
    spawn_more(2);
  }
  scope.join();
  CHECK(inside.most() <= limit);
  CHECK(ran == 2 * (3 + 9 + 27));
}

TEST_CASE("a limit may be so large that it is none", "[task_scope]") {
  const test::no_thread_left check;
  const auto limit = GENERATE(std::size_t{40}, roost::unlimited);
  test::gate all;
  roost::task_scope scope({.limit = limit, .backlog = 0});
  for (int i = 0; i < 40; ++i)
    scope.spawn([&] { all.pass(); });
  all.wait_for_arrivals(40);
  all.open();
  scope.join(); // before the gate goes
}

TEST_CASE("tasks in the queue begin first come first served", "[task_scope]") {
  const test::no_thread_left check;
  std::vector<int> order;
  busy_scope one;
  for (const int i : numbers_below(50))
    one.scope.spawn([&order, i] { order.push_back(i); });
  test::wait_until_queued(one.scope, 50);
  one.busy.open();
  one.scope.join();
  CHECK(order == numbers_below(50));
}

TEST_CASE("tasks in the queue are run by the threads that run already", "[task_scope]") {
  const test::no_thread_left check;
  const int limit = GENERATE(1, 2);
  test::gate busy;
  std::mutex mutex;
  std::set<std::thread::id> first;
  std::set<std::thread::id> later;
  roost::task_scope scope({.limit = static_cast<std::size_t>(limit)});
  for (int i = 0; i < limit; ++i) {
    scope.spawn([&] {
      busy.pass();
      const std::lock_guard lock(mutex);
      first.insert(id_here());
    });
  }
  for (int i = 0; i < 20; ++i) {
    scope.spawn([&] {
      const std::lock_guard lock(mutex);
      later.insert(id_here());
    });
  }
  busy.open();
  scope.join();
  CHECK(std::includes(first.begin(), first.end(), later.begin(), later.end()));
}

TEST_CASE("a limit counts the tasks of its scope and not those of nested ones", "[task_scope]") {
  const test::no_thread_left check;
  test::gate all;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    roost::task_scope inner;
    for (int i = 0; i < 5; ++i)
      inner.spawn([&] { all.pass(); });
    roost::task_scope limited({.limit = 2});
    for (int i = 0; i < 2; ++i)
      limited.spawn([&] { all.pass(); });
  });
  scope.spawn([] {});
  all.wait_for_arrivals(7);
  CHECK(test::scope_probe::queued(scope) == 1);
  all.open();
  scope.join();
}

TEST_CASE("a limit of none is refused with the remedy", "[task_scope]") {
  const test::no_thread_left check;
  CHECK_THROWS_AS(roost::task_scope({.limit = 0}), std::invalid_argument);
  const std::string said =
      test::thrown_by([] { const roost::task_scope scope({.name = "none", .limit = 0}); });
  CHECK(said.find("roost::task_scope: scope \"none\", made at ") == 0);
  CHECK(said.find("limit of 0") != std::string::npos);
  CHECK(said.find("leave it out") != std::string::npos);
  CHECK_FALSE(roost::this_task::stop_token().stop_possible()); // no half of it is left
}

TEST_CASE("a task in the queue is not ready and a wait for it may time out", "[task_scope]") {
  const test::no_thread_left check;
  busy_scope one;
  auto waiting = one.scope.spawn([] { return 3; });
  CHECK_FALSE(waiting.ready());
  CHECK_FALSE(waiting.wait_for(1ms));
  CHECK_FALSE(one.scope.wait_for(1ms));
  CHECK(test::scope_probe::queued(one.scope) == 1);
  one.busy.open();
  CHECK(waiting.wait_for(1h));
  CHECK(waiting.ready());
  CHECK(waiting.get() == 3);
}

TEST_CASE("that a task in the queue is done can be selected", "[task_scope]") {
  const test::no_thread_left check;
  busy_scope one;
  auto first = one.scope.spawn([] { return 1; });
  auto second = one.scope.spawn([] { return 2; });
  CHECK(roost::select(roost::on_done(first), roost::on_done(second), roost::otherwise()) == 2);
  const std::jthread opener([&] {
    test::wait_until_owner_blocked(one.scope);
    one.busy.open();
  });
  CHECK(roost::select(roost::on_done(second)) == 0);
  CHECK(first.ready()); // it came before
}

TEST_CASE("a wait group counts tasks in the queue", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<int> ran{0};
  roost::wait_group group;
  busy_scope one;
  for (int i = 0; i < 5; ++i)
    group.spawn(one.scope, [&] { ++ran; });
  CHECK_FALSE(group.wait_for(0ms));
  SECTION("that run") {
    one.busy.open();
    group.wait();
    CHECK(ran == 5);
  }
  SECTION("that are dropped") {
    const std::jthread outside([&] { one.scope.request_stop(); });
    std::jthread plain([&] { group.wait(); }); // nobody stops it
    plain.join();
    CHECK(ran == 0);
    one.busy.open();
  }
}

TEST_CASE("a failure drops the tasks in the queue and is what the owner gets", "[task_scope]") {
  const test::no_thread_left check;
  auto captured = std::make_shared<int>();
  std::atomic<int> ran{0};
  test::gate fail;
  std::optional<roost::task_scope> scope(std::in_place, roost::scope_options{.limit = 1});
  scope->spawn([&] {
    fail.pass();
    throw std::runtime_error("the first");
  });
  std::vector<roost::task_handle<void>> handles;
  for (int i = 0; i < 5; ++i)
    handles.push_back(scope->spawn([&ran, captured] { ++ran; }));
  fail.open();
  CHECK(test::thrown_by([&] { scope->join(); }) == "the first");
  CHECK(scope->failures().size() == 1);
  scope.reset();
  CHECK(ran == 0);
  CHECK(captured.use_count() == 1);
  for (auto& handle : handles) {
    try {
      handle.get();
      CHECK(false);
    } catch (const roost::stopped& s) {
      CHECK(s.cause().reason == roost::stop_reason::failure);
      CHECK(s.cause().message == "the first");
    }
  }
}

TEST_CASE("under collect the queued ones run after failures, which are listed in order",
          "[task_scope]") {
  const test::no_thread_left check;
  busy_scope one(roost::on_error::collect);
  std::atomic<int> ran{0};
  for (const int i : numbers_below(6)) {
    one.scope.spawn("task " + std::to_string(i), [&ran, i] {
      ++ran;
      if (i % 2 == 0)
        throw std::runtime_error(std::to_string(i));
    });
  }
  one.busy.open();
  std::string all;
  try {
    one.scope.join();
  } catch (const roost::exception_list& list) {
    for (const roost::failure& f : list.failures())
      all += f.task + ": " + test::message_of(f.error) + ";";
  }
  CHECK(all == "task 0: 0;task 2: 2;task 4: 4;");
  CHECK(ran == 6);
}

TEST_CASE("a scope left by an exception drops the tasks in the queue", "[task_scope]") {
  const test::no_thread_left check;
  const auto exit = GENERATE(roost::on_exit::join, roost::on_exit::stop);
  const bool unwinds = GENERATE(true, false);
  if (!unwinds && exit == roost::on_exit::join)
    return;
  roost::event never;
  auto captured = std::make_shared<int>();
  std::atomic<int> ran{0};
  const std::string thrown = test::thrown_by([&] {
    roost::task_scope scope({.limit = 1, .exit = exit});
    scope.spawn([&] { never.wait(); });
    for (int i = 0; i < 3; ++i)
      scope.spawn([&ran, captured] { ++ran; });
    if (unwinds)
      throw std::runtime_error("the body's");
  });
  CHECK(thrown == (unwinds ? "the body's" : "nothing"));
  CHECK(ran == 0);
  CHECK(captured.use_count() == 1);
}
