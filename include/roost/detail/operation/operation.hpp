// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/note_list.hpp>
#include <roost/detail/base/view.hpp>
#include <roost/detail/operation/primitive_lock.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/marking.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/short_wait.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include <cstddef>
#include <mutex>

namespace roost::inline v0::detail {

/// Something that a thread wants to happen at one primitive and may have to wait for: to send, to
/// receive, to find an event set. To wait for one operation is a select of one: see
/// wait_for_first().
///
/// Threads: made and used by one; a peer that claims its record may reach it through the slot of
/// its node, until it completes the record.
class operation {
 public:
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  /// A hint without a lock: whether a try is worth while at this moment. False if, as far as this
  /// thread can see, the operation cannot happen. True also if only a try can tell.
  virtual bool may_happen() const noexcept { return true; }

  /// Called before a wait, without a lock. Throws if the thread lacks what it needs to sleep in it.
  virtual void get_ready_to_wait() {}

  /// True if it happened. Never waits. May allocate.
  ROOST_BODY virtual bool try_alone();

  /// The same, but the caller holds the lock, and calls finish() after it is released if it
  /// happened. Allocates nothing.
  virtual bool try_locked() noexcept = 0;
  virtual void finish() noexcept {}

  /// Called when a peer made it happen: `end` is what the peer completed the record with.
  virtual void conclude(wait_state end) noexcept = 0;

  /// True if the result is permanent, as a close is; see end_or_stop().
  virtual bool is_permanent() const noexcept { return false; }

  /// When to try again although no peer has come.
  virtual clock::time_point due() const noexcept { return no_deadline; }

  /// The lock that guards the primitive; none for an operation that only the time makes happen.
  const primitive_lock& lock() const noexcept { return lock_; }

  ROOST_BODY virtual void link(wait_record& record) noexcept; // caller holds the lock
  void unlink() noexcept;                                     // takes it
  bool is_at(const wait_node* place) const noexcept { return &node_ == place; }

  /// For reports: describe() tells what the operation waits for; sleeps() notes at the primitive
  /// that this thread sleeps there. Neither waits for the lock.
  virtual void describe(object_note& note) const noexcept { (void)note; }
  virtual void sleeps(const waiter_note& waiter) const noexcept { (void)waiter; }

  /// Adds which trees' threads have used its wait list: unknown if the lock is not free. describe()
  /// adds those of the primitive's other wait lists.
  ROOST_COLD_BODY virtual void describe_users(object_note& note) const noexcept;

 protected:
  operation(primitive_lock lock, wait_list* waiters, void* slot) noexcept
      : lock_(lock),
        waiters_(waiters),
        node_(slot) {}
  ~operation() = default;

  wait_node& node() noexcept { return node_; }

 private:
  primitive_lock lock_;
  wait_list* waiters_;
  wait_node node_; // guarded by the lock while it is linked
};

using operation_list = view<operation* const>;

/// Holds the locks of several operations. These are in the order of their locks' addresses, which
/// is the same for all threads, so that two such holders never wait for each other. A lock may be
/// there more than once. Threads that come meanwhile spin for longer than at a single lock: for as
/// long as the holder asks and links, some nanoseconds for each operation.
class all_locked {
 public:
  explicit all_locked(operation_list by_lock) noexcept : by_lock_(by_lock) {
    for_each_lock([](const primitive_lock& lock) { lock.lock(); });
  }
  ~all_locked() {
    for_each_lock([](const primitive_lock& lock) { lock.unlock(); });
  }
  all_locked(const all_locked&) = delete;
  all_locked& operator=(const all_locked&) = delete;

 private:
  template <class F>
  void for_each_lock(F f) noexcept;

  operation_list by_lock_;
};

/// What a thread that is blocked in wait_for_first() waits for.
class awaited_operations final : public awaited {
 public:
  explicit awaited_operations(operation_list all) noexcept : all_(all) {}
  ROOST_BODY void describe(note_list<object_note>& notes) const noexcept override;
  ROOST_BODY void sleeps(const waiter_note& waiter) const noexcept override;

