// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <cstddef>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

// The end of a channel: close() on either end, the last sender's end, the last receiver's end.

using roost::channel_status;
using test::no_limit;
using test::owned_item;
using test::tracked_item;

namespace {

enum class ending { close_by_sender, close_by_receiver, last_end_of_the_other_side };

// What the waiters are told when the other side ends the channel.
template <class T>
void end_by(ending how,
            std::optional<roost::sender<T>>& tx,
            std::optional<roost::receiver<T>>& rx) {
  switch (how) {
  case ending::close_by_sender:
    tx->close();
    break;
  case ending::close_by_receiver:
    rx->close();
    break;
  case ending::last_end_of_the_other_side:
    tx.reset();
    rx.reset();
    break;
  }
}

} // namespace

TEST_CASE("receivers that wait learn of the end once each", "[channel]") {
  const auto how = GENERATE(
      ending::close_by_sender, ending::close_by_receiver, ending::last_end_of_the_other_side);
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, no_limit);
  CAPTURE(static_cast<int>(how), capacity);
  auto ch = test::make_ends<int>(capacity);
  const roost::receiver<int> observer = ch.rx;
  std::optional tx = std::move(ch.tx);
  std::optional rx = std::move(ch.rx);
  roost::task_scope scope;
  std::vector<roost::task_handle<channel_status>> ends;
  for (std::size_t i = 0; i < 10; ++i)
    ends.push_back(scope.spawn([mine = *rx] { return mine.receive().status(); }));
  test::wait_until_waiting(observer, 10);
  end_by(how, tx, rx);
  int closed = 0;
  for (auto& end : ends)
    closed += end.get() == channel_status::closed;
  CHECK(closed == 10);
  CHECK(test::waiting(observer) == 0);
}

TEMPLATE_TEST_CASE("senders that wait learn of the end and keep their items",
                   "[channel]",
                   owned_item,
                   tracked_item) {
  const auto how = GENERATE(
      ending::close_by_sender, ending::close_by_receiver, ending::last_end_of_the_other_side);
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  CAPTURE(static_cast<int>(how), capacity);
  test::item_counts counts;
  {
    auto ch = roost::make_channel<TestType>(capacity);
    for (std::size_t i = 0; i < capacity; ++i)
      REQUIRE(ch.tx.send(test::make_item<TestType>(counts, 99)));
    const roost::sender<TestType> observer = ch.tx;
    std::optional tx = std::move(ch.tx);
    std::optional rx = std::move(ch.rx);
    roost::task_scope scope;
    std::vector<roost::task_handle<bool>> kept;
    for (int i = 0; i < 5; ++i) {
      kept.push_back(scope.spawn([&counts, i, mine = *tx] {
        auto item = test::make_item<TestType>(counts, i);
        const auto end = test::send_from(mine, item).status();
        return end == channel_status::closed && test::value_of(item) == i;
      }));
    }
    test::wait_until_waiting(observer, 5);
    end_by(how, tx, rx);
    int as_promised = 0;
    for (auto& each : kept)
      as_promised += each.get();
    CHECK(as_promised == 5);
    CHECK(test::waiting(observer) == 0);
  }
  CHECK(counts.live == 0);
}

TEST_CASE("what was accepted before the close is received and then it is closed for ever",
          "[channel]") {
  const auto close_at = GENERATE(0, 1);
  const auto form = GENERATE(range(std::size_t{0}, test::receive_forms<int>().size()));
  const auto& receive = test::receive_forms<int>()[form];
  CAPTURE(close_at, receive.name);
  auto ch = roost::make_channel<int>(5);
  for (int i = 0; i < 3; ++i)
    REQUIRE(ch.tx.send(i));
  CHECK_FALSE(ch.tx.closed());
  CHECK((close_at == 0 ? ch.tx.close() : ch.rx.close()));
  CHECK(ch.tx.closed());
  CHECK(ch.rx.closed());
  CHECK(ch.rx.size() == 3);
  for (int i = 0; i < 3; ++i)
    CHECK(receive.receive(ch.rx).item == i);
  for (int turn = 0; turn < 3; ++turn) {
    const auto got = receive.receive(ch.rx);
    CHECK(got.status == channel_status::closed);
    CHECK_FALSE(got.item);
  }
  CHECK(ch.rx.receive_until(roost::clock::time_point{}).status() == channel_status::closed);
}

