// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/sync/condition_variable.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/start_thread.hpp>
#include <roost/detail/wait/thread_slot.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace roost::inline v0::detail {

/// What a timekeeper calls when its time has come. It lies in the object that set it.
class timer : public list_node<timer> {
 public:
  virtual ~timer() = default;

 private:
  friend class timekeeper;

  virtual void expired() noexcept = 0; // runs on the timekeeper's thread, with no lock held

  clock::time_point when_{}; // guarded by the timekeeper's mutex
};

/// Watches the deadlines of an outermost scope and of all that is made inside it. Its one thread
/// starts with the first deadline that needs it and is joined by the destructor.
///
/// Threads: any may add and remove. Cost: timers are sorted, and a new one looks for its place
/// from the end, so that equal timeouts cost the same however many there are.
class timekeeper {
 public:
  timekeeper() = default;
  ~timekeeper();
  timekeeper(const timekeeper&) = delete;
  timekeeper& operator=(const timekeeper&) = delete;

  /// Throws std::system_error if the thread cannot be started; then nothing is changed.
  void add(timer& t, clock::time_point when);

  /// Afterwards `t` does not run and never will: a call under way is waited for, unless that call
  /// itself removes it. Harmless for a timer that was never added.
  void remove(timer& t) noexcept;

  /// How many threads it has: one, once it was needed.
  std::size_t size() const noexcept {
    const std::lock_guard lock(mutex_);
    return thread_.joinable() ? 1 : 0;
  }
  /// True if no time will come, and no timer is being called.
  bool is_idle() const noexcept {
    const std::lock_guard lock(mutex_);
    return timers_.empty() && running_ == nullptr;
  }

 private:
  void run() noexcept;

  mutable sync::mutex mutex_;
  sync::condition_variable changed_;  // wakes the thread: an earlier timer, or the end
  sync::condition_variable finished_; // wakes remove(): no timer is being called
  intrusive_list<timer> timers_;      // guarded by mutex_; sorted by time
  const timer* running_ = nullptr;    // guarded by mutex_; the timer being called
  bool ending_ = false;               // guarded by mutex_
  sync::thread thread_;               // written under mutex_ by the first add()
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY timekeeper::~timekeeper() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
} // thread_, the last member, is joined first

ROOST_BODY void timekeeper::add(timer& t, clock::time_point when) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable())
    thread_ = start_thread([](void* self) { static_cast<timekeeper*>(self)->run(); }, this);
  t.when_ = when;
  timer* place = timers_.back();
  while (place != nullptr && place->when_ > when)
    place = timers_.previous(*place);
  timers_.insert_after(place, t);
  if (timers_.front() == &t)
    changed_.notify_one();
}

ROOST_BODY void timekeeper::remove(timer& t) noexcept {
  std::unique_lock lock(mutex_);
  if (t.linked())
    timers_.erase(t);
  if (this_thread.timekeeper == this)
    return;
  finished_.wait(lock, [&] { return running_ != &t; });
}

ROOST_BODY void timekeeper::run() noexcept {
  this_thread.timekeeper = this;
  this_actor.thread = sync::thread_number() | actor::keeps_time;
  std::unique_lock lock(mutex_);
  while (!ending_) {
    timer* const first = timers_.front();
    if (first == nullptr) {
      changed_.wait(lock);
    } else if (const auto now = sync::now(); first->when_ > now) {
      // A copy, because the timer may be gone when the wait looks at the time again. Not longer
      // than an hour: where the wait runs on the system's clock, a jump of that clock could
      // otherwise extend it without bound.
      const clock::time_point until = earlier(first->when_, now + std::chrono::hours(1));
      changed_.wait_until(lock, until);
    } else {
      timers_.erase(*first);
      running_ = first;
      lock.unlock();
      first->expired();
      lock.lock();
      running_ = nullptr;
      finished_.notify_all();
    }
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
