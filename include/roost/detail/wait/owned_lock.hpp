// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace roost::inline v0::detail {

class task_context;

/// The name under which a thread locks: its number, and how many tasks further out on its stack
/// have been set aside for the one that runs (see contexts_set_aside). No two threads of the
/// process ever have the same number; 0 is no thread.
class lock_holder {
 public:
  constexpr lock_holder() = default;
  static constexpr lock_holder numbered(std::uint64_t thread) noexcept {
    return lock_holder(thread << thread_shift);
  }
  static constexpr lock_holder of_word(std::uint64_t word) noexcept {
    return lock_holder(word & ~must_call);
  }

  /// The word of a lock that it holds.
  constexpr std::uint64_t word() const noexcept { return bits_; }
  constexpr bool is_nobody() const noexcept { return bits_ == 0; }
  constexpr std::uint64_t thread() const noexcept { return bits_ >> thread_shift; }
  constexpr std::uint64_t level() const noexcept { return bits_ & (one_thread - 1); }

  /// The holder for a task that runs inside a wait of this one.
  constexpr lock_holder inside() const noexcept {
    return is_nobody() ? *this : lock_holder(bits_ + one_level);
  }

  friend constexpr bool operator==(lock_holder, lock_holder) = default;

  /// In a word: unlock() has to look for a waiter, under the lock of the mutex.
  static constexpr std::uint64_t must_call = 1;

 private:
  constexpr explicit lock_holder(std::uint64_t bits) noexcept : bits_(bits) {}

  static constexpr std::uint64_t one_level = 2;
  static constexpr int thread_shift = 16;
  static constexpr std::uint64_t one_thread = std::uint64_t{1} << thread_shift;

  std::uint64_t bits_ = 0;
};

/// The part of a mutex that tells its holder, and where the holder locked it. It is in the list of
/// the holder's thread; see thread_slot::held.
struct owned_lock : list_node<owned_lock> {
  constexpr explicit owned_lock(std::string_view called) noexcept : name(called) {}

  lock_holder holder() const noexcept {
    // relaxed: it is only compared; what is read because of it is ordered by other means
    return lock_holder::of_word(word.load(std::memory_order_relaxed));
  }

  /// Describes a new holder. Called by that holder, or by the thread that hands the mutex over to
  /// it.
  void describe(const site& at, const task_context* by, std::uint32_t of_tree) noexcept {
    where = at;
    task = by;
    tree = of_tree;
    // release: publishes these; pairs with acquire in mutex::describe_holder()
    is_described.store(true, std::memory_order_release);
  }

  sync::atomic<std::uint64_t> word{0};    // its holder, and must_call
  sync::atomic<bool> is_described{false}; // while it is held: what follows is its holder's
  std::uint32_t tree = activity::none;    // see tree_here()
  site where;                             // where it was locked
  const task_context* task = nullptr;     // the holder's; it exists while it holds this
  const noted_name name;
};

} // namespace roost::inline v0::detail
