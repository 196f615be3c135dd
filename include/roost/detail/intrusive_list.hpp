// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace roost::inline v0::detail {

template <class Node>
class intrusive_list;

/// Base of what can be in one intrusive_list<Node> at a time. Where it is in none, linked() says
/// so.
template <class Node>
class list_node {
 public:
  list_node() = default;
  list_node(const list_node&) = delete;
  list_node& operator=(const list_node&) = delete;

  bool linked() const noexcept { return linked_; }

 protected:
  ~list_node() = default;

 private:
  friend intrusive_list<Node>;
  Node* previous_ = nullptr;
  Node* next_ = nullptr;
  bool linked_ = false;
};

/// A doubly linked list through its nodes: no allocation, removal anywhere in constant time. It
/// owns nothing and locks nothing; whoever guards the list guards the links of its nodes, too.
template <class Node>
class intrusive_list {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  Node* front() const noexcept { return first_; }
  Node* back() const noexcept { return last_; }
  static Node* next(const Node& node) noexcept { return node.list_node<Node>::next_; }
  static Node* previous(const Node& node) noexcept { return node.list_node<Node>::previous_; }

  void push_back(Node& node) noexcept { insert_after(last_, node); }

  /// Puts `node` behind `place`, or in front where that is null.
  void insert_after(Node* place, Node& node) noexcept {
    list_node<Node>& links = node;
    links.previous_ = place;
    links.next_ = place != nullptr ? next(*place) : first_;
    forward_to(links.previous_) = &node;
    backward_to(links.next_) = &node;
    links.linked_ = true;
  }

  void erase(Node& node) noexcept {
    list_node<Node>& links = node;
    forward_to(links.previous_) = links.next_;
    backward_to(links.next_) = links.previous_;
    links.previous_ = links.next_ = nullptr;
    links.linked_ = false;
  }

  /// Puts all of `others` behind, in their order, in constant time.
  void append(intrusive_list& others) noexcept {
    if (others.empty())
      return;
    list_node<Node>& links = *others.first_;
    links.previous_ = last_;
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
  Node*& forward_to(Node* previous) noexcept {
    return previous != nullptr ? static_cast<list_node<Node>*>(previous)->next_ : first_;
  }
  Node*& backward_to(Node* next) noexcept {
    return next != nullptr ? static_cast<list_node<Node>*>(next)->previous_ : last_;
  }

  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

} // namespace roost::inline v0::detail
