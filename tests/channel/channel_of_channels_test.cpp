// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

// Ends of channels are items, too.

using roost::channel_status;
using test::item_counts;
using test::tracked_item;

TEST_CASE("ends of channels can be sent through channels", "[channel]") {
  auto requests = roost::make_channel<std::pair<int, roost::sender<int>>>(1);
  roost::task_scope scope;
  scope.spawn([rx = std::move(requests.rx)] {
    for (const auto& [number, reply] : rx)
      (void)reply.send(2 * number);
  });
  for (int i = 0; i < 10; ++i) {
    auto answer = roost::make_channel<int>();
    REQUIRE(requests.tx.send({i, std::move(answer.tx)}));
    CHECK(answer.rx.receive().value() == 2 * i);
    CHECK(answer.rx.receive().status() == channel_status::closed); // the reply's end went
  }
  { const auto last = std::move(requests.tx); }
}

namespace {

// Carries the receiver of the channel in which the next one lies.
struct chain_link {
  int depth;
  std::optional<roost::receiver<std::unique_ptr<chain_link>>> next;
};

} // namespace

TEST_CASE("a chain of sixteen channels, each sent through the one before, can be followed",
          "[channel]") {
  std::optional<roost::receiver<std::unique_ptr<chain_link>>> first;
  for (int depth = 16; depth > 0; --depth) {
    auto ch = roost::make_channel<std::unique_ptr<chain_link>>(1);
    REQUIRE(ch.tx.send(std::make_unique<chain_link>(chain_link{depth, std::move(first)})));
    first = std::move(ch.rx);
  }
  SECTION("to its end") {
    int depth = 0;
    while (first) {
      auto item = first->receive().value();
      CHECK(item->depth == ++depth);
      CHECK(first->receive().status() == channel_status::closed);
      first = std::move(item->next);
    }
    CHECK(depth == 16);
  }
  SECTION("or dropped as a whole") {
    first.reset();
  }
}

TEST_CASE("a sender inside its own channel does not keep it alive for ever", "[channel]") {
  item_counts counts;
  struct message {
    tracked_item tracked;
    roost::sender<std::unique_ptr<message>> tx;
  };
  auto ch = roost::make_channel<std::unique_ptr<message>>(2);
  REQUIRE(ch.tx.send(std::make_unique<message>(message{tracked_item(counts, 1), ch.tx})));
  REQUIRE(ch.tx.send(std::make_unique<message>(message{tracked_item(counts, 2), ch.tx})));
  { const auto last = std::move(ch.rx); }
  CHECK(counts.live == 0);
  CHECK(ch.tx.closed());
}

namespace {

struct message {
  std::optional<roost::sender<std::unique_ptr<message>>> tx;
};

// Sends `items`, of which the first owns the end, by `send(end, items)`, which waits. The first is
// received, and goes with both ends, before the sender is awake. It is AddressSanitizer that would
// notice if that touched the channel. Returns what `send` does.
template <class Send>
auto send_with_its_end(std::vector<std::unique_ptr<message>> items, Send send) {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  std::atomic<roost::detail::thread_slot*> thread{nullptr};
  auto ch = roost::make_channel<std::unique_ptr<message>>(capacity);
  if (capacity == 1)
    (void)ch.tx.send(nullptr);
  std::optional rx(std::move(ch.rx));
  items.front() = std::make_unique<message>();
  items.front()->tx.emplace(std::move(ch.tx));
  roost::task_scope scope;
  auto sent = scope.spawn([&thread, send, items = std::move(items)]() mutable {
    thread = &roost::detail::this_thread;
    const auto& tx = *items.front()->tx;
    return send(tx, items);
  });
  test::wait_until_blocked(scope, 1);
  {
    const std::lock_guard stays_in_its_wait(thread.load()->lock);
    if (capacity == 1)
      (void)rx->receive();
    (void)rx->receive();
    rx.reset();
  }
  return sent.get();
}

} // namespace

TEST_CASE(
    "who waits to send the object that owns its end does not touch the channel that went with it",
    "[channel]") {
  CHECK(send_with_its_end(std::vector<std::unique_ptr<message>>(1), [](auto& tx, auto& items) {
    return bool(tx.send(std::move(items.front())));
  }));
}

TEST_CASE("who sends many of which the first owns the end does not touch the channel that went",
          "[channel]") {
  CHECK(send_with_its_end(std::vector<std::unique_ptr<message>>(2), [](auto& tx, auto& items) {
          return tx.send_all(std::move(items));
        }) == 1);
}
