// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace roost::inline v0::detail {

/// Decides when a fork gets a thread, although no processor is free for one more. One idle thread,
/// the lookout, asks it again and again while forks are ready.
///
/// Fork-join work takes most of its forks back before long, so a thread for each fork would only
/// take processors from the threads at work. But these may be waiting for a fork, in a way that
/// roost does not see. So:
///
///     no fork has ended or was taken back for one pause   all forks of that age get threads now
///     forks do end                                        the oldest fork gets a thread, after a
///                                                         time that grows with their number
///
/// INVARIANT: whatever the others do, the oldest fork gets a thread after a bounded time. The
/// younger ones become the oldest in their turn.
///
/// It has no lock and no clock: the thread pool's lock guards it.
class fork_watch {
 public:
  static constexpr clock::duration shortest_pause = std::chrono::microseconds(50);
  static constexpr clock::duration longest_pause = std::chrono::microseconds(1600);
  static constexpr clock::duration patience = std::chrono::milliseconds(2);

  /// When a fork was offered: the number of the last pause that had begun. Never `none`.
  using stamp = std::uint32_t;
  static constexpr stamp none = 0;

  /// A fork is offered.
  stamp offered() noexcept {
    is_busy_ = true;
    return pause_number_;
  }

  /// A fork has ended, or was taken back.
  void got_on() noexcept { ++steps_; }

  /// True if forks were offered since the last pause began: then a lookout should stay.
  bool is_busy() const noexcept { return is_busy_; }

  /// The lookout begins a pause. Returns how long it is to be: twice as long as the last one while
  /// forks end.
  clock::duration begin_pause() noexcept {
    if (!std::exchange(is_busy_, false))
      pause_ = shortest_pause;
    if (++pause_number_ == none)
      ++pause_number_;
    steps_before_ = steps_;
    stands_still_ = false;
    return pause_;
  }

  /// The pause is over; `oldest` is the stamp of the oldest fork that is ready, or `none`. True if
  /// that fork is to get a thread, although `surplus` more threads are at work than have a
  /// processor.
  bool is_due(stamp oldest, std::size_t surplus, clock::time_point now) noexcept {
    stands_still_ = steps_ == steps_before_;
    if (stands_still(oldest)) {
      pause_ = shortest_pause;
      return true;
    }
    if (pause_ < longest_pause)
      pause_ *= 2;
    if (oldest != watched_) {
      watched_ = oldest;
      watched_since_ = now;
    }
    const auto wanted_age = patience * static_cast<clock::rep>(surplus + 1);
    if (oldest == none || now - watched_since_ < wanted_age)
      return false;
    watched_ = none; // the next one's time begins when it is looked at
    return true;
  }

  /// True if no fork got on in the last pause or since, and `oldest` was offered before that pause.
  bool stands_still(stamp oldest) const noexcept {
    return stands_still_ && steps_ == steps_before_ && oldest != none && oldest != pause_number_;
  }

 private:
  friend struct pool_probe;

  bool is_busy_ = false;
  bool stands_still_ = false;
  stamp pause_number_ = none + 1;
  std::size_t steps_ = 0;
  std::size_t steps_before_ = 0; // when the last pause began
  clock::duration pause_ = shortest_pause;
  stamp watched_ = none; // that of the oldest fork
  clock::time_point watched_since_;
};

} // namespace roost::inline v0::detail
