// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/try_time.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::seen;

namespace {

/// What get() tells of a task that was stopped.
std::optional<roost::stop_cause> cause_told_by(roost::task_handle<void>& task) {
  try {
    task.get();
    return std::nullopt;
  } catch (const roost::stopped& s) {
    return s.cause();
  }
}

} // namespace

TEST_CASE("request_stop of a handle stops that task and nothing else", "[task_handle]") {
  const test::no_thread_left check;
  roost::event go_on;
  roost::task_scope scope;
  auto sibling = scope.spawn([&] {
    go_on.wait();
    return 7;
  });
  auto task = scope.spawn("poller", [] { roost::event().wait(); });
  test::wait_until_blocked(scope, 2);

  const int line = __LINE__ + 1;
  CHECK(task.request_stop("not needed any more"));
  const auto cause = cause_told_by(task);
  REQUIRE(cause);
  CHECK(cause->reason == roost::stop_reason::requested);
  CHECK(cause->message == "not needed any more");
  CHECK(cause->where.line == static_cast<std::size_t>(line));
  CHECK_FALSE(scope.stop_requested());
  go_on.set();
  CHECK(sibling.get() == 7);
  scope.join();
  CHECK(scope.failures().empty());
}

TEST_CASE("every kind of wait of a task wakes when its handle stops it", "[task_handle]") {
  const test::no_thread_left check;
  const bool limited = GENERATE(false, true);
  roost::event never;
  auto empty = roost::make_channel<int>(1);
  auto full = roost::make_channel<int>(0);
  roost::task_scope others;
  auto slow = others.spawn([&] { never.wait(); });
  const std::vector<std::function<void()>> waits = {
      [&] { never.wait(); },
      [&] { (void)never.wait_for(1h); },
      [&] { (void)empty.rx.receive(); },
      [&] { (void)full.tx.send(1); },
      [&] { slow.get(); },
      [&] { roost::this_task::sleep_for(1h); },
      [&] { roost::select(roost::on_set(never), roost::on_timeout(1h)); },
      [&] { roost::with_scope([&](roost::task_scope&) { never.wait(); }); },
      [&] { roost::with_scope([&](roost::task_scope& s) { s.spawn([&] { never.wait(); }); }); },
      [&] {
        const roost::stop_when inner{std::stop_token()};
        never.wait();
      },
      [&] { roost::when_all([&] { never.wait(); }, [&] { never.wait(); }); },
  };
  {
    roost::task_scope scope({.limit = limited ? 1 : roost::unlimited});
    for (const auto& wait : waits) {
      roost::event is_about_to;
      auto task = scope.spawn([&] {
        is_about_to.set();
        wait();
      });
      is_about_to.wait();
      CHECK(task.request_stop());
      CHECK(cause_told_by(task));
    }
    scope.join();
    CHECK(scope.failures().empty());
  }
  others.request_stop();
  others.join();
}

TEST_CASE("a task that was stopped by its handle finds that out without a wait", "[task_handle]") {
  const test::no_thread_left check;
  test::gate running;
  roost::task_scope scope;
  auto task = scope.spawn([&](std::stop_token token) {
    const std::stop_token same = roost::this_task::stop_token();
    bool called = false;
    const std::stop_callback callback(same, [&] { called = true; });
    running.pass();
    const bool all = token.stop_requested() && same.stop_requested() && called &&
                     roost::this_task::stop_requested() &&
                     roost::this_task::cause().message == "why";
    const bool checked = test::outcome_of([] { roost::this_task::checkpoint(); }) == seen::stopped;
    const bool inner =
        test::outcome_of([] {
          roost::with_scope([](roost::task_scope&) { roost::this_task::checkpoint(); });
        }) == seen::stopped;
    return all && checked && inner;
  });
  running.wait_for_arrivals(1);
  CHECK(task.request_stop("why"));
  running.open();
  CHECK(task.get()); // and its result is not lost
  scope.join();
}

