// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/base/plain_list.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace {

using list = roost::detail::plain_list<int>;

list list_of(std::initializer_list<int> items) {
  list made;
  for (const int i : items) {
    made.reserve(made.size() + 1);
    made.push_back(i);
  }
  return made;
}

std::vector<int> items_of(const list& l) {
  return std::vector<int>(l.begin(), l.end());
}

} // namespace

TEST_CASE("a plain list keeps its items while it grows", "[plain_list]") {
  list l;
  CHECK(l.empty());
  std::vector<int> wanted;
  for (int i = 0; i < 100; ++i) {
    l.reserve(l.size() + 1);
    CHECK(l.capacity() < 2 * l.size() + 2);
    l.push_back(i);
    wanted.push_back(i);
  }
  CHECK(items_of(l) == wanted);
  CHECK(l.back() == 99);
  CHECK(l[17] == 17);
}

TEST_CASE("a plain list with room for more is not moved", "[plain_list]") {
  list l;
  l.reserve(4);
  const int* const before = l.data();
  for (int i = 0; i < 4; ++i)
    l.push_back(i);
  l.reserve(3);
  CHECK(l.data() == before);
}

TEST_CASE("a plain list can begin with many items that are the same", "[plain_list]") {
  CHECK(items_of(list(3, 7)) == std::vector<int>{7, 7, 7});
  CHECK(items_of(list(2)) == std::vector<int>{0, 0});
}

TEST_CASE("items of a plain list are inserted and erased anywhere", "[plain_list]") {
  list l = list_of({1, 2, 3});
  l.reserve(6);
  l.insert(0, 10);
  l.insert(2, 20);
  l.insert(l.size(), 30);
  CHECK(items_of(l) == std::vector<int>{10, 1, 20, 2, 3, 30});
  l.erase(0);
  l.erase(l.size() - 1);
  l.remove(20);
  CHECK(items_of(l) == std::vector<int>{1, 2, 3});
  l.pop_back();
  CHECK(items_of(l) == std::vector<int>{1, 2});
}

TEST_CASE("a plain list can be moved and swapped", "[plain_list]") {
  list a = list_of({1, 2});
  list b = std::move(a);
  CHECK(items_of(b) == std::vector<int>{1, 2});
  a = list_of({3});
  a.swap(b);
  CHECK(items_of(a) == std::vector<int>{1, 2});
  CHECK(items_of(b) == std::vector<int>{3});
  b = list();
  CHECK(b.empty());
}
