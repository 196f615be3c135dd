// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/pause.hpp>
#include <roost/detail/sync/yield.hpp>

#include <chrono>

namespace roost::inline v0::detail {

/// How an offer of the processor ended.
enum class offer_end {
  at_once, // no other thread wanted to run here
  soon,    // another one ran for no longer than a short wait takes
  longer,  // others ran for longer
  late,    // others keep the processor, whatever they are
};

/// What a thread has learned from its short waits.
struct wait_history {
  int offers_first = 0;     // in how many more waits the offers come before the spin
  int left_out = 0;         // how many offers are still to be left out
  int left_out_at_last = 0; // how many the last offer made it leave out; 0 if that was not late
};

/// What a short wait does with the processor it runs on.
struct this_processor {
  static bool spinning_helps() noexcept { return detail::spinning_helps(); }
  static void pause() noexcept { detail::pause(); }

  /// Lets another thread run here, if one wants to.
  static offer_end offer() noexcept {
    constexpr auto at_once = std::chrono::nanoseconds(900); // a call in vain takes 0.2 to 0.5 us
    constexpr auto soon = std::chrono::microseconds(8);
    constexpr auto late = std::chrono::milliseconds(1); // less than a time slice of most systems
    const auto before = sync::now();
    sync::yield();
    const auto took = sync::now() - before;
    if (took < soon)
      return took < at_once ? offer_end::at_once : offer_end::soon;
    return took < late ? offer_end::longer : offer_end::late;
  }

  static wait_history& history() noexcept {
    static constinit thread_local wait_history of_this_thread;
    return of_this_thread;
  }
};

/// Passes the short time until a peer has done what it is about to do. To fall asleep and to be
/// woken takes both threads ten times as long as to hand over an item. And sleep spreads: the peer
/// of a thread that wakes up has to wait for so long that it falls asleep, too.
///
/// A peer on another processor: first the thread spins, for about as long as some ten hand-overs
/// take (3 us). It looks after each pause, as most peers are there at once, and later at growing
/// distances, because each look at what has changed takes the cache line away from the peer that is
/// about to change it. Then it offers the processor a few times, which costs as much as the spin,
/// and is blind meanwhile: so it comes last.
///
/// A peer on this processor changes nothing during the spin, and runs once the processor is
/// offered. For such a peer the offers come first. With one processor they always do. With more,
/// the thread learns that its peer is here: a spin was in vain, then an offer let others run, and
/// afterwards the thing waited for was there. The next waits begin with offers, until an offer
/// comes back at once, as no other thread wants to run here any more. After some thirty of these
/// waits the thread sleeps once: when a thread is woken the system looks for a free processor, and
/// it does not do so for threads that only offer theirs. Then the thread spins again.
///
/// There are two kinds of waits. In until_called() a peer brings about what the thread waits for,
/// whether the thread runs or not. So every offer that helped counts, however long others ran
/// first. In until() the thread looks by itself, and holds up its peers while it does not run. So
/// an offer counts only if it took no longer than about a spin. One that took longer is the last:
/// many threads want to run here, and a thread that sleeps in a wait list until it is called is out
/// of their way. (With one processor the thread goes on offering: its peers cannot run before, so
/// it holds up none.)
///
/// What a spin owes to others: any runnable thread waits for this processor for no longer than the
/// spin; after that each offer lets it run. If an offer comes back late, because others keep the
/// processor, further offers would make each wait end as late. So the thread leaves out offers in
/// its next waits, and sleeps right after the spin. Each time the first offer after those is late
/// again, it leaves out twice as many: it starts with few, because the others may be threads of the
/// same work that had much to do only once.
///
/// Processor is this_processor, except in tests.
template <class Processor>
class basic_short_wait {
 public:
  /// A wait whose time is over.
  static basic_short_wait over() noexcept {
    basic_short_wait none;
    none.end();
    return none;
  }

  /// True as soon as `ready()` is true; false when the time is over, and ever after. Calls
  /// `ready()` at least `apart` pauses apart. In a bubble the time is over at once.
  template <class Ready>
  bool until(Ready ready, int apart = 1) noexcept {
    return pass(ready, apart, Processor::spinning_helps() ? offer_end::soon : offer_end::longer);
  }

  /// The same for a waiter that a peer makes ready, whether its thread runs or not.
  template <class Ready>
  bool until_called(Ready ready) noexcept {
    return pass(ready, 1, offer_end::longer);
  }

 private:
  static constexpr int close_looks = 16;
  static constexpr int most_pauses = 128;
  static constexpr int most_offers = 10;
  static constexpr int waits_with_offers_first = 32;
  static constexpr int fewest_left_out = 100;
  static constexpr int most_left_out = 3200;

  // Learns from offers that took no longer than `counts`.
  template <class Ready>
  bool pass(Ready& ready, int apart, offer_end counts) noexcept {
    if (sync::bubble_here != nullptr) [[unlikely]]
      return false;
    if (Processor::history().offers_first > 0 && offers_first(ready, counts))
      return true;
    while (pauses_ < most_pauses && Processor::spinning_helps()) {
      pause(apart);
      if (ready())
        return true;
    }
    while (offers_left_ > 0) {
      const bool helps = offer(counts);
      if (ready()) {
        if (helps && Processor::spinning_helps())
          Processor::history().offers_first = waits_with_offers_first;
        return true;
      }
    }
    return false;
  }

  // Returns false for the spin to follow, if no other thread wants to run here.
  template <class Ready>
  [[gnu::noinline]] bool offers_first(Ready& ready, offer_end counts) noexcept {
    int& left = Processor::history().offers_first;
    if (--left == 0) {
      end();
      return false;
    }
    while (left > 0 && offers_left_ > 0) {
      offer(counts);
      if (ready())
        return true;
    }
    if (left > 0)
      end();
    return false;
  }

  void end() noexcept {
    pauses_ = most_pauses;
    offers_left_ = 0;
  }

  void pause(int apart) noexcept {
    const int growing = pauses_ < close_looks ? 1 : pauses_ / 2;
    const int count = growing > apart ? growing : apart;
    for (int i = 0; i < count; ++i)
      Processor::pause();
    pauses_ += count;
  }

  // True if others ran, and came to an end in time.
  [[gnu::noinline]] bool offer(offer_end counts) noexcept {
    --offers_left_;
    wait_history& learned = Processor::history();
    if (learned.left_out > 0) {
      --learned.left_out;
      return false;
    }
    const offer_end how = Processor::offer();
    if (how > counts)
      end(); // a last look, and then it sleeps
    if (how == offer_end::late) {
      const int twice = 2 * learned.left_out_at_last;
      learned.left_out = twice < fewest_left_out ? fewest_left_out
                         : twice < most_left_out ? twice
                                                 : most_left_out;
    }
    learned.left_out_at_last = learned.left_out;
    const bool helps = how != offer_end::at_once && how <= counts;
    if (!helps)
      learned.offers_first = 0;
    return helps;
  }

  int pauses_ = 0;
  int offers_left_ = most_offers;
};

using short_wait = basic_short_wait<this_processor>;

} // namespace roost::inline v0::detail
