// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/errors.hpp"
#include "support/probe.hpp"

#include <cstddef>
#include <iterator>
#include <limits>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// Sending and receiving: what comes through, and what is exact.

using roost::channel_status;
using test::no_limit;

namespace {

using tx_type = roost::sender<int>;
using rx_type = roost::receiver<int>;
using result_type = roost::receive_result<int>;

} // namespace

TEST_CASE("the ends are cheap handles and the receiver is an input range", "[channel]") {
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<tx_type>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<tx_type>);
  STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<tx_type>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<tx_type>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<tx_type>);
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<rx_type>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<rx_type>);
  STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<rx_type>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<rx_type>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<rx_type>);

  STATIC_REQUIRE(std::input_iterator<rx_type::iterator>);
  STATIC_REQUIRE_FALSE(std::forward_iterator<rx_type::iterator>);
  STATIC_REQUIRE(std::ranges::input_range<rx_type>);
  STATIC_REQUIRE(std::ranges::input_range<const rx_type>);

  STATIC_REQUIRE(std::is_constructible_v<bool, roost::send_result>);
  STATIC_REQUIRE(std::is_convertible_v<roost::send_result, bool>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<roost::send_result, int>); // nor is it a number
  STATIC_REQUIRE(std::is_constructible_v<bool, result_type>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<result_type, bool>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<result_type>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<result_type>);
}

TEST_CASE("what is sent is received", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, no_limit);
  const auto form = GENERATE(range(std::size_t{0}, test::receive_forms<int>().size()));
  const auto& receive = test::receive_forms<int>()[form];
  CAPTURE(capacity, receive.name);
  auto ch = test::make_ends<int>(capacity);
  roost::task_scope scope;
  auto sent = scope.spawn([&] { return ch.tx.send(42).status(); });
  if (capacity == 0) {
    test::wait_until_waiting(ch.tx, 1);
  } else {
    test::wait_until([&] { return ch.rx.size() == 1; });
  }
  const auto got = receive.receive(ch.rx);
  CHECK(got.status == channel_status::success);
  CHECK(got.item == 42);
  CHECK(sent.get() == channel_status::success);
}

TEST_CASE("an empty channel has nothing to receive at once", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, no_limit);
  auto ch = test::make_ends<int>(capacity);
  const auto got = ch.rx.try_receive();
  CHECK_FALSE(got);
  CHECK_FALSE(got.has_value());
  CHECK(got.status() == channel_status::empty);
}

TEST_CASE("a receiver that waits gets what is sent later", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, no_limit);
  const auto form = GENERATE(range(std::size_t{0}, test::receive_forms<int>().size()));
  const auto& receive = test::receive_forms<int>()[form];
  if (!receive.waits)
    return;
  const auto send = GENERATE(range(std::size_t{0}, test::send_forms<int>().size()));
  CAPTURE(capacity, receive.name, test::send_forms<int>()[send].name);
  auto ch = test::make_ends<int>(capacity);
  roost::task_scope scope;
  auto got = scope.spawn([&] { return receive.receive(ch.rx).item; });
  test::wait_until_waiting(ch.rx, 1);
  int item = 7;
  CHECK(test::send_forms<int>()[send].send(ch.tx, item));
  CHECK(got.get() == 7);
  CHECK(ch.rx.size() == 0);
}

TEST_CASE("whether an item was sent can be kept as a bool", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  const bool first = ch.tx.send(1);
  const bool second = ch.tx.try_send(2);
  CHECK(first);
  CHECK_FALSE(second);
  const auto is_sent = [&](int item) -> bool { return ch.tx.try_send(item); };
  CHECK_FALSE(is_sent(2));
}

TEST_CASE("a sender that waits goes on when its item is received", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7);
  const auto form = GENERATE(range(std::size_t{0}, test::send_forms<int>().size()));
  const auto& send = test::send_forms<int>()[form];
  if (!send.waits)
    return;
  CAPTURE(capacity, send.name);
  auto ch = roost::make_channel<int>(capacity);
  for (std::size_t i = 0; i < capacity; ++i)
    REQUIRE(ch.tx.try_send(1));
  roost::task_scope scope;
  auto sent = scope.spawn([&] {
    int item = 2;
    return send.send(ch.tx, item).status();
  });
  test::wait_until_waiting(ch.tx, 1);
  for (std::size_t i = 0; i < capacity; ++i)
    CHECK(ch.rx.try_receive().value() == 1);
  CHECK(ch.rx.receive().value() == 2);
  CHECK(sent.get() == channel_status::success);
}

