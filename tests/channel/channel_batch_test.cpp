// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/numbered_items.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <array>
#include <cstddef>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Sending many items under one lock: none is lost when it ends early.

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

namespace {

template <class T>
std::vector<T> items(item_counts& counts, int first, int count) {
  std::vector<T> all;
  for (int i = first; i < first + count; ++i)
    all.push_back(make_item<T>(counts, i));
  return all;
}

// Sends what is in a variable, which is looked at afterwards: no use after a move.
template <class T>
std::size_t send_all_from(const roost::sender<T>& tx, std::vector<T>& variable) {
  return tx.send_all(std::move(variable));
}

} // namespace

TEMPLATE_TEST_CASE("send_all sends everything in order and leaves nothing",
                   "[channel]",
                   int,
                   std::string,
                   owned_item,
                   tracked_item) {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, no_limit);
  const int receivers = GENERATE(0, 1, 3); // that wait before
  CAPTURE(capacity, receivers);
  item_counts counts;
  {
    auto ch = test::make_ends<TestType>(capacity);
    std::vector<std::vector<int>> taken(static_cast<std::size_t>(receivers));
    std::vector<int> rest;
    roost::task_scope scope;
    for (auto& mine : taken) {
      scope.spawn([&] { mine.push_back(value_of(ch.rx.receive().value())); });
      test::wait_until_waiting(ch.rx, static_cast<std::size_t>(&mine - taken.data()) + 1);
    }
    auto consumer = scope.spawn([&] {
      test::wait_until([&] { return test::waiting(ch.rx) == 0; });
      for (const auto& item : ch.rx)
        rest.push_back(value_of(item));
    });
    auto all = items<TestType>(counts, 0, 40);
    CHECK(send_all_from(ch.tx, all) == 40);
    CHECK(all.empty());
    ch.tx.close();
    scope.join();
    for (int i = 0; i < receivers; ++i) // the receivers that came first got the first
      CHECK(taken[static_cast<std::size_t>(i)] == std::vector<int>{i});
    CHECK(rest == numbers(receivers, 40 - receivers));
  }
  CHECK(counts.live == 0);
}

TEST_CASE("send_all of nothing sends nothing", "[channel]") {
  auto ch = roost::make_channel<int>();
  CHECK(ch.tx.send_all(std::vector<int>{}) == 0);
  ch.tx.close();
  CHECK(ch.tx.send_all(std::vector<int>{}) == 0);
}

TEMPLATE_TEST_CASE("a channel closed in the middle of send_all leaves exactly what was not sent",
                   "[channel]",
                   int,
                   std::string,
                   owned_item,
                   tracked_item) {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7);
  CAPTURE(capacity);
  item_counts counts;
  {
    auto ch = roost::make_channel<TestType>(capacity);
    auto all = items<TestType>(counts, 0, 20);
    roost::task_scope scope;
    auto sent = scope.spawn([&] { return send_all_from(ch.tx, all); });
    test::wait_until_waiting(ch.tx, 1);
    std::vector<int> got{value_of(ch.rx.receive().value())};
    test::wait_until_waiting(ch.tx, 1);
    ch.rx.close();
    const int count = static_cast<int>(sent.get());
    CHECK(count == static_cast<int>(capacity) + 1);
    CHECK(values(all) == numbers(count, 20 - count));
    for (const int value : received_at_once(ch.rx))
      got.push_back(value);
    CHECK(got == numbers(0, count));
    CHECK(send_all_from(ch.tx, all) == 0);
    CHECK(values(all) == numbers(count, 20 - count));
  }
  CHECK(counts.live == 0);
}

TEMPLATE_TEST_CASE("a stop in the middle of send_all leaves exactly what was not sent",
                   "[channel]",
                   int,
                   owned_item,
                   tracked_item) {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7);
  CAPTURE(capacity);
  item_counts counts;
  {
    auto ch = roost::make_channel<TestType>(capacity);
    auto all = items<TestType>(counts, 0, 20);
    std::vector<int> got;
    seen first = seen::neither;
    seen second = seen::neither;
    {
      roost::task_scope scope;
      scope.spawn([&] {
        first = outcome_of([&] { (void)send_all_from(ch.tx, all); });
        second = outcome_of([&] { (void)send_all_from(ch.tx, all); });
      });
      test::wait_until_blocked(scope, 1);
      got.push_back(value_of(ch.rx.receive().value()));
      test::wait_until_waiting(ch.tx, 1);
      scope.request_stop();
    }
    const int count = static_cast<int>(capacity) + 1;
    CHECK(first == seen::stopped);
    CHECK(second == seen::stopped);
    CHECK(values(all) == numbers(count, 20 - count));
    for (const int value : received_at_once(ch.rx))
      got.push_back(value);
    CHECK(got == numbers(0, count));
    CHECK(test::waiting(ch.tx) == 0);
  }
  CHECK(counts.live == 0);
}

TEST_CASE("send_all to a channel that drops never waits and says what was refused", "[channel]") {
  auto oldest = roost::make_channel<int>(3, roost::overflow::drop_oldest);
  auto all = numbers(0, 10);
  CHECK(send_all_from(oldest.tx, all) == 10);
  CHECK(all.empty());
  CHECK(oldest.tx.dropped() == 7);
  CHECK(received_at_once(oldest.rx) == numbers(7, 3));

  auto newest = roost::make_channel<int>(3, roost::overflow::drop_newest);
  all = numbers(0, 10);
  CHECK(send_all_from(newest.tx, all) == 3);
  CHECK(all == numbers(3, 7));
  CHECK(received_at_once(newest.rx) == numbers(0, 3));
}

TEST_CASE("send_all copies from ranges and leaves them as they are", "[channel]") {
  auto ch = roost::make_channel<std::string>(roost::unbounded);
  const std::list<std::string> list{"a 0", "a 1"};
  std::array<std::string, 2> array{"a 2", "a 3"};
  std::string plain[] = {"a 4", "a 5"};
  const std::vector<std::string_view> views{"a 6", "a 7"};
  CHECK(ch.tx.send_all(list) == 2);
  CHECK(ch.tx.send_all(array) == 2);
  CHECK(ch.tx.send_all(plain) == 2);
  CHECK(ch.tx.send_all(views) == 2);
  CHECK(ch.tx.send_all(std::span(plain)) == 2);
  CHECK(ch.tx.send_all({"a 8", "a 9"}) == 2);
  CHECK(list == std::list<std::string>{"a 0", "a 1"});
  CHECK(array[1] == "a 3");
  CHECK(plain[1] == "a 5");
  CHECK(received_at_once(ch.rx) == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 8, 9});
}

TEST_CASE("send_all copies from a vector that is not moved", "[channel]") {
  auto ch = roost::make_channel<std::string>(roost::unbounded);
  std::vector<std::string> all{"a 1", "a 2"};
  CHECK(ch.tx.send_all(all) == 2);
  CHECK(ch.tx.send_all(std::as_const(all)) == 2);
  CHECK(all == std::vector<std::string>{"a 1", "a 2"});
  CHECK(received_at_once(ch.rx) == std::vector<int>{1, 2, 1, 2});
}