TEST_CASE("a task that was stopped by its handle goes on being stopped", "[task_handle]") {
  const test::no_thread_left check;
  roost::event never;
  int waits = 0;
  roost::task_scope scope;
  auto task = scope.spawn([&] {
    for (; test::outcome_of([&] { never.wait(); }) == seen::stopped && waits < 3; ++waits) {
    }
  });
  test::wait_until_blocked(scope, 1);
  CHECK(task.request_stop());
  task.get();
  CHECK(waits == 3);
}

TEST_CASE("a shield hides the stop of a handle like any other", "[task_handle]") {
  const test::no_thread_left check;
  roost::event go_on;
  roost::task_scope scope;
  auto task = scope.spawn([&] {
    {
      const roost::shield shield(1h);
      go_on.wait();
      roost::this_task::checkpoint();
    }
    roost::this_task::checkpoint();
  });
  test::wait_until_blocked(scope, 1);
  CHECK(task.request_stop("behind a shield"));
  CHECK_FALSE(task.wait_for(0ms));
  go_on.set();
  const auto cause = cause_told_by(task);
  REQUIRE(cause);
  CHECK(cause->message == "behind a shield");
}

TEST_CASE("what fails after its handle has stopped it has failed", "[task_handle]") {
  const test::no_thread_left check;
  roost::task_scope scope({.errors = roost::on_error::collect});
  auto task = scope.spawn([] {
    try {
      roost::event().wait();
    } catch (const roost::stopped&) {
      throw std::runtime_error("cleaning up failed");
    }
  });
  test::wait_until_blocked(scope, 1);
  CHECK(task.request_stop());
  CHECK(test::thrown_by([&] { task.get(); }) == "cleaning up failed");
  CHECK_NOTHROW(scope.join());
}

TEST_CASE("a task that is stopped in the queue never runs and makes room at once",
          "[task_handle]") {
  const test::no_thread_left check;
  roost::event go_on;
  roost::task_scope scope({.limit = 1, .backlog = 1});
  auto running = scope.spawn([&] { go_on.wait(); });
  test::wait_until_blocked(scope, 1);
  auto capture = std::make_shared<int>(1);
  bool ran = false;
  auto waiting = scope.spawn([&ran, capture] { ran = true; });
  roost::task_scope spawner;
  spawner.spawn([&] { scope.spawn([] {}); }); // there is no place for it
  test::wait_until_blocked(spawner, 1);

  CHECK(waiting.request_stop("out of the queue"));
  CHECK(capture.use_count() == 1);
  CHECK(waiting.ready());
  spawner.join();
  const auto cause = cause_told_by(waiting);
  REQUIRE(cause);
  CHECK(cause->message == "out of the queue");
  go_on.set();
  scope.join();
  CHECK_FALSE(ran);
}

TEST_CASE("a task that took its place on a thread from another can be stopped by its handle",
          "[task_handle]") {
  const test::no_thread_left check;
  roost::event never;
  roost::task_scope scope({.limit = 1});
  auto first = scope.spawn([&] { never.wait(); });
  auto second = scope.spawn([&] { never.wait(); });
  auto third = scope.spawn([&] { never.wait(); });
  test::wait_until_blocked(scope, 1);
  CHECK(first.request_stop("first"));
  CHECK(cause_told_by(first));
  test::wait_until_blocked(scope, 1);
  CHECK_FALSE(second.ready());
  CHECK(second.request_stop("second"));
  CHECK(cause_told_by(second)->message == "second");
  CHECK(third.request_stop("third"));
  CHECK(cause_told_by(third)->message == "third");
  scope.join();
}

TEST_CASE("request_stop of a handle is true only for the call that stops", "[task_handle]") {
  const test::no_thread_left check;
  roost::event never;
  std::optional<roost::task_handle<void>> kept;
  {
    roost::task_scope scope;
    auto twice = scope.spawn([&] { never.wait(); });
    CHECK(twice.request_stop("first"));
    CHECK_FALSE(twice.request_stop("second"));
    CHECK(cause_told_by(twice)->message == "first");

    auto over = scope.spawn([] {});
    (void)over.wait_for(1h);
    CHECK_FALSE(over.request_stop());

    auto late = scope.spawn([&] { never.wait(); });
    kept.emplace(scope.spawn([&] { never.wait(); }));
    test::wait_until_blocked(scope, 2);
    scope.request_stop("the scope");
    CHECK_FALSE(late.request_stop("late"));
    CHECK(cause_told_by(late)->message == "the scope");
  }
  CHECK_FALSE(kept->request_stop()); // its scope has gone
  const auto moved_to = std::move(*kept);
  CHECK_THROWS_AS(kept->request_stop(), std::logic_error);
}

