// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/channel/block_queue.hpp>

#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <type_traits>
#include <vector>

using test::item_counts;
using test::tracked_item;
using queue = roost::detail::block_queue<std::unique_ptr<tracked_item>>;

namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

std::unique_ptr<tracked_item> item(item_counts& counts, int value) {
  return std::make_unique<tracked_item>(counts, value);
}

/// As a sender does that finds a full queue.
void add_what_it_lacks(queue& q) {
  while (q.lacks_block())
    q.add(queue::make_block());
}

void put(queue& q, item_counts& counts, int value) {
  add_what_it_lacks(q);
  REQUIRE(q.has_room());
  q.put(item(counts, value));
}

struct alignas(64) wide {
  int value = 0;
};
struct narrow {
  char value = 0;
};

template <class T>
bool keeps_its_items() {
  roost::detail::block_queue<T> q(no_limit);
  for (int i = 0; i < 3; ++i) {
    if (q.lacks_block())
      q.add(q.make_block());
    q.put(T{static_cast<decltype(T::value)>(i)});
  }
  for (int i = 0; i < 3; ++i) {
    if (q.take().value != i)
      return false;
  }
  return true;
}

} // namespace

TEST_CASE("a block of more items than there can be has no memory", "[block_queue]") {
  struct huge {
    std::array<char, static_cast<std::size_t>(-1) / 1024> bytes;
  };
  CHECK_THROWS_AS(roost::detail::item_block<huge>::make(1025), std::bad_alloc);
}

TEST_CASE("a queue is neither copied nor moved", "[block_queue]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<queue>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<queue>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<queue>);
}

TEST_CASE("a queue does what a deque of the same items does", "[block_queue]") {
  item_counts counts;
  const std::size_t capacity =
      GENERATE(as<std::size_t>(), 1, 2, 3, 8, 9, 1024, 1025, 2048, 2500, no_limit);
  CAPTURE(capacity);
  std::size_t wrong = 0;
  {
    queue q(capacity);
    std::deque<int> expected;
    int next = 0;
    for (int turn = 0; turn < 20'000; ++turn) {
      wrong += q.has_item() == expected.empty();
      // Fills it, and empties it, again and again.
      const bool grows = (turn / 3000) % 2 == 0 ? turn % 5 < 4 : turn % 5 < 1;
      if (grows ? expected.size() < capacity : expected.empty()) {
        put(q, counts, next);
        expected.push_back(next++);
      } else {
        wrong += q.take()->value() != expected.front();
        expected.pop_front();
      }
      wrong += q.size() != expected.size();
      wrong += counts.live != static_cast<int>(expected.size());
      (void)q.surplus();
    }
    CHECK(next > 3000);
  }
  CHECK(wrong == 0);
  CHECK(counts.live == 0);
}

TEST_CASE("each side of a ring has all of it at hand", "[block_queue]") {
  item_counts counts;
  const std::size_t room = GENERATE(as<std::size_t>(), 1, 2, 3, 8, 9, 1024);
  queue q(room);
  for (int turn = 0; turn < 3; ++turn) {
    for (std::size_t i = 0; i < room; ++i) {
      REQUIRE(q.has_room_at_hand());
      q.put_at_hand(item(counts, static_cast<int>(i)));
    }
    CHECK_FALSE(q.has_room_at_hand());
    CHECK_FALSE(q.has_room());
    CHECK_FALSE(q.lacks_block());
    for (std::size_t i = 0; i < room; ++i) {
      REQUIRE(q.has_item_at_hand());
      REQUIRE(q.take_at_hand()->value() == static_cast<int>(i));
    }
    CHECK_FALSE(q.has_item_at_hand());
    CHECK_FALSE(q.has_item());
  }
}

TEST_CASE("a side of a chain has at hand what is in its block", "[block_queue]") {
  item_counts counts;
  queue q(no_limit);
  CHECK_FALSE(q.has_room_at_hand());
  CHECK(q.lacks_block());
  put(q, counts, 0);
  std::size_t in_block = 1;
  for (; q.has_room_at_hand(); ++in_block)
    q.put_at_hand(item(counts, static_cast<int>(in_block)));
  CHECK((in_block & (in_block - 1)) == 0);
  CHECK(in_block >= 64);
  CHECK(q.lacks_block());
  CHECK_FALSE(q.has_room());

  CHECK_FALSE(q.has_item_at_hand()); // it has not entered the block
  REQUIRE(q.has_item());
  CHECK(q.take()->value() == 0);
  for (std::size_t i = 1; i < in_block; ++i) {
    REQUIRE(q.has_item_at_hand());
    REQUIRE(q.take_at_hand()->value() == static_cast<int>(i));
  }
  CHECK_FALSE(q.has_item_at_hand());
  CHECK_FALSE(q.has_item());
  put(q, counts, -1);
  CHECK_FALSE(q.has_item_at_hand());
  REQUIRE(q.has_item());
  CHECK(q.take()->value() == -1);
  CHECK_FALSE(q.lacks_block()); // the block that was left comes next
}

