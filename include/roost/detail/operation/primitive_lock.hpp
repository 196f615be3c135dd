// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/pause.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/spin_lock.hpp>

#include <mutex>
#include <utility>

namespace roost::inline v0::detail {

/// What guards a primitive as a whole: one lock; or, where its two sides have a lock each, both,
/// always in this order; or nothing.
class primitive_lock {
 public:
  primitive_lock() = default;
  // Implicit: one lock is all there is to most.
  primitive_lock(spin_lock& first, // NOLINT(google-explicit-constructor)
                 spin_lock* second = nullptr) noexcept
      : first_(&first),
        second_(second) {}

  // Waits for one without holding the other: the holder of a side alone may have lost the
  // processor.
  void lock() const noexcept {
    first_->lock();
    while (second_ != nullptr && !second_->try_lock()) {
      first_->unlock();
      second_->lock();
      second_->unlock();
      first_->lock();
    }
  }
  /// Gives up after some hundred nanoseconds: for reports, which wait for nobody.
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

/// Calls `act()` under the lock, and returns true, unless that is not to be had for a while: for
/// reports.
template <class Act>
bool if_free(const primitive_lock& lock, Act act) noexcept {
  if (!lock.try_lock_for_a_while())
    return false;
  const std::lock_guard guard(lock, std::adopt_lock);
  act();
  return true;
}

/// The same where `act()` writes the note, which else says that it is not complete.
template <class Act>
void describe_if_free(const primitive_lock& lock, object_note& note, Act act) noexcept {
  if (!if_free(lock, std::move(act)))
    note.is_busy = true;
}

} // namespace roost::inline v0::detail
