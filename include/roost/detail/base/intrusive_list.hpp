// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/assert.hpp>

namespace roost::inline v0::detail {

/// Base of a node that can be in one intrusive_list<Node> at a time; linked() tells whether it is
/// in one.
template <class Node>
class list_node {
 public:
  list_node() = default;
  list_node(const list_node&) = delete;
  list_node& operator=(const list_node&) = delete;

  bool linked() const noexcept { return links_.linked; }

 protected:
  struct list_links {
    Node* previous = nullptr;
    Node* next = nullptr;
    bool linked = false;
  };

#if ROOST_ASSERTIONS
  ~list_node() {
    ROOST_ASSERT(!linked(), "something was destroyed that is in a list: it must outlive its use");
  }
#else
  ~list_node() = default;
#endif

  list_links links_;
};

/// A doubly linked list through its nodes: no allocation, removal anywhere in constant time. It
/// owns nothing and locks nothing; what guards the list guards the links of its nodes, too.
template <class Node>
class intrusive_list {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  Node* front() const noexcept { return first_; }
  Node* back() const noexcept { return last_; }
  static Node* next(const Node& node) noexcept { return access::links_of(node).next; }
  static Node* previous(const Node& node) noexcept { return access::links_of(node).previous; }

  void push_back(Node& node) noexcept { insert_after(last_, node); }

  /// Puts `node` behind `place`, or in front where that is null.
  void insert_after(Node* place, Node& node) noexcept {
    auto& links = access::links_of(node);
    ROOST_ASSERT(!links.linked, "a node was put into a list, and is in one already");
    ROOST_ASSERT(place == nullptr || place->linked(),
                 "a node was put behind one that is in no list");
    links.previous = place;
    links.next = place != nullptr ? next(*place) : first_;
    forward_to(links.previous) = &node;
    backward_to(links.next) = &node;
    links.linked = true;
  }

  void erase(Node& node) noexcept {
    auto& links = access::links_of(node);
    ROOST_ASSERT(links.linked, "a node was taken out of a list, and is in none");
    ROOST_ASSERT(forward_to(links.previous) == &node && backward_to(links.next) == &node,
                 "a node was taken out of a list that it is not in");
    forward_to(links.previous) = links.next;
    backward_to(links.next) = links.previous;
    links.previous = links.next = nullptr;
    links.linked = false;
  }

  /// Moves all nodes of `others` to the end of this list, in their order, in constant time.
  void append(intrusive_list& others) noexcept {
    ROOST_ASSERT(this != &others, "a list was put behind itself");
    if (others.empty())
      return;
    access::links_of(*others.first_).previous = last_;
    forward_to(last_) = others.first_;
    last_ = others.last_;
    others.first_ = others.last_ = nullptr;
  }

  Node* pop_front() noexcept {
    Node* const node = first_;
    if (node != nullptr)
      erase(*node);
    return node;
  }

 private:
  // Reaches the links as a derived class may. A friend of list_node would do, too; but then g++
  // takes the node's destructor for one that everybody can call, and -Weffc++ warns about derived
  // classes.
  struct access : list_node<Node> {
    static auto& links_of(list_node<Node>& node) noexcept { return node.*(&access::links_); }
    static const auto& links_of(const list_node<Node>& node) noexcept {
      return node.*(&access::links_);
    }
  };

  Node*& forward_to(Node* previous) noexcept {
    return previous != nullptr ? access::links_of(*previous).next : first_;
  }
  Node*& backward_to(Node* next) noexcept {
    return next != nullptr ? access::links_of(*next).previous : last_;
  }

  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

#if ROOST_ASSERTIONS
/// A list that has to be empty when it is destroyed: the owners of its nodes would take them out of
/// it later. Lists of threads and of the whole program are not of this kind, as they must have no
/// destructor.
template <class Node>
class emptied_list : public intrusive_list<Node> {
 public:
  emptied_list() = default;
  emptied_list(const emptied_list&) = delete;
  emptied_list& operator=(const emptied_list&) = delete;
  ~emptied_list() {
    ROOST_ASSERT(this->empty(),
                 "something was destroyed that threads wait at, or that is in use: it must outlive "
                 "that");
  }
};
#else
template <class Node>
using emptied_list = intrusive_list<Node>;
#endif

} // namespace roost::inline v0::detail
