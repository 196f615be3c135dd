// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

// What wakes the waiters at a broadcast: another thread's operation, a close, a stop, the time.

using namespace std::chrono_literals;
using roost::broadcast;
using roost::broadcast_receiver;
using roost::channel_status;
using roost::overflow;
using test::item_counts;
using test::outcome_of;
using test::seen;

namespace {

using result = roost::shared_result<int>;

struct receive_form {
  const char* name;
  result (*receive)(const broadcast_receiver<int>&);
};

const receive_form receive_forms[] = {
    {"receive", [](const broadcast_receiver<int>& rx) { return rx.receive(); }},
    {"receive_for", [](const broadcast_receiver<int>& rx) { return rx.receive_for(1h); }},
    {"receive_until",
     [](const broadcast_receiver<int>& rx) { return rx.receive_until(roost::clock::now() + 1h); }},
};

struct send_form {
  const char* name;
  roost::send_result (*send)(const broadcast<int>&, int);
};

const send_form send_forms[] = {
    {"send", [](const broadcast<int>& tx, int i) { return tx.send(i); }},
    {"send_for", [](const broadcast<int>& tx, int i) { return tx.send_for(i, 1h); }},
    {"send_until",
     [](const broadcast<int>& tx, int i) { return tx.send_until(i, roost::clock::now() + 1h); }},
};

} // namespace

TEST_CASE("a send wakes one receiver at each place of a broadcast", "[broadcast]") {
  const auto& form = receive_forms[GENERATE(0, 1, 2)];
  const auto policy = GENERATE(overflow::block, overflow::drop_oldest);
  CAPTURE(form.name);
  const broadcast<int> tx(1, policy);
  const auto shared = tx.subscribe();
  roost::task_scope scope;
  auto first = scope.spawn([&] { return form.receive(shared).value(); });
  test::wait_until_waiting(shared, 1);
  auto second = scope.spawn([&] { return form.receive(shared).value(); });
  test::wait_until_waiting(shared, 2);
  std::vector<roost::task_handle<int>> others;
  std::vector<broadcast_receiver<int>> places;
  for (int i = 0; i < 5; ++i)
    places.push_back(tx.subscribe());
  for (const auto& rx : places)
    others.push_back(scope.spawn([&] { return form.receive(rx).value(); }));
  for (const auto& rx : places)
    test::wait_until_waiting(rx, 1);
  CHECK(tx.send(7));
  for (auto& each : others)
    CHECK(each.get() == 7);
  CHECK(first.get() == 7); // served in the order they came
  CHECK(test::waiting(shared) == 1);
  if (policy == overflow::block)
    places.clear(); // or they would hold up the next one
  CHECK(tx.send(8));
  CHECK(second.get() == 8);
}

TEST_CASE("the last receiver to read lets waiting senders into a broadcast in their order",
          "[broadcast]") {
  const auto& form = send_forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  const broadcast<int> tx(1);
  const auto one = tx.subscribe();
  std::optional two = tx.subscribe();
  REQUIRE(tx.send(0));
  roost::task_scope scope;
  std::vector<roost::task_handle<roost::send_result>> sends;
  for (int i = 1; i < 4; ++i) {
    sends.push_back(scope.spawn([&, i] { return form.send(tx, i); }));
    test::wait_until_waiting(tx, static_cast<std::size_t>(i));
  }
  CHECK(one.receive().value() == 0);
  CHECK(test::waiting(tx) == 3);
  CHECK(two->receive().value() == 0);
  CHECK(sends[0].get());
  CHECK(test::waiting(tx) == 2);
  CHECK(one.receive().value() == 1);
  CHECK(test::waiting(tx) == 2);
  two.reset(); // going lets in as many as reading
  CHECK(sends[1].get());
  CHECK(one.receive().value() == 2);
  CHECK(sends[2].get());
  CHECK(one.receive().value() == 3);
}

TEST_CASE("a receiver that goes lets in as many senders as there is room for", "[broadcast]") {
  const broadcast<int> tx(3);
  std::optional slow = tx.subscribe();
  const auto fast = tx.subscribe();
  for (int i = 0; i < 3; ++i)
    REQUIRE(tx.send(i));
  while (fast.try_receive()) {
  }
  std::vector<int> got;
  roost::task_scope scope;
  scope.spawn([&] {
    for (int i = 0; i < 5; ++i)
      got.push_back(fast.receive().value());
  });
  test::wait_until_waiting(fast, 1);
  for (int i = 3; i < 5; ++i) {
    scope.spawn([&, i] { (void)tx.send(i); });
    test::wait_until_waiting(tx, static_cast<std::size_t>(i - 2));
  }
  slow.reset();
  test::wait_until_waiting(tx, 0);
  for (int i = 5; i < 8; ++i)
    REQUIRE(tx.send(i));
  scope.join();
  CHECK(got == std::vector{3, 4, 5, 6, 7});
}

