// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>

#include <utility>

namespace roost::inline v0::detail {

struct scope_tree;

/// A pointer to the scope_tree that the scopes of a tree share. It keeps the scope_tree alive,
/// unless it is borrowed(). It has no move, which would leave a pointer that keeps nothing.
class tree_ptr { // NOLINT(cppcoreguidelines-special-member-functions): as said
 public:
  tree_ptr() = default;
  tree_ptr(scope_tree* tree, counted_ptr<scope_tree> kept) noexcept
      : tree_(tree),
        kept_(std::move(kept)) {}
  tree_ptr(const tree_ptr&) = default;
  tree_ptr& operator=(const tree_ptr&) = default;
  ~tree_ptr() = default;

  /// A pointer that keeps nothing, for where another one is sure to: this spares a count that all
  /// threads would change.
  tree_ptr borrowed() const noexcept { return {tree_, nullptr}; }

  scope_tree* get() const noexcept { return tree_; }
  scope_tree& operator*() const noexcept { return *tree_; }
  scope_tree* operator->() const noexcept { return tree_; }
  explicit operator bool() const noexcept { return tree_ != nullptr; }

  /// True if nothing else keeps it.
  bool is_the_only_one() const noexcept { return kept_.use_count() == 1; }

  void reset() noexcept {
    tree_ = nullptr;
    kept_.reset();
  }

 private:
  scope_tree* tree_ = nullptr;
  counted_ptr<scope_tree> kept_; // null if it is borrowed
};

} // namespace roost::inline v0::detail
