// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

// Beyond a capacity of 1024 the items lie in blocks that come and go, of some hundred items each or
// more.

using roost::channel_status;
using test::no_limit;

namespace {

std::size_t large_capacity() {
  return GENERATE(as<std::size_t>(), 1025, 2047, 2048, 2049, 5000);
}

template <class T>
void fill(const roost::sender<T>& tx, int& next) {
  while (tx.try_send(next))
    ++next;
}

} // namespace

TEST_CASE("a sender that waits at a large channel is let in wherever the first item lies",
          "[channel]") {
  const test::no_thread_left check;
  const std::size_t capacity = large_capacity();
  const int shift = GENERATE(0, 1, 1023, 1024);
  CAPTURE(capacity, shift);
  roost::task_scope scope;
  auto ch = roost::make_channel<int>(capacity);
  int next = 0;
  int got = 0;
  for (; next < shift; ++next, ++got) {
    REQUIRE(ch.tx.send(next));
    REQUIRE(ch.rx.receive().value() == got);
  }
  fill(ch.tx, next);
  CHECK(ch.tx.size() == capacity);
  constexpr int more = 2200;
  scope.spawn([tx = ch.tx, first = next] {
    for (int i = 0; i < more; ++i)
      (void)tx.send(first + i);
  });
  test::wait_until_waiting(ch.tx, 1);
  int out_of_order = 0;
  for (; got < next + more; ++got)
    out_of_order += ch.rx.receive().value() != got;
  CHECK(out_of_order == 0);
  CHECK(ch.rx.size() == 0);
}

TEST_CASE("many senders that wait at a large channel are let in in order", "[channel]") {
  const test::no_thread_left check;
  const std::size_t capacity = large_capacity();
  roost::task_scope scope;
  auto ch = roost::make_channel<int>(capacity);
  int next = 0;
  fill(ch.tx, next);
  constexpr int waiting = 8;
  for (int i = 0; i < waiting; ++i) {
    scope.spawn([tx = ch.tx, item = next + i] { (void)tx.send(item); });
    test::wait_until_waiting(ch.tx, static_cast<std::size_t>(i + 1));
  }
  int out_of_order = 0;
  for (int got = 0; got < next + waiting; ++got)
    out_of_order += ch.rx.receive().value() != got;
  CHECK(out_of_order == 0);
}

TEST_CASE("a select sends to a large channel, and waits where it is full", "[channel][select]") {
  const test::no_thread_left check;
  const std::size_t capacity = large_capacity();
  roost::task_scope scope;
  auto ch = roost::make_channel<int>(capacity);
  constexpr int items = 7000;
  scope.spawn([tx = ch.tx] {
    for (int i = 0; i < items; ++i)
      roost::select(roost::on_send(tx, i, [](roost::send_result) {}));
  });
  test::wait_until_waiting(ch.tx, 1);
  CHECK(ch.tx.size() == capacity);
  int out_of_order = 0;
  for (int got = 0; got < items; ++got)
    out_of_order += ch.rx.receive().value() != got;
  CHECK(out_of_order == 0);
}

TEST_CASE("batches go through a large channel in order", "[channel]") {
  const test::no_thread_left check;
  const std::size_t capacity = GENERATE(as<std::size_t>(), 1025, 2048, 5000, no_limit);
  roost::task_scope scope;
  auto ch = test::make_ends<std::unique_ptr<int>>(capacity);
  constexpr int items = 20'000;
  scope.spawn([tx = ch.tx] {
    std::vector<std::unique_ptr<int>> all;
    for (int i = 0; i < items; ++i)
      all.push_back(std::make_unique<int>(i));
    (void)tx.send_all(std::move(all));
  });
  std::vector<std::unique_ptr<int>> got;
  while (got.size() < items)
    (void)ch.rx.receive_some(got, 700);
  int out_of_order = 0;
  for (int i = 0; i < items; ++i)
    out_of_order += *got[static_cast<std::size_t>(i)] != i;
  CHECK(out_of_order == 0);
}

TEST_CASE("a large channel that drops the oldest keeps the latest", "[channel]") {
  const std::size_t capacity = large_capacity();
  auto ch = roost::make_channel<int>(capacity, roost::overflow::drop_oldest);
  constexpr int items = 12'000;
  for (int i = 0; i < items; ++i)
    REQUIRE(ch.tx.send(i));
  CHECK(ch.tx.size() == capacity);
  CHECK(ch.rx.dropped() == items - capacity);
  int expected = items - static_cast<int>(capacity);
  int out_of_order = 0;
  while (const auto item = ch.rx.try_receive())
    out_of_order += *item != expected++;
  CHECK(out_of_order == 0);
  CHECK(expected == items);
}

// The channel hands a first item to a receiver that waits while others lie in it.
TEST_CASE("receivers that wait at an unbounded channel get what is sent in bursts", "[channel]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto ch = roost::make_channel<int>(roost::unbounded);
  auto answers = roost::make_channel<int>(roost::unbounded);
  constexpr std::size_t receivers = 4;
  for (std::size_t r = 0; r < receivers; ++r) {
    scope.spawn([rx = ch.rx, tx = answers.tx] {
      for (const int i : rx)
        (void)tx.send(i);
    });
  }
  std::vector<int> seen(12'000);
  int next = 0;
  for (int burst = 0; burst < 12; ++burst) {
    test::wait_until_waiting(ch.rx, receivers);
    for (int i = 0; i < 1000; ++i)
      REQUIRE(ch.tx.send(next++));
    for (int i = 0; i < 1000; ++i)
      ++seen[static_cast<std::size_t>(answers.rx.receive().value())];
  }
  ch.tx.close();
  int wrong = 0;
  for (const int times : seen)
    wrong += times != 1;
  CHECK(wrong == 0);
}

TEST_CASE("what is left in a large channel goes with its last receiver", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 5000, no_limit);
  const std::size_t taken = GENERATE(as<std::size_t>(), 0, 1, 1024, 1400);
  const auto owner = std::make_shared<int>(0);
  auto ch = test::make_ends<std::shared_ptr<int>>(capacity);
  for (int i = 0; i < 3000; ++i)
    REQUIRE(ch.tx.send(owner));
  for (std::size_t i = 0; i < taken; ++i)
    REQUIRE(ch.rx.receive());
  CHECK(owner.use_count() == static_cast<long>(3001 - taken));
  ch.rx = roost::make_channel<std::shared_ptr<int>>().rx;
  CHECK(owner.use_count() == 1);
  CHECK(ch.tx.send(owner).status() == channel_status::closed);
}
