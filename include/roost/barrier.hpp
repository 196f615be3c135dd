// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/operation/wait_queue.hpp>
#include <roost/detail/select/select_case.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>

namespace roost::inline v0 {

namespace detail {
struct barrier_case;
} // namespace detail

/// Lets a number of threads go through phases together: none goes on before all have arrived; then
/// the next phase begins. It is like std::barrier, but a stop wakes its waiters. For something that
/// happens once take an event; for a state that changes back and forth, such as "paused", a watch.
///
/// ```cpp
/// roost::barrier step(workers);
/// for (std::size_t w = 0; w < workers; ++w)
///   scope.spawn([&, w] {
///     for (int i = 0; i < steps; ++i) {
///       compute(w, i);
///       step.arrive_and_wait();
///     }
///   });
/// ```
///
/// A thread that ends before the others must call arrive_and_drop(), or they would wait for it. A
/// task that fails need not: its scope stops the others.
///
/// Lifetime: a thread that has returned from a wait may destroy it at once, if no other thread
/// waits for that phase or gives up waiting. Threads: any. Cancellation: arrive_and_wait throws
/// when its task is stopped, and its arrival is withdrawn: the phase waits for another one. An
/// arrival by arrive() stays counted. Once the last thread has arrived the phase is over for all,
/// stopped or not. Errors: bad_alloc, where a thread waits for the first time, leaves everything as
/// it was. Cost: no allocation.
class barrier {
 public:
  /// A phase in which a thread has arrived.
  class [[nodiscard("it is what to wait for")]] arrival_token {
    friend barrier;
    explicit arrival_token(std::uint64_t phase) noexcept : phase_(phase) {}
    std::uint64_t phase_;
  };

  /// For `count` threads. Throws std::invalid_argument for 0, and for a converted negative number.
  explicit barrier(std::size_t count);
  ~barrier() = default;
  barrier(const barrier&) = delete;
  barrier& operator=(const barrier&) = delete;

  /// Arrives, and waits for the others.
  void arrive_and_wait(site where = site::current()) {
    (void)arrive_and_wait_until(detail::no_deadline, where);
  }

  /// False when the time passed first: then the caller has not arrived.
  [[nodiscard]] bool arrive_and_wait_for(detail::any_duration timeout,
                                         site where = site::current()) {
    return arrive_and_wait_until(detail::deadline_after(timeout), where);
  }
  /// The same until a point in time.
  [[nodiscard]] bool arrive_and_wait_until(detail::any_time_point deadline,
                                           site where = site::current());

  /// Arrives without waiting; no stop withdraws this arrival. The phase is over once all have
  /// arrived: see wait() and on_phase_end(). Like the other ways to arrive, it throws
  /// std::logic_error if all threads have dropped.
  arrival_token arrive();

  /// Arrives in this phase; the phases that follow wait for one thread fewer.
  void arrive_and_drop();

  /// Waits until `phase` is over.
  void wait(arrival_token phase, site where = site::current()) {
    (void)wait_until(phase, detail::no_deadline, where);
  }

  /// True when the phase was over, false when the time passed first.
  [[nodiscard]] bool
  wait_for(arrival_token phase, detail::any_duration timeout, site where = site::current()) {
    return wait_until(phase, detail::deadline_after(timeout), where);
  }
  /// The same until a point in time.
  [[nodiscard]] bool
  wait_until(arrival_token phase, detail::any_time_point deadline, site where = site::current());

 private:
  friend struct detail::wait_probe;
  friend struct detail::barrier_case;

  // Under the lock of waiters_.
  struct is_over {
    const barrier& b;
    arrival_token phase;
    bool operator()() const noexcept { return b.phase_ != phase.phase_; }
    void describe(detail::object_note& note) const noexcept {
      note.object = &b;
      note.kind = "barrier";
      note.detail.add(b.arrived_).add(" of ").add(b.expected_).add(" arrived");
    }
  };
  bool end_phase_if_all_arrived() noexcept; // caller holds the lock of waiters_
  bool withdraw(arrival_token phase) noexcept;

