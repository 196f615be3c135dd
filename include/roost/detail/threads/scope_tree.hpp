// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/stop/tree_ptr.hpp>
#include <roost/detail/threads/thread_pool.hpp>
#include <roost/detail/threads/timekeeper.hpp>
#include <roost/detail/wait/activity.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace roost::inline v0::detail {

/// What an outermost scope and all that is made inside it have in common: the threads of their
/// tasks, and one for their deadlines. The tree ends with the last of these scopes. A scope that
/// does not cover its owner may end on any thread but those of its own tasks, and has a tree of its
/// own; all other scopes end on the thread that made them, and before the task that did. So a tree
/// never ends on a thread of its own pool.
struct scope_tree final : counted_object {
  /// For a scope that covers the calling thread.
  scope_tree() : scope_tree(make_counted<activity>(activity::number_for_owner())) {}
  explicit scope_tree(counted_ptr<activity> shared)
      : counted(std::move(shared)),
        keeper(counted->in_bubble()),
        threads(counted.get()) {}

  const counted_ptr<activity> counted; // that of the tree around, if it is made inside one
  timekeeper keeper;
  thread_pool threads;
  void (*thread_started)(std::string_view task) = nullptr; // the outermost scope's; constant
};

inline tree_ptr kept(counted_ptr<scope_tree> tree) noexcept {
  scope_tree* const its = tree.get();
  return {its, std::move(tree)};
}

/// A tree for a scope that covers the calling thread.
tree_ptr new_tree_of_owner();

/// The tree of the scopes around the calling thread, or a new one.
inline tree_ptr tree_around_or_new() {
  const tree_ptr around = tree_around();
  return around ? around : new_tree_of_owner();
}

/// The number of the activity in which the threads of a scope are counted.
inline std::uint32_t number_of_tree(const stop_domain& scope) noexcept {
  const scope_tree* const its = scope.shared().get();
  return its != nullptr ? its->counted->number() : activity::unknown;
}

/// A tree with threads of its own, for a scope that does not cover the calling thread. If
/// `is_inside`, its threads are counted together with those of the tree around the calling thread.
tree_ptr new_tree(bool is_inside);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY tree_ptr new_tree_of_owner() {
  return kept(make_counted<scope_tree>());
}

ROOST_COLD_BODY tree_ptr new_tree(bool is_inside) {
  const tree_ptr around = is_inside ? tree_around() : tree_ptr();
  return kept(make_counted<scope_tree>(around ? around->counted
                                              : make_counted<activity>(activity::next_number())));
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