TEST_CASE("a plain thread sends and receives as a task does", "[channel]") {
  auto ch = roost::make_channel<int>();
  int got = 0;
  {
    const std::jthread receiver([&] { got = ch.rx.receive().value(); });
    test::wait_until_waiting(ch.rx, 1);
    CHECK(ch.tx.send(3));
  }
  CHECK(got == 3);
}

TEST_CASE("size and capacity are exact at every step", "[channel]") {
  // Around 1024 a channel begins to make its room as it is needed.
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, 1023, 1024, 1025, 5000);
  CAPTURE(capacity);
  auto ch = roost::make_channel<int>(capacity);
  CHECK(ch.tx.capacity() == capacity);
  CHECK(ch.rx.capacity() == capacity);
  for (int turn = 0; turn < 3; ++turn) {
    std::size_t wrong_sizes = 0;
    for (std::size_t i = 0; i < capacity; ++i) {
      wrong_sizes += ch.tx.size() != i || ch.rx.size() != i;
      REQUIRE(ch.tx.try_send(static_cast<int>(i)));
    }
    CHECK(ch.tx.size() == capacity);
    CHECK(ch.tx.try_send(-1).status() == channel_status::full);
    int out_of_order = 0;
    for (std::size_t i = 0; i < capacity; ++i) {
      out_of_order += ch.rx.try_receive().value() != static_cast<int>(i);
      wrong_sizes += ch.rx.size() != capacity - i - 1;
    }
    CHECK(out_of_order == 0);
    CHECK(wrong_sizes == 0);
    CHECK(ch.rx.try_receive().status() == channel_status::empty);
  }
}

TEST_CASE("a channel that wraps around while it is partly full keeps the order", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 3, 2000, no_limit);
  auto ch = test::make_ends<int>(capacity);
  int sent = 0;
  int got = 0;
  int out_of_order = 0;
  for (int turn = 0; turn < 4000; ++turn) {
    for (int burst = turn % 4; burst > 0 && ch.tx.try_send(sent); --burst)
      ++sent;
    if (turn % 3 != 0)
      continue;
    if (const auto item = ch.rx.try_receive())
      out_of_order += *item != got++;
  }
  while (const auto item = ch.rx.try_receive())
    out_of_order += *item != got++;
  CHECK(got == sent);
  CHECK(out_of_order == 0);
}

