// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

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
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

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

/// A scope that runs one task at a time, with one that runs until it is let go.
struct busy_scope {
  explicit busy_scope(roost::on_error errors = roost::on_error::fail_fast)
      : scope({.limit = 1, .errors = errors}) {
    scope.spawn("busy", [this] { busy.pass(); });
  }
  test::gate busy;
  roost::task_scope scope;
};

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
  CHECK(test::probe::queued(scope) == static_cast<std::size_t>(tasks - limit));
  CHECK(test::probe::started_tasks(scope) == static_cast<std::size_t>(limit));
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

TEST_CASE("tasks in line begin first come first served", "[task_scope]") {
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

TEST_CASE("tasks in line are run by the threads that run already", "[task_scope]") {
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
  CHECK(test::probe::queued(scope) == 1);
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

TEST_CASE("a task in line is not ready and a wait for it may time out", "[task_scope]") {
  const test::no_thread_left check;
  busy_scope one;
  auto waiting = one.scope.spawn([] { return 3; });
  CHECK_FALSE(waiting.ready());
  CHECK_FALSE(waiting.wait_for(1ms));
  CHECK_FALSE(one.scope.wait_for(1ms));
  CHECK(test::probe::queued(one.scope) == 1);
  one.busy.open();
  CHECK(waiting.wait_for(1h));
  CHECK(waiting.ready());
  CHECK(waiting.get() == 3);
}

TEST_CASE("that a task in line is done can be selected", "[task_scope]") {
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

TEST_CASE("a wait group counts tasks in line", "[task_scope]") {
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

TEST_CASE("a failure drops the tasks in line and is what the owner gets", "[task_scope]") {
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

TEST_CASE("under collect those in line run after failures, which are listed in order",
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

TEST_CASE("a scope left by an exception drops the tasks in line", "[task_scope]") {
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

TEST_CASE("a task waits for one in line by running it itself", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.limit = 1});
  std::function<int(int)> sum = [&](int n) {
    if (n == 0)
      return 0;
    return n + scope.spawn([&sum, n] { return sum(n - 1); }).get();
  };
  CHECK(scope.spawn([&] { return sum(50); }).get() == 50 * 51 / 2);
}

TEST_CASE("it runs just the one that it waits for", "[task_scope]") {
  const test::no_thread_left check;
  std::vector<std::string> order;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    auto first = scope.spawn([&] { order.emplace_back("first"); });
    auto second = scope.spawn([&] {
      order.emplace_back("second");
      return id_here();
    });
    const bool here = second.get() == id_here();
    order.emplace_back(here ? "got" : "got on another thread");
    (void)first.wait_for(0ms); // does not run it
    order.emplace_back("ends");
  });
  scope.join();
  CHECK(order == std::vector<std::string>{"second", "got", "ends", "first"});
}

TEST_CASE("the owner waits for a task in line without running it", "[task_scope]") {
  const test::no_thread_left check;
  busy_scope one;
  auto waiting = one.scope.spawn(id_here);
  const std::jthread opener([&] {
    test::wait_until_owner_blocked(one.scope);
    one.busy.open();
  });
  CHECK(waiting.get() != id_here());
}

TEST_CASE("a task of another scope waits for a task in line without running it", "[task_scope]") {
  const test::no_thread_left check;
  busy_scope one;
  auto waiting = one.scope.spawn(id_here);
  roost::task_scope others;
  auto told = others.spawn([&] { return waiting.get() == id_here(); });
  test::wait_until_blocked(others, 1);
  one.busy.open();
  CHECK_FALSE(told.get());
}

TEST_CASE("a task of a nested scope runs what it waits for further out", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.limit = 1});
  auto told = scope.spawn([&] {
    auto waiting = scope.spawn(id_here);
    roost::task_scope inner;
    return inner.spawn([&] { return waiting.get() == id_here(); }).get();
  });
  CHECK(told.get());
}

TEST_CASE("the owner of a nested scope runs what it waits for further out", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.limit = 1});
  auto told = scope.spawn([&] {
    auto waiting = scope.spawn([&] { return std::pair(id_here(), roost::this_task::deadline()); });
    roost::task_scope inner({.timeout = 1h});
    return waiting.get() == std::pair(id_here(), roost::clock::time_point::max());
  });
  CHECK(told.get());
}