TEST_CASE("a close wakes all who wait at a broadcast", "[broadcast]") {
  const auto& form = receive_forms[GENERATE(0, 1, 2)];
  const bool by_hand = GENERATE(true, false);
  CAPTURE(form.name, by_hand);
  std::optional<broadcast<int>> tx(std::in_place, 1U);
  const auto rx = tx->subscribe();
  const auto same = rx;
  const auto other = tx->subscribe(overflow::drop_oldest);
  roost::task_scope scope;
  std::vector<roost::task_handle<channel_status>> ends;
  for (const auto* each : {&rx, &same, &other})
    ends.push_back(scope.spawn([&form, each] { return form.receive(*each).status(); }));
  test::wait_until_waiting(rx, 2);
  test::wait_until_waiting(other, 1);
  if (by_hand) {
    tx->close();
  } else {
    tx.reset();
  }
  for (auto& each : ends)
    CHECK(each.get() == channel_status::closed);
}

TEST_CASE("a close wakes senders that a receiver of a broadcast holds up", "[broadcast]") {
  const auto& form = send_forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  const broadcast<int> tx(1);
  const auto rx = tx.subscribe();
  REQUIRE(tx.send(0));
  roost::task_scope scope;
  auto first = scope.spawn([&] { return form.send(tx, 1).status(); });
  auto second = scope.spawn([&] { return form.send(tx, 2).status(); });
  test::wait_until_waiting(tx, 2);
  tx.close();
  CHECK(first.get() == channel_status::closed);
  CHECK(second.get() == channel_status::closed);
  CHECK(rx.receive().value() == 0);
  CHECK(rx.receive().status() == channel_status::closed);
}

TEST_CASE("a stop wakes those who wait at a broadcast and nothing has happened", "[broadcast]") {
  const int form = GENERATE(0, 1, 2);
  item_counts counts;
  const broadcast<int> tx(1);
  const broadcast<test::tracked_item> full(1);
  const auto rx = tx.subscribe();
  const auto slow = full.subscribe();
  REQUIRE(full.send(test::tracked_item(counts, 0)));
  seen receiving[2] = {};
  seen sending[2] = {};
  int left = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      for (seen& each : receiving)
        each = outcome_of([&] { (void)receive_forms[form].receive(rx); });
    });
    scope.spawn([&] {
      test::tracked_item item(counts, 5);
      for (seen& each : sending)
        each = outcome_of([&] { (void)full.send(std::move(item)); });
      left = item.value();
    });
    test::wait_until_waiting(rx, 1);
    test::wait_until_waiting(full, 1);
    test::wait_until_blocked(scope, 2);
    scope.request_stop();
  }
  CHECK(receiving[0] == seen::stopped);
  CHECK(receiving[1] == seen::stopped);
  CHECK(sending[0] == seen::stopped);
  CHECK(sending[1] == seen::stopped);
  CHECK(left == 5);
  CHECK(test::waiting(rx) == 0);
  CHECK(test::waiting(full) == 0);
  CHECK(tx.send(3)); // and what they waited at works
  CHECK(rx.receive().value() == 3);
  CHECK(slow.receive()->value() == 0);
  CHECK(full.try_send(test::tracked_item(counts, 6)));
}

TEST_CASE("a stop goes before what a broadcast has", "[broadcast]") {
  const broadcast<int> tx(2);
  const auto rx = tx.subscribe();
  REQUIRE(tx.send(1));
  int passed = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      scope.request_stop();
      for (const auto& form : receive_forms)
        passed += outcome_of([&] { (void)form.receive(rx); }) != seen::stopped;
      for (const auto& form : send_forms)
        passed += outcome_of([&] { (void)form.send(tx, 2); }) != seen::stopped;
      passed += outcome_of([&] {
                  for (const int i : rx)
                    passed += i;
                }) != seen::stopped;
    });
  }
  CHECK(passed == 0);
  CHECK(rx.size() == 1);
  CHECK(rx.try_receive().value() == 1); // the try_ forms do not look at stops
}

TEST_CASE("an item that came before the stop was received from a broadcast", "[broadcast]") {
  const broadcast<int> tx(1);
  const auto rx = tx.subscribe();
  int got = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] { got = rx.receive().value(); });
    test::wait_until_waiting(rx, 1);
    REQUIRE(tx.send(3));
    scope.request_stop();
  }
  CHECK(got == 3);
}

TEST_CASE("a timed wait at a broadcast gives up at its deadline and not before", "[broadcast]") {
  test::bubble([&] {
    const broadcast<int> tx(1);
    const auto rx = tx.subscribe();
    auto deadline = roost::clock::now() + 1h;
    CHECK(rx.receive_until(deadline).status() == channel_status::timeout);
    CHECK(roost::clock::now() == deadline);
    auto start = roost::clock::now();
    CHECK(rx.receive_for(1h).status() == channel_status::timeout);
    CHECK(roost::clock::now() == start + 1h);
    REQUIRE(tx.send(1));
    deadline = roost::clock::now() + 1h;
    CHECK(tx.send_until(2, deadline).status() == channel_status::timeout);
    CHECK(roost::clock::now() == deadline);
    start = roost::clock::now();
    CHECK(tx.send_for(2, 1h).status() == channel_status::timeout);
    CHECK(roost::clock::now() == start + 1h);
    CHECK(test::waiting(rx) == 0);
    CHECK(test::waiting(tx) == 0);
    // What can happen at once does, although the time has passed.
    CHECK(rx.receive_until(roost::clock::time_point::min()).value() == 1);
    CHECK(tx.send_for(2, -1h));
    CHECK(rx.receive_for(0ns).value() == 2);
  });
}

