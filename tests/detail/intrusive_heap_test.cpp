// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/base/intrusive_heap.hpp>

#include "support/catch.hpp"
#include "support/seed.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <type_traits>
#include <vector>

namespace {

struct node : roost::detail::heap_node {
  explicit node(int v) : value(v) {}
  int value;
};

struct smaller_first {
  bool operator()(const node& a, const node& b) const noexcept { return a.value < b.value; }
};

using heap = roost::detail::intrusive_heap<node, smaller_first>;

} // namespace

TEST_CASE("a node of a heap stays where it is", "[intrusive_heap]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<node>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<node>);
}

TEST_CASE("a heap has the first of its nodes in front", "[intrusive_heap]") {
  ROOST_TEST_SHOW_SEED();
  test::random_numbers random(1);
  int wrong = 0;
  for (int round = 0; round < 200; ++round) {
    std::deque<node> nodes;
    std::vector<node*> inside;
    heap h;
    for (int step = 0; step < 100; ++step) {
      if (!inside.empty() && random.one_in(3)) { // any one goes, from wherever it is
        const auto gone = inside.begin() + random.below(static_cast<int>(inside.size()));
        h.erase(**gone);
        inside.erase(gone);
      } else {
        nodes.emplace_back(random.below(50));
        h.reserve(h.size() + 1);
        h.push(nodes.back());
        inside.push_back(&nodes.back());
      }
      wrong += h.size() != inside.size() || h.empty() != inside.empty();
      const auto least = std::min_element(
          inside.begin(), inside.end(), [](auto* a, auto* b) { return a->value < b->value; });
      wrong += least != inside.end() && h.front().value != (*least)->value;
    }
    int last = -1;
    for (std::size_t left = inside.size(); left > 0; --left) {
      wrong += h.front().value < last;
      last = h.front().value;
      h.erase(h.front());
    }
    wrong += !h.empty();
  }
  CHECK(wrong == 0);
}

TEST_CASE("a heap shows each node once", "[intrusive_heap]") {
  std::deque<node> nodes;
  heap h;
  h.reserve(100);
  for (int i = 0; i < 100; ++i)
    h.push(nodes.emplace_back(99 - i));
  std::vector<int> values;
  for (std::size_t i = 0; i < h.size(); ++i)
    values.push_back(h[i].value);
  std::sort(values.begin(), values.end());
  for (int i = 0; i < 100; ++i)
    CHECK(values[static_cast<std::size_t>(i)] == i);
}
