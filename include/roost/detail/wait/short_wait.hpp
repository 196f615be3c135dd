// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/pause.hpp>
#include <roost/detail/sync/yield.hpp>

#include <chrono>
#include <thread>

namespace roost::inline v0::detail {

/// What a short wait does with the processor it runs on.
struct this_processor {
  static bool spinning_helps() noexcept { return detail::spinning_helps(); }
  static void pause() noexcept { detail::pause(); }

  /// Lets another thread run here, if one wants to. False if that took far longer than a short wait
  /// is to take: others keep the processor, whatever they are.
  static bool offer() noexcept {
    constexpr auto long_time = std::chrono::microseconds(200);
    const auto before = sync::now();
    sync::yield();
    return sync::now() - before < long_time;
  }

  /// How many offers of this thread are still to be left out.
  static int& offers_left_out() noexcept {
    static constinit thread_local int count = 0;
    return count;
  }
};

/// Passes the short time until a peer on another processor has done what it is about to do. To fall
/// asleep and to be woken takes both threads ten times as long as to hand over an item, and it
/// spreads: the peer of a thread that wakes up waits for so long that it falls asleep, too.
///
/// First it spins, for about as long as some ten hand-overs take (3 us): it looks after each pause,
/// as most peers are there at once, and later at growing distances, because each look at what has
/// changed takes the cache line away from the peer that is about to change it. Then it offers the
/// processor a few times, which costs as much as the spin, and is blind meanwhile: so it comes
/// last. With one processor it comes first, since nobody can change anything during a spin.
///
/// What a spin owes to others: any runnable thread waits for this processor for no longer than the
/// spin; after that each offer lets it run. Where an offer comes back late, because others keep the
/// processor, further ones would make each wait end late by as much: so the thread leaves them out
/// in its next waits, and sleeps at once after the spin.
///
/// Processor is this_processor, but for tests.
template <class Processor>
class basic_short_wait {
 public:
  /// One whose time is over.
  static basic_short_wait over() noexcept {
    basic_short_wait none;
    none.pauses_ = most_pauses;
    none.offers_left_ = 0;
    return none;
  }

  /// True as soon as it is ready; false when the time is over, and ever after. Looks at least
  /// `apart` pauses apart. In a bubble there is no time for it.
  template <class Ready>
  bool until(Ready ready, int apart = 1) noexcept {
    if (sync::bubble_here != nullptr) [[unlikely]]
      return false;
    while (pauses_ < most_pauses && Processor::spinning_helps()) {
      pause(apart);
      if (ready())
        return true;
    }
    while (offers_left_ > 0) {
      offer();
      if (ready())
        return true;
    }
    return false;
  }

 private:
  static constexpr int close_looks = 16;
  static constexpr int most_pauses = 128;
  static constexpr int most_offers = 10;
  static constexpr int offers_to_leave_out = 500;

  void pause(int apart) noexcept {
    const int growing = pauses_ < close_looks ? 1 : pauses_ / 2;
    const int count = growing > apart ? growing : apart;
    for (int i = 0; i < count; ++i)
      Processor::pause();
    pauses_ += count;
  }

  void offer() noexcept {
    --offers_left_;
    int& left_out = Processor::offers_left_out();
    if (left_out > 0) {
      --left_out;
    } else if (!Processor::offer()) {
      offers_left_ = 0; // a last look, and then it sleeps
      left_out = offers_to_leave_out;
    }
  }

  int pauses_ = 0;
  int offers_left_ = most_offers;
};

using short_wait = basic_short_wait<this_processor>;

} // namespace roost::inline v0::detail
