// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

// Items come in the order in which they were sent, and waiters are served first come first served;
// an operation that need not wait may go before.

using namespace std::chrono_literals;
using roost::channel_status;
using test::no_limit;

TEST_CASE("the items of each sender keep their order", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, no_limit);
  constexpr int senders = 3;
  constexpr int items = 500;
  auto ch = test::make_ends<std::pair<int, int>>(capacity);
  roost::task_scope scope;
  for (int s = 0; s < senders; ++s) {
    scope.spawn([s, tx = ch.tx] {
      for (int i = 0; i < items; ++i)
        (void)tx.send({s, i});
    });
  }
  std::vector<int> next(senders, 0);
  int out_of_order = 0;
  for (int i = 0; i < senders * items; ++i) {
    const auto [from, number] = ch.rx.receive().value();
    out_of_order += number != next[static_cast<std::size_t>(from)]++;
  }
  CHECK(out_of_order == 0);
  CHECK(next == std::vector<int>(senders, items));
}

TEST_CASE("receivers that wait are served in the order they came", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, no_limit);
  auto ch = test::make_ends<int>(capacity);
  roost::task_scope scope;
  std::vector<roost::task_handle<int>> got;
  for (std::size_t i = 0; i < 5; ++i) {
    got.push_back(scope.spawn([&] { return ch.rx.receive().value(); }));
    test::wait_until_waiting(ch.rx, i + 1);
  }
  for (int i = 0; i < 5; ++i) {
    CHECK(ch.tx.send(i));
    CHECK(got[static_cast<std::size_t>(i)].get() == i);
    CHECK(test::waiting(ch.rx) == static_cast<std::size_t>(4 - i));
  }
}

TEST_CASE("senders that wait are served in the order they came", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 3);
  auto ch = roost::make_channel<int>(capacity);
  int next = 0;
  while (ch.tx.try_send(next))
    ++next;
  roost::task_scope scope;
  std::vector<roost::task_handle<bool>> sent;
  for (std::size_t i = 0; i < 5; ++i) {
    sent.push_back(scope.spawn([&ch, item = next++] { return bool(ch.tx.send(item)); }));
    test::wait_until_waiting(ch.tx, i + 1);
  }
  for (int i = 0; i < next; ++i) {
    CHECK(ch.rx.try_receive().value() == i);
    if (i < 5)
      CHECK(sent[static_cast<std::size_t>(i)].get());
  }
}

TEST_CASE("an item that comes later cannot overtake that of a sender who was called", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  REQUIRE(ch.tx.send(1));
  roost::task_scope scope;
  auto sent = scope.spawn([&] { return bool(ch.tx.send(2)); });
  test::wait_until_waiting(ch.tx, 1);
  CHECK(ch.rx.receive().value() == 1);
  // The room that came free is the waiting sender's, whether its thread has woken or not.
  CHECK(test::waiting(ch.tx) == 0);
  CHECK(ch.rx.size() == 1);
  CHECK(ch.tx.try_send(3).status() == channel_status::full);
  CHECK(sent.get());
  CHECK(ch.rx.receive().value() == 2);
}

TEST_CASE("a waiter that gave up is skipped and the next one is served", "[channel]") {
  auto ch = roost::make_channel<int>();
  roost::task_scope scope;
  auto impatient = scope.spawn([&] { return ch.rx.receive_for(1ms).status(); });
  auto patient = scope.spawn([&] { return ch.rx.receive().value(); });
  CHECK(impatient.get() == channel_status::timeout);
  CHECK(ch.tx.send(1));
  CHECK(patient.get() == 1);
}
