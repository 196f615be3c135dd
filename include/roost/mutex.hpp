// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/operation/lock_wait.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/owned_lock.hpp>
#include <roost/detail/wait/short_wait.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace roost::inline v0 {

/// Guards what several tasks change, as std::mutex does. In addition a stop wakes a task that waits
/// for it, and the mutex knows which task holds it: where tasks wait for each other's mutexes in a
/// circle, of any length, the call that closes the circle throws and names all holders and lines;
/// and a report shows which mutexes a blocked task holds.
///
/// ```cpp
/// roost::mutex accounts("accounts");
/// const roost::mutex::guard held(accounts);    // unlocked at the end of the block
/// ```
///
/// The guards of std fit as well, but reports then do not know the line. A mutex belongs to the
/// task that has locked it (or to the thread, if that runs no task); the task has to unlock it
/// before it ends. It is not recursive. To hand something to another task take a semaphore or a
/// channel; to wait for a condition, an event.
///
/// A thread that comes while the mutex is free takes it, even if others wait; but the first waiter
/// is handed the mutex once it has been passed over for a millisecond. So threads that lock often
/// need not sleep in turns, and none starves.
///
/// Lifetime: it may be destroyed as soon as no thread holds it or waits for it; to destroy a held
/// mutex ends the program. A constinit mutex is there before any object that is initialized at run
/// time. Threads: any. Errors: std::system_error, with resource_deadlock_would_occur for a wait
/// that could never end, and operation_not_permitted where the caller does not hold it.
/// Cancellation: lock() and the forms with a time limit throw when their task is stopped, and then
/// have not taken it; so in a destructor take try_lock() or a shield. Cost: where it is free, about
/// that of a std::mutex; no allocation.
class mutex {
 public:
  class guard;

  /// `name` is shown by reports and errors; it is copied, and cut off after 48 characters.
  constexpr explicit mutex(std::string_view name = {}) noexcept : owned_(name) {}
  /// Precondition: no thread holds it.
  ~mutex() {
    if (!owned_.holder().is_nobody()) {
      detail::die("a mutex was destroyed while it was held; it has to outlive its guards",
                  "mutex",
                  owned_.name.view(),
                  "locked",
                  owned_.where);
    }
  }
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  /// Waits until the caller holds it.
  void lock(site where = site::current()) {
    detail::throw_if_stopped_already();
    if (!take_at_once(where))
      (void)take(detail::no_deadline, where);
  }

  /// True if the caller holds it now; false if it was held already, be it by the caller itself.
  /// Ignores stops.
  [[nodiscard]] bool try_lock(site where = site::current()) noexcept {
    return take_at_once(where) || take_if_free(where);
  }

  /// False when the time passed first. The forms with a time limit report no circle, as they end by
  /// themselves.
  [[nodiscard]] bool try_lock_for(detail::any_duration timeout, site where = site::current()) {
    return try_lock_until(detail::deadline_after(timeout), where);
  }
  /// The same until a point in time.
  [[nodiscard]] bool try_lock_until(detail::any_time_point deadline, site where = site::current()) {
    detail::throw_if_stopped_already();
    return take_at_once(where) || take(deadline, where);
  }

  /// Gives it to a waiter, or to a thread that comes before the waiter is awake. Throws
  /// std::system_error if the caller does not hold it.
  void unlock(site where = site::current()) {
    detail::note_unwinding(&owned_);
    const detail::lock_holder me = detail::this_thread.locks_as;
    if (owned_.holder() != me || me.is_nobody())
      throw_not_held(where);
    detail::this_thread.let_go(owned_);
    if (!release(me))
      release_to_waiter(me);
  }

 private:
  friend struct detail::wait_probe;
  class acquisition;

  bool take_at_once(const site& at) noexcept;
  bool take_if_free(const site& at) noexcept;
  bool take(clock::time_point deadline, const site& at);
  bool release(detail::lock_holder me) noexcept;
  void release_to_waiter(detail::lock_holder me) noexcept;
  [[noreturn]] void throw_not_held(const site& at) const;

