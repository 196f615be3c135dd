// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/base/short_text.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/thread_number.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/owned_lock.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <utility>

namespace roost::inline v0::detail {

class context;
class stop_domain;
class task_context;

/// The call a thread is blocked in, for reports.
struct blocked_call {
  const char* operation = "";
  std::string_view object = {}; // the name of the channel or scope, alive while the call blocks
  site where = {};
  watcher* meanwhile = nullptr; // the waiting thread's own
  std::uint64_t joins = 0;      // the scope for whose tasks it waits; 0: for none's
};

/// A call of code that roost does not know, in which a thread may block; see blocking_region.
/// Constant.
struct foreign_call {
  short_text<64> what;
  site where;
  clock::time_point since{};
  const foreign_call* around = nullptr;
  const task_context* task = nullptr;
};

/// A call that waits for a task, while its thread runs that very task. Constant.
struct helping_call {
  blocked_call call;
  const awaited* what = nullptr;        // the task
  std::uint64_t runs = 0;               // likewise, its number
  const task_context* caller = nullptr; // null: the thread ran no task
  clock::time_point since{};
  std::uint64_t number = 0;                         // as thread_slot::blocked
  const intrusive_list<owned_lock>* held = nullptr; // by the caller
  const helping_call* around = nullptr;
};

/// When an exception in flight has first touched roost; see stop/unwinding.hpp.
struct unwinding_note {
  std::uint64_t moment = 0; // 0: no note
  std::size_t waits = 0;    // thread_slot::waits then
  int in_flight = 0;        // how many exceptions were in flight then
};

/// What other threads may see of a thread: the contexts that can stop it, and the operation it is
/// blocked in. Each thread has one, as a thread_local, so that it exists before the first context
/// and after the last.
///
/// Threads: the owner writes guarded members under the lock and reads them without; others read
/// them under the lock.
struct thread_slot {
  spin_lock lock;
  // The innermost context, which decides for the thread. Others read it under the lock, and only
  // while there is a record; the owner changes it only while there is none.
  context* top = nullptr;
  const void* timekeeper = nullptr; // the owner's alone; set on the thread of that timekeeper
  task_context* task = nullptr;     // the owner's alone; the task that runs on this thread
  wait_record* record = nullptr;    // guarded by lock; what a stop claims; null in a join
  // What it is blocked in, guarded by lock:
  blocked_call call;                     // no operation: the thread runs
  const wait_record* joins_by = nullptr; // in a join: what the last task to end claims
  const awaited* what = nullptr;         // for reports; there is a record then
  const task_context* caller = nullptr;  // the task then
  clock::time_point since{};             // from when on; the clock's epoch before it sleeps
  bool endless = false;                  // no deadline ends it
  std::uint64_t blocked = 0;             // how many calls it has published or numbered
  const foreign_call* foreign = nullptr; // guarded by lock; the innermost
  const helping_call* helps = nullptr;   // likewise
  sync::atomic<std::uint64_t> number{0}; // of the thread; 0 until it is known
  bool tells = false;                    // the owner's alone; it is in the report sink
  stop_domain* root = nullptr; // the owner's alone; of the root scopes that cover this thread
                               // the one furthest out; null: none does
  bool missed_stop = false;    // the owner's alone; of its wait, see block()
  std::size_t waits = 0;       // the owner's alone; see throw_if_stopped() for what counts
  unwinding_note touched;      // the owner's alone
  lock_holder locks_as;        // the owner's alone; no thread before its first lock
  // What the running task holds, in the order in which it was locked. Others read it under the
  // lock while the thread is published as blocked, or in a foreign call; the owner changes it only
  // while it is not blocked, and under the lock while there is a foreign call.
  intrusive_list<owned_lock> held;
  waiter_note slept; // guarded by lock; where it sleeps, or has slept last

  bool note_is_good() const noexcept { return touched.moment != 0 && touched.waits == waits; }

  /// True while the thread waits without a deadline for something that other threads do; not while
  /// it joins tasks.
  bool waits_for_others() noexcept {
    const std::lock_guard guard(lock);
    return record != nullptr && endless;
  }

  /// The thread is blocked from now on, and waits for `awaits`; a stop can end that through
  /// `blocked_in`, unless that is null.
  void publish(wait_record* blocked_in,
               const blocked_call& described,
               clock::time_point deadline = no_deadline,
               const awaited* awaits = nullptr) noexcept {
    ++waits;
    const std::lock_guard guard(lock);
    show({.record = blocked_in,
          .call = described,
          .joins_by = nullptr,
          .what = awaits,
          .caller = task,
          .since = {},
          .endless = deadline == no_deadline});
  }

  /// The same for a join, which no stop ends: the last task to end claims `ended_by`.
  void publish_join(const wait_record& ended_by,
                    const blocked_call& described,
                    clock::time_point deadline) noexcept {
    ++waits;
    const clock::time_point now = sync::now_roughly();
    const std::lock_guard guard(lock);
    show({.record = nullptr,
          .call = described,
          .joins_by = &ended_by,
          .what = nullptr,
          .caller = task,
          .since = now,
          .endless = deadline == no_deadline});
  }

