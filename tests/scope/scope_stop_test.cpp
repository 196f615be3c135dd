// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

TEST_CASE("request_stop wakes every blocked task and join then returns normally", "[task_scope]") {
  const test::no_thread_left check;
  const int tasks = GENERATE(1, 2, 4);
  roost::event never;
  std::atomic<int> stopped{0};
  roost::task_scope scope;
  for (int i = 0; i < tasks; ++i) {
    scope.spawn([&] {
      try {
        never.wait();
      } catch (const roost::stopped&) {
        ++stopped;
        throw;
      }
    });
  }
  test::wait_until_blocked(scope, static_cast<std::size_t>(tasks));
  CHECK(scope.request_stop("enough"));
  scope.join();
  CHECK(stopped == tasks);
  CHECK(scope.failures().empty());
}

TEST_CASE("every kind of wait is woken by a stop", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  roost::wait_group group;
  group.add();
  auto empty = roost::make_channel<int>(1);
  auto full = roost::make_channel<int>(0);
  roost::task_scope other;
  auto slow = other.spawn([&] { roost::event().wait(); });
  const std::vector<std::function<void()>> waits = {
      [&] { never.wait(); },
      [&] { (void)never.wait_for(1h); },
      [&] { (void)never.wait_until(roost::clock::time_point::max()); },
      [&] { group.wait(); },
      [&] { (void)group.wait_for(1h); },
      [&] { (void)empty.rx.receive(); },
      [&] { (void)empty.rx.receive_for(1h); },
      [&] { (void)full.tx.send(1); },
      [&] { (void)full.tx.send_for(1, 1h); },
      [&] { slow.get(); },
      [&] { roost::this_task::sleep_for(1h); },
  };
  std::atomic<int> woken{0};
  {
    roost::task_scope scope;
    for (const auto& wait : waits) {
      if (&wait == &waits[9])
        continue; // a handle is for one thread at a time
      scope.spawn([&] {
        woken += test::thrown_by(wait) == "stopped" ? 1 : 0;
        woken += test::thrown_by(wait) == "stopped" ? 1 : 0; // level, not edge
      });
    }
    scope.spawn([&] { woken += test::thrown_by(waits[9]) == "stopped" ? 2 : 0; });
    test::wait_until_blocked(scope, waits.size());
    scope.request_stop();
  }
  CHECK(woken == 2 * static_cast<int>(waits.size()));
  other.request_stop();
}

TEST_CASE("a stop passes through handlers of std::exception and comes again at the next wait",
          "[task_scope]") {
  const test::no_thread_left check;
  int attempts = 0;
  bool swallowed = false;
  roost::event never;
  roost::task_scope scope;
  scope.spawn([&] {
    for (;; ++attempts) {
      try {
        try {
          never.wait();
        } catch (const std::exception&) {
          swallowed = true;
        }
      } catch (...) {
        if (attempts == 3)
          throw;
      }
    }
  });
  test::wait_until_blocked(scope, 1);
  scope.request_stop();
  scope.join();
  CHECK(attempts == 3);
  CHECK_FALSE(swallowed);
}

TEST_CASE("a stop is checked before an operation that could go through", "[task_scope]") {
  const test::no_thread_left check;
  roost::event set;
  set.set();
  auto ends = roost::make_channel<int>(1);
  CHECK(ends.tx.send(1));
  roost::task_scope scope;
  auto done = scope.spawn([] { return 1; });
  CHECK(scope.wait_for(1h));
  scope.request_stop();
  CHECK_THROWS_AS(set.wait(), roost::stopped);
  CHECK_THROWS_AS(ends.rx.receive(), roost::stopped);
  CHECK_THROWS_AS(done.get(), roost::stopped);
  CHECK(done.ready());
  CHECK(ends.rx.try_receive().value() == 1);
  scope.join();
  CHECK(done.get() == 1); // the wait had taken nothing
}