  bool waits_further_out(detail::lock_holder me) const noexcept;

  // The caller holds lock_.
  bool take_locked(acquisition& a) noexcept;
  acquisition* claim_first(detail::claimed_list& called) noexcept;
  void describe_holder(detail::object_note& note) noexcept;
  void put_off_hand_over() noexcept {
    hand_over_at_ = detail::sync::now() + std::chrono::milliseconds(1);
  }

  detail::owned_lock owned_;
  mutable detail::spin_lock lock_;
  detail::wait_list waiters_;        // guarded by lock_; a node's slot is its acquisition
  detail::lock_holder called_;       // guarded by lock_; the waiter that is on its way to take it
  clock::time_point hand_over_at_{}; // guarded by lock_; for the first waiter, until it is called
};

/// Holds a mutex while it lives, and tells reports the line.
class mutex::guard {
 public:
  /// Waits until the caller holds it, as lock() does.
  [[nodiscard("it is unlocked when this goes: give it a name")]] explicit guard(
      mutex& m, site where = site::current())
      : mutex_(m) {
    mutex_.lock(where);
  }
  /// Unlocks it.
  // NOLINTNEXTLINE(bugprone-exception-escape): only where it was unlocked behind the guard's back
  ~guard() { mutex_.unlock(); }
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;

 private:
  mutex& mutex_;
};

// --- implementation ---------------------------------------------------------
// The word tells its holder, and whether unlock() has to look for a waiter. A thread that finds no
// holder there takes the mutex in one step, even while others wait.
//
// INVARIANT, whenever lock_ is free: if there are waiters, then it has a holder that has to look
// for them (must_call), or one of them has been called and is on its way (called_). The called
// waiter takes it or waits again, and either way sees to the others. (Waiters that leave by a stop
// or a deadline may still be queued: they are passed over.)
//
// A waiter that is called for the first time notes from when on the mutex is to be handed to it.
// That time stays, however often other threads are faster.
//
// Lifetime: after the step that makes it free, unlock() touches nothing, unless it has called a
// waiter: that one is inside lock() until it is completed, which comes last.
//
// While is_described is set, the rest of owned_ describes the holder. A reader that holds lock_ and
// has set must_call keeps the holder from leaving, so what the reader sees does not change.

/// One wait for the mutex.
class mutex::acquisition final : public detail::operation {
 public:
  acquisition(mutex& of, const site& at, std::optional<clock::time_point> promised) noexcept
      : operation(of.lock_, &of.waiters_, this),
        where(at),
        hand_over_at(promised),
        of_(of) {}

  bool try_locked() noexcept override { return has_it = of_.take_locked(*this); }
  void conclude(detail::wait_state) noexcept override {}
  inline void link(detail::wait_record& record) noexcept override; // no key function
  void describe(detail::object_note& note) const noexcept override {
    note.object = &of_.owned_;
    note.kind = "mutex";
    note.name = of_.owned_.name;
    detail::describe_if_free(lock(), note, [&] { of_.describe_holder(note); });
  }

  const detail::lock_holder holder = detail::this_thread.locks_as;
  const detail::task_context* const task = detail::this_thread.task;
  const std::uint32_t tree = detail::tree_here();
  const site where;
  // Guarded by the lock while it is queued:
  std::optional<clock::time_point> hand_over_at; // set once its thread was called
  bool has_it = false;

 private:
  mutex& of_;
};

// A waiter that was called, and found that another thread was faster, keeps its place.
inline void mutex::acquisition::link(detail::wait_record& record) noexcept {
  if (of_.waiters_.empty())
    of_.put_off_hand_over();
  if (hand_over_at)
    of_.waiters_.push_front(node(), record);
  else
    of_.waiters_.push_back(node(), record);
}

