// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/intrusive_heap.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/select/select_case.hpp>

#include <cstddef>
#include <utility>

namespace roost::inline v0::detail {

/// What a case of a selector and a call of its handler share: either may be the last to have it.
struct shared_case : counted_object {
  explicit shared_case(select_case& its) noexcept : what(its) {}
  select_case& what;
};
template <class Case>
struct shared_case_of final : shared_case {
  template <class... Args>
  explicit shared_case_of(Args&&... args) : shared_case(made),
                                            made(std::forward<Args>(args)...) {}
  Case made;
};

/// A case of a selector.
struct kept_case : heap_node {
  operation& what() const noexcept { return *shared->what.what(); }

  std::size_t key = 0;
  counted_ptr<shared_case> shared;
  clock::time_point asked_at{}; // of a timer: when to ask it, while it is ahead
  bool is_due = false;          // of a timer
  bool is_outside = false;      // in the set of outside_cases
};

/// True for an operation that only the time makes happen: a selector keeps its case among the
/// timers.
inline bool is_timer(const operation& what) noexcept {
  return what.lock().id() == nullptr;
}

/// The timers of a selector: those that are due, and those ahead. To find what can happen, the
/// selector reads the clock once and looks at the first timers ahead.
///
/// INVARIANT: asked_at of a timer ahead is not later than its due(): other threads, which take
/// ticks, only ever move due() later. So no timer ahead is due before the first asked_at.
///
/// Threads: one at a time. Cost: each change takes logarithmic time; only reserve() allocates.
class case_timers {
 public:
  void reserve(std::size_t count) {
    ahead_.reserve(count);
    due_.reserve(count);
  }

  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept { return ahead_.size() + due_.size(); }

  /// Precondition: there is room. The timer is ahead until the next come().
  void add(kept_case& timer) noexcept {
    timer.is_due = false;
    timer.asked_at = timer.what().due();
    ahead_.push(timer);
  }
  void remove(kept_case& timer) noexcept { timer.is_due ? due_.erase(timer) : ahead_.erase(timer); }

  /// Moves the timers that are due by `now` to the due ones, and perhaps some whose tick another
  /// thread has taken.
  void come(clock::time_point now) noexcept;

  /// When to call come() again; no_deadline if no timer is ahead.
  clock::time_point next() const noexcept {
    return ahead_.empty() ? no_deadline : ahead_.front().asked_at;
  }

  std::size_t due_count() const noexcept { return due_.size(); }
  kept_case& first_due() const noexcept { return due_.front(); } // the one that was added first
  kept_case& due(std::size_t place) const noexcept { return due_[place]; }

  /// Makes a timer that is due happen; then it is ahead again. False if another thread has taken
  /// its tick; then it is ahead again, too.
  bool take(kept_case& timer) {
    const bool happened = timer.what().try_alone();
    remove(timer);
    add(timer);
    return happened;
  }

 private:
  struct by_time {
    bool operator()(const kept_case& a, const kept_case& b) const noexcept {
      return a.asked_at < b.asked_at;
    }
  };
  struct by_key {
    bool operator()(const kept_case& a, const kept_case& b) const noexcept { return a.key < b.key; }
  };

  intrusive_heap<kept_case, by_time> ahead_;
  intrusive_heap<kept_case, by_key> due_;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY void case_timers::come(clock::time_point now) noexcept {
  while (next() <= now && !ahead_.empty()) {
    kept_case& timer = ahead_.front();
    ahead_.erase(timer);
    timer.is_due = true;
    due_.push(timer);
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
