// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/two_lock_ring.hpp>

#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>

using test::item_counts;
using test::tracked_item;
using ring = roost::detail::two_lock_ring<std::unique_ptr<tracked_item>>;

namespace {

std::unique_ptr<tracked_item> item(item_counts& counts, int value) {
  return std::make_unique<tracked_item>(counts, value);
}

} // namespace

TEST_CASE("a ring is neither copied nor moved", "[two_lock_ring]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<ring>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<ring>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<ring>);
}

TEST_CASE("a ring does what a queue of the same items does", "[two_lock_ring]") {
  item_counts counts;
  const std::size_t room = GENERATE(as<std::size_t>(), 1, 2, 3, 8, 9);
  {
    ring r(room);
    std::deque<int> expected;
    int next = 0;
    for (int turn = 0; turn < 200; ++turn) {
      CHECK(r.has_room() == (expected.size() < room));
      CHECK(r.has_item() == !expected.empty());
      if (turn % 5 < 3 ? expected.size() < room : expected.empty()) {
        r.put(item(counts, next));
        expected.push_back(next++);
      } else {
        CHECK(r.take()->value() == expected.front());
        expected.pop_front();
      }
      CHECK(r.size() == expected.size());
      CHECK(r.room() == room);
      CHECK(counts.live == static_cast<int>(expected.size()));
    }
  }
  CHECK(counts.live == 0);
}

TEST_CASE("a ring grows with its items in order, wherever its first one lies", "[two_lock_ring]") {
  item_counts counts;
  const int shift = GENERATE(0, 1, 2, 3);
  {
    ring r(4);
    for (int i = 0; i < shift; ++i) {
      r.put(item(counts, -2));
      REQUIRE(r.has_item());
      (void)r.take();
    }
    for (int i = 0; i < 4; ++i)
      r.put(item(counts, i));
    CHECK_FALSE(r.has_room());
    ring larger(10);
    r.grow_into(larger);
    CHECK(r.room() == 10);
    CHECK(r.size() == 4);
    CHECK(larger.size() == 0);
    CHECK(larger.room() == 4);
    for (int i = 4; i < 10; ++i) {
      CHECK(r.has_room());
      r.put(item(counts, i));
    }
    CHECK_FALSE(r.has_room());
    for (int i = 0; i < 10; ++i) {
      REQUIRE(r.has_item());
      CHECK(r.take()->value() == i);
    }
    CHECK_FALSE(r.has_item());
  }
  CHECK(counts.live == 0);
}

// What a receive from a full ring does for the first waiting sender: the room is not asked for.
TEST_CASE("a ring that is full again without a look at its room has none", "[two_lock_ring]") {
  item_counts counts;
  ring r(2);
  r.put(item(counts, 0));
  r.put(item(counts, 1));
  CHECK_FALSE(r.has_room());
  for (int next = 2; next < 9; ++next) {
    REQUIRE(r.has_item());
    CHECK(r.take()->value() == next - 2);
    r.put(item(counts, next));
    CHECK_FALSE(r.has_room());
  }
}

TEST_CASE("rings exchange their items and destroy those they have", "[two_lock_ring]") {
  item_counts counts;
  {
    ring r(3);
    r.put(item(counts, 1));
    r.put(item(counts, 2));
    ring other;
    r.swap(other);
    CHECK(r.size() == 0);
    CHECK(r.room() == 0);
    CHECK_FALSE(r.has_room());
    REQUIRE(other.has_item());
    CHECK(other.take()->value() == 1);
    CHECK(counts.live == 1);
  }
  CHECK(counts.live == 0);
}

TEST_CASE("of a ring each side needs its own lock only", "[two_lock_ring]") {
  constexpr int items = 100'000;
  const std::size_t room = GENERATE(as<std::size_t>(), 1, 3, 64);
  roost::detail::two_lock_ring<std::unique_ptr<int>> r(room);
  {
    const std::jthread sender([&] {
      for (int sent = 0; sent < items;) {
        bool put = false;
        {
          const std::lock_guard guard(r.sending());
          if ((put = r.has_room()))
            r.put(std::make_unique<int>(sent++));
        }
        if (!put)
          std::this_thread::yield();
      }
    });
    int expected = 0;
    int out_of_order = 0;
    while (expected < items) {
      std::unique_ptr<int> received;
      {
        const std::lock_guard guard(r.receiving());
        if (r.has_item())
          received = r.take();
      }
      if (!received) {
        std::this_thread::yield();
      } else if (*received != expected++) {
        ++out_of_order;
      }
    }
    CHECK(out_of_order == 0);
  }
  CHECK(r.size() == 0);
}

TEST_CASE("a ring's hints follow what goes in and out", "[two_lock_ring]") {
  item_counts counts;
  ring r(4);
  CHECK_FALSE(r.may_have_item());
  CHECK(r.may_have_room(4));
  CHECK(r.may_have_room(4, 4));
  for (int turn = 0; turn < 3; ++turn) {
    for (int i = 0; i < 4; ++i) {
      CHECK(r.may_have_room(4, static_cast<std::size_t>(4 - i)));
      if (i > 0)
        CHECK_FALSE(r.may_have_room(4, static_cast<std::size_t>(5 - i)));
      REQUIRE(r.has_room());
      r.put(item(counts, i));
      CHECK(r.may_have_item());
    }
    CHECK_FALSE(r.may_have_room(4));
    for (int i = 0; i < 4; ++i) {
      REQUIRE(r.has_item());
      (void)r.take();
      CHECK(r.may_have_room(4, static_cast<std::size_t>(1 + i)));
    }
    CHECK_FALSE(r.may_have_item());
  }
}

TEST_CASE("a ring of less room than the channel's capacity may have room for a sender",
          "[two_lock_ring]") {
  ring r;
  CHECK(r.may_have_room(1000));
  CHECK_FALSE(r.may_have_item());
}

TEST_CASE("a ring tells how many items have passed since it was asked last", "[two_lock_ring]") {
  item_counts counts;
  ring r(4);
  CHECK(r.put_since_last_asked() == 0);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(r.has_room());
    r.put(item(counts, i));
  }
  CHECK(r.put_since_last_asked() == 3);
  CHECK(r.put_since_last_asked() == 0);
  REQUIRE(r.has_item());
  (void)r.take();
  CHECK(r.taken_since_last_asked() == 1);
  CHECK(r.taken_since_last_asked() == 0);
}