TEST_CASE("a chain that lacks a block takes one and keeps the order", "[block_queue]") {
  item_counts counts;
  const int shift = GENERATE(0, 1, 1023, 1024, 1025);
  queue q(no_limit);
  for (int i = 0; i < shift; ++i) {
    put(q, counts, -2);
    REQUIRE(q.has_item());
    (void)q.take();
  }
  for (int i = 0; i < 5000; ++i)
    put(q, counts, i);
  int out_of_order = 0;
  for (int i = 0; i < 5000; ++i)
    out_of_order += q.take()->value() != i;
  CHECK(out_of_order == 0);
  CHECK_FALSE(q.has_item());
}

TEST_CASE("an unbounded chain keeps one free block and gives the others back", "[block_queue]") {
  item_counts counts;
  queue q(no_limit);
  for (int i = 0; i < 10'000; ++i)
    put(q, counts, i);
  CHECK(q.surplus().empty());
  std::size_t given_back = 0;
  while (q.has_item()) {
    (void)q.take();
    given_back += q.surplus().size();
  }
  CHECK(given_back >= 6);
  std::size_t added = 0;
  for (int i = 0; i < 100'000; ++i) { // a steady flow
    for (; q.lacks_block(); ++added)
      q.add(queue::make_block());
    q.put(item(counts, i));
    (void)q.take();
    given_back += q.surplus().size();
  }
  CHECK(added <= 1);
}

TEST_CASE("an empty chain that was long keeps one block, and goes on in the next one",
          "[block_queue]") {
  item_counts counts;
  const int items = GENERATE(5000, 5119, 5120, 5121);
  queue q(no_limit);
  int next = 0;
  int expected = 0;
  std::size_t wrong = 0;
  for (int burst = 0; burst < 3; ++burst) {
    for (int i = 0; i < items; ++i)
      put(q, counts, next++);
    while (q.has_item()) {
      wrong += q.take()->value() != expected++;
      if (q.has_item())
        (void)q.surplus();
    }
    CHECK_FALSE(q.surplus().empty()); // among them the one that it was in
    CHECK(q.surplus().empty());
    CHECK_FALSE(q.has_item_at_hand());
    CHECK_FALSE(q.has_room_at_hand());
    CHECK_FALSE(q.lacks_block());
    CHECK(q.size() == 0);
  }
  CHECK(wrong == 0);
}

TEST_CASE("blocks that were never used are given back", "[block_queue]") {
  item_counts counts;
  queue q(no_limit);
  for (int i = 0; i < 4; ++i)
    q.add(queue::make_block());
  CHECK(q.surplus().size() == 3);
  put(q, counts, 1);
  CHECK(q.take()->value() == 1);
  (void)q.surplus();
  put(q, counts, 2);
  CHECK(q.take()->value() == 2);
}

// Senders wait while it is full: then each item that is taken lets the next one in, at once.
TEST_CASE("a chain that was full once lacks no block, wherever its first item lies",
          "[block_queue]") {
  item_counts counts;
  const std::size_t capacity = GENERATE(as<std::size_t>(), 1025, 2047, 2048, 2049, 5000);
  const int shift = GENERATE(0, 1, 300, 1023);
  CAPTURE(capacity, shift);
  queue q(capacity);
  for (int i = 0; i < shift; ++i) {
    put(q, counts, i);
    (void)q.take();
  }
  for (std::size_t i = 0; i < capacity; ++i)
    put(q, counts, 0);
  add_what_it_lacks(q);
  CHECK_FALSE(q.has_room());
  std::size_t lacked = 0;
  for (int i = 0; i < 3000; ++i) {
    (void)q.take();
    CHECK(q.surplus().size() == 0);
    lacked += q.lacks_block() || !q.has_room();
    if (!q.has_room())
      break;
    q.put(item(counts, i));
    lacked += q.has_room();
  }
  for (int round = 0; round < 3; ++round) {
    while (q.has_item())
      (void)q.take();
    (void)q.surplus();
    while (q.size() < capacity && lacked == 0) {
      lacked += !q.has_room();
      q.put(item(counts, 0));
    }
  }
  CHECK(lacked == 0);
}

TEST_CASE("a chain with a limit gives blocks back unless it was full", "[block_queue]") {
  item_counts counts;
  queue q(1'000'000);
  for (int i = 0; i < 10'000; ++i)
    put(q, counts, i);
  std::size_t given_back = 0;
  while (q.has_item()) {
    (void)q.take();
    given_back += q.surplus().size();
  }
  CHECK(given_back >= 6);
}

// What a receive from a full queue does for the first waiting sender.
TEST_CASE("a queue that is full again has no room at hand", "[block_queue]") {
  item_counts counts;
  queue q(2);
  put(q, counts, 0);
  put(q, counts, 1);
  CHECK_FALSE(q.has_room_at_hand());
  for (int next = 2; next < 9; ++next) {
    REQUIRE(q.has_item());
    CHECK(q.take()->value() == next - 2);
    q.put(item(counts, next));
    CHECK_FALSE(q.has_room_at_hand());
  }
}

TEST_CASE("a queue hands its items over, and destroys those that it has", "[block_queue]") {
  item_counts counts;
  const std::size_t capacity = GENERATE(as<std::size_t>(), 3, no_limit);
  const int items = capacity == 3 ? 3 : 2000;
  {
    queue q(capacity);
    for (int i = 0; i < items; ++i)
      put(q, counts, i);
    CHECK(q.take()->value() == 0);
    queue other;
    q.move_into(other);
    CHECK(q.size() == 0);
    CHECK_FALSE(q.has_room());
    CHECK_FALSE(q.has_room_at_hand());
    CHECK_FALSE(q.has_item_at_hand());
    CHECK_FALSE(q.lacks_block());
    REQUIRE(other.has_item());
    CHECK(other.take()->value() == 1);
    CHECK(counts.live == items - 2);
  }
  CHECK(counts.live == 0);
}

TEST_CASE("a queue holds items of any alignment", "[block_queue]") {
  CHECK(keeps_its_items<wide>());
  CHECK(keeps_its_items<narrow>());
}

TEST_CASE("of a queue each side needs both locks for the next block only", "[block_queue]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 1, 3, 64, 1500, no_limit);
  const int items = capacity < 64 ? 500 : 100'000; // each of few places costs a yield
  roost::detail::block_queue<std::unique_ptr<int>> q(capacity);
  const auto both = q.both();
  {
    const std::jthread sender([&] {
      for (int sent = 0; sent < items;) {
        bool put = false;
        {
          const std::lock_guard guard(q.sending());
          if ((put = q.has_room_at_hand()))
            q.put_at_hand(std::make_unique<int>(sent++));
        }
        if (put)
          continue;
        auto* block = q.make_block();
        {
          const std::lock_guard guard(both);
          if (q.lacks_block())
            q.add(std::exchange(block, nullptr));
          if ((put = q.has_room()))
            q.put(std::make_unique<int>(sent++));
        }
        if (block != nullptr)
          roost::detail::item_block<std::unique_ptr<int>>::free(block);
        if (!put)
          std::this_thread::yield();
      }
    });
    int expected = 0;
    int out_of_order = 0;
    while (expected < items) {
      std::unique_ptr<int> received;
      {
        const std::lock_guard guard(q.receiving());
        if (q.has_item_at_hand())
          received = q.take_at_hand();
      }
      if (!received) {
        const std::lock_guard guard(both);
        if (q.has_item())
          received = q.take();
        const auto rest = q.surplus();
      }
      if (!received) {
        std::this_thread::yield();
      } else if (*received != expected++) {
        ++out_of_order;
      }
    }
    CHECK(out_of_order == 0);
  }
  CHECK(q.size() == 0);
}

TEST_CASE("a queue's hints follow what goes in and out", "[block_queue]") {
  item_counts counts;
  queue q(4);
  CHECK_FALSE(q.may_have_item());
  CHECK(q.may_have_room(4));
  CHECK(q.may_have_room(4, 4));
  for (int turn = 0; turn < 3; ++turn) {
    for (int i = 0; i < 4; ++i) {
      CHECK(q.may_have_room(4, static_cast<std::size_t>(4 - i)));
      if (i > 0)
        CHECK_FALSE(q.may_have_room(4, static_cast<std::size_t>(5 - i)));
      REQUIRE(q.has_room_at_hand());
      q.put_at_hand(item(counts, i));
      CHECK(q.may_have_item());
    }
    CHECK_FALSE(q.may_have_room(4));
    for (int i = 0; i < 4; ++i) {
      REQUIRE(q.has_item_at_hand());
      (void)q.take_at_hand();
      CHECK(q.may_have_room(4, static_cast<std::size_t>(1 + i)));
    }
    CHECK_FALSE(q.may_have_item());
  }
}

TEST_CASE("a chain that lacks a block may have room for a sender", "[block_queue]") {
  queue q(no_limit);
  CHECK(q.may_have_room(no_limit));
  CHECK(q.may_have_room(no_limit, no_limit / 2 + 1));
  CHECK_FALSE(q.may_have_item());
}

TEST_CASE("a queue tells how many items have passed since it was asked last", "[block_queue]") {
  item_counts counts;
  queue q(4);
  CHECK(q.put_since_last_asked() == 0);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(q.has_room_at_hand());
    q.put_at_hand(item(counts, i));
  }
  CHECK(q.put_since_last_asked() == 3);
  CHECK(q.put_since_last_asked() == 0);
  REQUIRE(q.has_item_at_hand());
  (void)q.take_at_hand();
  CHECK(q.taken_since_last_asked() == 1);
  CHECK(q.taken_since_last_asked() == 0);
}
