// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/stop/tree_ptr.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/stop.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace roost::inline v0::detail {

class stop_domain;
class task_context;
struct scope_tree;

/// One layer of what can stop a thread. Made and used by that thread; a task's is registered before
/// its thread runs.
class context : public list_node<context> {
 public:
  explicit context(stop_domain& d) noexcept : domain_(&d) {}
  virtual ~context() = default;

  stop_domain& domain() const noexcept {
    // acquire: sees the domain as it was made; pairs with release in change_domain()
    return *domain_.load(std::memory_order_acquire);
  }
  context* outer() const noexcept { return outer_; }

  /// The domain that the calling thread's new domains follow, and whose token the thread hands out:
  /// domain(), or one in its place that can be stopped more precisely. Called for the innermost
  /// context of the calling thread. May throw bad_alloc.
  virtual stop_domain& domain_to_follow() { return domain(); }

  /// What the scopes around share; null if it knows none.
  ROOST_BODY virtual const tree_ptr& shared() const noexcept;

  /// Throws what a wait throws here once the domain has stopped.
  [[noreturn]] virtual void raise() = 0;

  /// The cause that a `stopped` thrown here tells once the domain has stopped: the cause as it is
  /// known furthest out on this thread.
  ROOST_BODY virtual const counted_ptr<const kept_cause>& told_cause() const noexcept;

  /// The task that this context is or stands for; null if it is none.
  virtual task_context* shown_task() noexcept { return nullptr; }

  /// The number of the task that this context is; 0 if it is none.
  virtual std::uint64_t task_id() const noexcept { return 0; }

  /// The scope whose owner this context covers; null for other contexts.
  virtual stop_domain* owned_scope() noexcept { return nullptr; }

  /// Blocks the calling thread, which has this context on its stack, until `record` has ended, or
  /// until `deadline`.
  ROOST_BODY virtual wait_state
  sleep(wait_record& record, clock::time_point deadline, watcher* meanwhile) noexcept;

  /// For a stop_when: its token, and those around it. Null for other contexts.
  virtual counted_ptr<const token_state> tokens() const noexcept { return nullptr; }

  /// Makes this the innermost context of the calling thread.
  void enter() noexcept;

  /// Takes this from the calling thread's stack, from wherever it is in there.
  void leave() noexcept;

  /// The same for a context that is not a task's; they also register it with its domain and take it
  /// out again. uncover() hands the domains made under this one, if they outlive it and cover this
  /// thread, to this one's parent; without one they become roots. A scope that covers no thread
  /// stays where it is: see stop_domain::retire(). (If this is a scope's, no stop from further out
  /// reaches that one any more.)
  void cover_this_thread() noexcept;
  void uncover() noexcept;

  /// True if it is among the calling thread's contexts.
  bool covers_this_thread() const noexcept {
    const context* c = this_thread.top;
    while (c != nullptr && c != this)
      c = c->outer_;
    return c != nullptr;
  }

 protected:
  /// The caller holds the lock of the slot where the task runs; or no thread has come for the task.
  void change_domain(stop_domain& d) noexcept {
    // release: publishes the domain; pairs with acquire in domain()
    domain_.store(&d, std::memory_order_release);
  }

 private:
  friend stop_domain;

  sync::atomic<stop_domain*> domain_;
  context* outer_ = nullptr;    // the owner's alone
  thread_slot* slot_ = nullptr; // guarded by the domain's lock; null until the thread runs
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY void context::enter() noexcept {
  outer_ = std::exchange(this_thread.top, this);
}

ROOST_BODY void context::leave() noexcept {
  thread_slot& slot = this_thread;
  context* inner = nullptr;
  for (context* c = slot.top; c != nullptr && c != this; c = c->outer_)
    inner = c;
  if ((inner != nullptr ? inner->outer_ : slot.top) != this)
    die("a context leaves a thread that it does not cover");
  (inner != nullptr ? inner->outer_ : slot.top) = outer_;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
