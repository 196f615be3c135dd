// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/nap.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/start_thread.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/short_wait.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace roost::inline v0::detail {

/// What a timekeeper calls when its time has come. It lies in the object that set it.
class timer : public list_node<timer> {
 public:
  virtual ~timer() = default;

 private:
  friend class timekeeper;

  virtual void expired() noexcept = 0; // runs on the timekeeper's thread, with no lock held

  clock::time_point when_{}; // guarded by the timekeeper's mutex
  std::uint64_t asked_ = 0;  // likewise; in a bubble: see bubble_thread::ask()
};

/// Watches the deadlines of an outermost scope and of all that is made inside it. Its one thread
/// starts with the first deadline that needs it and is joined by the destructor.
///
/// Threads: any may add and remove. Cost: timers are sorted, and a new one looks for its place
/// from the end, so that equal timeouts cost the same however many there are.
class timekeeper {
 public:
  /// Its thread is in the bubble of `in_bubble`, if there is one.
  explicit timekeeper(sync::bubble_thread* in_bubble = sync::bubble_here) noexcept
      : in_bubble_(in_bubble) {}
  ~timekeeper();
  timekeeper(const timekeeper&) = delete;
  timekeeper& operator=(const timekeeper&) = delete;

  /// Throws std::system_error if the thread cannot be started, std::bad_alloc if there is no memory
  /// for it; then nothing is changed.
  void add(timer& t, clock::time_point when);

  /// Afterwards `t` does not run and never will: a call under way is waited for, unless that call
  /// itself removes it. Harmless for a timer that was never added.
  void remove(timer& t) noexcept;

  /// How many threads it has: one, once it was needed.
  std::size_t size() const noexcept {
    const std::lock_guard lock(mutex_);
    return thread_.joinable() ? 1 : 0;
  }
  /// The number of its thread, if it has one that has begun; else 0.
  std::uint64_t thread() const noexcept {
    const std::lock_guard lock(mutex_);
    return number_;
  }
  /// True if no timer is set, and none is being called.
  bool is_idle() const noexcept {
    const std::lock_guard lock(mutex_);
    return timers_.empty() && running_ == nullptr;
  }

 private:
  void run() noexcept;
  bool sleep(std::unique_lock<sync::mutex>& lock) noexcept;
  void await_end_of_call(std::unique_lock<sync::mutex>& lock) noexcept;

  /// Claims the sleep of the thread; the caller completes it without the mutex. Null if the thread
  /// does not sleep, or wakes by itself. The caller holds mutex_.
  wait_record* claim_sleep() noexcept {
    wait_record* const sleep = std::exchange(sleep_, nullptr);
    return sleep != nullptr && sleep->try_claim() ? sleep : nullptr;
  }

  sync::bubble_thread* const in_bubble_;
  mutable sync::mutex mutex_;
  wait_record* sleep_ = nullptr;   // guarded by mutex_; the record in which the thread sleeps
  wait_list removers_;             // guarded by mutex_; they wait for the end of a call
  emptied_list<timer> timers_;     // guarded by mutex_; sorted by time
  const timer* running_ = nullptr; // guarded by mutex_; the timer being called
  bool ending_ = false;            // guarded by mutex_
  std::uint64_t number_ = 0;       // guarded by mutex_; the thread's
  parker* sleeps_on_ = nullptr;    // likewise; of the thread
  sync::thread thread_;            // written under mutex_ by the first add()
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY timekeeper::~timekeeper() {
  wait_record* woken = nullptr;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    woken = claim_sleep();
  }
  if (woken != nullptr)
    woken->complete(wait_state::done);
  if (thread_.joinable())
    thread_.join();
  if (sleeps_on_ != nullptr)
    parker_pool::instance().give_back(*sleeps_on_);
}

ROOST_BODY void timekeeper::add(timer& t, clock::time_point when) {
  wait_record* woken = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (sleeps_on_ == nullptr)
      sleeps_on_ = &parker_pool::instance().take();
    if (!thread_.joinable())
      thread_ =
          start_thread([](void* self) { static_cast<timekeeper*>(self)->run(); }, this, in_bubble_);
    t.when_ = when;
    if (sync::bubble_here != nullptr) [[unlikely]]
      t.asked_ = sync::bubble_here->ask();
    timer* place = timers_.back();
    while (place != nullptr && place->when_ > when)
      place = timers_.previous(*place);
    timers_.insert_after(place, t);
    if (timers_.front() == &t)
      woken = claim_sleep();
  }
  if (woken != nullptr)
    woken->complete(wait_state::done);
}

ROOST_BODY void timekeeper::remove(timer& t) noexcept {
  std::unique_lock lock(mutex_);
  if (t.linked())
    timers_.erase(t);
  if (this_thread.timekeeper == this)
    return;
  while (running_ == &t)
    await_end_of_call(lock);
}

// A call may last: it runs callbacks of users, which may wait.
ROOST_COLD_BODY void timekeeper::await_end_of_call(std::unique_lock<sync::mutex>& lock) noexcept {
  const timer* const awaited = running_;
  lock.unlock();
  try {
    parker_lease lease;
    wait_record record(lease.get());
    wait_node place(nullptr);
    lock.lock();
    if (running_ != awaited)
      return;
    removers_.push_back(place, record);
    lock.unlock();
    (void)record.await(no_deadline);
  } catch (const std::bad_alloc&) { // for the parker; but the call must be waited for
    sync::nap();
  }
  lock.lock();
}

ROOST_COLD_BODY void timekeeper::run() noexcept {
  this_thread.timekeeper = this;
  const std::uint64_t number = sync::thread_number();
  this_actor.thread = number | actor::keeps_time;
  std::unique_lock lock(mutex_);
  number_ = number;
  // In a bubble others may be due at the same time, and may come first: only a sleep tells whose
  // turn it is.
  const bool is_alone = !sync::is_in_bubble();
  for (bool comes_next = is_alone; !ending_;) {
    timer* const first = timers_.front();
    if (first == nullptr || first->when_ > sync::now() || !comes_next) {
      comes_next = sleep(lock) || is_alone;
      continue;
    }
    comes_next = is_alone;
    timers_.erase(*first);
    running_ = first;
    lock.unlock();
    first->expired();
    claimed_list finished;
    lock.lock();
    running_ = nullptr;
    finished.push_all(removers_);
    lock.unlock();
    finished.complete(wait_state::done);
    lock.lock();
  }
}

// Sleeps until the first timer is due, or until add() or the destructor wakes it. It does not spin
// first, as its waits are long. True if a timer is due.
ROOST_BODY bool timekeeper::sleep(std::unique_lock<sync::mutex>& lock) noexcept {
  const timer* const first = timers_.front();
  const clock::time_point until = first != nullptr ? first->when_ : no_deadline;
  if (first != nullptr && sync::bubble_here != nullptr) [[unlikely]]
    sync::bubble_here->sleeps_for_asked(first->asked_);
  wait_record record(*sleeps_on_, short_wait::over());
  sleep_ = &record;
  lock.unlock();
  const wait_state end = record.await(until);
  lock.lock();
  sleep_ = nullptr; // if it is still there
  return end == wait_state::timed_out;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