TEST_CASE("an unbounded channel takes everything and says so", "[channel]") {
  auto ch = roost::make_channel<int>(roost::unbounded);
  CHECK(ch.tx.capacity() == std::numeric_limits<std::size_t>::max());
  for (int i = 0; i < 100'000; ++i)
    REQUIRE(ch.tx.try_send(i));
  CHECK(ch.rx.size() == 100'000);
  int out_of_order = 0;
  for (int i = 0; i < 100'000; ++i)
    out_of_order += ch.rx.try_receive().value() != i;
  CHECK(out_of_order == 0);
}

TEST_CASE("a huge capacity costs nothing until it is used", "[channel]") {
  const std::size_t capacity = std::numeric_limits<std::size_t>::max() / 2;
  auto ch = roost::make_channel<int>(capacity);
  CHECK(ch.tx.capacity() == capacity);
  CHECK(ch.tx.send(1));
  CHECK(ch.rx.receive().value() == 1);
}

TEST_CASE("a capacity that was meant to be negative is refused with a remedy", "[channel]") {
  const int negative = -1;
  CHECK(test::thrown_by([&] {
          (void)roost::make_channel<int>(static_cast<std::size_t>(negative));
        }).find("say roost::unbounded") != std::string::npos);
}

TEST_CASE("try_send to a full channel leaves the item and takes it once there is room",
          "[channel]") {
  auto ch = roost::make_channel<std::vector<int>>(2);
  REQUIRE(ch.tx.try_send({1}));
  REQUIRE(ch.tx.try_send({2}));
  std::vector<int> item{3, 4, 5};
  CHECK(test::try_send_from(ch.tx, item).status() == channel_status::full);
  CHECK(item == std::vector<int>{3, 4, 5});
  CHECK(ch.rx.try_receive().value() == std::vector<int>{1});
  CHECK(test::try_send_from(ch.tx, item));
  CHECK(test::try_send_from(ch.tx, item).status() == channel_status::full);
  CHECK(ch.rx.try_receive().value() == std::vector<int>{2});
  CHECK(ch.rx.try_receive().value() == std::vector<int>{3, 4, 5});
}

TEST_CASE("without capacity the try forms meet only those who wait", "[channel]") {
  auto ch = roost::make_channel<int>();
  CHECK(ch.tx.try_send(1).status() == channel_status::full);
  CHECK(ch.rx.try_receive().status() == channel_status::empty);

  roost::task_scope scope;
  auto got = scope.spawn([&] { return ch.rx.receive().value(); });
  test::wait_until_waiting(ch.rx, 1);
  CHECK(ch.tx.try_send(2));
  CHECK(ch.tx.try_send(3).status() == channel_status::full);
  CHECK(got.get() == 2);

  auto sent = scope.spawn([&] { return ch.tx.send(4).status(); });
  test::wait_until_waiting(ch.tx, 1);
  CHECK(ch.rx.try_receive().value() == 4);
  CHECK(ch.rx.try_receive().status() == channel_status::empty);
  CHECK(sent.get() == channel_status::success);
}

TEST_CASE("without capacity two that only try never meet", "[channel]") {
  auto ch = roost::make_channel<int>();
  int sent = 0;
  int got = 0;
  {
    const std::jthread sender([&] {
      for (int i = 0; i < 20'000; ++i)
        sent += static_cast<bool>(ch.tx.try_send(i));
    });
    for (int i = 0; i < 20'000; ++i)
      got += ch.rx.try_receive().has_value();
  }
  CHECK(sent == 0);
  CHECK(got == 0);
}

TEST_CASE("copies of an end reach the same channel", "[channel]") {
  auto ch = roost::make_channel<int>(4);
  const auto tx = ch.tx;
  auto rx = ch.rx;
  CHECK(ch.tx.send(1));
  CHECK(tx.send(2));
  CHECK(ch.rx.receive().value() == 1);
  CHECK(rx.receive().value() == 2);

  auto other = roost::make_channel<int>(4);
  rx = other.rx;
  CHECK(other.tx.send(3));
  CHECK(rx.receive().value() == 3);
  CHECK(ch.tx.send(4));
  CHECK(rx.try_receive().status() == channel_status::empty);
}

TEST_CASE("an end that was moved from says so", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  const auto use_all = [](const auto& old) {
    CHECK_THROWS_AS(old.close(), std::logic_error);
    CHECK_THROWS_AS(old.closed(), std::logic_error);
    CHECK_THROWS_AS(old.size(), std::logic_error);
    CHECK_THROWS_AS(old.capacity(), std::logic_error);
  };
  const auto tx = std::move(ch.tx);
  const auto rx = std::move(ch.rx);
  // NOLINTBEGIN(bugprone-use-after-move): that is what this is about
  use_all(ch.tx);
  use_all(ch.rx);
  CHECK_THROWS_AS(static_cast<void>(ch.tx.send(1)), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(ch.tx.try_send(1)), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(ch.rx.receive()), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(ch.rx.try_receive()), std::logic_error);
  CHECK_THROWS_AS(ch.rx.begin(), std::logic_error);
  ch.tx = tx; // and it can be used again once it is another channel's
  // NOLINTEND(bugprone-use-after-move)
  CHECK(ch.tx.send(1));
  CHECK(rx.receive().value() == 1);
}

TEST_CASE("the value of a receive that brought none throws", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  CHECK_THROWS_AS(ch.rx.try_receive().value(), std::logic_error);
  ch.tx.close();
  const auto closed = ch.rx.receive();
  CHECK_THROWS_AS(closed.value(), std::logic_error);
}

TEST_CASE("a range-for receives until the channel is closed and may be left before", "[channel]") {
  auto ch = roost::make_channel<int>(10);
  for (int i = 0; i < 10; ++i)
    REQUIRE(ch.tx.send(i));
  std::vector<int> first;
  for (const int item : ch.rx) {
    first.push_back(item);
    if (item == 3)
      break;
  }
  CHECK(first == std::vector<int>{0, 1, 2, 3});
  ch.tx.close();
  std::vector<int> rest;
  for (const int item : ch.rx)
    rest.push_back(item);
  CHECK(rest == std::vector<int>{4, 5, 6, 7, 8, 9});
}

TEST_CASE("looking at an iterator receives nothing", "[channel]") {
  auto ch = roost::make_channel<int>(3);
  REQUIRE(ch.tx.send(1));
  REQUIRE(ch.tx.send(2));
  auto it = ch.rx.begin();
  CHECK(it != ch.rx.end());
  CHECK(it != ch.rx.end());
  CHECK(*it == 1);
  CHECK(*it == 1);
  CHECK(ch.rx.size() == 1);
  it++;
  CHECK(*it == 2);
  CHECK(ch.rx.size() == 0);
}
