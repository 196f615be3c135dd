// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/tracked.hpp"

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using roost::broadcast;
using roost::broadcast_receiver;
using roost::channel_status;
using roost::overflow;
using test::item_counts;
using test::make_item;
using test::value_of;

namespace {

// What is there for the receiver at this moment.
std::vector<int> all_there(const broadcast_receiver<int>& rx) {
  std::vector<int> items;
  while (const auto r = rx.try_receive())
    items.push_back(*r);
  return items;
}

void send_numbers(const broadcast<int>& tx, int from, int to) {
  for (int i = from; i < to; ++i)
    REQUIRE(tx.try_send(i));
}

} // namespace

TEST_CASE("ends of a broadcast are handles", "[broadcast]") {
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<broadcast<int>>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<broadcast<int>>);
  STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<broadcast<int>>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<broadcast<int>>);
  STATIC_REQUIRE(std::is_copy_constructible_v<broadcast_receiver<int>>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<broadcast_receiver<int>>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<broadcast<int>>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<broadcast_receiver<int>>);
  STATIC_REQUIRE(std::is_same_v<decltype(*std::declval<roost::shared_result<int>&>()), const int&>);
  STATIC_REQUIRE(std::is_copy_constructible_v<roost::shared_result<std::unique_ptr<int>>>);
}

TEST_CASE("each receiver of a broadcast gets each item in order", "[broadcast]") {
  const broadcast<int> tx(8);
  const auto one = tx.subscribe();
  const auto two = tx.subscribe(overflow::drop_oldest);
  CHECK(tx.receivers() == 2);
  CHECK(tx.capacity() == 8);
  CHECK(one.try_receive().status() == channel_status::empty);
  send_numbers(tx, 0, 5);
  CHECK(one.size() == 5);
  CHECK(all_there(one) == std::vector{0, 1, 2, 3, 4});
  CHECK(one.size() == 0);
  send_numbers(tx, 5, 7);
  CHECK(all_there(one) == std::vector{5, 6});
  CHECK(all_there(two) == std::vector{0, 1, 2, 3, 4, 5, 6});
  CHECK(two.missed() == 0);
}

TEST_CASE("a receiver that comes late begins with the latest item", "[broadcast]") {
  const auto policy = GENERATE(overflow::block, overflow::drop_oldest);
  const broadcast<int> tx(4, policy);
  const auto first = tx.subscribe();
  CHECK(all_there(first).empty()); // nothing was sent so far
  send_numbers(tx, 0, 3);
  const auto late = tx.subscribe();
  CHECK(all_there(late) == std::vector{2});
  send_numbers(tx, 3, 4);
  const auto from_receiver = first.subscribe();
  CHECK(all_there(from_receiver) == std::vector{3});
  CHECK(all_there(late) == std::vector{3});
  CHECK(all_there(first) == std::vector{0, 1, 2, 3});
}

TEST_CASE("a broadcast without receivers keeps the latest item", "[broadcast]") {
  const broadcast<int> tx(2);
  for (int i = 0; i < 100; ++i)
    REQUIRE(tx.send(i)); // waits for nobody
  CHECK(tx.receivers() == 0);
  CHECK(all_there(tx.subscribe()) == std::vector{99});
}

TEST_CASE("a slow receiver of a broadcast loses the oldest items and is told how many",
          "[broadcast]") {
  const broadcast<int> tx(3, overflow::drop_oldest);
  const auto rx = tx.subscribe();
  send_numbers(tx, 0, 3);
  const auto first = rx.try_receive();
  CHECK(first.value() == 0);
  CHECK(first.missed() == 0);
  send_numbers(tx, 3, 10);
  CHECK(rx.size() == 3);
  const auto next = rx.try_receive();
  CHECK(next.value() == 7);
  CHECK(next.missed() == 6); // 1 to 6
  CHECK(rx.try_receive().missed() == 0);
  CHECK(rx.missed() == 6);
  send_numbers(tx, 10, 13);
  CHECK(rx.try_receive().missed() == 1); // 9
  CHECK(rx.missed() == 7);
}

TEST_CASE("a slow receiver of a broadcast holds up the sender if it wants every item",
          "[broadcast]") {
  const broadcast<int> tx(3, overflow::drop_oldest);
  std::optional rx = tx.subscribe(overflow::block);
  const auto loses = tx.subscribe();
  send_numbers(tx, 0, 3);
  CHECK(tx.try_send(3).status() == channel_status::full);
  CHECK(all_there(loses) == std::vector{0, 1, 2});
  CHECK(tx.try_send(3).status() == channel_status::full); // another one is not enough
  CHECK(rx->try_receive().value() == 0);
  send_numbers(tx, 3, 4);
  CHECK(tx.try_send(4).status() == channel_status::full);
  CHECK(all_there(*rx) == std::vector{1, 2, 3});
  CHECK(rx->missed() == 0);
  send_numbers(tx, 4, 7);
  rx.reset(); // who has gone holds up nobody
  send_numbers(tx, 7, 20);
  CHECK(all_there(loses) == std::vector{17, 18, 19});
}