TEST_CASE("a broadcast, a watch and a barrier can be waited at with any timeout", "[broadcast]") {
  using picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  using seconds_point = std::chrono::time_point<roost::clock, std::chrono::seconds>;
  const broadcast<int> tx(1);
  const auto rx = tx.subscribe();
  const roost::watch<int> value(0);
  const auto change = value.subscribe();
  (void)change.wait();
  roost::barrier b(2);
  std::atomic<int> happened = 0;
  roost::task_scope scope;
  scope.spawn([&] { happened += bool(rx.receive_for(std::chrono::seconds::max())); });
  scope.spawn([&] { happened += bool(rx.receive_until(seconds_point::max())); });
  scope.spawn([&] { happened += bool(change.wait_for(std::chrono::hours::max())); });
  scope.spawn([&] { happened += bool(change.wait_until(seconds_point::max())); });
  scope.spawn([&] { happened += b.arrive_and_wait_for(picoseconds::max()); });
  test::wait_until_blocked(scope, 5);
  (void)b.arrive();
  for (int i = 0; i < 2; ++i) {
    REQUIRE(tx.send_for(i, std::chrono::seconds::max()));
    test::wait_until_waiting(change, static_cast<std::size_t>(2 - i));
    value.set(i);
  }
  scope.join();
  CHECK(happened == 5);
  CHECK_FALSE(rx.receive_for(std::chrono::duration<double>(-1e300)));
}

TEST_CASE("a deadline of the scope wakes those who wait at a broadcast", "[broadcast]") {
  test::bubble([&] {
    const broadcast<int> tx(1);
    const auto rx = tx.subscribe();
    const auto receive_all = [&](roost::task_scope&) {
      for (const int i : rx)
        (void)i;
    };
    CHECK_THROWS_AS(roost::with_scope({.timeout = 1h}, receive_all), roost::timeout_error);
    REQUIRE(tx.send(1));
    CHECK_THROWS_AS(
        roost::with_scope({.timeout = 1h}, [&](roost::task_scope&) { (void)tx.send(2); }),
        roost::timeout_error);
    CHECK(rx.size() == 1);
  });
}

TEST_CASE("a failed task wakes those who wait at a broadcast", "[broadcast]") {
  const broadcast<int> tx(1);
  const auto rx = tx.subscribe();
  CHECK_THROWS_AS(roost::with_scope([&](roost::task_scope& scope) {
                    scope.spawn([] { throw std::out_of_range("the cause"); });
                    (void)rx.receive();
                  }),
                  std::out_of_range);
}

TEST_CASE("a plain thread waits at a broadcast", "[broadcast]") {
  const broadcast<int> tx(1);
  const auto rx = tx.subscribe();
  int sum = 0;
  {
    const std::jthread receiver([&] {
      for (const int i : rx)
        sum += i;
    });
    for (int i = 1; i <= 100; ++i)
      REQUIRE(tx.send(i));
    tx.close();
  }
  CHECK(sum == 5050);
}

TEST_CASE("an item may own the last sender of its broadcast", "[broadcast]") {
  struct owner {
    std::unique_ptr<broadcast<owner>> tx;
  };
  auto tx = std::make_unique<broadcast<owner>>(1U);
  const auto& shared = *tx;
  std::optional rx = shared.subscribe();
  REQUIRE(shared.send(owner{}));
  roost::task_scope scope;
  scope.spawn([&, mine = std::move(tx)]() mutable {
    const auto& end = *mine;
    owner item{std::move(mine)};
    (void)end.send(std::move(item));
  });
  test::wait_until_waiting(shared, 1);
  CHECK(rx->receive()->tx == nullptr);
  scope.join();
  const auto got = rx->receive();
  CHECK(got->tx != nullptr);
  rx.reset();
  REQUIRE(
      got->tx->send(owner{})); // it is the latest no more: else it and its sender kept each other
}

TEST_CASE("a sender that waits keeps the broadcast, as its item may own the last end",
          "[broadcast]") {
  item_counts counts;
  const broadcast<test::tracked_item> tx(1);
  auto rx = tx.subscribe();
  REQUIRE(tx.send(test::tracked_item(counts, 1)));
  const long ends = test::channel_probe::keepers(tx);
  roost::task_scope scope;
  scope.spawn([&] { (void)tx.send(test::tracked_item(counts, 2)); });
  test::wait_until_waiting(tx, 1);
  CHECK(test::channel_probe::keepers(tx) == ends + 1);
  CHECK(rx.receive()->value() == 1);
  scope.join();
  CHECK(test::channel_probe::keepers(tx) == ends);
}