TEST_CASE("what runs inside a wait sees nothing of the task that waits", "[task_scope]") {
  struct seen {
    std::string name;
    bool stopped = false;
    bool thrown = false;
    bool innermost = false;
    bool no_deadline = false;

    static seen here() {
      return {std::string(roost::this_task::name()),
              roost::this_task::stop_requested(),
              test::thrown_by([] { roost::this_task::checkpoint(); }) != "nothing",
              roost::detail::this_thread.top == roost::detail::this_thread.task,
              roost::this_task::deadline() == roost::clock::time_point::max()};
    }
  };
  const test::no_thread_left check;
  seen inside;
  bool restored = false;
  roost::task_scope scope({.limit = 1});
  SECTION("nor of a stop_when, which waits for the end of it") {
    std::string waits;
    scope
        .spawn("waits",
               [&] {
                 std::stop_source source;
                 auto waiting = scope.spawn("in line", [&] {
                   source.request_stop();
                   inside = seen::here();
                 });
                 const roost::stop_when when(source.get_token());
                 waits = test::thrown_by([&] { waiting.get(); });
                 restored = roost::this_task::stop_requested() &&
                            roost::this_task::name() == "waits" && waiting.ready();
               })
        .get();
    CHECK(waits == "stopped");
  }
  SECTION("nor of a nested scope's deadline and stop") {
    scope
        .spawn("waits",
               [&] {
                 auto waiting = scope.spawn("in line", [&] { inside = seen::here(); });
                 roost::task_scope inner({.timeout = 1h});
                 waiting.get();
                 restored = roost::this_task::name() == "waits" &&
                            roost::this_task::stop_token() == inner.get_stop_token() &&
                            roost::this_task::deadline() < roost::clock::time_point::max();
               })
        .get();
  }
  SECTION("nor of a shield") {
    scope
        .spawn("waits",
               [&] {
                 auto waiting = scope.spawn("in line", [&] { inside = seen::here(); });
                 const roost::shield s(1h);
                 waiting.get();
                 restored = roost::this_task::name() == "waits" &&
                            roost::this_task::stop_token() != scope.get_stop_token();
               })
        .get();
  }
  CHECK(inside.name == "in line");
  CHECK_FALSE(inside.stopped);
  CHECK_FALSE(inside.thrown);
  CHECK(inside.innermost);
  CHECK(inside.no_deadline);
  CHECK(restored);
}

TEST_CASE("a shield around a wait does not shield what runs inside it", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  std::string inside;
  std::string outside;
  std::string end;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    auto waiting = scope.spawn([&] {
      inside = test::thrown_by([&] { never.wait(); });
      roost::this_task::checkpoint();
    });
    {
      const roost::shield s(1h);
      outside = test::thrown_by([&] { waiting.get(); });
      outside += test::thrown_by([] { roost::this_task::checkpoint(); });
    }
    end = test::thrown_by([] { roost::this_task::checkpoint(); });
  });
  test::wait_until_waiting(never, 1);
  scope.request_stop();
  scope.join();
  CHECK(inside == "stopped");
  CHECK(outside == "stopped"
                   "nothing"); // the task's end, then the shield's quiet
  CHECK(end == "stopped");
}

TEST_CASE("a stop wakes what runs inside a wait and then ends the wait", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  std::atomic<int> stopped{0};
  roost::task_scope scope({.limit = 1});
  auto outer = scope.spawn([&] {
    auto waiting = scope.spawn([&] {
      auto further = scope.spawn([&] {
        stopped += test::thrown_by([&] { never.wait(); }) == "stopped" ? 1 : 0;
        roost::this_task::checkpoint();
      });
      further.get();
    });
    waiting.get();
  });
  test::wait_until_waiting(never, 1);
  scope.request_stop("enough");
  CHECK(test::thrown_by([&] { outer.get(); }) == "stopped");
  scope.join();
  CHECK(stopped == 1);
  CHECK(scope.failures().empty());
}