TEST_CASE("the sender of a broadcast is held up by the slowest receiver", "[broadcast]") {
  const broadcast<int> tx(2);
  std::vector<broadcast_receiver<int>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(tx.subscribe());
  send_numbers(tx, 0, 2);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK_FALSE(tx.try_send(2));
    (void)all[i].try_receive();
  }
  send_numbers(tx, 2, 3);
  const auto late = tx.subscribe(); // has one item of the ring before it
  CHECK_FALSE(tx.try_send(3));
  for (const auto& each : all)
    CHECK(all_there(each) == std::vector{1, 2});
  send_numbers(tx, 3, 4); // takes the place of 1, which is no item of the late one
  CHECK_FALSE(tx.try_send(4));
  CHECK(late.try_receive().value() == 2);
  send_numbers(tx, 4, 5);
  CHECK(all_there(late) == std::vector{3, 4});
}

TEST_CASE("copies of a receiver of a broadcast share its items", "[broadcast]") {
  const broadcast<int> tx(4);
  auto one = tx.subscribe();
  auto two = one;
  const auto other = tx.subscribe();
  CHECK(tx.receivers() == 2);
  send_numbers(tx, 0, 4);
  CHECK(one.try_receive().value() == 0);
  CHECK(two.try_receive().value() == 1);
  CHECK(all_there(other).size() == 4);
  one = other; // lets go of its own
  CHECK(tx.receivers() == 2);
  CHECK(all_there(two) == std::vector{2, 3});
  two = one;
  CHECK(tx.receivers() == 1);
}

TEST_CASE("receivers of a broadcast find it closed after what is left for them", "[broadcast]") {
  const bool by_hand = GENERATE(true, false);
  std::optional<broadcast<int>> tx(std::in_place, 4U);
  std::optional<broadcast<int>> copy(*tx);
  const auto rx = tx->subscribe();
  const auto slow = tx->subscribe(overflow::drop_oldest);
  send_numbers(*tx, 0, 2);
  if (by_hand) {
    CHECK(tx->close());
    CHECK_FALSE(copy->close());
    CHECK(copy->closed());
    CHECK(copy->send(5).status() == channel_status::closed);
    CHECK(copy->try_send(5).status() == channel_status::closed);
    CHECK(copy->send_for(5, 1h).status() == channel_status::closed);
  } else {
    tx.reset();
    CHECK_FALSE(rx.closed());
    copy.reset();
  }
  CHECK(rx.closed());
  std::vector<int> items;
  for (const int i : rx)
    items.push_back(i);
  CHECK(items == std::vector{0, 1});
  CHECK(rx.receive().status() == channel_status::closed);
  CHECK(rx.receive_for(1h).status() == channel_status::closed);
  CHECK(rx.try_receive().status() == channel_status::closed);
  CHECK(all_there(rx.subscribe()) == std::vector{1}); // begins with the latest
  CHECK(slow.receive().value() == 0);
  CHECK(test::thrown_by([&] { (void)rx.try_receive().value(); }).find("the broadcast is closed") !=
        std::string::npos);
}

TEST_CASE("an end of a broadcast that was moved from says so", "[broadcast]") {
  broadcast<int> tx(1);
  auto rx = tx.subscribe();
  const auto tx2 = std::move(tx);
  const auto rx2 = std::move(rx);
  CHECK_THROWS_AS(tx.send(1), std::logic_error);
  CHECK_THROWS_AS(tx.try_send(1), std::logic_error);
  CHECK_THROWS_AS(tx.subscribe(), std::logic_error);
  CHECK_THROWS_AS(tx.close(), std::logic_error);
  CHECK_THROWS_AS(rx.receive(), std::logic_error);
  CHECK_THROWS_AS(rx.try_receive(), std::logic_error);
  CHECK_THROWS_AS(rx.begin(), std::logic_error);
  CHECK_THROWS_AS(rx.subscribe(), std::logic_error);
  CHECK(tx2.send(3));
  CHECK(rx2.receive().value() == 3);
}

TEST_CASE("a broadcast that cannot be is refused", "[broadcast]") {
  CHECK(test::thrown_by([] { broadcast<int> b(0); }).find("capacity of 1") != std::string::npos);
  CHECK_THROWS_AS(broadcast<int>((std::numeric_limits<std::size_t>::max)()), std::invalid_argument);
  CHECK(test::thrown_by([] { broadcast<int> b(1, overflow::drop_newest); }).find("drop_oldest") !=
        std::string::npos);
  const broadcast<int> tx(1);
  CHECK_THROWS_AS(tx.subscribe(overflow::drop_newest), std::invalid_argument);
  CHECK_THROWS_AS(tx.subscribe().subscribe(overflow::drop_newest), std::invalid_argument);
  CHECK(tx.receivers() == 0);
}

