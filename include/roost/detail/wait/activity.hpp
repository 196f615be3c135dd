// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/bubble_thread.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace roost::inline v0::detail {

/// How many threads of a root scope, and of all that is made inside it, are awake. They are counted
/// only where the program wants to know of a deadlock at once.
///
/// INVARIANT: a thread is counted unless it sleeps in a wait that has no deadline and that no
/// thread has claimed. It counts itself out once it is marked as asleep, in wait_record::await();
/// the claimer of such a wait counts it in again before it can go on, in wait_record::try_claim().
/// A job is counted from when it is given to the thread pool until it has been run. So only a
/// thread that is counted itself makes the count go up, or one that runs no task of the tree: its
/// timekeeper's, or one from outside. And where the count is 0, no task of the tree goes on by
/// itself.
///
/// Threads: any.
class activity final : public counted_object {
 public:
  using look = void (*)(std::uint32_t number) noexcept;

  // No activity has these numbers.
  static constexpr std::uint32_t none = 0;
  static constexpr std::uint32_t unknown = 1;

  /// The number for the calling thread's next tree, whose outermost scope covers the thread: that
  /// of its last such tree, if that has ended wholly; no other thread has that number any more. So
  /// a primitive that this thread used under its last tree does not count as used by another
  /// thread. Else a new number.
  static std::uint32_t number_for_owner() noexcept {
    const std::uint32_t last = std::exchange(given_back(), none);
    return last != none ? last : next_number();
  }
  static void give_back(std::uint32_t number) noexcept { given_back() = number; }

  /// A number that no activity has had before; `unknown` once there have been too many. One count
  /// in the whole program, also where shared libraries hide their symbols.
  [[gnu::visibility("default")]] static std::uint32_t next_number() noexcept {
    static constinit sync::atomic<std::uint64_t> last{unknown};
    // relaxed: only the numbers differ
    const std::uint64_t next = last.fetch_add(1, std::memory_order_relaxed) + 1;
    return next <= 0xffffffff ? static_cast<std::uint32_t>(next) : unknown;
  }

  explicit activity(std::uint32_t number) noexcept : number_(number) {
    if (in_bubble_ != nullptr)
      in_bubble_->add_tree();
  }
  ~activity() override {
    if (in_bubble_ != nullptr)
      in_bubble_->drop_tree();
  }
  activity(const activity&) = delete;
  activity& operator=(const activity&) = delete;

  /// No other activity has it at the same time, unless it is `unknown`.
  std::uint32_t number() const noexcept { return number_; }

  /// From now on threads are counted, and the thread that counts down to 0 calls `at_none` with the
  /// number, because the activity may be gone by then. Called before other threads know the
  /// activity.
  void watch(look at_none) noexcept { at_none_ = at_none; }
  bool is_watched() const noexcept { return at_none_ != nullptr; }

  void one_more() noexcept {
    // relaxed: only the count is read here; a thread that finds it to be 0 reads all else under
    // locks
    awake_.fetch_add(1, std::memory_order_relaxed);
  }
  void one_less() noexcept {
    const look at_none = at_none_;
    const std::uint32_t number = number_;
    // relaxed: as above
    if (awake_.fetch_sub(1, std::memory_order_relaxed) == 1)
      at_none(number);
  }

  /// Something outside of roost may wake threads of the tree. has_outside_wakers() always tells so;
  /// where threads are counted, it also counts as one of them.
  void add_outside_waker() noexcept {
    if (in_bubble_ != nullptr)
      in_bubble_->add_outside_waker();
    outside_wakers_.fetch_add(1, std::memory_order_relaxed); // relaxed: as above
    if (is_watched())
      one_more();
  }
  void drop_outside_waker() noexcept {
    outside_wakers_.fetch_sub(1, std::memory_order_relaxed); // relaxed: as above
    if (is_watched())
      one_less();
    if (in_bubble_ != nullptr)
      in_bubble_->drop_outside_waker();
  }

  /// The first thread of the bubble in which the activity was made: all threads of the tree are in
  /// that bubble, whichever thread starts them. Null if it was made in none.
  sync::bubble_thread* in_bubble() const noexcept { return in_bubble_; }

  bool has_outside_wakers() const noexcept {
    return outside_wakers_.load(std::memory_order_relaxed) != 0; // relaxed: as above
  }

  /// How many outermost scopes are counted here. A walk from the roots finds all but those that
  /// have outlived their parent.
  std::size_t outermost_scopes() const noexcept { return outermost_scopes_.load(); }
  void add_outermost_scope() noexcept { outermost_scopes_.fetch_add(1); }
  void drop_outermost_scope() noexcept { outermost_scopes_.fetch_sub(1); }

 private:
  [[gnu::visibility("default")]] static std::uint32_t& given_back() noexcept {
    static constinit thread_local std::uint32_t number = none;
    return number;
  }

  const std::uint32_t number_;
  sync::bubble_thread* const in_bubble_ = // the first thread of the bubble where it is made
      sync::bubble_here != nullptr ? &sync::bubble_here->first() : nullptr;
  look at_none_ = nullptr;
  sync::atomic<std::size_t> awake_{0};
  sync::atomic<std::size_t> outside_wakers_{0};
  sync::atomic<std::size_t> outermost_scopes_{0}; // seq_cst, the default: seldom changed
};

/// The activity of the tree to which the calling thread belongs: as a thread of its pool, or as the
/// owner of a scope that covers it. Null for other threads.
[[gnu::visibility("default")]] inline constinit thread_local activity* activity_here = nullptr;

/// The number of the calling thread's tree; unknown if it belongs to none.
inline std::uint32_t tree_here() noexcept {
  return activity_here != nullptr ? activity_here->number() : activity::unknown;
}

/// Tells which trees' threads have waited at a primitive, or have woken a waiter there. It is noted
/// only in operations that do not go through at once; the others pay nothing for it.
///
/// The primitive's lock guards it.
class tree_mark {
 public:
  void note_this_thread() noexcept {
    const std::uint32_t here = tree_here();
    if (number_ != here)
      number_ = both(number_, here);
  }

  /// The number of the one tree; or none; or unknown, where there are several or a thread belonged
  /// to no tree.
  std::uint32_t number() const noexcept { return number_; }

  /// The same for two marks together, by their numbers.
  static std::uint32_t both(std::uint32_t a, std::uint32_t b) noexcept {
    if (a == b || b == activity::none)
      return a;
    return a == activity::none ? b : activity::unknown;
  }

 private:
  std::uint32_t number_ = activity::none;
};

} // namespace roost::inline v0::detail