TEMPLATE_TEST_CASE("no form of send goes through after the close, and the item stays",
                   "[channel]",
                   owned_item,
                   tracked_item) {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, no_limit);
  const auto form = GENERATE(range(std::size_t{0}, test::send_forms<TestType>().size()));
  const auto& send = test::send_forms<TestType>()[form];
  CAPTURE(capacity, send.name);
  test::item_counts counts;
  auto ch = test::make_ends<TestType>(capacity);
  ch.rx.close();
  auto item = test::make_item<TestType>(counts, 6);
  CHECK(send.send(ch.tx, item).status() == channel_status::closed);
  CHECK(test::value_of(item) == 6);
  CHECK(ch.rx.try_receive().status() == channel_status::closed);
  CHECK(counts.live == 1);
}

TEST_CASE("only the first close is told that it closed", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  CHECK(ch.rx.close());
  CHECK_FALSE(ch.rx.close());
  CHECK_FALSE(ch.tx.close());
}

TEST_CASE("of eight threads that close at once exactly one is told that it closed", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  test::gate start;
  std::atomic<int> closers = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        start.pass();
        closers += i % 2 == 0 ? ch.tx.close() : ch.rx.close();
      });
    }
    start.wait_for_arrivals(8);
    start.open();
  }
  CHECK(closers == 1);
  CHECK(ch.tx.closed());
}

TEST_CASE("the channel closes with its last sender and not before", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  std::optional first = ch.tx;
  std::optional second = std::move(ch.tx);
  std::optional third = *first;
  first.reset();
  CHECK_FALSE(ch.rx.closed());
  second.reset();
  CHECK_FALSE(ch.rx.closed());
  CHECK(third->send(1));
  CHECK(ch.rx.receive().value() == 1);
  third.reset();
  CHECK(ch.rx.closed());
  CHECK(ch.rx.receive().status() == channel_status::closed);
}

TEST_CASE("the channel closes with its last receiver and not before", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  std::optional first = ch.rx;
  std::optional second = std::move(ch.rx);
  first.reset();
  CHECK_FALSE(ch.tx.closed());
  CHECK(ch.tx.send(1));
  second.reset();
  CHECK(ch.tx.closed());
  CHECK(ch.tx.send(2).status() == channel_status::closed);
}

TEST_CASE("an end that is assigned to lets go of its old channel", "[channel]") {
  auto old = roost::make_channel<int>(1);
  auto other = roost::make_channel<int>(1);
  old.tx = other.tx;
  CHECK(old.rx.closed());
  CHECK_FALSE(other.rx.closed());
  auto same = other;
  same.tx = same.tx; // NOLINT(clang-diagnostic-self-assign-overloaded)
  CHECK_FALSE(same.rx.closed());
}

TEST_CASE("the task that drops the last sender ends a range-for", "[channel]") {
  auto ch = roost::make_channel<int>(2);
  roost::task_scope scope;
  scope.spawn([tx = std::move(ch.tx)] {
    for (int i = 0; i < 100; ++i)
      (void)tx.send(i);
  });
  int count = 0;
  for (const int item : ch.rx)
    count += item == count;
  CHECK(count == 100);
}

TEMPLATE_TEST_CASE("the last receiver destroys what was not received, once and in its thread",
                   "[channel]",
                   owned_item,
                   tracked_item) {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 4, no_limit);
  const bool closed_before = GENERATE(false, true);
  test::item_counts counts;
  std::atomic<int> destroyed = 0;
  std::atomic<int> elsewhere = 0;
  std::thread::id dropper;
  auto ch = test::make_ends<TestType>(capacity);
  for (int i = 0; i < 4; ++i)
    REQUIRE(ch.tx.send(test::make_item<TestType>(counts, i)));
  if (closed_before)
    ch.rx.close();
  counts.on_destroy = [&](int) {
    ++destroyed;
    elsewhere += std::this_thread::get_id() != dropper;
    CHECK(ch.tx.size() == 0); // this thread is the main thread; the lock is free
  };
  dropper = std::this_thread::get_id();
  {
    const auto last = std::move(ch.rx);
    CHECK(counts.live == 4);
  }
  CHECK(destroyed == 4);
  CHECK(elsewhere == 0);
  CHECK(counts.live == 0);
  CHECK(ch.tx.size() == 0);
}