TEST_CASE("a task may stop itself by its handle", "[task_handle]") {
  const test::no_thread_left check;
  auto [tx, rx] = roost::make_channel<roost::task_handle<void>>(1);
  roost::task_scope scope;
  std::atomic<bool> threw{false};
  CHECK(tx.send(scope.spawn([&, own = std::move(rx)] {
    auto self = own.receive();
    self->request_stop("by itself");
    threw = test::outcome_of([] { roost::this_task::checkpoint(); }) == seen::stopped;
  })));
  scope.join();
  CHECK(threw);
}

TEST_CASE("a stop of the scope reaches tasks that could be stopped alone", "[task_handle]") {
  const test::no_thread_left check;
  const bool by_deadline = GENERATE(false, true);
  test::bubble([&] {
    roost::event never;
    roost::task_scope scope({.timeout = by_deadline ? 1h : 2h});
    auto with_token = scope.spawn([&](std::stop_token token) {
      (void)never.wait_for(3h);
      return token.stop_requested();
    });
    auto in_scope = scope.spawn(
        [&] { roost::with_scope([&](roost::task_scope& s) { s.spawn([&] { never.wait(); }); }); });
    auto after_scope = scope.spawn([&] {
      roost::with_scope([](roost::task_scope&) {});
      never.wait();
    });
    auto told = scope.spawn([&] {
      test::gate called;
      const std::stop_callback callback(roost::this_task::stop_token(), [&] { called.open(); });
      const bool was_stopped = test::outcome_of([&] { never.wait(); }) == seen::stopped;
      called.pass();
      return was_stopped && roost::this_task::stop_requested();
    });
    if (!by_deadline) {
      test::wait_until_blocked(scope, 3); // the fourth waits for its own scope
      scope.request_stop("all");
    }
    const auto end = test::thrown_by([&] { scope.join(); });
    CHECK(cause_told_by(in_scope));
    CHECK(cause_told_by(after_scope));
    CHECK(test::thrown_by([&] { with_token.get(); }) == "stopped");
    CHECK(told.get());
    CHECK((end == "nothing") == !by_deadline);
  });
}

TEST_CASE("a background_scope made in a task that was stopped alone follows the scope",
          "[task_handle]") {
  const test::no_thread_left check;
  roost::event never;
  std::unique_ptr<roost::background_scope> made;
  roost::task_scope scope;
  auto maker = scope.spawn([&] {
    const std::stop_token with_own_domain = roost::this_task::stop_token();
    made = std::make_unique<roost::background_scope>();
    made->spawn([&] { never.wait(); });
    never.wait();
  });
  test::wait_until_blocked(scope, 1);
  CHECK(maker.request_stop());
  CHECK(cause_told_by(maker));
  CHECK_FALSE(made->stop_requested());
  scope.request_stop();
  CHECK(made->stop_requested());
  made.reset();
  scope.join();
}

TEST_CASE("a task that was stopped alone before a thread came for it never runs", "[task_handle]") {
  const test::no_thread_left check;
  // Its thread comes before or after the stop; there are rounds of both kinds.
  int late_threads = 0;
  test::try_time patience(20s);
  for (int round = 0; round < 200 || (late_threads == 0 && !patience.is_over()); ++round) {
    std::atomic<bool> entered{false};
    auto capture = std::make_shared<int>(1);
    roost::task_scope scope;
    auto task = scope.spawn([&entered, capture] {
      entered = true;
      roost::event().wait();
    });
    CHECK(task.request_stop());
    // In this order: a task that is not in the list any more is ready.
    const bool is_late = test::scope_probe::started_tasks(scope) == 0 && !task.ready();
    late_threads += is_late ? 1 : 0;
    CHECK(cause_told_by(task));
    CHECK(capture.use_count() == 1);
    scope.join();
    CHECK_FALSE((is_late && entered));
  }
  CHECK(late_threads > 0);
}
