// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/pause.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/spin_lock.hpp>

#include <mutex>
#include <utility>

namespace roost::inline v0::detail {

/// Guards a primitive as a whole. It is one lock; or both locks of a primitive that has one for
/// each side, always in the same order; or none.
class primitive_lock {
 public:
  primitive_lock() = default;
  // Implicit, as most primitives have just one lock.
  primitive_lock(spin_lock& first, // NOLINT(google-explicit-constructor)
                 spin_lock* second = nullptr) noexcept
      : first_(&first),
        second_(second) {}

  // Does not hold the first while it waits for the second, whose holder may have lost the
  // processor: so users of the first side alone can go on.
  void lock() const noexcept {
    first_->lock();
    while (second_ != nullptr && !second_->try_lock()) {
      first_->unlock();
      second_->lock();
      second_->unlock();
      first_->lock();
    }
  }
  /// Gives up after some hundred nanoseconds: for reports, which wait for no thread.
  bool try_lock_for_a_while() const noexcept {
    constexpr int times = 32;
    for (int i = 0; i < times; ++i) {
      if (first_->try_lock()) {
        if (second_ == nullptr || second_->try_lock())
          return true;
        first_->unlock();
      }
      pause();
    }
    return false;
  }
  void unlock() const noexcept {
    if (second_ != nullptr)
      second_->unlock();
    first_->unlock();
  }

  /// Tells one primitive from another, and orders them; null where there is nothing to lock.
  const void* id() const noexcept { return first_; }

 private:
  spin_lock* first_ = nullptr;
  spin_lock* second_ = nullptr;
};

/// For reports: calls `act()` under the lock and returns true; false if the lock is not to be had
/// for a while.
template <class Act>
bool if_free(const primitive_lock& lock, Act act) noexcept {
  if (!lock.try_lock_for_a_while())
    return false;
  const std::lock_guard guard(lock, std::adopt_lock);
  act();
  return true;
}

/// The same where `act()` completes the note; if it is not called, the note says that it is
/// incomplete.
template <class Act>
void describe_if_free(const primitive_lock& lock, object_note& note, Act act) noexcept {
  if (!if_free(lock, std::move(act)))
    note.is_busy = true;
}

} // namespace roost::inline v0::detail