inline bool mutex::take_at_once(const site& at) noexcept {
  detail::thread_slot& here = detail::this_thread;
  std::uint64_t nobody = 0;
  // acquire: sees what the last holder did; pairs with release in release() and its like. relaxed
  // on failure: nothing is read then.
  if (here.locks_as.is_nobody() || detail::sync::is_in_bubble() ||
      !owned_.word.compare_exchange_strong(
          nobody, here.locks_as.word(), std::memory_order_acquire, std::memory_order_relaxed))
    return false;
  owned_.describe(at, here.task, detail::tree_here());
  here.hold(owned_);
  return true;
}

inline bool mutex::release(detail::lock_holder me) noexcept {
  // relaxed: a reader that comes before the step below has set must_call, and makes it fail; one
  // that comes later sees this by that step
  owned_.is_described.store(false, std::memory_order_relaxed);
  std::uint64_t held = me.word();
  // release: publishes what the holder did; pairs with acquire where it is taken. relaxed on
  // failure: nothing is read.
  return owned_.word.compare_exchange_strong(
      held, 0, std::memory_order_release, std::memory_order_relaxed);
}

#if ROOST_HAS_BODIES

// For a thread's first lock, and for a free mutex whose unlock() will have to call a waiter.
ROOST_BODY bool mutex::take_if_free(const site& at) noexcept {
  detail::sync::at_call(&owned_);
  detail::thread_slot& here = detail::this_thread;
  if (here.locks_as.is_nobody())
    here.locks_as = detail::lock_holder::numbered(detail::next_id());
  // relaxed: only whether to try
  std::uint64_t seen = owned_.word.load(std::memory_order_relaxed);
  // acquire, relaxed: as in take_at_once()
  if (!detail::lock_holder::of_word(seen).is_nobody() ||
      !owned_.word.compare_exchange_strong(
          seen, here.locks_as.word() | seen, std::memory_order_acquire, std::memory_order_relaxed))
    return false;
  owned_.describe(at, here.task, detail::tree_here());
  here.hold(owned_);
  return true;
}

ROOST_BODY bool mutex::take(clock::time_point deadline, const site& at) {
  ++detail::this_thread.waits;
  detail::short_wait patience;
  if (take_if_free(at))
    return true;
  if (deadline == detail::no_deadline &&
      owned_.holder().thread() == detail::this_thread.locks_as.thread())
    detail::throw_locks_twice(owned_, at);
  constexpr int apart = 8; // each look takes the cache line away from the holder
  if (patience.until([&] { return take_if_free(at); }, apart))
    return true;

  std::optional<detail::lock_wait> registered;
  if (deadline == detail::no_deadline) {
    if (waits_further_out(detail::this_thread.locks_as))
      detail::throw_waits_further_out(owned_, at);
    registered.emplace(owned_, at);
  }
  for (std::optional<clock::time_point> promised;;) {
    acquisition wanted(*this, at, promised);
    if (promised) { // before anything can throw: the other waiters count on it
      const std::lock_guard locked(lock_);
      called_ = {};
      wanted.has_it = take_locked(wanted);
    }
    if (!wanted.has_it) {
      const detail::wait_state end =
          detail::wait_for_one(wanted, {"mutex::lock", owned_.name.view(), at}, deadline, patience);
      if (end == detail::wait_state::stopped)
        detail::raise_stop();
      if (end == detail::wait_state::timed_out)
        return false;
      patience = {};
    }
    if (wanted.has_it) {
      detail::this_thread.hold(owned_);
      return true;
    }
    promised = wanted.hand_over_at;
  }
}

// True if the caller runs inside a wait of its own thread for this mutex, as a report sink may.
// That wait is served first, and goes on only when the caller has returned.
ROOST_BODY bool mutex::waits_further_out(detail::lock_holder me) const noexcept {
  if (me.level() == 0)
    return false;
  const std::lock_guard locked(lock_);
  return called_.thread() == me.thread() || waiters_.has([me](const detail::wait_node& n) {
    return static_cast<const acquisition*>(n.slot)->holder.thread() == me.thread() &&
           !n.record->is_claimed();
  });
}

