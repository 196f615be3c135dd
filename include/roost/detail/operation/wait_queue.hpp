// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include <mutex>
#include <utility>

namespace roost::inline v0::detail {

struct case_maker; // makes the cases of select()

/// Threads that wait for one condition, and the lock that guards it.
///
/// A thread that has returned from wait() may destroy the queue at once, if no other waiter is in
/// it. (A report that looks at one keeps it in, see wait_record::try_hold().) A waiter that was
/// claimed returns after complete(), which comes after the last touch of the queue. One that finds
/// the condition true under the lock comes after the changer's unlock(), which is the last touch of
/// a spin_lock.
class wait_queue {
 public:
  /// Waits until `ready()`, called under the lock, is true; see operation. Throws when the thread
  /// is stopped. False when `deadline` passed first.
  template <class Ready>
  bool wait(const blocked_call& call, clock::time_point deadline, Ready ready) {
    const wait_state end = wait_for_end(call, deadline, std::move(ready));
    if (end == wait_state::stopped)
      raise_stop();
    return end == wait_state::done;
  }

  /// The same, but returns how it ended: done, timed_out, or stopped.
  template <class Ready>
  wait_state wait_for_end(const blocked_call& call, clock::time_point deadline, Ready ready);

  /// Calls `change()` under the lock, and wakes every waiter if it returns true.
  template <class Change>
  void wake_all_if(Change change);

  /// Calls `read()` under the lock.
  template <class Read>
  auto locked(Read read) const {
    const std::lock_guard guard(lock_);
    return read();
  }

  template <class Ready>
  class wait_operation;

 private:
  friend struct wait_probe;

  [[no_unique_address]] wait_list waiters_; // guarded by lock_, which lies in its padding
  mutable spin_lock lock_;
};

/// Finds the condition true, or waits for it, alone or in a select.
template <class Ready>
class wait_queue::wait_operation final : public operation {
 public:
  /// `ready()` is called under the queue's lock, and so is `ready.describe(note)`, if there is one:
  /// it says in a report what the thread waits for.
  wait_operation(wait_queue& queue, Ready ready) noexcept
      : operation(queue.lock_, &queue.waiters_, nullptr),
        ready_(std::move(ready)) {}

  bool try_locked() noexcept override { return ready_(); }
  void conclude(wait_state) noexcept override {}
  bool is_permanent() const noexcept override { return true; }
  void describe(object_note& note) const noexcept override {
    if constexpr (requires { ready_.describe(note); })
      describe_if_free(lock(), note, [&] { ready_.describe(note); });
  }

 private:
  Ready ready_;
};

// --- implementation ---------------------------------------------------------

template <class Ready>
wait_state
wait_queue::wait_for_end(const blocked_call& call, clock::time_point deadline, Ready ready) {
  sync::at_call(this);
  ++this_thread.waits;
  if (this_thread_is_stopped())
    return wait_state::stopped;
  if (locked(ready))
    return end_or_stop(true);
  wait_operation<Ready> to_be_woken(*this, std::move(ready));
  return wait_for_one(to_be_woken, call, deadline);
}

template <class Change>
void wait_queue::wake_all_if(Change change) {
  claimed_list woken;
  {
    const std::lock_guard guard(lock_);
    if (!change())
      return;
    woken.push_all(waiters_);
  }
  woken.complete(wait_state::done);
}

} // namespace roost::inline v0::detail