  // Guarded by waiters_. INVARIANT: arrived_ < expected_, unless all have dropped.
  detail::wait_queue waiters_; // all for this phase
  std::uint64_t phase_ = 0;
  std::size_t arrived_ = 0;
  std::size_t expected_;
};

/// A case of a select: `phase` is over; call arrive() first.
template <class F = detail::no_handler>
auto on_phase_end(barrier& b,
                  barrier::arrival_token phase,
                  F handler = {},
                  site where = site::current());

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY barrier::barrier(std::size_t count) : expected_(count) {
  if (count == 0) {
    throw std::invalid_argument("roost::barrier: it is for one thread or more; to wait for things "
                                "to be counted later take a wait_group");
  }
  if (count > (std::numeric_limits<std::size_t>::max)() / 2)
    throw std::invalid_argument("roost::barrier: the number of threads is negative");
}

ROOST_BODY bool barrier::end_phase_if_all_arrived() noexcept {
  if (arrived_ != expected_)
    return false;
  arrived_ = 0;
  ++phase_;
  return true;
}

ROOST_BODY barrier::arrival_token barrier::arrive() {
  detail::note_unwinding();
  bool expected = true;
  arrival_token phase(0);
  waiters_.wake_all_if([&] {
    expected = expected_ != 0;
    phase.phase_ = phase_;
    if (!expected)
      return false;
    ++arrived_;
    return end_phase_if_all_arrived();
  });
  if (!expected)
    throw std::logic_error("roost::barrier::arrive: all have dropped; make a new one");
  return phase;
}

ROOST_BODY void barrier::arrive_and_drop() {
  detail::note_unwinding();
  bool expected = true;
  waiters_.wake_all_if([&] {
    expected = expected_ != 0;
    if (!expected)
      return false;
    --expected_;
    return end_phase_if_all_arrived();
  });
  if (!expected)
    throw std::logic_error("roost::barrier::arrive_and_drop: all have dropped before");
}

// True if the phase goes on, now without this arrival.
ROOST_BODY bool barrier::withdraw(arrival_token phase) noexcept {
  return waiters_.locked([&] {
    const bool goes_on = phase_ == phase.phase_;
    if (goes_on)
      --arrived_;
    return goes_on;
  });
}

ROOST_BODY bool
barrier::wait_until(arrival_token phase, detail::any_time_point deadline, site where) {
  return waiters_.wait({"barrier::wait", {}, where}, deadline, is_over{*this, phase});
}

// A stop or a deadline that wakes the thread may come after the last arrival: the lock decides.
// Likewise where there is no memory for the wait.
ROOST_BODY bool barrier::arrive_and_wait_until(detail::any_time_point deadline, site where) {
  detail::throw_if_stopped();
  const arrival_token phase = arrive();
  detail::wait_queue::wait_operation<is_over> to_be_woken(waiters_, {*this, phase});
  if (to_be_woken.try_alone())
    return true;
  auto end = detail::wait_state::waiting;
  try {
    end = detail::wait_for_one(to_be_woken, {"barrier::arrive_and_wait", {}, where}, deadline);
  } catch (...) {
    if (withdraw(phase))
      throw;
    return true;
  }
  if (end == detail::wait_state::done || !withdraw(phase))
    return true;
  if (end == detail::wait_state::stopped)
    detail::raise_stop();
  return false;
}

#endif // ROOST_HAS_BODIES

namespace detail {
struct barrier_case {
  template <class F>
  static auto on_phase_end(barrier& b, barrier::arrival_token phase, F handler, site where) {
    return queue_case<barrier::is_over, F>(b.waiters_, {b, phase}, std::move(handler), where);
  }
};
} // namespace detail

template <class F>
auto on_phase_end(barrier& b, barrier::arrival_token phase, F handler, site where) {
  detail::check_plain_handler<F>();
  return detail::barrier_case::on_phase_end(b, phase, std::move(handler), where);
}

} // namespace roost::inline v0
