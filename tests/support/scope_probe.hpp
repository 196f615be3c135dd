// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/wait_probe.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace roost::inline v0::detail {

/// How far the tasks and the owner of a scope are, and what is queued there.
struct scope_probe {
  /// Tasks of this scope whose thread is in a blocking call that a stop can wake: all that it has
  /// to do before it sleeps is done. Also one that has been called meanwhile, until it is awake.
  /// Not the owner, and not what runs in scopes further in.
  static std::size_t blocked_tasks(const task_scope& scope) {
    return count_tasks(scope, [](const thread_slot& slot) { return slot.record != nullptr; });
  }

  /// Those of them that sleep, and have not only just come.
  static std::size_t sleeping_tasks(const task_scope& scope) {
    return count_tasks(scope, &is_asleep);
  }

  /// Tells whether it was stopped also once it is gone, and before its token does: that is told
  /// last.
  static counted_ptr<const stop_domain> domain(const task_scope& scope) { return scope.state_; }

  /// Tasks of this scope whose function has been entered or is about to be.
  static std::size_t started_tasks(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    std::size_t count = 0;
    state.for_each_running(
        [&](const task&, const thread_slot* slot) { count += slot != nullptr ? 1 : 0; });
    return count;
  }

  /// The blocking call that the first task of this scope is in; without an operation if it runs.
  static blocked_call first_task_call(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    thread_slot* first = nullptr;
    state.for_each_running(
        [&](const task&, thread_slot* slot) { first = first != nullptr ? first : slot; });
    if (first == nullptr)
      return {};
    const std::lock_guard guard(first->lock);
    return first->call;
  }

  /// Tasks that are queued in the scope, and spawns that wait for a place there.
  static std::size_t queued(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    state.drain_buffer();
    return state.queue_.length();
  }
  static std::size_t waiting_spawns(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    return state.queue_.spawns().size();
  }

  /// The name of the task for which the first of those spawns waits.
  static std::string first_waiting_spawn(const task_scope& scope) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    const wait_node* const first = state.queue_.spawns().front();
    return first != nullptr ? std::string(static_cast<const task*>(first->slot)->name()) : "";
  }

  /// True while the thread that made the scope is in a blocking call that a stop can wake.
  static bool owner_blocked(const task_scope& scope) {
    return of_owner(scope, [](const thread_slot& slot) { return slot.record != nullptr; });
  }

  /// True while it sleeps in one.
  static bool owner_sleeps(const task_scope& scope) { return of_owner(scope, &is_asleep); }

  /// True while the thread that made the scope waits in its join(), wait_for() or destructor.
  static bool owner_joins(const task_scope& scope) {
    return of_owner(scope, [](const thread_slot& slot) {
      return std::string_view(slot.call.operation).substr(0, 12) == "task_scope::";
    });
  }

  /// The threads of the scope's tree. The scope must be open.
  static thread_pool& threads(const task_scope& scope) { return scope.state_->shared()->threads; }

 private:
  static bool is_asleep(const thread_slot& slot) {
    return slot.record != nullptr && wait_probe::is_asleep(*slot.record);
  }

  template <class Is>
  static std::size_t count_tasks(const task_scope& scope, Is is) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    std::size_t count = 0;
    state.for_each_running([&](const task&, thread_slot* slot) {
      if (slot == nullptr)
        return;
      const std::lock_guard guard(slot->lock);
      count += is(*slot) ? 1U : 0U;
    });
    return count;
  }

  template <class Is>
  static bool of_owner(const task_scope& scope, Is is) {
    scope_state& state = *scope.state_;
    const std::lock_guard lock(state.lock_);
    thread_slot* const slot = scope_state::slot_of(state.frame_);
    if (slot == nullptr)
      return false;
    const std::lock_guard guard(slot->lock);
    return is(*slot);
  }
};

} // namespace roost::inline v0::detail
