// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/assert.hpp>
#include <roost/detail/base/plain_list.hpp>

#include <cstddef>

namespace roost::inline v0::detail {

template <class Node, class Before>
class intrusive_heap;

/// Base of a node that can be in one intrusive_heap at a time.
class heap_node {
 public:
  heap_node() = default;
  heap_node(const heap_node&) = delete;
  heap_node& operator=(const heap_node&) = delete;

 protected:
  ~heap_node() = default;

 private:
  template <class, class>
  friend class intrusive_heap;
  std::size_t place_ = 0;
};

/// A binary heap of nodes that know their places in it. The first node is in front, and any node
/// can be taken out in logarithmic time. `Before()(a, b)` tells whether `a` comes first; what it
/// compares does not change while a node is in the heap. The heap owns no node and locks nothing.
template <class Node, class Before>
class intrusive_heap {
 public:
  bool empty() const noexcept { return nodes_.empty(); }
  std::size_t size() const noexcept { return nodes_.size(); }
  Node& front() const noexcept { return *nodes_[0]; }
  Node& operator[](std::size_t place) const noexcept { return *nodes_[place]; }

  /// Room for so many; only this allocates.
  void reserve(std::size_t size) { nodes_.reserve(size); }

  /// Precondition: there is room.
  void push(Node& node) noexcept {
    ROOST_ASSERT(nodes_.size() < nodes_.capacity(), "a node was put into a heap that has no room");
    ROOST_ASSERT(!has(node), "a node was put into a heap, and is in it already");
    nodes_.push_back(&node);
    rise(node, nodes_.size() - 1);
  }

  void erase(Node& node) noexcept {
    ROOST_ASSERT(has(node), "a node was taken out of a heap that it is not in");
    const std::size_t place = place_of(node);
    Node& last = *nodes_.back();
    nodes_.pop_back();
    if (&last == &node)
      return;
    // The last one may come from another branch: it belongs above or below the gap.
    if (place > 0 && Before()(last, *nodes_[parent(place)])) {
      rise(last, place);
    } else {
      sink(last, place);
    }
  }

 private:
  static std::size_t parent(std::size_t place) noexcept { return (place - 1) / 2; }
  bool has(Node& node) const noexcept {
    return place_of(node) < size() && nodes_[place_of(node)] == &node;
  }
  static std::size_t& place_of(Node& node) noexcept { return static_cast<heap_node&>(node).place_; }
  void put(Node& node, std::size_t place) noexcept {
    nodes_[place] = &node;
    place_of(node) = place;
  }

  // Both find a place for the node, starting from the given place, which is free.
  void rise(Node& node, std::size_t place) noexcept;
  void sink(Node& node, std::size_t place) noexcept;

  plain_list<Node*> nodes_;
};

// --- implementation ---------------------------------------------------------

template <class Node, class Before>
void intrusive_heap<Node, Before>::rise(Node& node, std::size_t place) noexcept {
  for (; place > 0 && Before()(node, *nodes_[parent(place)]); place = parent(place))
    put(*nodes_[parent(place)], place);
  put(node, place);
}

template <class Node, class Before>
void intrusive_heap<Node, Before>::sink(Node& node, std::size_t place) noexcept {
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= size())
      break;
    if (child + 1 < size() && Before()(*nodes_[child + 1], *nodes_[child]))
      ++child;
    if (!Before()(*nodes_[child], node))
      break;
    put(*nodes_[child], place);
    place = child;
  }
  put(node, place);
}

} // namespace roost::inline v0::detail