  /// The published wait goes on for longer: notes for others where this thread sleeps.
  void sleeps(std::uint64_t task_id) noexcept {
    const clock::time_point now = sync::now_roughly();
    const std::lock_guard guard(lock);
    since = now;
    slept = {task_id, call.where};
    if (what != nullptr && record->try_hold()) {
      what->sleeps(slept);
      record->let_go();
    }
  }

  /// The thread is not blocked any more. Stops claim records, and reports read them, under the same
  /// lock: so neither has this one afterwards.
  void withdraw() noexcept {
    ++waits;
    const std::lock_guard guard(lock);
    clear();
  }

  /// What a blocked thread has published.
  struct publication {
    wait_record* record;
    blocked_call call;
    const wait_record* joins_by;
    const awaited* what;
    const task_context* caller;
    clock::time_point since;
    bool endless;
  };

  /// Hides a wait that goes on, while its thread runs code of the program: no stop finds the
  /// record.
  publication hide() noexcept {
    const std::lock_guard guard(lock);
    const publication hidden{record, call, joins_by, what, caller, since, endless};
    clear();
    return hidden;
  }

  /// Shows it again, as another call: the thread was awake in between, and may have woken others.
  void show_again(const publication& hidden) noexcept {
    const std::lock_guard guard(lock);
    show(hidden);
  }

  /// Enters a foreign call, or leaves one for the call around it.
  void set_foreign(const foreign_call* innermost) noexcept {
    const std::lock_guard guard(lock);
    foreign = innermost;
  }

  /// A number for a call that is shown without being published.
  std::uint64_t number_call() noexcept {
    const std::lock_guard guard(lock);
    return ++blocked;
  }

  /// Enters a helping call, or leaves one for the call around it.
  void set_helping(const helping_call* innermost) noexcept {
    const std::lock_guard guard(lock);
    helps = innermost;
  }

  void hold(owned_lock& taken) noexcept {
    change_held([&] { held.push_back(taken); });
  }
  void let_go(owned_lock& given_back) noexcept {
    change_held([&] { held.erase(given_back); });
  }
  template <class Change>
  void change_held(Change change) noexcept {
    if (foreign == nullptr) { // its owner reads it without the lock
      change();
    } else {
      const std::lock_guard guard(lock);
      change();
    }
  }

  // The caller of these two holds the lock.
  void show(const publication& shown) noexcept {
    record = shown.record;
    call = shown.call;
    joins_by = shown.joins_by;
    what = shown.what;
    caller = shown.caller;
    since = shown.since;
    endless = shown.endless;
    ++blocked;
  }
  void clear() noexcept {
    record = nullptr;
    call = {};
    joins_by = nullptr;
    what = nullptr;
  }

  void know_number() noexcept {
    // relaxed, here and in reports: the number publishes nothing
    if (number.load(std::memory_order_relaxed) == 0)
      number.store(sync::thread_number(), std::memory_order_relaxed);
  }
};

// One in the whole program, also where shared libraries hide their symbols: a stop must find it. (A
// library that dlopen loads finds it only if the program shows its symbols.)
[[gnu::visibility("default")]] inline constinit thread_local thread_slot this_thread;

/// While it lives the calling thread is as one that has just started: for a task that runs inside
/// the wait of another.
class contexts_set_aside {
 public:
  contexts_set_aside() noexcept { swap_held(); }
  ~contexts_set_aside() {
    this_thread.top = top_;
    this_thread.task = task_;
    this_thread.touched = touched_;
    this_thread.locks_as = locks_as_;
    swap_held();
    this_actor.task = actor_;
    activity_here = activity_;
  }
  const task_context* task() const noexcept { return task_; }
  const intrusive_list<owned_lock>& held() const noexcept { return held_; }
  contexts_set_aside(const contexts_set_aside&) = delete;
  contexts_set_aside& operator=(const contexts_set_aside&) = delete;

 private:
  void swap_held() noexcept {
    this_thread.change_held([this] { std::swap(this_thread.held, held_); });
  }

  context* top_ = std::exchange(this_thread.top, nullptr);
  task_context* task_ = std::exchange(this_thread.task, nullptr);
  unwinding_note touched_ = std::exchange(this_thread.touched, {});
  lock_holder locks_as_ = std::exchange(this_thread.locks_as, this_thread.locks_as.inside());
  intrusive_list<owned_lock> held_;
  std::uint64_t actor_ = std::exchange(this_actor.task, 0);
  activity* const activity_ = activity_here; // scopes that end inside may change it
};

/// Shows in reports that this thread joins a scope, until `ended_by` is claimed.
class blocked_region {
 public:
  blocked_region(const wait_record& ended_by,
                 const blocked_call& call,
                 clock::time_point deadline) noexcept {
    this_thread.publish_join(ended_by, call, deadline);
  }
  ~blocked_region() { this_thread.withdraw(); }
  blocked_region(const blocked_region&) = delete;
  blocked_region& operator=(const blocked_region&) = delete;
};

} // namespace roost::inline v0::detail
