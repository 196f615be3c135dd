// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/operation/wait_queue.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/site.hpp>

namespace roost::inline v0 {

/// Something that happens once and stays so, such as "ready" or "shut down". Any number of threads
/// may wait for it, before and after it happens. For a count of things to be done take a
/// wait_group, for values a channel.
///
/// ```cpp
/// roost::event ready;
/// scope.spawn([&] { load(); ready.set(); });
/// ready.wait();                         // throws if the task failed instead
/// ```
///
/// Lifetime: a thread that has returned from wait() may destroy it at once, even while set() is
/// returning, if no other thread still waits or gives up waiting. Threads: any. Cancellation: waits
/// throw when their task is stopped. Cost: no allocation.
class event {
 public:
  /// Not set.
  event() = default;
  ~event() = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;

  /// Wakes all waiters. Setting it again does nothing.
  void set() noexcept {
    detail::note_unwinding(&waiters_);
    waiters_.wake_all_if([this] { return !set_ && (set_ = true); });
  }

  /// True once it was set.
  bool is_set() const noexcept {
    detail::sync::at_call(&waiters_);
    return waiters_.locked([this] { return set_; });
  }

  /// Waits until it is set.
  void wait(site where = site::current()) const { (void)wait_until(detail::no_deadline, where); }

  /// True when it was set, false when the time passed first.
  [[nodiscard]] bool wait_for(detail::any_duration timeout, site where = site::current()) const {
    return wait_until(detail::deadline_after(timeout), where);
  }

  /// The same until a point in time.
  [[nodiscard]] bool wait_until(detail::any_time_point deadline,
                                site where = site::current()) const {
    return waiters_.wait({"event::wait", {}, where}, deadline, is_set_now{*this});
  }

 private:
  friend struct detail::wait_probe;
  friend struct detail::case_maker;

  // Under the lock of waiters_.
  struct is_set_now {
    const event& e;
    bool operator()() const noexcept { return e.set_; }
    void describe(detail::object_note& note) const noexcept {
      note.object = &e;
      note.kind = "event";
      note.detail.add(e.set_ ? "set" : "not set");
    }
  };

  mutable detail::wait_queue waiters_; // to wait changes nothing that its user sees
  bool set_ = false;                   // guarded by waiters_
};

} // namespace roost::inline v0
