// SPDX-License-Identifier: BSL-1.0
// What keeps scope_options::on_deadlock silent: whatever may still wake a thread of the scope. Each
// of these scopes would fail with a deadlock_error.
#include <roost.hpp>
#include <roost/detail/scope/verdict.hpp>
#include <roost/detail/wait/activity.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using roost::on_deadlock;

namespace {

roost::scope_options stops() {
  return {.stall_after = roost::clock::duration::max(), .on_deadlock = on_deadlock::stop};
}

/// All threads of the scope are blocked, but for those of scopes inside, and the thread that was
/// the last has looked.
void wait_until_quiet(roost::task_scope& scope) {
  test::wait_until([&] {
    const roost::report r = scope.report();
    const roost::scope_report& first = r.scopes.front();
    bool quiet = first.owner.has_value();
    for (const roost::task_report& t : r.tasks) {
      const bool waits =
          t.state == roost::task_state::blocked || t.state == roost::task_state::queued;
      quiet = quiet && (waits || t.scope != first.id);
    }
    return quiet;
  });
}

/// What a look at that tree finds.
roost::detail::verdict look_at(std::uint32_t tree) {
  auto seen = roost::detail::verdict::is_unclear;
  while (seen == roost::detail::verdict::is_unclear)
    seen = roost::detail::look_at_tree(tree);
  return seen;
}

} // namespace

TEST_CASE("what only the time ends is no deadlock", "[deadlock]") {
  roost::event never;
  roost::task_scope scope(stops());
  SECTION("a wait with a deadline") {
    scope.spawn([&] { CHECK_FALSE(never.wait_for(5ms)); });
    scope.join(); // no assertion here while the task makes one
  }
  SECTION("a sleep") {
    scope.spawn([] { roost::this_task::sleep_for(5ms); });
  }
  SECTION("a select with a timer") {
    scope.spawn([&] { roost::select(roost::on_set(never, [] {}), roost::on_timeout(5ms, [] {})); });
  }
  SECTION("a ticker") {
    scope.spawn([] {
      roost::ticker t(2ms);
      t.wait();
      t.wait();
    });
  }
  SECTION("a scope inside with a deadline") {
    scope.spawn([&] {
      CHECK_THROWS_AS(
          roost::with_scope({.timeout = 5ms}, [&](roost::task_scope&) { never.wait(); }),
          roost::timeout_error);
    });
    scope.join(); // no assertion here while the task makes one
  }
  SECTION("a wait of the owner with a deadline") {
    roost::event set_later;
    scope.spawn([&] { set_later.wait(); });
    CHECK_FALSE(never.wait_for(5ms));
    set_later.set();
    scope.join();
  }
  CHECK_NOTHROW(scope.join());
}

TEST_CASE("the time of a scope inside that has its own threads is no deadlock", "[deadlock]") {
  roost::event never;
  roost::task_scope scope(stops());
  SECTION("a background_scope with a deadline") {
    scope.spawn([&] {
      roost::background_scope other({.timeout = 5ms});
      auto handle = other.spawn([&] { never.wait(); });
      CHECK_THROWS_AS(handle.get(), roost::stopped);
    });
    scope.join(); // no assertion here while the task makes one
  }
  SECTION("a deadline in a task of one") {
    scope.spawn([&] {
      roost::background_scope other;
      auto handle = other.spawn([&] {
        CHECK_THROWS_AS(
            roost::with_scope({.timeout = 5ms}, [&](roost::task_scope&) { never.wait(); }),
            roost::timeout_error);
      });
      handle.get();
    });
    scope.join(); // no assertion here while the task makes one
  }
  CHECK_NOTHROW(scope.join());
}

TEST_CASE("a task of another root scope may go on", "[deadlock]") {
  roost::event event;
  roost::background_scope other({.inherit = false});
  auto handle = other.spawn([&] { event.wait(); });
  roost::task_scope scope(stops());
  const std::jthread outside([&] {
    wait_until_quiet(scope);
    event.set();
  });
  scope.spawn([&] { handle.get(); });
  CHECK_NOTHROW(scope.join());
}

TEST_CASE("a task of another root scope may make a place there", "[deadlock]") {
  test::gate computes;
  roost::background_scope other({.limit = 1, .backlog = 1});
  other.spawn([&] { computes.pass(); });
  other.spawn([] {});
  auto seen = roost::detail::verdict::is_unclear;
  roost::task_scope scope(stops());
  const std::jthread outside([&, tree = roost::detail::tree_here()] {
    wait_until_quiet(scope);
    seen = look_at(tree);
    computes.open();
  });
  scope.spawn([&] { other.spawn([] {}); });
  CHECK_NOTHROW(scope.join());
  CHECK(seen == roost::detail::verdict::goes_on);
}

