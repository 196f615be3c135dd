// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/random.hpp>
#include <roost/detail/base/view.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/short_wait.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include <cstddef>
#include <functional>
#include <utility>

namespace roost::inline v0::detail {

/// Which of several operations that can happen is to happen.
enum class turn {
  fair,   // each with the same probability
  biased, // the first
};

enum class patience { wait, try_only };

/// The order in which locks are taken.
inline bool before_by_lock(const operation& a, const operation& b) noexcept {
  return std::less<>()(a.lock().id(), b.lock().id());
}

/// Makes one of the operations happen. Both lists hold the same ones. The call changes the order of
/// `by_lock`, and where turns are fair that of `in_turn`. With `try_only`, or at the deadline, it
/// may be that none happens.
///
/// Most selects find something at once: the first pass asks one after the other, each under its
/// own lock alone. Only a select that found nothing takes all locks. It tries again under them,
/// which makes "nothing can happen" true for one moment, then waits.
///
/// Source: Go's selectgo (runtime/select.go), with a first pass as in Rust's crossbeam-channel.
first_ended select_first(view<operation*> in_turn,
                         view<operation*> by_lock,
                         turn order,
                         patience how_long,
                         const blocked_call& call,
                         clock::time_point deadline);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

// For the short list of a select, and for the list of a selector, which is sorted already: then
// insertion takes linear time.
ROOST_BODY void sort_by_lock(view<operation*> operations) noexcept {
  for (std::size_t end = 1; end < operations.size(); ++end) {
    for (std::size_t i = end; i > 0 && before_by_lock(*operations[i], *operations[i - 1]); --i)
      std::swap(operations[i], operations[i - 1]);
  }
}

// Draws the order only as far as it is needed (Fisher and Yates).
ROOST_BODY operation* try_in_turn(view<operation*> operations, turn order) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (order == turn::fair && i + 1 < operations.size())
      std::swap(operations[i], operations[i + random_below(operations.size() - i)]);
    if (operations[i]->may_happen() && operations[i]->try_alone())
      return operations[i];
  }
  return nullptr;
}

ROOST_BODY bool any_may_happen(view<operation*> operations) noexcept {
  for (const operation* const a : operations) {
    if (a->may_happen())
      return true;
  }
  return false;
}

// A thread that sees that nothing can happen looks on for a short while: to link all cases and to
// unlink them again takes two locks for each, and holds up all threads that work there. Each look
// reads what many other threads write, so looks are far apart. The hints only decide when to try.
// "Nothing can happen" is concluded under all locks, also at the deadline.
ROOST_BODY first_ended select_first(view<operation*> in_turn,
                                    view<operation*> by_lock,
                                    turn order,
                                    patience how_long,
                                    const blocked_call& call,
                                    clock::time_point deadline) {
  constexpr int pauses_between_looks = 16;
  short_wait passed;
  for (;;) {
    if (operation* const happened = try_in_turn(in_turn, order))
      return how_long == patience::wait ? first_or_stop(happened)
                                        : first_ended{happened, wait_state::done};
    if (how_long == patience::wait && !any_may_happen(in_turn)) {
      const bool soon = passed.until([&] { return any_may_happen(in_turn); }, pauses_between_looks);
      if (this_thread_is_stopped())
        return {nullptr, wait_state::stopped};
      if (soon)
        continue;
    }
    sort_by_lock(by_lock);
    if (how_long == patience::try_only)
      return {try_all(in_turn, by_lock), wait_state::timed_out};
    const bool is_late = deadline != no_deadline && sync::now() >= deadline;
    if (!is_late) {
      const first_ended first = wait_for_first(in_turn, by_lock, call, deadline, passed);
      if (first.end != wait_state::timed_out)
        return first;
    }
    // The time of a case has come, or the deadline. Another case may be ready as well, or another
    // thread may have taken the tick: so all are asked again. At the deadline, too: wake-ups are
    // capped, so an item may be there although no peer called this thread.
    if (is_late || sync::now() >= deadline) {
      operation* const happened = try_all(in_turn, by_lock);
      return happened != nullptr ? first_or_stop(happened)
                                 : first_ended{nullptr, wait_state::timed_out};
    }
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
