// SPDX-License-Identifier: BSL-1.0
// What scope_options::on_deadlock does. Where a deadlock is not found these tests hang: no scope
// here gives the notice that comes after stall_after. What is not told is in
// deadlock_silence_test.cpp.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/probe.hpp"
#include "support/told_texts.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using roost::deadlock_error;
using roost::on_deadlock;

namespace {

constexpr auto never = roost::clock::duration::max();

roost::scope_options stops(std::string_view name = "root") {
  return {.name = name, .stall_after = never, .on_deadlock = on_deadlock::stop};
}

/// The deadlock_error that `body` must throw out of a with_scope.
template <class Body>
deadlock_error deadlock_in(Body body) {
  try {
    roost::with_scope(stops(), std::move(body));
  } catch (const deadlock_error& error) {
    return error;
  }
  FAIL("no deadlock was told");
  return {"", {}};
}

/// What the task with that name waited for, or with no name the owner of the first scope.
std::string wait_of(const deadlock_error& error, std::string_view task = {}) {
  const auto text = [](const roost::blocked_report& b) {
    return b.operation + (b.object.empty() ? "" : " on " + b.object);
  };
  if (task.empty()) {
    const auto& owner = error.what_waits().scopes.front().owner;
    return owner ? text(*owner) : "runs";
  }
  for (const roost::task_report& t : error.what_waits().tasks) {
    if (t.name == task)
      return t.blocked ? text(*t.blocked) : "runs";
  }
  return "is not there";
}

} // namespace

TEST_CASE("tasks that wait for each other end with a deadlock_error, at once", "[deadlock]") {
  auto a = roost::make_channel<int>(0, "a");
  auto b = roost::make_channel<int>(0, "b");
  const deadlock_error error = deadlock_in([&](roost::task_scope& scope) {
    scope.spawn("left", [&] { (void)b.tx.send(*a.rx.receive()); });
    scope.spawn("right", [&] { (void)a.tx.send(*b.rx.receive()); });
  });
  CHECK(wait_of(error, "left") == "receiver::receive on a");
  CHECK(wait_of(error, "right") == "receiver::receive on b");
  CHECK(wait_of(error).starts_with("task_scope::"));
  const std::string what = error.what();
  CHECK(what.starts_with("roost: DEADLOCK: nothing in scope \"root\" can go on: its tasks and its "
                         "owner wait for each other\n"));
  CHECK(what.find("\"left\"") != std::string::npos);
}

TEST_CASE("join() throws the deadlock_error, and so does a wait of the owner", "[deadlock]") {
  roost::event never_set;
  SECTION("join") {
    roost::task_scope scope(stops());
    scope.spawn([&] { never_set.wait(); });
    CHECK_THROWS_AS(scope.join(), deadlock_error);
    CHECK(scope.cause().reason == roost::stop_reason::failure);
  }
  SECTION("a wait of the owner, and then the end") {
    roost::task_scope scope(stops());
    CHECK_THROWS_AS(never_set.wait(), deadlock_error);
    CHECK_THROWS_AS(never_set.wait(), roost::stopped);
    CHECK_THROWS_AS(scope.join(), deadlock_error);
  }
  SECTION("failures() shows it") {
    roost::task_scope scope(stops("app"));
    scope.spawn([&] { never_set.wait(); });
    CHECK_THROWS_AS(scope.join(), deadlock_error);
    REQUIRE(scope.failures().empty() == false);
    CHECK(scope.failures().front().task == "app");
  }
  SECTION("under on_error::collect it is one of the list") {
    roost::scope_options options = stops();
    options.errors = roost::on_error::collect;
    roost::task_scope scope(options);
    scope.spawn([&] { never_set.wait(); });
    try {
      scope.join();
      FAIL("it throws");
    } catch (const roost::exception_list& list) {
      REQUIRE(list.failures().size() == 1);
      CHECK_THROWS_AS(std::rethrow_exception(list.failures().front().error), deadlock_error);
    }
  }
}

TEST_CASE("each way to wait for what does not come is found", "[deadlock]") {
  roost::event event;
  const auto expect = [](const char* call, auto body) {
    const deadlock_error error =
        deadlock_in([&](roost::task_scope& scope) { scope.spawn("waits", [&] { body(); }); });
    CHECK(wait_of(error, "waits") == call);
  };
  SECTION("an event") {
    expect("event::wait on event", [&] { event.wait(); });
  }
  SECTION("a send to a full channel") {
    auto full = roost::make_channel<int>(1, "full");
    (void)full.tx.try_send(1);
    expect("sender::send on full", [&] { (void)full.tx.send(2); });
  }
  SECTION("a loop over a channel") {
    auto items = roost::make_channel<int>(4, "items");
    expect("receiver::receive on items", [&] {
      for ([[maybe_unused]] const int i : items.rx)
        CHECK(false);
    });
  }
  SECTION("a semaphore") {
    roost::semaphore permits(1);
    const auto taken = permits.acquire();
    expect("semaphore::acquire on semaphore", [&] { (void)permits.acquire(); });
  }
  SECTION("a wait_group") {
    roost::wait_group group;
    const auto one = group.enter();
    expect("wait_group::wait on wait_group", [&] { group.wait(); });
  }
  SECTION("a select without a timer") {
    auto items = roost::make_channel<int>(0, "items");
    expect("select", [&] {
      roost::select(roost::on_set(event, [] {}), roost::on_receive(items.rx, [](auto&&) {}));
    });
  }
  SECTION("a barrier") {
    roost::barrier both(2);
    expect("barrier::arrive_and_wait on barrier", [&] { both.arrive_and_wait(); });
  }
  SECTION("a broadcast") {
    const roost::broadcast<int> news(1);
    auto reader = news.subscribe();
    expect("broadcast_receiver::receive on broadcast", [&] { (void)reader.receive(); });
  }
}