TEST_CASE("only the call that makes the scope stop returns true", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  std::atomic<int> made_it_stop{0};
  test::gate gate;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 4; ++i) {
      callers.emplace_back([&] {
        gate.pass();
        made_it_stop += scope.request_stop() ? 1 : 0;
      });
    }
    gate.wait_for_arrivals(4);
    gate.open();
  }
  CHECK(made_it_stop == 1);
  CHECK_FALSE(scope.request_stop());
  CHECK(scope.stop_requested());
  CHECK(scope.get_stop_token().stop_requested());
}

TEST_CASE("after a stop spawn destroys the callable unrun", "[task_scope]") {
  const test::no_thread_left check;
  auto captured = std::make_shared<int>();
  bool ran = false;
  roost::task_scope scope;
  scope.request_stop("closed for today");
  auto handle = scope.spawn([captured, &ran] {
    ran = true;
    return 1;
  });
  CHECK(captured.use_count() == 1);
  CHECK(handle.ready());
  scope.join();
  CHECK_FALSE(ran);
  try {
    (void)handle.get();
    FAIL("there is no result");
  } catch (const roost::stopped& s) {
    CHECK(s.cause().reason == roost::stop_reason::requested);
    CHECK(s.cause().message == "closed for today");
  }
}

TEST_CASE("the owner's waits throw stopped after a plain request", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  roost::task_scope scope;
  scope.spawn("stopper", [&] {
    test::wait_until_waiting(never, 1);
    scope.request_stop("enough");
  });
  try {
    never.wait();
    FAIL("the wait must throw");
  } catch (const roost::stopped& s) {
    CHECK(s.cause().message == "enough");
    CHECK(s.cause().task == "stopper");
  }
  CHECK_THROWS_AS(roost::this_task::checkpoint(), roost::stopped);
  scope.join();
}

TEST_CASE("the ends of a scope are never interrupted by a stop", "[task_scope]") {
  const test::no_thread_left check;
  bool ended = false;
  const auto work_on = [&](roost::task_scope& scope, roost::task_scope& stops) {
    scope.spawn([&] {
      test::wait_until_joining(scope);
      stops.request_stop();
      const roost::shield s(1h);
      roost::task_scope inner; // some more work that takes a while
      for (int i = 0; i < 10; ++i)
        inner.spawn([] {});
      inner.join();
      ended = true;
    });
  };
  SECTION("join") {
    roost::task_scope scope;
    work_on(scope, scope);
    scope.join();
    CHECK(ended);
  }
  SECTION("the destructor") {
    {
      roost::task_scope scope;
      work_on(scope, scope);
    }
    CHECK(ended);
  }
  SECTION("wait_for") {
    roost::task_scope scope;
    work_on(scope, scope);
    CHECK(scope.wait_for(1h));
    CHECK(ended);
  }
  SECTION("join, when an outer scope stops") {
    roost::task_scope outer;
    roost::task_scope scope;
    work_on(scope, outer);
    CHECK(test::thrown_by([&] { scope.join(); }) == "stopped"); // after it has waited
    CHECK(ended);
    CHECK(scope.stop_requested()); // passed on
  }
}

TEST_CASE("a task may stop its own scope and is stopped with it", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  bool first = false;
  roost::task_scope scope;
  auto task = scope.spawn("worker", [&] {
    first = scope.request_stop("found");
    never.wait();
  });
  scope.join();
  CHECK(first);
  CHECK(scope.cause().task == "worker");
  CHECK_THROWS_AS(task.get(), roost::stopped);
}

TEST_CASE("a stop may be requested from inside a stop callback", "[task_scope]") {
  const test::no_thread_left check;
  bool again = true;
  bool other = false;
  roost::task_scope second({.inherit = false, .covers_owner = false});
  roost::task_scope first({.inherit = false, .covers_owner = false});
  auto stopped = second.spawn([] { roost::event().wait(); });
  std::optional<roost::task_handle<void>> late;
  const std::stop_callback chained(first.get_stop_token(), [&] {
    again = first.request_stop("again");
    other = second.request_stop("chained");
    late = first.spawn([] {});
  });
  CHECK(first.request_stop("the first"));
  CHECK_FALSE(again);
  CHECK(other);
  CHECK(first.cause().message == "the first");
  CHECK(second.cause().message == "chained");
  CHECK_THROWS_AS(stopped.get(), roost::stopped);
  REQUIRE(late);
  CHECK_THROWS_AS(late->get(), roost::stopped);
}

