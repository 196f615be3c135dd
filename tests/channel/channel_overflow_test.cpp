// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/numbered_items.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Channels whose sends never wait: what is lost when they are full, and what is not.

using namespace std::chrono_literals;
using roost::channel_status;
using roost::overflow;
using test::item_counts;
using test::make_item;
using test::owned_item;
using test::received_at_once;
using test::tracked_item;
using test::value_of;

TEMPLATE_TEST_CASE("drop_oldest makes room for every form of send and loses what came first",
                   "[channel]",
                   int,
                   std::string,
                   owned_item,
                   tracked_item) {
  for (const auto& send : test::send_forms<TestType>()) {
    CAPTURE(send.name);
    item_counts counts;
    {
      auto ch = roost::make_channel<TestType>(3, overflow::drop_oldest);
      for (int i = 0; i < 10; ++i) {
        auto item = make_item<TestType>(counts, i);
        CHECK(send.send(ch.tx, item));
        CHECK(ch.tx.dropped() == static_cast<std::size_t>(i < 3 ? 0 : i - 2));
      }
      CHECK(ch.rx.size() == 3);
      CHECK(ch.rx.dropped() == 7);
      CHECK(received_at_once(ch.rx) == std::vector<int>{7, 8, 9});
      CHECK(ch.rx.dropped() == 7);
    }
    CHECK(counts.live == 0);
  }
}

TEMPLATE_TEST_CASE("drop_newest refuses every form of send when full and leaves the item",
                   "[channel]",
                   int,
                   std::string,
                   owned_item,
                   tracked_item) {
  for (const auto& send : test::send_forms<TestType>()) {
    CAPTURE(send.name);
    item_counts counts;
    {
      auto ch = roost::make_channel<TestType>(3, overflow::drop_newest);
      for (int i = 0; i < 10; ++i) {
        auto item = make_item<TestType>(counts, i);
        const auto sent = send.send(ch.tx, item);
        CHECK(sent.status() == (i < 3 ? channel_status::success : channel_status::full));
        if (!sent)
          CHECK(value_of(item) == i);
      }
      CHECK(ch.rx.dropped() == 7);
      CHECK(received_at_once(ch.rx) == std::vector<int>{0, 1, 2});
      auto item = make_item<TestType>(counts, 10);
      CHECK(send.send(ch.tx, item)); // there is room again
      CHECK(received_at_once(ch.rx) == std::vector<int>{10});
      CHECK(ch.rx.dropped() == 7);
    }
    CHECK(counts.live == 0);
  }
}

TEST_CASE("drop_oldest with room for one holds the latest item", "[channel]") {
  auto ch = roost::make_channel<int>(1, overflow::drop_oldest, "latest");
  for (int i = 0; i <= 1000; ++i)
    REQUIRE(ch.tx.send(i));
  CHECK(ch.rx.size() == 1);
  CHECK(ch.rx.receive().value() == 1000);
  CHECK(ch.rx.dropped() == 1000);
  CHECK(ch.rx.try_receive().status() == channel_status::empty);
}

TEST_CASE("a channel that drops has its whole capacity however large", "[channel]") {
  const auto policy = GENERATE(overflow::drop_oldest, overflow::drop_newest);
  const std::size_t capacity = GENERATE(as<std::size_t>(), 1023, 1024, 1025, 5000);
  auto ch = roost::make_channel<int>(capacity, policy);
  CHECK(ch.tx.capacity() == capacity);
  for (std::size_t i = 0; i < capacity; ++i)
    REQUIRE(ch.tx.send(static_cast<int>(i)));
  CHECK(ch.tx.dropped() == 0);
  const bool oldest = policy == overflow::drop_oldest;
  CHECK(bool(ch.tx.send(-1)) == oldest);
  CHECK(ch.tx.dropped() == 1);
  CHECK(ch.rx.size() == capacity);
  CHECK(ch.rx.receive().value() == (oldest ? 1 : 0));
}

TEST_CASE("without capacity drop_oldest is refused and drop_newest meets only who waits",
          "[channel]") {
  CHECK_THROWS_AS(roost::make_channel<int>(0, overflow::drop_oldest), std::invalid_argument);
  CHECK_THROWS_AS(roost::make_channel<int>(static_cast<std::size_t>(-1), overflow::drop_newest),
                  std::invalid_argument);

  auto ch = roost::make_channel<int>(0, overflow::drop_newest);
  CHECK(ch.tx.send(1).status() == channel_status::full);
  CHECK(ch.tx.dropped() == 1);
  roost::task_scope scope;
  auto got = scope.spawn([&] { return ch.rx.receive().value(); });
  test::wait_until_waiting(ch.rx, 1);
  CHECK(ch.tx.send(2));
  CHECK(got.get() == 2);
  CHECK(ch.tx.dropped() == 1);
}

TEST_CASE("a channel that blocks drops nothing", "[channel]") {
  auto ch = roost::make_channel<int>(1, overflow::block);
  REQUIRE(ch.tx.send(1));
  CHECK(ch.tx.try_send(2).status() == channel_status::full);
  CHECK(ch.tx.send_for(2, 0ns).status() == channel_status::timeout);
  CHECK(ch.tx.dropped() == 0);
  auto other = roost::make_channel<int>(roost::unbounded);
  REQUIRE(other.tx.send(1));
  CHECK(other.tx.dropped() == 0);
}