 private:
  operation_list all_;
};

/// How a wait for several operations ended: with the one that happened; or with none, because of a
/// stop, or because the deadline came, or the time at which one of the operations is due().
struct first_ended {
  operation* which;
  wait_state end;
};

/// How a call ends that has found its result without waiting, or in a wait that has missed a stop.
/// A stop goes before a permanent result, such as a close: tasks that the stop has ended may have
/// brought it about. Every kind of wait that has such a result asks here.
inline wait_state end_or_stop(bool is_permanent) noexcept {
  if (!is_permanent || this_thread.top == nullptr)
    return wait_state::done;
  marking::await_none();
  return this_thread_is_stopped() ? wait_state::stopped : wait_state::done;
}

/// The same for an operation.
inline first_ended first_or_stop(operation* happened) noexcept {
  const wait_state end = end_or_stop(happened->is_permanent());
  return {end == wait_state::done ? happened : nullptr, end};
}

/// Waits until one of the operations has happened. Both lists hold the same ones: `in_turn` tells
/// which is tried first, `by_lock` is sorted for all_locked.
///
/// INVARIANT: exactly one operation happens, or none. All are tried, and if none can happen all are
/// linked, while all locks are held: a peer comes before that, and is found, or after it, and finds
/// the node. Once they are linked, the claimer of their one record decides which happens, and there
/// is never more than one claimer. An operation cannot meet another one of the same thread: none is
/// linked while they are tried.
first_ended wait_for_first(operation_list in_turn,
                           operation_list by_lock,
                           const blocked_call& call,
                           clock::time_point deadline,
                           short_wait patience = {});

/// Waits for one.
inline wait_state wait_for_one(operation& a,
                               const blocked_call& call,
                               clock::time_point deadline,
                               short_wait patience = {}) {
  operation* const only[] = {&a};
  return wait_for_first(only, only, call, deadline, patience).end;
}

/// Tries all under all locks, and so at one moment. Returns the first that happened; null if none
/// could.
operation* try_all(operation_list in_turn, operation_list by_lock) noexcept;

// --- implementation ---------------------------------------------------------

template <class F>
void all_locked::for_each_lock(F f) noexcept {
  const void* last = nullptr;
  for (const operation* const a : by_lock_) {
    if (a->lock().id() != last)
      f(a->lock());
    last = a->lock().id();
  }
}

#if ROOST_HAS_BODIES

ROOST_BODY bool operation::try_alone() {
  if (lock_.id() == nullptr)
    return try_locked();
  {
    const std::lock_guard guard(lock_);
    if (!try_locked())
      return false;
  }
  finish();
  return true;
}

ROOST_BODY void operation::link(wait_record& record) noexcept {
  if (waiters_ != nullptr)
    waiters_->push_back(node_, record);
}

ROOST_BODY void operation::unlink() noexcept {
  if (waiters_ == nullptr)
    return;
  const std::lock_guard guard(lock_);
  waiters_->remove(node_);
}

ROOST_COLD_BODY void operation::describe_users(object_note& note) const noexcept {
  if (waiters_ == nullptr)
    return;
  std::uint32_t users = activity::unknown;
  describe_if_free(lock_, note, [&] { users = waiters_->users(); });
  note.users = tree_mark::both(note.users, users);
}

ROOST_COLD_BODY void awaited_operations::describe(note_list<object_note>& notes) const noexcept {
  for (const operation* const a : all_) {
    if (object_note* const note = notes.add()) {
      a->describe(*note);
      a->describe_users(*note);
    }
  }
}

ROOST_BODY void awaited_operations::sleeps(const waiter_note& waiter) const noexcept {
  for (const operation* const a : all_)
    a->sleeps(waiter);
}

ROOST_BODY operation* first_to_happen(operation_list in_turn) noexcept {
  for (operation* const a : in_turn) {
    if (a->try_locked())
      return a;
  }
  return nullptr;
}

ROOST_BODY operation* try_all(operation_list in_turn, operation_list by_lock) noexcept {
  operation* happened = nullptr;
  {
    const all_locked guard(by_lock);
    happened = first_to_happen(in_turn);
  }
  if (happened != nullptr)
    happened->finish();
  return happened;
}

ROOST_BODY first_ended wait_for_first(operation_list in_turn,
                                      operation_list by_lock,
                                      const blocked_call& call,
                                      clock::time_point deadline,
                                      short_wait patience) {
  for (operation* const a : in_turn)
    a->get_ready_to_wait();
  parker_lease lease;
  wait_record record(lease.get(), patience);
  operation* happened = nullptr;
  {
    const all_locked guard(by_lock);
    happened = first_to_happen(in_turn);
    if (happened == nullptr) {
      for (operation* const a : in_turn)
        a->link(record);
    }
  }
  if (happened != nullptr) {
    happened->finish();
    return first_or_stop(happened);
  }
  for (const operation* const a : in_turn)
    deadline = earlier(deadline, a->due());
  const awaited_operations all(in_turn);
  const blocked_end end = block(record, call, deadline, &all);
  for (operation* const a : in_turn) {
    // The peer has unlinked the operation that happened, whose primitive may be gone by now unless
    // the operation keeps it.
    if (record.claimed_at() != nullptr && a->is_at(record.claimed_at())) {
      happened = a;
    } else {
      a->unlink();
    }
  }
  if (happened == nullptr)
    return {nullptr, end.how};
  happened->conclude(end.how);
  if (end.missed_stop) // as if it had been found without a wait
    return first_or_stop(happened);
  return {happened, end.how};
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
