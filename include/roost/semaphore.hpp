// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>

#include <chrono>
#include <cstddef>
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

namespace roost::inline v0 {

/// Bounds how much is done, or held, at once: work takes permits and gives them back.
///
/// ```cpp
/// roost::semaphore connections(8);
/// const auto permit = connections.acquire();   // waits while 8 are in use
/// fetch(url);                                  // given back at the end of the block
/// ```
///
/// Waiters are served first in, first out. One that wants many permits holds up those behind it
/// until it has them, so it is never starved by the small ones; if it gives up, they go on.
/// Lifetime: it must outlive its permits. Threads: any. Cancellation: acquire throws when its task
/// is stopped, and then has taken nothing. Cost: one lock to take, one to give back; no allocation.
class semaphore {
 public:
  class [[nodiscard("it is given back when this goes: give it a name")]] permit;

  /// Throws std::invalid_argument for 0 permits, which no thread could ever get, and for a
  /// converted negative number.
  explicit semaphore(std::size_t permits);
  ~semaphore() = default;
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  /// Waits until `n` permits are free, and takes them. Like the other forms it throws
  /// std::invalid_argument if there are fewer than `n` in all. With 0 it waits its turn and takes
  /// none.
  permit acquire(std::size_t n = 1, site where = site::current());
  /// Refused: it takes no time limit.
  template <class Rep, class Period>
  void acquire(std::chrono::duration<Rep, Period>) {
    static_assert(detail::never<Rep>,
                  "roost::semaphore: acquire waits for as long as it takes; acquire_for has a time "
                  "limit");
  }

  /// Nothing if they are not free at this moment, or others are waiting.
  [[nodiscard]] std::optional<permit> try_acquire(std::size_t n = 1, site where = site::current());

  /// Nothing when the time passed first.
  [[nodiscard]] std::optional<permit>
  acquire_for(detail::any_duration timeout, std::size_t n = 1, site where = site::current());
  /// The same until a point in time.
  [[nodiscard]] std::optional<permit>
  acquire_until(detail::any_time_point deadline, std::size_t n = 1, site where = site::current());

  /// How many there are in all.
  std::size_t permits() const noexcept { return permits_; }
  /// How many are free: old news where other threads act.
  std::size_t available() const noexcept;

 private:
  friend struct detail::wait_probe;
  class acquisition;

  void require(std::size_t n, const site& where) const;
  bool take_locked(std::size_t n) noexcept; // caller holds lock_
  void grant(std::size_t n) noexcept;       // caller holds lock_
  void give_back(std::size_t n) noexcept;

  mutable detail::spin_lock lock_;
  detail::wait_list waiters_; // guarded by lock_; a node's slot is how many it wants
  const std::size_t permits_;
  std::size_t available_;   // guarded by lock_
  std::size_t holders_ = 0; // guarded by lock_; how many callers hold the others, for reports
};

/// Some of a semaphore's permits, given back when this goes.
class semaphore::permit {
 public:
  permit(const permit&) = delete;
  permit& operator=(const permit&) = delete;
  /// Takes the permits over; `other` holds none then.
  permit(permit&& other) noexcept : from_(other.from_), count_(std::exchange(other.count_, 0)) {}
  /// Takes the permits over; those that were here are given back.
  permit& operator=(permit&& other) noexcept {
    permit taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  /// Gives them back.
  ~permit() { release(); }

  /// Gives them back early.
  void release() noexcept {
    if (count_ != 0) {
      detail::note_unwinding(from_);
      from_->give_back(std::exchange(count_, 0));
    }
  }

  /// How many it holds; 0 when they were given back or moved away.
  std::size_t count() const noexcept { return count_; }

  /// Exchanges what the two hold.
  void swap(permit& other) noexcept {
    std::swap(from_, other.from_);
    std::swap(count_, other.count_);
  }

 private:
  friend semaphore;
  permit(semaphore& from, std::size_t count) noexcept : from_(&from), count_(count) {}

  semaphore* from_;
  std::size_t count_;
};

/// One wait for `wanted` permits.
class semaphore::acquisition final : public detail::operation {
 public:
  acquisition(semaphore& from, std::size_t wanted) noexcept
      : operation(from.lock_, &from.waiters_, &wanted_),
        from_(from),
        wanted_(wanted) {}