TEST_CASE("where a receiver waits nothing is dropped", "[channel]") {
  const auto policy = GENERATE(overflow::drop_oldest, overflow::drop_newest);
  auto ch = roost::make_channel<int>(1, policy);
  roost::task_scope scope;
  std::vector<roost::task_handle<int>> got;
  for (std::size_t i = 0; i < 3; ++i) {
    got.push_back(scope.spawn([&] { return ch.rx.receive().value(); }));
    test::wait_until_waiting(ch.rx, i + 1);
  }
  for (int i = 0; i < 4; ++i)
    CHECK(ch.tx.send(i));
  CHECK(ch.tx.dropped() == 0);
  for (int i = 0; i < 3; ++i)
    CHECK(got[static_cast<std::size_t>(i)].get() == i);
  CHECK(received_at_once(ch.rx) == std::vector<int>{3});
}

TEST_CASE("a send to a channel that drops sees stops and the closed channel", "[channel]") {
  const auto policy = GENERATE(overflow::drop_oldest, overflow::drop_newest);
  auto ch = roost::make_channel<int>(1, policy);
  REQUIRE(ch.tx.send(1));
  auto sent = test::seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      scope.request_stop();
      sent = test::outcome_of([&] { (void)ch.tx.send(2); });
    });
  }
  CHECK(sent == test::seen::stopped);
  ch.tx.close();
  CHECK(ch.tx.send(3).status() == channel_status::closed);
  CHECK(ch.tx.try_send(3).status() == channel_status::closed);
  CHECK(ch.tx.dropped() == 0);
  CHECK(ch.rx.receive().value() == 1);
  CHECK(ch.rx.receive().status() == channel_status::closed);
}

TEST_CASE("a select that sends to a full channel that drops does not wait", "[channel]") {
  auto oldest = roost::make_channel<std::string>(1, overflow::drop_oldest);
  auto newest = roost::make_channel<std::string>(1, overflow::drop_newest);
  auto never = roost::make_channel<int>();
  REQUIRE(oldest.tx.send("first"));
  REQUIRE(newest.tx.send("first"));
  std::string item = "second";
  std::vector<channel_status> ends;
  const auto note = [&](roost::send_result sent) { ends.push_back(sent.status()); };
  const auto no_item = [](auto) {};

  CHECK(roost::select(roost::on_send(newest.tx, std::move(item), note),
                      roost::on_receive(never.rx, no_item)) == 0);
  CHECK(item == "second"); // NOLINT(bugprone-use-after-move): it was not taken
  CHECK(roost::select(roost::on_receive(never.rx, no_item),
                      roost::on_send(oldest.tx, std::move(item), note)) == 1);
  CHECK(ends == std::vector<channel_status>{channel_status::full, channel_status::success});
  CHECK(newest.tx.dropped() == 1);
  CHECK(oldest.tx.dropped() == 1);
  CHECK(newest.rx.receive().value() == "first");
  CHECK(oldest.rx.receive().value() == "second");
}

TEST_CASE("an item that makes room dies in the sender and finds its channel usable", "[channel]") {
  item_counts counts;
  auto ch = roost::make_channel<tracked_item>(2, overflow::drop_oldest);
  std::vector<int> destroyed;
  int elsewhere = 0;
  const auto here = std::this_thread::get_id();
  counts.on_destroy = [&](int value) {
    destroyed.push_back(value);
    elsewhere += std::this_thread::get_id() != here;
    if (value < 10) // sends once more, which drops the next one
      CHECK(ch.tx.send(tracked_item(counts, value + 10)));
    CHECK(ch.tx.size() == 2);
  };
  REQUIRE(ch.tx.send(tracked_item(counts, 1)));
  REQUIRE(ch.tx.send(tracked_item(counts, 2)));
  REQUIRE(ch.tx.send(tracked_item(counts, 20)));
  // 20 dropped 1, whose end sent 11; that dropped 2, whose end sent 12; and that dropped 20.
  CHECK(destroyed == std::vector<int>{1, 2, 20});
  CHECK(elsewhere == 0);
  CHECK(ch.tx.dropped() == 3);
  counts.on_destroy = nullptr;
  CHECK(received_at_once(ch.rx) == std::vector<int>{11, 12});
  CHECK(counts.live == 0);
}

TEST_CASE("an item that makes room may close its channel", "[channel]") {
  item_counts counts;
  auto ch = roost::make_channel<tracked_item>(1, overflow::drop_oldest);
  counts.on_destroy = [&](int value) {
    if (value == 1)
      ch.rx.close();
  };
  REQUIRE(ch.tx.send(tracked_item(counts, 1)));
  CHECK(ch.tx.send(tracked_item(counts, 2)));
  CHECK(ch.tx.send(tracked_item(counts, 3)).status() == channel_status::closed);
  CHECK(received_at_once(ch.rx) == std::vector<int>{2});
  CHECK(ch.rx.receive().status() == channel_status::closed);
}

TEST_CASE("the ends of one channel are equal and those of others are not", "[channel]") {
  auto a = roost::make_channel<int>(1);
  const auto b = roost::make_channel<int>(1);
  const auto queue = roost::make_channel<int>(roost::unbounded);
  const auto latest = roost::make_channel<int>(1, overflow::drop_oldest);
  const auto tx = a.tx;
  const auto rx = a.rx;
  CHECK(tx == a.tx);
  CHECK(rx == a.rx);
  CHECK_FALSE(tx != a.tx);
  for (const auto& other : {b, queue, latest}) {
    CHECK(tx != other.tx);
    CHECK(rx != other.rx);
    CHECK_FALSE(rx == other.rx);
  }
  const auto moved = std::move(a.tx);
  CHECK(moved == tx);
  CHECK(a.tx != tx); // NOLINT(bugprone-use-after-move): it is no end any more
  a.tx = b.tx;
  CHECK(a.tx == b.tx);
  moved.close();
  CHECK(moved == tx);
}
