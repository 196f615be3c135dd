// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/gate.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <cstddef>
#include <optional>

// A stop wakes the threads that wait at a channel: then nothing was sent and nothing received.

using namespace std::chrono_literals;
using roost::channel_status;
using test::item_counts;
using test::make_item;
using test::no_limit;
using test::outcome_of;
using test::owned_item;
using test::seen;
using test::tracked_item;
using test::value_of;

TEMPLATE_TEST_CASE("a stop wakes every form of send and the item stays in its variable",
                   "[channel]",
                   int,
                   owned_item,
                   tracked_item) {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  for (const auto& send : test::send_forms<TestType>()) {
    if (!send.waits)
      continue;
    CAPTURE(capacity, send.name);
    item_counts counts;
    {
      auto ch = roost::make_channel<TestType>(capacity);
      for (std::size_t i = 0; i < capacity; ++i)
        REQUIRE(ch.tx.send(make_item<TestType>(counts, 1)));
      int left = -1;
      seen first = seen::neither;
      seen second = seen::neither;
      {
        roost::task_scope scope;
        scope.spawn([&] {
          auto item = make_item<TestType>(counts, 2);
          first = outcome_of([&] { (void)send.send(ch.tx, item); });
          second = outcome_of([&] { (void)send.send(ch.tx, item); });
          left = value_of(item);
        });
        test::wait_until_blocked(scope, 1);
        scope.request_stop();
      }
      CHECK(first == seen::stopped);
      CHECK(second == seen::stopped); // and so does every later wait
      CHECK(left == 2);
      CHECK(test::waiting(ch.tx) == 0);
      CHECK(ch.tx.size() == capacity);
      while (const auto got = ch.rx.try_receive())
        CHECK(value_of(*got) == 1);
    }
    CHECK(counts.live == 0);
  }
}

TEST_CASE("a stop wakes every form of receive and the channel goes on", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, no_limit);
  for (const auto& receive : test::receive_forms<int>()) {
    if (!receive.waits)
      continue;
    CAPTURE(capacity, receive.name);
    auto ch = test::make_ends<int>(capacity);
    seen first = seen::neither;
    {
      roost::task_scope scope;
      scope.spawn([&] { first = outcome_of([&] { (void)receive.receive(ch.rx); }); });
      test::wait_until_blocked(scope, 1);
      scope.request_stop();
    }
    CHECK(first == seen::stopped);
    CHECK(test::waiting(ch.rx) == 0);
    // No thread waits any more: what is sent now goes to none that has left.
    CHECK(ch.tx.try_send(1).status() == (capacity == 0 ? channel_status::full //
                                                       : channel_status::success));
  }
}

TEST_CASE("a stop that came before is seen although the operation could go through", "[channel]") {
  auto full = roost::make_channel<int>(3);
  auto open = roost::make_channel<int>(roost::unbounded);
  auto closed = roost::make_channel<int>(3);
  closed.tx.close();
  for (int i = 0; i < 3; ++i)
    REQUIRE(full.tx.send(i));
  int stopped = 0;
  int forms = 0;
  std::optional<channel_status> tried_send;
  std::optional<channel_status> tried_receive;
  test::gate go;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      go.pass();
      for (const auto& receive : test::receive_forms<int>()) {
        if (!receive.waits)
          continue;
        forms += 2;
        stopped += outcome_of([&] { (void)receive.receive(full.rx); }) == seen::stopped;
        stopped += outcome_of([&] { (void)receive.receive(closed.rx); }) == seen::stopped;
      }
      for (const auto& send : test::send_forms<int>()) {
        if (!send.waits)
          continue;
        int item = 1;
        forms += 2;
        stopped += outcome_of([&] { (void)send.send(open.tx, item); }) == seen::stopped;
        stopped += outcome_of([&] { (void)send.send(closed.tx, item); }) == seen::stopped;
      }
      tried_send = open.tx.try_send(5).status();
      tried_receive = full.rx.try_receive().status();
    });
    go.wait_for_arrivals(1);
    scope.request_stop();
    go.open();
  }
  CHECK(forms > 0);
  CHECK(stopped == forms);
  CHECK(full.rx.size() == 2); // only try_receive took one: it does not look at stops
  CHECK(open.rx.size() == 1);
  CHECK(tried_send == channel_status::success);
  CHECK(tried_receive == channel_status::success);
}

TEST_CASE("a consumer of a channel that is never empty ends at the stop", "[channel]") {
  auto ch = roost::make_channel<int>(4);
  std::atomic<int> received = 0;
  roost::task_scope scope;
  scope.spawn([&] {
    for (const int item : ch.rx)
      received += item;
  });
  roost::task_scope producers({.inherit = false});
  producers.spawn([&] {
    while (ch.tx.send(1)) {
    }
  });
  test::wait_until([&] { return received > 100; });
  scope.request_stop();
  scope.join();
  ch.rx.close();
  producers.join();
  CHECK(received > 100);
}

TEST_CASE("an operation that was matched before the stop completes and the next one throws",
          "[channel]") {
  auto ch = roost::make_channel<int>();
  int got = 0;
  seen next = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      got = ch.rx.receive().value();
      next = outcome_of([&] { (void)ch.rx.receive(); });
    });
    test::wait_until_waiting(ch.rx, 1);
    CHECK(ch.tx.send(4));
    scope.request_stop();
  }
  CHECK(got == 4);
  CHECK(next == seen::stopped);

  std::optional<channel_status> sent;
  next = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      sent = ch.tx.send(5).status();
      next = outcome_of([&] { (void)ch.tx.send(6); });
    });
    test::wait_until_waiting(ch.tx, 1);
    CHECK(ch.rx.try_receive().value() == 5);
    scope.request_stop();
  }
  CHECK(sent == channel_status::success);
  CHECK(next == seen::stopped);
  CHECK(ch.rx.try_receive().status() == channel_status::empty);
}

TEST_CASE("a channel closed before the stop says closed to those who waited", "[channel]") {
  auto ch = roost::make_channel<int>();
  std::optional<channel_status> end;
  {
    roost::task_scope scope;
    scope.spawn([&] { end = ch.rx.receive().status(); });
    test::wait_until_waiting(ch.rx, 1);
    ch.tx.close();
    scope.request_stop();
  }
  CHECK(end == channel_status::closed);
}

TEST_CASE("a range-for that is stopped throws and ends its task quietly", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  int after = 0;
  {
    roost::task_scope scope;
    auto handle = scope.spawn([&] {
      for (const int item : ch.rx)
        static_cast<void>(item);
      ++after;
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop("enough");
    scope.join();
    try {
      handle.get();
      CHECK(false);
    } catch (const roost::stopped& s) {
      CHECK(s.cause().reason == roost::stop_reason::requested);
      CHECK(s.cause().message == "enough");
    }
  }
  CHECK(after == 0);
}
