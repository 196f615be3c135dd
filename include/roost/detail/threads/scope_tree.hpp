// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/threads/thread_pool.hpp>
#include <roost/detail/threads/timekeeper.hpp>
#include <roost/detail/wait/activity.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace roost::inline v0::detail {

/// What an outermost scope and all that is made inside it have in common: the threads of their
/// tasks, and one for their deadlines. It ends with the last of them. A scope that does not cover
/// its owner may end anywhere, and has a tree of its own; the others end on the thread that made
/// them, and before the task that did. So a tree never ends on a thread of its own pool.
struct scope_tree {
  /// For a scope that covers the calling thread.
  scope_tree() : scope_tree(std::make_shared<activity>(activity::number_for_owner())) {}
  explicit scope_tree(std::shared_ptr<activity> shared)
      : counted(std::move(shared)),
        keeper(counted->in_bubble()),
        threads(counted.get()) {}

  const std::shared_ptr<activity> counted; // that of the tree around, if it is made inside one
  timekeeper keeper;
  thread_pool threads;
  void (*thread_started)(std::string_view task) = nullptr; // the outermost scope's; constant
};

/// That of the scopes around the calling thread, or a new one.
inline std::shared_ptr<scope_tree> tree_around_or_new() {
  std::shared_ptr<scope_tree> around = tree_around();
  return around ? around : std::make_shared<scope_tree>();
}

/// The number of the activity in which the threads of a scope are counted.
inline std::uint32_t number_of_tree(const stop_domain& scope) noexcept {
  const scope_tree* const its = scope.shared().get();
  return its != nullptr ? its->counted->number() : activity::unknown;
}

/// One with threads of its own, for a scope that does not cover the calling thread; counted with
/// what is around that thread if it is inside of it.
inline std::shared_ptr<scope_tree> new_tree(bool is_inside) {
  const std::shared_ptr<scope_tree> around = is_inside ? tree_around() : nullptr;
  return std::make_shared<scope_tree>(around ? around->counted
                                             : std::make_shared<activity>(activity::next_number()));
}

} // namespace roost::inline v0::detail