TEST_CASE("what fails inside a wait fails as a task of its own", "[task_scope]") {
  const test::no_thread_left check;
  SECTION("where failures are collected, the waiting task gets it, and the list has it once") {
    std::string got;
    std::string name;
    std::optional<roost::task_scope> scope(
        std::in_place, roost::scope_options{.limit = 1, .errors = roost::on_error::collect});
    scope->spawn("waits", [&] {
      auto waiting = scope->spawn("fails", [] { throw std::runtime_error("inside"); });
      got = test::thrown_by([&] { waiting.get(); });
      name = roost::this_task::name();
      roost::this_task::checkpoint();
    });
    CHECK(test::thrown_by([&] { scope->join(); }) == "1 task failed: \"fails\": inside");
    CHECK(got == "inside");
    CHECK(name == "waits");
  }
  SECTION("where the first one stops all, the waiting task is stopped") {
    std::string got;
    roost::task_scope scope({.limit = 1});
    scope.spawn([&] {
      auto waiting = scope.spawn([] { throw std::runtime_error("inside"); });
      got = test::thrown_by([&] { waiting.get(); });
      roost::this_task::checkpoint();
    });
    CHECK(test::thrown_by([&] { scope.join(); }) == "inside");
    CHECK(got == "stopped");
    CHECK(scope.failures().size() == 1);
  }
}

TEST_CASE("what runs inside the wait of a scope's owner is not that owner", "[task_scope]") {
  const test::no_thread_left check;
  std::string joins;
  roost::task_scope scope({.limit = 1});
  scope
      .spawn([&] {
        std::optional<roost::task_scope> inner;
        auto waiting = scope.spawn([&] { joins = test::thrown_by([&] { inner->join(); }); });
        inner.emplace();
        waiting.get();
        inner.reset();
      })
      .get();
  CHECK(joins.find("a scope is joined by the thread that made it") != std::string::npos);
}

TEST_CASE("what ran inside a wait is over when the wait is", "[task_scope]") {
  const test::no_thread_left check;
  auto captured = std::make_shared<int>();
  bool gone = false;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    auto waiting = scope.spawn([captured] { return *captured; });
    waiting.get();
    gone = captured.use_count() == 1;
  });
  scope.join();
  CHECK(gone);
}

TEST_CASE("a join waits for a task in line that a scope beyond its task has run", "[task_scope]") {
  const test::no_thread_left check;
  std::unique_ptr<roost::task_scope> beyond;
  roost::event maker_is_over;
  test::gate second;
  test::gate inside;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] {
    beyond = std::make_unique<roost::task_scope>(roost::scope_options{.covers_owner = false});
    scope.spawn([&] { second.pass(); });
    auto in_line = scope.spawn([&] { inside.pass(); });
    beyond->spawn([&maker_is_over, in_line = std::move(in_line)]() mutable {
      maker_is_over.wait();
      in_line.get();
    });
  });
  second.wait_for_arrivals(1);
  maker_is_over.set();
  test::wait_until([&] {
    return std::string_view(test::probe::first_task_call(*beyond).operation) ==
               "task_handle::get" ||
           test::probe::queued(scope) == 0;
  });
  second.open();
  inside.wait_for_arrivals(1);
  CHECK_FALSE(scope.wait_for(20ms)); // it runs
  inside.open();
  CHECK(scope.wait_for(1h));
  beyond.reset();
}

TEST_CASE("a failure got inside a wait of the owner is still the owner's to hear", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.errors = roost::on_error::collect});
  auto fails = scope.spawn([] { throw std::runtime_error("first"); });
  (void)roost::when_all([&] {
    try {
      fails.get();
    } catch (const std::runtime_error&) { // the task's own business
    }
  });
  CHECK_THROWS_AS(scope.join(), roost::exception_list);
}