TEST_CASE("a stop reaches all tasks before any of them is waited for", "[task_scope]") {
  const test::no_thread_left check;
  constexpr int tasks = 4;
  const auto exit = GENERATE(roost::on_exit::stop, roost::on_exit::join);
  roost::event never;
  std::latch all_woken(tasks);
  {
    roost::task_scope scope({.exit = exit});
    for (int i = 0; i < tasks; ++i) {
      scope.spawn([&] {
        (void)test::exception_of([&] { never.wait(); });
        all_woken.arrive_and_wait(); // for ever, if the stop came to one after the other's end
      });
    }
    test::wait_until_waiting(never, tasks);
    if (exit == roost::on_exit::join)
      scope.request_stop();
  }
  SUCCEED();
}

TEST_CASE("user code may call back into the scope from wherever it is called", "[task_scope]") {
  struct calls_back : std::exception {
    roost::task_scope& scope;
    explicit calls_back(roost::task_scope& s) noexcept : scope(s) {}
    // NOLINTNEXTLINE(bugprone-exception-escape): these do not throw here
    const char* what() const noexcept override {
      (void)scope.failures();
      (void)scope.wait_for(0ms);
      return "called back";
    }
  };
  const test::no_thread_left check;
  std::atomic<int> calls{0};
  roost::task_scope* own = nullptr;
  const auto call_back = [&] {
    ++calls;
    (void)own->failures();
    (void)own->cause();
    own->request_stop("from user code");
    own->spawn([] {});
  };
  SECTION("a stop callback") {
    roost::task_scope scope;
    own = &scope;
    const std::stop_callback callback(scope.get_stop_token(), call_back);
    scope.request_stop();
  }
  SECTION("a failure's handler") {
    roost::task_scope scope({.on_failure = [&](const roost::failure&) { call_back(); }});
    own = &scope;
    scope.spawn([] { throw std::runtime_error("handled"); });
    scope.join();
  }
  SECTION("a callable's destructor and a result's") {
    roost::task_scope scope;
    own = &scope;
    std::shared_ptr<void> in_callable(nullptr, [&](void*) { call_back(); });
    (void)scope.spawn([kept = std::move(in_callable), &call_back] {
      return std::shared_ptr<void>(nullptr, [&call_back](void*) { call_back(); });
    });
    scope.join();
    CHECK(calls == 2);
  }
  SECTION("a callable that is dropped after a stop") {
    roost::task_scope scope;
    own = &scope;
    scope.request_stop();
    std::shared_ptr<void> in_callable(nullptr, [&](void*) { call_back(); });
    scope.spawn([kept = std::move(in_callable)] {});
  }
  SECTION("what() of an exception") {
    roost::task_scope scope;
    own = &scope;
    std::exception_ptr error;
    {
      roost::task_scope other;
      other.spawn([&] { throw calls_back(scope); });
      error = test::exception_of([&] { other.join(); });
      CHECK(other.cause().message == "called back");
    }
    CHECK(test::message_of(error) == "called back");
    ++calls;
  }
  CHECK(calls >= 1);
}

TEST_CASE("a thread that is no task may stop the scope during its destructor", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  roost::stop_cause cause;
  std::jthread outside;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      const test::at_exit note([&] { cause = roost::this_task::cause(); });
      never.wait();
    });
    outside = std::jthread([&] {
      test::wait_until_joining(scope);
      test::wait_until_waiting(never, 1);
      scope.request_stop("from outside");
    });
  }
  CHECK(cause.reason == roost::stop_reason::requested);
  CHECK(cause.message == "from outside");
  CHECK(cause.task.empty());
}
