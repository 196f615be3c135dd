// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/numbered_items.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

// Receiving many items under one lock.

using roost::channel_status;
using test::item_counts;
using test::make_item;
using test::no_limit;
using test::numbers;
using test::outcome_of;
using test::owned_item;
using test::received_at_once;
using test::seen;
using test::tracked_item;
using test::value_of;
using test::values;

TEMPLATE_TEST_CASE("receive_some takes what is there up to its maximum in order and appends it",
                   "[channel]",
                   int,
                   std::string,
                   owned_item,
                   tracked_item) {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 10, 3000, no_limit);
  item_counts counts;
  {
    auto ch = test::make_ends<TestType>(capacity);
    for (int i = 0; i < 10; ++i)
      REQUIRE(ch.tx.send(make_item<TestType>(counts, i)));
    std::vector<TestType> got;
    got.push_back(make_item<TestType>(counts, 100));
    CHECK(ch.rx.receive_some(got, 3) == 3);
    CHECK(values(got) == std::vector<int>{100, 0, 1, 2});
    CHECK(ch.rx.size() == 7);
    CHECK(ch.rx.receive_some(got, 1) == 1);
    CHECK(ch.rx.receive_some(got, std::numeric_limits<std::size_t>::max()) == 6);
    CHECK(values(got) == std::vector<int>{100, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(ch.rx.try_receive().status() == channel_status::empty);
  }
  CHECK(counts.live == 0);
}

TEST_CASE("receive_some into no room is refused and takes nothing", "[channel]") {
  auto ch = roost::make_channel<int>(2);
  REQUIRE(ch.tx.send(1));
  std::vector<int> got;
  CHECK_THROWS_AS(ch.rx.receive_some(got, 0), std::invalid_argument);
  CHECK(got.empty());
  CHECK(ch.rx.size() == 1);
}

TEST_CASE("receive_some waits only for the first item", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, no_limit);
  auto ch = test::make_ends<int>(capacity);
  std::vector<int> got;
  roost::task_scope scope;
  auto count = scope.spawn([&] { return ch.rx.receive_some(got, 5); });
  test::wait_until_waiting(ch.rx, 1);
  CHECK(ch.tx.send(4));
  CHECK(count.get() == 1);
  CHECK(got == std::vector<int>{4});
}

TEST_CASE("receive_some that has waited also takes what came with the first item", "[channel]") {
  auto ch = roost::make_channel<int>(100);
  std::vector<int> got;
  roost::task_scope scope;
  auto count = scope.spawn([&] {
    std::size_t all = 0;
    while (all < 10)
      all += ch.rx.receive_some(got, 50);
    return all;
  });
  test::wait_until_waiting(ch.rx, 1);
  CHECK(ch.tx.send_all(numbers(0, 10)) == 10);
  CHECK(count.get() == 10);
  CHECK(got == numbers(0, 10));
}

TEST_CASE("batches of thousands are sent and received whole", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 5000, no_limit);
  auto ch = test::make_ends<int>(capacity);
  CHECK(ch.tx.send_all(numbers(0, 5000)) == 5000);
  CHECK(ch.rx.size() == 5000);
  std::vector<int> got;
  CHECK(ch.rx.receive_some(got, 2000) == 2000);
  CHECK(ch.rx.receive_some(got, 5000) == 3000);
  CHECK(got == numbers(0, 5000));
}

TEST_CASE("receive_some takes the items of senders that wait in their order", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 2);
  item_counts counts;
  auto ch = roost::make_channel<owned_item>(capacity);
  roost::task_scope scope;
  const int buffered = static_cast<int>(capacity);
  for (int i = 0; i < buffered; ++i)
    REQUIRE(ch.tx.send(make_item<owned_item>(counts, i)));
  std::vector<roost::task_handle<bool>> sent;
  for (int i = 0; i < 4; ++i) {
    sent.push_back(scope.spawn(
        [&, i] { return bool(ch.tx.send(make_item<owned_item>(counts, buffered + i))); }));
    test::wait_until_waiting(ch.tx, static_cast<std::size_t>(i) + 1);
  }
  std::vector<owned_item> got;
  while (got.size() < capacity + 3)
    CHECK(ch.rx.receive_some(got, capacity + 3 - got.size()) > 0);
  CHECK(values(got) == numbers(0, buffered + 3));
  CHECK(received_at_once(ch.rx) == std::vector<int>{buffered + 3});
  for (auto& each : sent)
    CHECK(each.get());
}

TEST_CASE("receive_some takes all that wait at once where there is no buffer", "[channel]") {
  auto ch = roost::make_channel<int>();
  roost::task_scope scope;
  for (int i = 0; i < 3; ++i) {
    scope.spawn([&, i] { (void)ch.tx.send(i); });
    test::wait_until_waiting(ch.tx, static_cast<std::size_t>(i) + 1);
  }
  std::vector<int> got;
  CHECK(ch.rx.receive_some(got, 2) == 2);
  CHECK(got == std::vector<int>{0, 1});
  CHECK(ch.rx.receive_some(got, 2) == 1);
  CHECK(got == std::vector<int>{0, 1, 2});
}

TEST_CASE("receive_some drains a closed channel and then brings nothing", "[channel]") {
  auto ch = roost::make_channel<int>(5);
  for (int i = 0; i < 5; ++i)
    REQUIRE(ch.tx.send(i));
  ch.tx.close();
  std::vector<int> got;
  CHECK(ch.rx.receive_some(got, 3) == 3);
  CHECK(ch.rx.receive_some(got, 3) == 2);
  CHECK(ch.rx.receive_some(got, 3) == 0);
  CHECK(ch.rx.receive_some(got, 3) == 0);
  CHECK(got == numbers(0, 5));
}

TEST_CASE("a close and a stop wake one who waits for a batch", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  auto other = roost::make_channel<int>(1);
  std::vector<int> got{1};
  roost::task_scope scope;
  auto count = scope.spawn([&] { return ch.rx.receive_some(got, 5); });
  test::wait_until_waiting(ch.rx, 1);
  ch.tx.close();
  CHECK(count.get() == 0);

  seen first = seen::neither;
  seen second = seen::neither;
  {
    roost::task_scope stopped;
    stopped.spawn([&] {
      first = outcome_of([&] { (void)other.rx.receive_some(got, 5); });
      (void)other.tx.try_send(3);
      second = outcome_of([&] { (void)other.rx.receive_some(got, 5); });
    });
    test::wait_until_blocked(stopped, 1);
    stopped.request_stop();
  }
  CHECK(first == seen::stopped);
  CHECK(second == seen::stopped); // although there is one
  CHECK(other.rx.size() == 1);
  CHECK(got == std::vector<int>{1});
  CHECK(test::waiting(other.rx) == 0);
}