TEST_CASE("a task of a background_scope that has outlived its parent may go on", "[deadlock]") {
  test::gate computes;
  std::optional<roost::background_scope> kept;
  auto seen = roost::detail::verdict::is_unclear;
  roost::task_scope scope(stops());
  SECTION("a callable of when_all has made it") {
    roost::when_all([] {}, [&] { kept.emplace(); });
  }
  SECTION("the body of a with_scope has made it") {
    roost::with_scope([&](roost::task_scope&) { kept.emplace(); });
  }
  SECTION("it was made under a shield") {
    const roost::shield s(roost::clock::duration::max());
    kept.emplace();
  }
  SECTION("it was made under a stop_when") {
    const std::stop_source source;
    const roost::stop_when s(source.get_token());
    kept.emplace();
  }
  auto handle = kept->spawn([&] { computes.pass(); });
  const std::jthread outside([&, tree = roost::detail::tree_here()] {
    wait_until_quiet(scope);
    seen = look_at(tree);
    computes.open();
  });
  scope.spawn([task = std::move(handle)]() mutable { task.get(); });
  CHECK_NOTHROW(scope.join());
  CHECK(seen == roost::detail::verdict::goes_on);
}

TEST_CASE("a background_scope that is over keeps no deadlock from being told", "[deadlock]") {
  roost::event never;
  roost::task_scope scope(stops());
  roost::with_scope([](roost::task_scope&) {
    const roost::background_scope inner;
    const roost::background_scope another;
  });
  scope.spawn([&] { never.wait(); });
  CHECK_THROWS_AS(scope.join(), roost::deadlock_error);
}

TEST_CASE("a thread outside that has used what is waited for may do so again", "[deadlock]") {
  auto items = roost::make_channel<int>(0, "items");
  SECTION("it has waited there") {
    std::jthread([&] { (void)items.rx.receive_for(1ms); }).join();
  }
  SECTION("it has woken a waiter there") {
    const std::jthread waits([&] { (void)items.rx.receive(); });
    test::wait_until_waiting(items.rx, 1);
    (void)items.tx.send(0);
  }
  SECTION("it is a thread of another root scope") {
    roost::task_scope other({.inherit = false, .covers_owner = false});
    other.spawn([&] { (void)items.rx.receive_for(1ms); });
    other.join();
  }
  roost::task_scope scope(stops());
  const std::jthread outside([&] {
    wait_until_quiet(scope);
    (void)items.tx.send(1);
  });
  scope.spawn([&] { CHECK(*items.rx.receive() == 1); });
  CHECK_NOTHROW(scope.join());
}

TEST_CASE("what the program says of itself keeps a deadlock from being told", "[deadlock]") {
  roost::event event;
  std::stop_source source;
  roost::task_scope scope(stops());
  SECTION("an outside_waker") {
    std::jthread outside([&, waker = roost::outside_waker(scope)] {
      wait_until_quiet(scope);
      event.set();
    });
    scope.spawn([&] { event.wait(); });
    CHECK_NOTHROW(scope.join());
  }
  SECTION("the token of a stop_when") {
    std::jthread outside([&] {
      wait_until_quiet(scope);
      source.request_stop();
    });
    scope.spawn([&] {
      const roost::stop_when s(source.get_token());
      CHECK_THROWS_AS(event.wait(), roost::stopped);
    });
    CHECK_NOTHROW(scope.join());
  }
  SECTION("a blocking_region") {
    test::gate opened;
    std::jthread outside([&] {
      wait_until_quiet(scope);
      opened.open();
    });
    scope.spawn([&] {
      const roost::blocking_region region("a lock of the program's");
      opened.pass();
    });
    CHECK_NOTHROW(scope.join());
  }
}

TEST_CASE("a task that runs, or has yet to begin, is waited for", "[deadlock]") {
  roost::event event;
  roost::task_scope scope(stops());
  SECTION("it is spawned by one that blocks then") {
    scope.spawn([&] {
      scope.spawn([&] { event.set(); });
      event.wait();
    });
  }
  SECTION("it looks until all others are blocked") {
    scope.spawn([&] { event.wait(); });
    scope.spawn([&] {
      test::wait_until_waiting(event, 1);
      event.set();
    });
  }
  SECTION("it is queued, and runs in the wait for it") {
    scope.spawn([] {
      roost::task_scope inner({.limit = 1});
      inner.spawn([&inner] { inner.spawn([] {}).get(); });
    });
  }
  CHECK_NOTHROW(scope.join());
}

TEST_CASE("items that go round wake each other, and no deadlock is told", "[deadlock]") {
  auto there = roost::make_channel<int>(0);
  auto back = roost::make_channel<int>(0);
  roost::task_scope scope(stops());
  scope.spawn([in = there.rx, out = std::move(back.tx)] {
    for (const int i : in)
      (void)out.send(i);
  });
  scope.spawn([in = back.rx, out = std::move(there.tx)] {
    for (int i = 0; i < 2000; ++i) {
      (void)out.send(i);
      CHECK(*in.receive() == i);
    }
  });
  CHECK_NOTHROW(scope.join());
}

TEST_CASE("a scope inside another one does not look for deadlocks of its own", "[deadlock]") {
  roost::event event;
  roost::task_scope scope;
  scope.spawn([&] {
    roost::task_scope inner(stops());
    inner.spawn([&] { event.wait(); });
    CHECK_NOTHROW(inner.join());
  });
  test::wait_until_waiting(event, 1);
  event.set();
  scope.join();
}
