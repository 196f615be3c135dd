// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/base/intrusive_list.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <deque>
#include <type_traits>
#include <vector>

namespace {

struct node : roost::detail::list_node<node> {
  int value = 0;
};

using list = roost::detail::intrusive_list<node>;

std::vector<int> forwards(const list& l) {
  std::vector<int> values;
  for (const node* n = l.front(); n != nullptr; n = list::next(*n))
    values.push_back(n->value);
  return values;
}

std::vector<int> backwards(const list& l) {
  std::vector<int> values;
  for (const node* n = l.back(); n != nullptr; n = list::previous(*n))
    values.push_back(n->value);
  return values;
}

// A node that goes must be in no list.
void clear(list& l) {
  while (l.pop_front() != nullptr) {
  }
}

} // namespace

TEST_CASE("a node of a list stays where it is", "[intrusive_list]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<node>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<node>);
}

TEST_CASE("a list keeps its nodes in the order they came", "[intrusive_list]") {
  list l;
  std::deque<node> nodes(4);
  CHECK(l.empty());
  CHECK(l.pop_front() == nullptr);
  for (int i = 0; i < 4; ++i) {
    node& n = nodes[static_cast<std::size_t>(i)];
    n.value = i;
    CHECK_FALSE(n.linked());
    l.push_back(n);
    CHECK(n.linked());
  }
  CHECK(forwards(l) == std::vector<int>{0, 1, 2, 3});
  CHECK(backwards(l) == std::vector<int>{3, 2, 1, 0});
  for (node& n : nodes) {
    CHECK(l.pop_front() == &n);
    CHECK_FALSE(n.linked());
  }
  CHECK(l.empty());
  CHECK(l.back() == nullptr);
}

TEST_CASE("a node can be taken out from anywhere and put in again", "[intrusive_list]") {
  list l;
  std::deque<node> nodes(4);
  for (int i = 0; i < 4; ++i) {
    nodes[static_cast<std::size_t>(i)].value = i;
    l.push_back(nodes[static_cast<std::size_t>(i)]);
  }
  l.erase(nodes[1]); // the middle
  CHECK(forwards(l) == std::vector<int>{0, 2, 3});
  l.erase(nodes[0]); // the first
  CHECK(forwards(l) == std::vector<int>{2, 3});
  l.erase(nodes[3]); // the last
  CHECK(forwards(l) == std::vector<int>{2});
  CHECK(backwards(l) == std::vector<int>{2});
  l.erase(nodes[2]); // the only
  CHECK(l.empty());
  l.push_back(nodes[3]);
  l.push_back(nodes[1]);
  CHECK(forwards(l) == std::vector<int>{3, 1});
  CHECK(backwards(l) == std::vector<int>{1, 3});
  clear(l);
}

TEST_CASE("a node can be put behind another or in front of all", "[intrusive_list]") {
  list l;
  std::deque<node> nodes(4);
  for (int i = 0; i < 4; ++i)
    nodes[static_cast<std::size_t>(i)].value = i;
  l.insert_after(nullptr, nodes[0]);
  l.insert_after(&nodes[0], nodes[1]);
  l.insert_after(&nodes[0], nodes[2]);
  l.insert_after(nullptr, nodes[3]);
  CHECK(forwards(l) == std::vector<int>{3, 0, 2, 1});
  CHECK(backwards(l) == std::vector<int>{1, 2, 0, 3});
  clear(l);
}

TEST_CASE("a list can be put behind another", "[intrusive_list]") {
  list l;
  list others;
  std::deque<node> nodes(4);
  for (int i = 0; i < 4; ++i)
    nodes[static_cast<std::size_t>(i)].value = i;
  l.append(others);
  CHECK(l.empty());
  others.push_back(nodes[0]);
  others.push_back(nodes[1]);
  l.append(others);
  CHECK(others.empty());
  CHECK(others.pop_front() == nullptr);
  CHECK(forwards(l) == std::vector<int>{0, 1});
  l.append(others);
  others.push_back(nodes[2]);
  l.append(others);
  l.push_back(nodes[3]);
  CHECK(forwards(l) == std::vector<int>{0, 1, 2, 3});
  CHECK(backwards(l) == std::vector<int>{3, 2, 1, 0});
  l.erase(nodes[2]);
  CHECK(forwards(l) == std::vector<int>{0, 1, 3});
  clear(l);
}