TEST_CASE("a deadlock is found where the last to block is the owner, or a task ends",
          "[deadlock]") {
  roost::event never_set;
  SECTION("the owner gets the result of a task that waits") {
    const deadlock_error error = deadlock_in([&](roost::task_scope& scope) {
      auto handle = scope.spawn("waits", [&] { never_set.wait(); });
      test::wait_until_waiting(never_set, 1);
      handle.get();
    });
    CHECK(wait_of(error) == "task_handle::get on waits");
  }
  SECTION("the owner loops over a channel of which it has a sender itself") {
    auto results = roost::make_channel<int>(0, "results");
    const deadlock_error error = deadlock_in([&](roost::task_scope& scope) {
      for (int i = 0; i < 3; ++i)
        scope.spawn([out = results.tx, i] { (void)out.send(i); });
      for ([[maybe_unused]] const int i : results.rx) {
      }
    });
    CHECK(wait_of(error) == "receiver::receive on results");
  }
  SECTION("the one that could wake the others ends without doing so") {
    roost::event may_end;
    const deadlock_error error = deadlock_in([&](roost::task_scope& scope) {
      scope.spawn("waits", [&] { never_set.wait(); });
      scope.spawn("ends", [&] {
        test::wait_until_waiting(never_set, 1);
        may_end.wait();
      });
      test::wait_until_waiting(may_end, 1);
      may_end.set();
    });
    CHECK(wait_of(error, "waits") == "event::wait on event");
    CHECK(error.what_waits().tasks.size() == 1);
  }
  SECTION("an outside_waker goes") {
    std::optional<roost::outside_waker> waker;
    roost::task_scope scope(stops());
    waker.emplace(scope);
    scope.spawn([&] { never_set.wait(); });
    std::jthread outside([&] {
      test::wait_until([&] { return roost::report_all().scopes.front().owner.has_value(); });
      waker.reset();
    });
    CHECK_THROWS_AS(scope.join(), deadlock_error);
  }
}

TEST_CASE("a deadlock is found through scopes inside, limits and combinators", "[deadlock]") {
  roost::event never_set;
  SECTION("a scope inside a task, with a queue") {
    const deadlock_error error = deadlock_in([&](roost::task_scope& scope) {
      scope.spawn("parent", [&] {
        roost::task_scope inner({.name = "inner", .limit = 1});
        inner.spawn("child", [&] { never_set.wait(); });
        inner.spawn("is queued", [] {});
        inner.join();
      });
    });
    CHECK(wait_of(error, "parent") == "task_scope::join on inner");
    CHECK(wait_of(error, "child") == "event::wait on event");
  }
  SECTION("the owner waits for a place in a limited scope") {
    const deadlock_error error = deadlock_in([&](roost::task_scope&) {
      roost::task_scope limited({.name = "limited", .limit = 1, .backlog = 1});
      for (int i = 0; i < 3; ++i)
        limited.spawn([&] { never_set.wait(); });
    });
    CHECK(error.what_waits().scopes.size() == 2);
  }
  SECTION("when_all") {
    const deadlock_error error = deadlock_in([&](roost::task_scope& scope) {
      scope.spawn("parent",
                  [&] { roost::when_all([&] { never_set.wait(); }, [&] { never_set.wait(); }); });
    });
    CHECK(error.what_waits().scopes.size() == 2);
  }
  SECTION("for_each") {
    const int items[] = {1, 2, 3, 4};
    const deadlock_error error = deadlock_in(
        [&](roost::task_scope&) { roost::for_each(items, [&](int) { never_set.wait(); }); });
    CHECK(error.what_waits().scopes.size() == 2);
  }
  SECTION("a background_scope inside") {
    const deadlock_error error = deadlock_in([&](roost::task_scope&) {
      roost::background_scope other({.name = "other"});
      other.spawn("waits", [&] { never_set.wait(); });
      never_set.wait();
    });
    CHECK(wait_of(error, "waits") == "event::wait on event");
  }
  SECTION("a scope that does not cover its owner, once it is joined") {
    roost::scope_options options = stops();
    options.covers_owner = false;
    roost::task_scope scope(options);
    scope.spawn([&] { never_set.wait(); });
    test::wait_until_waiting(never_set, 1);
    CHECK_THROWS_AS(scope.join(), deadlock_error);
  }
}