TEST_CASE("items nobody received die with the channel, whichever end goes first", "[channel]") {
  test::item_counts counts;
  const bool sender_first = GENERATE(false, true);
  auto ch = roost::make_channel<tracked_item>(4);
  std::optional tx = std::move(ch.tx);
  std::optional rx = std::move(ch.rx);
  for (int i = 0; i < 3; ++i)
    REQUIRE(tx->send(tracked_item(counts, i)));
  if (sender_first) {
    tx.reset();
    CHECK(counts.live == 3);
    rx.reset();
  } else {
    rx.reset();
    CHECK(counts.live == 0);
    tx.reset();
  }
  CHECK(counts.live == 0);
}

TEST_CASE("an end may close the channel while it waits itself", "[channel]") {
  auto ch = roost::make_channel<int>();
  auto other = roost::make_channel<int>();
  roost::task_scope scope;
  auto receives = scope.spawn([&] { return ch.rx.receive().status(); });
  test::wait_until_waiting(ch.rx, 1);
  CHECK(ch.rx.close());
  CHECK(receives.get() == channel_status::closed);

  auto sends = scope.spawn([&] { return other.tx.send(1).status(); });
  test::wait_until_waiting(other.tx, 1);
  CHECK(other.tx.close());
  CHECK(sends.get() == channel_status::closed);
}

TEST_CASE("a receiver that stops accepting can still receive what was accepted", "[channel]") {
  auto ch = roost::make_channel<int>(3);
  for (int i = 0; i < 3; ++i)
    REQUIRE(ch.tx.send(i));
  roost::task_scope scope;
  auto late = scope.spawn([&] { return ch.tx.send(3).status(); });
  test::wait_until_waiting(ch.tx, 1);
  CHECK(ch.rx.close());
  CHECK(late.get() == channel_status::closed);
  std::vector<int> got;
  for (const int item : ch.rx)
    got.push_back(item);
  CHECK(got == std::vector<int>{0, 1, 2});
}

TEST_CASE("an item handed over before the close is received although the receiver wakes later",
          "[channel]") {
  auto ch = roost::make_channel<int>();
  roost::task_scope scope;
  auto got = scope.spawn([&] { return ch.rx.receive().value(); });
  test::wait_until_waiting(ch.rx, 1);
  CHECK(ch.tx.send(8));
  ch.tx.close();
  CHECK(got.get() == 8);
}

TEST_CASE("an item whose destructor uses its channel finds it usable", "[channel]") {
  // The last receiver goes: the items it leaves behind look at the channel, send and close.
  test::item_counts counts;
  auto ch = roost::make_channel<tracked_item>(3);
  std::vector<channel_status> seen;
  for (int i = 0; i < 3; ++i)
    REQUIRE(ch.tx.send(tracked_item(counts, i)));
  counts.on_destroy = [&](int value) {
    if (value >= 3)
      return;
    tracked_item another(counts, 3 + value);
    seen.push_back(test::try_send_from(ch.tx, another).status());
    seen.push_back(test::send_from(ch.tx, another).status());
    ch.tx.close();
    CHECK(ch.tx.size() == 0);
  };
  { const auto last = std::move(ch.rx); }
  CHECK(seen == std::vector<channel_status>(6, channel_status::closed));
  CHECK(counts.live == 0);
}

TEST_CASE("an item destroyed by its receiver may send the next one", "[channel]") {
  test::item_counts counts;
  auto ch = roost::make_channel<tracked_item>(1);
  counts.on_destroy = [&](int value) {
    if (value < 100)
      (void)ch.tx.send(tracked_item(counts, value + 1));
  };
  REQUIRE(ch.tx.send(tracked_item(counts, 0)));
  int last = -1;
  for (int turn = 0; turn <= 100; ++turn) {
    const auto got = ch.rx.try_receive();
    REQUIRE(got);
    last = got->value();
  }
  CHECK(last == 100);
  counts.on_destroy = nullptr;
  CHECK(ch.rx.try_receive().status() == channel_status::empty);
  CHECK(counts.live == 0);
}

TEST_CASE("a loop that is left early does not let its sender and the join hang", "[channel]") {
  const test::no_thread_left check;
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 16);
  bool told = false;
  {
    roost::task_scope scope;
    auto [tx, rx] = roost::make_channel<int>(capacity);
    scope.spawn([&told, tx = std::move(tx)]() mutable {
      for (int i = 0; tx.send(i); ++i) {
      }
      told = true;
    });
    for (const int i : rx) {
      if (i == 3)
        break;
    }
  }
  CHECK(told);
}