// If it is held, marks it, so that the holder looks for waiters when it unlocks.
ROOST_BODY bool mutex::take_locked(acquisition& a) noexcept {
  constexpr std::uint64_t must_call = detail::lock_holder::must_call;
  // relaxed: only what to try
  std::uint64_t seen = owned_.word.load(std::memory_order_relaxed);
  for (;;) {
    const bool is_free = detail::lock_holder::of_word(seen).is_nobody();
    if (!is_free && (seen & must_call) != 0)
      return false;
    const std::uint64_t taken = a.holder.word() | (waiters_.empty() ? 0 : must_call);
    // acquire, relaxed: as in take_at_once()
    if (!owned_.word.compare_exchange_weak(seen,
                                           is_free ? taken : seen | must_call,
                                           std::memory_order_acquire,
                                           std::memory_order_relaxed))
      continue;
    if (!is_free)
      return false;
    owned_.describe(a.where, a.task, a.tree);
    put_off_hand_over();
    return true;
  }
}

ROOST_BODY mutex::acquisition* mutex::claim_first(detail::claimed_list& called) noexcept {
  detail::wait_node* const first = waiters_.claim_first();
  if (first == nullptr)
    return nullptr;
  called.push(*first->record);
  return static_cast<acquisition*>(first->slot);
}

ROOST_BODY void mutex::release_to_waiter(detail::lock_holder me) noexcept {
  do {
    detail::claimed_list called;
    {
      const std::lock_guard locked(lock_);
      acquisition* const first = called_.is_nobody() ? claim_first(called) : nullptr;
      if (first == nullptr) {
        // relaxed: it is still held
        owned_.word.fetch_and(~detail::lock_holder::must_call, std::memory_order_relaxed);
      } else if (detail::sync::now() < first->hand_over_at.value_or(hand_over_at_)) {
        if (!first->hand_over_at)
          first->hand_over_at = hand_over_at_;
        called_ = first->holder;
        owned_.word.store(0, std::memory_order_release); // release: as in release()
      } else {
        const std::uint64_t others = waiters_.empty() ? 0 : detail::lock_holder::must_call;
        // relaxed: complete() publishes it to the one that has it now
        owned_.word.store(first->holder.word() | others, std::memory_order_relaxed);
        owned_.describe(first->where, first->task, first->tree);
        put_off_hand_over();
        first->has_it = true;
      }
      if (first == nullptr)
        continue;
    }
    called.complete(detail::wait_state::done);
    return;
  } while (!release(me));
}

ROOST_COLD_BODY void mutex::describe_holder(detail::object_note& note) noexcept {
  // relaxed: what is read of the holder is ordered by is_described
  std::uint64_t seen = owned_.word.load(std::memory_order_relaxed);
  do {
    if (detail::lock_holder::of_word(seen).is_nobody()) {
      note.detail.add("free");
      return;
    }
    // acquire: sees that the previous holder has cleared is_described; pairs with release in
    // release(). relaxed on failure: likewise.
  } while (!owned_.word.compare_exchange_weak(seen,
                                              seen | detail::lock_holder::must_call,
                                              std::memory_order_acquire,
                                              std::memory_order_relaxed));
  // acquire: sees what the holder wrote; pairs with release in describe()
  if (!owned_.is_described.load(std::memory_order_acquire)) {
    note.detail.add("held");
    note.users = detail::activity::unknown; // by a thread that has just come, and so goes on
    return;
  }
  if (owned_.task == nullptr)
    note.detail.add("held by a thread without a task");
  else if (owned_.task->name().empty())
    note.detail.add("held by task #").add(owned_.task->id());
  else
    note.detail.add("held by \"").add(owned_.task->name().substr(0, 48)).add("\"");
  note.since = owned_.where;
  note.users = detail::tree_mark::both(note.users, owned_.tree);
}

ROOST_COLD_BODY void mutex::throw_not_held(const site& at) const {
  throw std::system_error(
      std::make_error_code(std::errc::operation_not_permitted),
      detail::joined({"roost::mutex::unlock at ",
                      at,
                      ": the caller does not hold mutex ",
                      detail::in_quotes(owned_.name.view()),
                      "; the task that locks it has to unlock it; to give something back for "
                      "another task take a semaphore"}));
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