TEST_CASE("what an earlier scope of the same thread has used is nothing from outside",
          "[deadlock]") {
  auto items = roost::make_channel<int>(0);
  {
    roost::task_scope earlier;
    earlier.spawn([&] { (void)items.tx.send(1); });
    (void)items.rx.receive();
  }
  roost::task_scope scope(stops());
  scope.spawn([&] { (void)items.rx.receive(); });
  CHECK_THROWS_AS(scope.join(), deadlock_error);
}

TEST_CASE("a deadlock is found whatever the owner joins, and where loops take turns",
          "[deadlock]") {
  roost::event never_set;
  SECTION("the owner joins a scope inside, and the root has no task") {
    const deadlock_error error = deadlock_in([&](roost::task_scope&) {
      roost::task_scope inner;
      inner.spawn("waits", [&] { never_set.wait(); });
      inner.join();
    });
    CHECK(wait_of(error, "waits") == "event::wait on event");
  }
  SECTION("a callable of the owner's when_all is over") {
    (void)deadlock_in(
        [&](roost::task_scope&) { roost::when_all([&] { never_set.wait(); }, [] {}); });
  }
  SECTION("a task joins a background_scope") {
    (void)deadlock_in([&](roost::task_scope& scope) {
      scope.spawn([&] {
        roost::background_scope other;
        other.spawn([&] { never_set.wait(); });
        other.join();
      });
    });
  }
  SECTION("workers of a loop wait for their turn at a receiver") {
    auto items = roost::make_channel<int>(0);
    (void)deadlock_in([&](roost::task_scope& scope) {
      scope.spawn([&] { (void)items.tx.send(1); });
      roost::for_each(items.rx, [](int) {}, {.limit = 3});
    });
  }
  SECTION("an independent scope has ended inside") {
    (void)deadlock_in([&](roost::task_scope& scope) {
      scope.spawn([&] {
        {
          roost::background_scope independent({.inherit = false, .on_deadlock = on_deadlock::stop});
        }
        never_set.wait();
      });
    });
  }
}

TEST_CASE("a root scope that two threads end is told of its deadlock", "[deadlock]") {
  roost::event never_set;
  roost::scope_options options = stops();
  options.covers_owner = false;
  roost::task_scope scope(options);
  scope.spawn([&] { never_set.wait(); });
  std::jthread other([&] {
    try {
      scope.join();
    } catch (const deadlock_error&) { // to one of the two
    }
  });
  try {
    scope.join();
  } catch (const deadlock_error&) { // likewise
  }
  other.join();
  CHECK(scope.cause().reason == roost::stop_reason::failure);
}

TEST_CASE("a sink may make a scope of its own while it is told of a deadlock", "[deadlock]") {
  static roost::event told;
  roost::set_report_sink([](std::string_view) {
    roost::task_scope own;
    own.spawn([] { told.set(); });
  });
  {
    roost::task_scope scope({.stall_after = never, .on_deadlock = on_deadlock::report});
    scope.spawn([] { told.wait(); });
    CHECK_NOTHROW(scope.join());
  }
  roost::set_report_sink(nullptr);
}

TEST_CASE("a callback of the stop after a deadlock may wait", "[deadlock]") {
  roost::event never_set;
  roost::event set;
  set.set();
  CHECK_THROWS_AS(roost::with_scope(stops(),
                                    [&](roost::task_scope& scope) {
                                      scope.spawn([&] {
                                        const std::stop_callback waits(
                                            roost::this_task::stop_token(), [&] { set.wait(); });
                                        never_set.wait();
                                      });
                                    }),
                  deadlock_error);
}

TEST_CASE("a wait that a callback of the stop after its deadlock would end is stopped",
          "[deadlock]") {
  roost::event set_by_the_stop;
  bool went_on = false;
  CHECK_THROWS_AS(roost::with_scope(stops(),
                                    [&](roost::task_scope& scope) {
                                      scope.spawn([&] {
                                        const std::stop_callback sets(
                                            roost::this_task::stop_token(),
                                            [&] { set_by_the_stop.set(); });
                                        set_by_the_stop.wait();
                                        went_on = true;
                                      });
                                    }),
                  deadlock_error);
  CHECK_FALSE(went_on);
}

TEST_CASE("on_deadlock::report tells the sink once, and goes on", "[deadlock]") {
  const test::told_texts told;
  roost::event first;
  roost::event second;
  roost::task_scope scope(
      {.name = "app", .stall_after = never, .on_deadlock = on_deadlock::report});
  scope.spawn([&] {
    first.wait();
    second.wait();
  });
  std::jthread outside([&] {
    told.wait_for(1);
    first.set();
    test::wait_until_waiting(second, 1);
    second.set();
  });
  scope.join();
  REQUIRE(told.all().size() == 1);
  CHECK(told.all().front().starts_with("roost: DEADLOCK: nothing in scope \"app\" can go on"));
}
