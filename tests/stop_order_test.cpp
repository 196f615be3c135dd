// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

// A stop ends some tasks before others hear of it. What the first leave behind, a closed channel
// or an empty wait group, must not pass for a normal end with the others.

namespace {

/// How `wait`, in a task, ends that is blocked when `change()` ends it, and that finds the task
/// stopped once it is awake.
std::string end_of(const std::function<void()>& wait, const std::function<void()>& change) {
  const test::no_thread_left check;
  std::atomic<roost::detail::thread_slot*> thread{nullptr};
  std::string thrown;
  roost::task_scope scope;
  scope.spawn([&] {
    thread = &roost::detail::this_thread;
    thrown = test::thrown_by(wait);
  });
  test::wait_until_blocked(scope, 1);
  std::jthread stopper;
  {
    const std::lock_guard stays_in_its_wait(thread.load()->lock);
    change();
    stopper = std::jthread([&] { scope.request_stop(); });
    test::wait_until([&] { return scope.stop_requested(); });
  }
  stopper.join();
  scope.join();
  return thrown;
}

} // namespace

TEST_CASE("a stop goes before the close that a waiter finds", "[channel][stop]") {
  auto ch = roost::make_channel<int>(1);
  const auto close = [&] { ch.tx.close(); };
  SECTION("receive") {
    CHECK(end_of([&] { (void)ch.rx.receive(); }, close) == "stopped");
  }
  SECTION("a loop over the channel") {
    const auto loop = [&] {
      for (const int item : ch.rx)
        (void)item;
    };
    CHECK(end_of(loop, close) == "stopped");
  }
  SECTION("receive_some") {
    std::vector<int> got;
    CHECK(end_of([&] { (void)ch.rx.receive_some(got, 2); }, close) == "stopped");
  }
  SECTION("send") {
    REQUIRE(ch.tx.send(1));
    int item = 2;
    CHECK(end_of([&] { (void)ch.tx.send(std::move(item)); }, close) == "stopped");
    CHECK(ch.rx.receive().value() == 1);
  }
  SECTION("select") {
    std::optional<roost::channel_status> found;
    const auto wait = [&] {
      roost::select(roost::on_receive(ch.rx, [&](auto r) { found = r.status(); }));
    };
    CHECK(end_of(wait, close) == "stopped");
    CHECK_FALSE(found);
  }
  SECTION("a selector") {
    roost::selector one;
    one.add(roost::on_receive(ch.rx, [](auto) {}));
    CHECK(end_of([&] { one.select(); }, close) == "stopped");
    CHECK(one.size() == 1);
  }
}

TEST_CASE("an item that was handed over goes before a stop", "[channel][stop]") {
  auto ch = roost::make_channel<int>(1);
  std::optional<int> got;
  CHECK(end_of([&] { got = ch.rx.receive().value(); }, [&] { CHECK(ch.tx.try_send(7)); }) ==
        "nothing");
  CHECK(got == 7);
}

TEST_CASE("a stop goes before the end of what is waited for", "[stop]") {
  SECTION("an event") {
    roost::event e;
    CHECK(end_of([&] { e.wait(); }, [&] { e.set(); }) == "stopped");
  }
  SECTION("an event in a select") {
    roost::event e;
    CHECK(end_of([&] { roost::select(roost::on_set(e, [] {})); }, [&] { e.set(); }) == "stopped");
  }
  SECTION("a wait group") {
    roost::wait_group group;
    std::optional token = group.enter();
    CHECK(end_of([&] { group.wait(); }, [&] { token.reset(); }) == "stopped");
  }
  SECTION("a task of another scope") {
    test::gate busy;
    roost::task_scope other;
    auto task = other.spawn([&] { busy.pass(); });
    CHECK(end_of([&] { task.get(); },
                 [&] {
                   busy.open();
                   test::wait_until([&] { return task.ready(); });
                 }) == "stopped");
    task.get(); // its result was not lost
  }
}

TEST_CASE("a stop that comes while a wait looks goes before what it finds", "[event][stop]") {
  struct stopping_queue : roost::detail::wait_queue {
    using wait_queue::wait;
  };
  roost::task_scope scope;
  stopping_queue queue;
  CHECK(test::thrown_by([&] {
          queue.wait({}, roost::detail::no_deadline, [&] {
            scope.request_stop();
            return true;
          });
        }) == "stopped");
}

TEST_CASE("a stop has reached all scopes inside before any callback runs", "[task_scope][stop]") {
  const test::no_thread_left check;
  roost::task_scope around({.covers_owner = false});
  std::optional<roost::task_scope> one;
  std::optional<roost::task_scope> other;
  around
      .spawn([&] {
        one.emplace(roost::scope_options{.covers_owner = false});
        other.emplace(roost::scope_options{.covers_owner = false});
      })
      .get();
  int told = 0;
  {
    const auto tell = [&] { told += one->stop_requested() && other->stop_requested() ? 1 : 0; };
    const std::stop_callback first(one->get_stop_token(), tell);
    const std::stop_callback second(other->get_stop_token(), tell);
    const std::stop_callback last(around.get_stop_token(), tell);
    around.request_stop();
  }
  CHECK(told == 3);
  one.reset();
  other.reset();
}
