// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/task_domain.hpp>
#include <roost/detail/stop/tree_ptr.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace roost::inline v0::detail {

/// A number for a task or a scope that none has had before. Each thread takes many numbers at a
/// time, so it seldom touches the count that all threads share. One count in the whole program,
/// also where shared libraries hide their symbols: two tasks of one number would be taken for one.
[[gnu::visibility("default")]] inline std::uint64_t next_id() noexcept {
  constexpr std::uint64_t many = 4096;
  static constinit sync::atomic<std::uint64_t> taken{0};
  static constinit thread_local std::uint64_t last = 0;
  // relaxed: only the numbers differ, they order nothing
  if (last % many == 0)
    last = taken.fetch_add(many, std::memory_order_relaxed);
  return ++last;
}

/// The outermost context of a task, with what identifies the task.
class task_context : public context {
 public:
  task_context(stop_domain& scope, std::string_view name, site spawned)
      : context(scope),
        scope_(scope),
        name_(name),
        spawned_(spawned) {}

  /// Its scope; domain() may be its own.
  stop_domain& scope() const noexcept { return scope_; }
  const tree_ptr& shared() const noexcept override { return scope_.shared(); }

  std::string_view name() const noexcept { return name_; }
  const site& spawned() const noexcept { return spawned_; }

  /// About when it began to run; the clock's epoch if it has not.
  clock::time_point since() const noexcept {
    // relaxed, here and below: for reports
    return clock::time_point(clock::duration(since_.load(std::memory_order_relaxed)));
  }
  void begins() noexcept {
    since_.store(sync::now_roughly().time_since_epoch().count(), std::memory_order_relaxed);
  }

  /// Never used again, unlike an address.
  std::uint64_t id() const noexcept { return id_; }
  std::uint64_t task_id() const noexcept override { return id_; }

  // True while it is queued in its scope. Guarded by the scope's lock. It lies here, beside the
  // links of the queue.
  bool is_queued = false;

  task_context* shown_task() noexcept override { return this; }
  [[noreturn]] void raise() override { throw make_stopped(domain().cause()); }

  /// Makes `stopped`, a domain that was stopped beforehand, the task's own, unless the task has
  /// one. Then its waits end: a wait that is published is claimed, into `woken`. Returns the task's
  /// own domain; if that is another one than `stopped`, the caller has yet to stop it. The caller
  /// holds the scope's lock, and keeps the task from being over.
  counted_ptr<task_domain> stop_alone(const counted_ptr<task_domain>& stopped,
                                      thread_slot* on,
                                      claimed_list& woken) noexcept;

  /// Its own domain; null if it has none. The caller as above.
  counted_ptr<task_domain> own(thread_slot* on) const noexcept;

  /// Called when nothing waits in the task any more, on the task's thread.
  void leave_own_domain() noexcept {
    if (&domain() != &scope_)
      own_->end();
  }

 protected:
  /// The task's own domain, which is made now if it has none. On the task's thread.
  stop_domain& own_domain();

 private:
  /// Holds the lock of the slot where the task runs; none where no thread has come for it.
  static std::unique_lock<spin_lock> locked(thread_slot* on) noexcept {
    return on != nullptr ? std::unique_lock(on->lock) : std::unique_lock<spin_lock>();
  }

  stop_domain& scope_;
  // Written once, before domain() returns it; under the lock of the slot where the task runs, if a
  // thread has come for it.
  counted_ptr<task_domain> own_;
  std::string name_;
  site spawned_;
  sync::atomic<clock::rep> since_{0}; // since the epoch; written by the task's thread
  std::uint64_t id_ = next_id();
};

/// The birthplace of a scope that the calling thread makes, and ends if `is_ended_there`.
birthplace birthplace_here(bool is_ended_there);

/// True if the calling thread runs a task of `scope`, or runs inside such a task: in a scope that
/// was made there, or in a get() there that runs the task itself.
bool runs_inside(const stop_domain& scope) noexcept;

/// True if the end of `scope` waits for the calling thread to go on. Unlike runs_inside(), it does
/// not take a task for one that waits for a scope only because that was made in it: if the scope
/// does not cover its owner, any thread may end it.
bool holds_up(const stop_domain& scope) noexcept;

/// The same for the end of a task.
bool holds_up(const task_context& task) noexcept;

// --- implementation -------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY stop_domain& task_context::own_domain() {
  if (&domain() != &scope_)
    return domain();
  auto own = make_counted<task_domain>(scope_.deadline());
  {
    const std::lock_guard guard(this_thread.lock);
    if (own_ != nullptr) // a stop was faster
      return *own_;
    own_ = own;
    change_domain(*own);
  }
  own->begin(scope_);
  return *own;
}

ROOST_COLD_BODY counted_ptr<task_domain> task_context::stop_alone(
    const counted_ptr<task_domain>& stopped, thread_slot* on, claimed_list& woken) noexcept {
  const std::unique_lock<spin_lock> guard = locked(on);
  if (own_ == nullptr) {
    own_ = stopped;
    change_domain(*stopped);
    if (on != nullptr)
      stopped->claim_in(*on, woken);
  }
  return own_;
}

ROOST_COLD_BODY counted_ptr<task_domain> task_context::own(thread_slot* on) const noexcept {
  const std::unique_lock<spin_lock> guard = locked(on);
  return own_;
}

ROOST_BODY birthplace birthplace_here(bool is_ended_there) {
  if (this_thread.task == nullptr)
    return {};
  return {this_thread.task->scope().shared_from_this(), this_thread.task->id(), is_ended_there};
}

// Climbs from the task here to the tasks in which its scope and the scopes around were made, and
// does the same from each task whose get() runs the former ones on this thread. `all`: also past
// scopes that their makers need not end. Null and 0 stand for no scope and no task.
ROOST_BODY bool finds_around(const stop_domain* scope, std::uint64_t task, bool all) noexcept {
  const task_context* t = this_thread.task;
  for (const helping_call* h = this_thread.helps;; h = h->around) {
    std::uint64_t id = t != nullptr ? t->id() : 0;
    const stop_domain* s = t != nullptr ? &t->scope() : nullptr;
    while (s != nullptr) {
      if (s == scope || id == task)
        return true;
      const birthplace& place = s->made_in();
      id = place.task;
      s = all || place.is_ended_there ? place.scope.get() : nullptr;
    }
    if (h == nullptr)
      return false;
    t = h->caller;
  }
}

ROOST_BODY bool runs_inside(const stop_domain& scope) noexcept {
  return finds_around(&scope, 0, true);
}

ROOST_BODY bool holds_up(const stop_domain& scope) noexcept {
  return finds_around(&scope, 0, false);
}

ROOST_BODY bool holds_up(const task_context& task) noexcept {
  return finds_around(nullptr, task.id(), false);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
