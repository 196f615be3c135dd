// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <stdexcept>

// How often an item is moved and copied on its way, and what if that throws.

using namespace std::chrono_literals;
using test::item_counts;
using test::throwing_item;
using test::tracked_item;

TEST_CASE("sending and receiving by move copies nothing and moves little", "[channel]") {
  item_counts counts;
  SECTION("through the buffer") {
    auto ch = roost::make_channel<tracked_item>(1);
    REQUIRE(ch.tx.send(tracked_item(counts, 1)));
    const auto got = ch.rx.receive();
    CHECK(got->value() == 1);
    CHECK(counts.moves <= 2);
  }
  SECTION("to a receiver that waits") {
    auto ch = roost::make_channel<tracked_item>();
    roost::task_scope scope;
    auto got = scope.spawn([&] { return ch.rx.receive()->value(); });
    test::wait_until_waiting(ch.rx, 1);
    REQUIRE(ch.tx.send(tracked_item(counts, 1)));
    CHECK(got.get() == 1);
    CHECK(counts.moves <= 1);
  }
  SECTION("from a sender that waits") {
    auto ch = roost::make_channel<tracked_item>();
    roost::task_scope scope;
    auto sent = scope.spawn([&] { return bool(ch.tx.send(tracked_item(counts, 1))); });
    test::wait_until_waiting(ch.tx, 1);
    CHECK(ch.rx.receive()->value() == 1);
    CHECK(sent.get());
    CHECK(counts.moves <= 1);
  }
  CHECK(counts.copies == 0);
  CHECK(counts.live == 0);
}

TEST_CASE("an item sent from a name is copied once and the original stays", "[channel]") {
  item_counts counts;
  const tracked_item original(counts, 4);
  auto ch = roost::make_channel<tracked_item>(4);
  CHECK(ch.tx.send(original));
  CHECK(ch.tx.send_for(original, 1h));
  CHECK(ch.tx.send_until(original, roost::clock::now() + 1h));
  CHECK(ch.tx.try_send(original));
  CHECK(original.value() == 4);
  CHECK(counts.copies == 4);
  for (int i = 0; i < 4; ++i)
    CHECK(ch.rx.receive()->value() == 4);
  CHECK(counts.copies == 4);
}

TEST_CASE("a move that throws while sending leaves all as it was", "[channel]") {
  item_counts counts;
  auto ch = roost::make_channel<throwing_item>(2);
  throwing_item item(counts, 3);
  for (const auto& send : test::send_forms<throwing_item>()) {
    CAPTURE(send.name);
    counts.moves_until_throw = 0;
    CHECK_THROWS_AS(static_cast<void>(send.send(ch.tx, item)), std::runtime_error);
    CHECK(item.value() == 3);
    CHECK(ch.rx.size() == 0);
    CHECK(counts.live == 1);
  }
  counts.moves_until_throw = -1;
  CHECK(test::send_from(ch.tx, item));
  CHECK(ch.rx.receive()->value() == 3);
}

TEST_CASE("a move that throws while an item is given back leaves the channel usable", "[channel]") {
  item_counts counts;
  {
    auto ch = roost::make_channel<throwing_item>(1);
    REQUIRE(ch.tx.send(throwing_item(counts, 1)));
    throwing_item item(counts, 2);
    counts.moves_until_throw = 1; // into the channel's hands it goes, but not back
    CHECK_THROWS_AS(static_cast<void>(test::try_send_from(ch.tx, item)), std::runtime_error);
    CHECK(counts.live == 2);
    CHECK(ch.rx.receive()->value() == 1);
    CHECK(ch.tx.try_send(throwing_item(counts, 3)));
    CHECK(ch.rx.receive()->value() == 3);
  }
  CHECK(counts.live == 0);
}

TEST_CASE("items whose move may throw are handed to a receiver that waits", "[channel]") {
  item_counts counts;
  auto ch = roost::make_channel<throwing_item>();
  roost::task_scope scope;
  auto got = scope.spawn([&] { return ch.rx.receive()->value(); });
  test::wait_until_waiting(ch.rx, 1);
  throwing_item item(counts, 6);
  counts.moves_until_throw = 1; // one move is all that is needed
  CHECK(test::send_from(ch.tx, item));
  CHECK(got.get() == 6);
  CHECK(counts.live == 1);
}

TEST_CASE("a copy that throws while sending leaves all as it was", "[channel]") {
  struct uncopyable_today {
    uncopyable_today() = default;
    uncopyable_today(const uncopyable_today&) { throw std::runtime_error("no copy today"); }
    uncopyable_today(uncopyable_today&&) noexcept {}
    uncopyable_today& operator=(const uncopyable_today&) = delete;
    uncopyable_today& operator=(uncopyable_today&&) = delete;
    ~uncopyable_today() = default;
  };
  auto ch = roost::make_channel<uncopyable_today>(1);
  const uncopyable_today item;
  CHECK_THROWS_AS(static_cast<void>(ch.tx.send(item)), std::runtime_error);
  CHECK_THROWS_AS(static_cast<void>(ch.tx.try_send(item)), std::runtime_error);
  CHECK(ch.rx.size() == 0);
  CHECK(ch.tx.try_send({}));
  CHECK(ch.rx.try_receive());
}