  bool try_locked() noexcept override { return from_.take_locked(wanted_); }
  void conclude(detail::wait_state) noexcept override {}
  inline void describe(detail::object_note& note) const noexcept override; // no key function

 private:
  semaphore& from_;
  std::size_t wanted_;
};

// --- implementation ---------------------------------------------------------
// INVARIANT, under the lock: the permits that are held or granted, plus available_, make permits_;
// the first waiter wants more than are available. (Unless those before it have just left, by a stop
// or a deadline, or are about to: a waiter that leaves grants again, see acquire_until().)

inline semaphore::semaphore(std::size_t permits) : permits_(permits), available_(permits) {
  if (permits == 0) {
    throw std::invalid_argument(
        "roost::semaphore: with 0 permits every acquire would wait for ever; to wait for something "
        "that happens once take an event");
  }
  if (permits > (std::numeric_limits<std::size_t>::max)() / 2) {
    throw std::invalid_argument(
        "roost::semaphore: the number of permits is negative; to set no limit leave the semaphore "
        "out");
  }
}

inline void semaphore::require(std::size_t n, const site& where) const {
  if (n > permits_) {
    throw std::invalid_argument(
        detail::joined({"roost::semaphore: more permits are wanted at ",
                        where,
                        " than it has, which is to wait for ever; make it with more"}));
  }
}

inline bool semaphore::take_locked(std::size_t n) noexcept {
  waiters_.drop_leaving();
  if (n > available_ || !waiters_.empty())
    return false;
  grant(n);
  return true;
}

inline void semaphore::grant(std::size_t n) noexcept {
  available_ -= n;
  holders_ += n != 0 ? 1 : 0;
}

inline void semaphore::acquisition::describe(detail::object_note& note) const noexcept {
  note.object = &from_;
  note.kind = "semaphore";
  detail::describe_if_free(lock(), note, [&] {
    if (wanted_ != 1)
      note.detail.add("wants ").add(wanted_).add(", ");
    note.detail.add(from_.available_).add(" of ").count(from_.permits_, "permit").add(" free, ");
    note.detail.count(from_.holders_, "holder");
  });
}

// Also called with 0, by a waiter that has left the wait list: those behind it may now get theirs.
inline void semaphore::give_back(std::size_t n) noexcept {
  detail::claimed_list granted;
  {
    const std::lock_guard guard(lock_);
    available_ += n;
    holders_ -= n != 0 ? 1 : 0;
    while (const detail::wait_node* const first = waiters_.front()) {
      const std::size_t wanted = *static_cast<const std::size_t*>(first->slot);
      if (wanted > available_)
        break;
      if (waiters_.claim_front() != nullptr) {
        grant(wanted);
        granted.push(*first->record);
      }
    }
  }
  granted.complete(detail::wait_state::done);
}

inline semaphore::permit semaphore::acquire(std::size_t n, site where) {
  return *acquire_until(detail::no_deadline, n, where);
}

inline std::optional<semaphore::permit> semaphore::try_acquire(std::size_t n, site where) {
  require(n, where);
  detail::sync::at_call(this);
  const std::lock_guard guard(lock_);
  if (!take_locked(n))
    return std::nullopt;
  return permit(*this, n);
}

inline std::optional<semaphore::permit>
semaphore::acquire_for(detail::any_duration timeout, std::size_t n, site where) {
  return acquire_until(detail::deadline_after(timeout), n, where);
}

inline std::optional<semaphore::permit>
semaphore::acquire_until(detail::any_time_point deadline, std::size_t n, site where) {
  require(n, where);
  detail::throw_if_stopped();
  acquisition wanted(*this, n);
  if (!wanted.try_alone()) {
    const auto end = detail::wait_for_one(wanted, {"semaphore::acquire", {}, where}, deadline);
    if (end != detail::wait_state::done)
      give_back(0);
    if (end == detail::wait_state::stopped)
      detail::raise_stop();
    if (end == detail::wait_state::timed_out)
      return std::nullopt;
  }
  return permit(*this, n);
}

inline std::size_t semaphore::available() const noexcept {
  detail::sync::at_call(this);
  const std::lock_guard guard(lock_);
  return available_;
}

} // namespace roost::inline v0