TEMPLATE_TEST_CASE("items of any type go through a broadcast and none is left",
                   "[broadcast]",
                   int,
                   std::string,
                   test::owned_item,
                   test::shared_item,
                   test::tracked_item,
                   test::move_only_item,
                   test::unassignable_item,
                   test::aligned_item,
                   test::aligned_number,
                   test::large_item) {
  item_counts counts;
  {
    const broadcast<TestType> tx(2);
    const auto one = tx.subscribe();
    const auto two = tx.subscribe(overflow::drop_oldest);
    for (int i = 0; i < 20; ++i) {
      auto item = make_item<TestType>(counts, i);
      REQUIRE(tx.send(std::move(item)));
      const auto got = one.receive();
      CHECK(value_of(*got) == i);
      if constexpr (std::is_same_v<TestType, test::aligned_item> ||
                    std::is_same_v<TestType, test::aligned_number>)
        CHECK(got->aligned());
      if (i % 5 == 4)
        CHECK(value_of(two.receive().value()) == i - 1);
    }
    auto refused = make_item<TestType>(counts, 50);
    for (int i = 20; i < 22; ++i)
      REQUIRE(tx.try_send(make_item<TestType>(counts, i)));
    CHECK(tx.try_send(std::move(refused)).status() == channel_status::full);
    CHECK(value_of(refused) == 50);
    CHECK(tx.send_for(std::move(refused), 1ms).status() == channel_status::timeout);
    CHECK(value_of(refused) == 50);
    tx.close();
    CHECK(tx.send(std::move(refused)).status() == channel_status::closed);
    CHECK(value_of(refused) == 50);
  }
  CHECK(counts.live == 0);
  CHECK(counts.copies == 0);
}

TEST_CASE("an item of a broadcast lives as long as it may be wanted", "[broadcast]") {
  item_counts counts;
  std::vector<int> destroyed;
  counts.on_destroy = [&](int value) { destroyed.push_back(value); };
  std::optional<broadcast<test::tracked_item>> tx(std::in_place, 2U);
  std::optional rx = tx->subscribe(overflow::drop_oldest);
  (void)tx->send(test::tracked_item(counts, 0));
  auto kept = rx->receive();
  const auto also_kept = kept;
  for (int i = 1; i < 4; ++i)
    (void)tx->send(test::tracked_item(counts, i));
  CHECK(destroyed == std::vector{1}); // 0 is held, 2 and 3 are in the ring
  CHECK(kept->value() == 0);
  kept = rx->receive();
  CHECK(destroyed == std::vector{1});
  CHECK(also_kept->value() == 0);
  tx.reset();
  CHECK(counts.live == 3);
  rx.reset();
  CHECK(destroyed == std::vector{1, 3});
  CHECK(kept->value() == 2);
  kept = also_kept;
  CHECK(destroyed == std::vector{1, 3, 2});
  counts.on_destroy = nullptr;
}

TEST_CASE("an item of a broadcast whose destructor uses it finds it unlocked", "[broadcast]") {
  item_counts counts;
  const broadcast<test::tracked_item> tx(1, overflow::drop_oldest);
  const auto rx = tx.subscribe();
  std::vector<std::size_t> sizes;
  counts.on_destroy = [&](int value) {
    sizes.push_back(rx.size());
    if (value == 0)
      (void)tx.try_send(test::tracked_item(counts, 10));
  };
  (void)tx.send(test::tracked_item(counts, 0));
  (void)tx.send(test::tracked_item(counts, 1)); // its place was 0's, so 10 comes, and 1 goes
  CHECK(rx.receive()->value() == 10);
  CHECK(sizes == std::vector<std::size_t>{1, 1});
  counts.on_destroy = nullptr;
}

TEST_CASE("items that are trivial, and cannot be assigned to or copied, go through",
          "[broadcast][watch]") {
  struct fixed {
    const int number;
  };
  struct only_moved {
    explicit only_moved(int n) : number(n) {}
    only_moved(const only_moved&) = delete;
    only_moved(only_moved&&) = default;
    only_moved& operator=(const only_moved&) = delete;
    only_moved& operator=(only_moved&&) = default;
    ~only_moved() = default;
    int number;
  };
  std::vector<int> came;
  const auto send_and_receive = [&](auto first, auto second) {
    const broadcast<decltype(first)> tx(2);
    auto rx = tx.subscribe();
    REQUIRE(tx.send(std::move(first)));
    REQUIRE(tx.try_send(std::move(second)));
    tx.close();
    for (const auto& item : rx)
      came.push_back(item.number);
  };
  send_and_receive(fixed{1}, fixed{2});
  send_and_receive(only_moved(3), only_moved(4));
  const roost::watch<fixed> latest(fixed{0});
  auto rx = latest.subscribe();
  latest.set(fixed{5});
  came.push_back(latest.get().number);
  latest.close();
  for (const fixed& item : rx)
    came.push_back(item.number + 1);
  CHECK(came == std::vector{1, 2, 3, 4, 5, 6});
}
