// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/ring.hpp>

#include "support/catch.hpp"
#include "support/tracked.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <type_traits>
#include <utility>

using test::item_counts;
using test::tracked_item;
using ring = roost::detail::ring<std::unique_ptr<tracked_item>>;

namespace {

std::unique_ptr<tracked_item> item(item_counts& counts, int value) {
  return std::make_unique<tracked_item>(counts, value);
}

} // namespace

TEST_CASE("a ring can be moved but not copied", "[ring]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<ring>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<ring>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<ring>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<ring>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<ring>);
}

TEST_CASE("a ring does what a queue of the same items does", "[ring]") {
  item_counts counts;
  const std::size_t room = GENERATE(as<std::size_t>(), 1, 2, 3, 8);
  {
    ring r(room);
    std::deque<int> expected;
    int next = 0;
    for (int turn = 0; turn < 200; ++turn) {
      if (turn % 5 < 3 ? expected.size() < room : expected.empty()) {
        r.push_back(item(counts, next));
        expected.push_back(next++);
      } else if (!expected.empty()) {
        CHECK(r.pop_front()->value() == expected.front());
        expected.pop_front();
      }
      CHECK(r.size() == expected.size());
      CHECK(r.empty() == expected.empty());
      CHECK(r.room() == room);
      CHECK(counts.live == static_cast<int>(expected.size()));
    }
  }
  CHECK(counts.live == 0);
}

TEST_CASE("a ring grows with its items in order, wherever its first one lies", "[ring]") {
  item_counts counts;
  const int shift = GENERATE(0, 1, 2, 3);
  {
    ring r(4);
    for (int i = 0; i < shift; ++i) {
      r.push_back(item(counts, -2));
      r.pop_front();
    }
    for (int i = 0; i < 4; ++i)
      r.push_back(item(counts, i));
    ring larger(10);
    r.grow_into(larger);
    CHECK(r.room() == 10);
    CHECK(r.size() == 4);
    CHECK(larger.empty());
    CHECK(larger.room() == 4);
    for (int i = 4; i < 10; ++i)
      r.push_back(item(counts, i));
    for (int i = 0; i < 10; ++i)
      CHECK(r.pop_front()->value() == i);
  }
  CHECK(counts.live == 0);
}

TEST_CASE("a ring takes its items along when it is moved and destroys those it has", "[ring]") {
  item_counts counts;
  {
    ring first(3);
    first.push_back(item(counts, 1));
    first.push_back(item(counts, 2));
    ring second(std::move(first));
    CHECK(second.size() == 2);
    ring third(1);
    third.push_back(item(counts, 3));
    third = std::move(second);
    CHECK(counts.live == 2);
    CHECK(third.pop_front()->value() == 1);
    const ring none;
    CHECK(none.room() == 0);
  }
  CHECK(counts.live == 0);
}
