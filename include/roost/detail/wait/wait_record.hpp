// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/assert.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/pause.hpp>
#include <roost/detail/sync/yield.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/short_wait.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace roost::inline v0::detail {

struct wait_probe; // the tests' window: it counts waiters, so that no test has to sleep
struct wait_node;

/// How a blocked operation stands, and in the end how it ended.
enum class wait_state : std::uint32_t {
  waiting,   // anyone may claim it
  claimed,   // one peer or one stop has it and will complete() it soon
  done,      // it happened
  closed,    // its channel was closed
  stopped,   // its task was asked to stop: nothing happened
  timed_out, // its deadline passed: nothing happened
};

/// How to resume the waiter of a record: a thread is unparked, a coroutine would be scheduled.
struct resumption {
  void (*resume)(void* waiter) noexcept;
  void* waiter;
};

class wait_record;

/// Puts a thread to sleep that waits for the system as well as for its peers: in a call that
/// returns for either, instead of on its parker. On the waiter's stack, like its record.
class sleeper {
 public:
  /// Sleeps until the waiter is resumed, or until the event that it waits for has come: then it
  /// ends the record itself. May return without cause. False when `deadline` passed first.
  virtual bool sleep_until(wait_record& record, clock::time_point deadline) noexcept = 0;

 protected:
  ~sleeper() = default;
};

/// What a blocked thread does now and then. Called on that thread, with no lock held.
class watcher {
 public:
  virtual clock::time_point next_look() noexcept = 0; // no_deadline for never
  virtual void look() noexcept = 0;

 protected:
  ~watcher() = default;
};

/// One blocked operation, on the stack of its waiter.
///
///     waiting --try_claim()--> claimed --complete()--> done | closed | stopped
///        |-----own deadline--> timed_out
///        `---own end_at()----> done
///
/// INVARIANT: the winner of the one step out of `waiting` decides how the operation ends. A peer
/// claims under its primitive's lock, a stop under the lock of the waiter's thread slot, the waiter
/// itself without any. A claimed record stays alive until complete().
///
/// The word that holds the state also tells whether the waiter is asleep: the waiter marks itself
/// once, before it sleeps, and complete() resumes it only if it finds the mark. So the parker of a
/// waiter that still spins stays in that waiter's cache. No wake is lost: fall_asleep() and
/// complete() both change the one atomic word. If fall_asleep() comes second, it finds that the
/// operation has ended, and the waiter does not sleep; if complete() comes second, it finds the
/// waiter asleep. (A waiter that is no thread would be marked from the start.)
///
/// Threads: one waits in await(); any may claim; only the claimer completes.
class wait_record {
 public:
  /// For a blocked thread: `p` is the parker it sleeps on, `patience` its short wait before that.
  explicit wait_record(parker& p, short_wait patience = {}) noexcept
      : parker_(&p),
        patience_(patience),
        resumption_{&unpark, &p} {}

  /// The waiter sleeps in `s` instead of on its parker, and `wake` resumes it. Called by the
  /// waiter, before others can claim the record. The waiter does not spin first, because a spin
  /// does not show what the system does.
  void sleep_in(sleeper& s, resumption wake) noexcept {
    sleeper_ = &s;
    patience_ = short_wait::over();
    resumption_ = wake;
  }

  /// Null where the waiter sleeps on its parker: then only threads of the program end the wait.
  sleeper* sleeps_in() const noexcept { return sleeper_; }

  bool try_claim() noexcept { return leave_waiting(wait_state::claimed); }

  /// While the waiter sleeps, and is not claimed, its thread is counted out of `of`, unless that is
  /// null. Only for a wait without a deadline, and before await(). A thread that sleeps in a
  /// `sleeper` stays counted, because the system may wake it.
  void count_in(activity* of) noexcept {
    counted_in_ = of != nullptr && sleeper_ == nullptr && of->is_watched() ? of : nullptr;
  }

  /// What its thread is counted out of; null if it stays counted. The waiter's alone.
  activity* counted_in() const noexcept { return counted_in_; }

  /// Keeps the operation waiting for a moment: claimers spin until let_go(). So nothing that it
  /// waits at can be destroyed meanwhile. False if it does not wait any more. Called by one thread
  /// at a time, under the lock of the waiter's slot; that thread must not wait for a lock under
  /// which others claim.
  bool try_hold() noexcept;
  void let_go() noexcept;

  /// True if it does not wait any more; false is old news where others may claim it.
  bool is_claimed() const noexcept;

  /// Ends a claimed operation and wakes the waiter. Nothing of the record, its nodes or what they
  /// point at may be touched afterwards: the waiter may have destroyed them already.
  void complete(wait_state outcome) noexcept;

  /// Called by the waiter, which has found by itself that its operation at `place` has happened.
  /// False if the record is claimed already.
  bool end_at(const wait_node& place) noexcept {
    if (!leave_waiting(wait_state::done))
      return false;
    claimed_at_ = &place;
    return true;
  }

  /// Spins for a short while. True if the operation has ended.
  bool await_shortly() noexcept {
    return ended(state()) || patience_.until_called([this] { return ended(state()); });
  }

  /// Blocks until the operation has ended, or until `deadline` if no claim comes first.
  wait_state await(clock::time_point deadline, watcher* meanwhile = nullptr) noexcept;

  /// The node at whose place it happened: in the wait list where a peer claimed it, or the place
  /// given to end_at(); null where a stop or the deadline ended it. Known to the claimer, and to
  /// the waiter after await().
  const wait_node* claimed_at() const noexcept { return claimed_at_; }

  /// How it ended. Only after await().
  wait_state outcome() const noexcept { return state(); }

  /// Notes the thread that completed it, if that was observed. Known likewise.
  const wake_note& woken() const noexcept { return woken_; }

 private:
  friend class claimed_list;
  friend class wait_list;
  friend struct wait_probe;

  static void unpark(void* waiter) noexcept { static_cast<parker*>(waiter)->unpark(); }
  static bool ended(wait_state s) noexcept { return s > wait_state::claimed; }

  // The word: a wait_state, whether the waiter is to be resumed, whether it is counted out, and
  // whether a report holds it.
  static constexpr std::uint32_t asleep = 0x80;
  static constexpr std::uint32_t held = 0x40; // only while it waits
  static constexpr std::uint32_t counted_out = 0x20;
  static constexpr std::uint32_t word(wait_state s) noexcept {
    return static_cast<std::uint32_t>(s);
  }
  static constexpr wait_state state_in(std::uint32_t w) noexcept {
    return static_cast<wait_state>(w & ~(asleep | held | counted_out));
  }

  bool leave_waiting(wait_state to) noexcept;
  bool leave_waiting_from(std::uint32_t current, wait_state to) noexcept;
  wait_state state() const noexcept;
  wait_state fall_asleep() noexcept;
  bool sleep_until(clock::time_point deadline) noexcept {
    return sleeper_ == nullptr ? parker_->park_until(deadline)
                               : sleeper_->sleep_until(*this, deadline);
  }

  sync::atomic<std::uint32_t> state_{word(wait_state::waiting)};
  parker* parker_;
  sleeper* sleeper_ = nullptr;
  short_wait patience_; // the waiter's own
  resumption resumption_;
  activity* counted_in_ = nullptr;        // constant once it sleeps
  wait_record* next_claimed_ = nullptr;   // the claimer's until complete(), see claimed_list
  const wait_node* claimed_at_ = nullptr; // likewise
  wake_note woken_;                       // likewise
};

/// A place in one wait list. A plain operation has one node; a select has one for each of its
/// cases, all with the same record. The lock that guards the list guards its nodes.
struct wait_node : list_node<wait_node> {
  explicit wait_node(void* s) noexcept : slot(s) {}

  wait_record* record = nullptr; // set before it is linked
  void* slot; // what is sent, or where to receive it; only the primitive knows its type
};

/// The waiters of a primitive, served from the front. The primitive's lock guards it.
class wait_list {
 public:
  bool empty() const noexcept { return nodes_.empty(); }
  const wait_node* front() const noexcept { return nodes_.front(); }

  void push_back(wait_node& node, wait_record& record) noexcept {
    users_.note_this_thread();
    node.record = &record;
    nodes_.push_back(node);
  }

  void push_front(wait_node& node, wait_record& record) noexcept {
    node.record = &record;
    nodes_.insert_after(nullptr, node);
  }

  /// Unlinks the waiters at the front that a stop, a deadline or another primitive has claimed:
  /// they are about to leave anyway.
  void drop_leaving() noexcept {
    while (!empty() && front()->record->is_claimed())
      nodes_.pop_front();
  }

  /// Takes a node out, unless that has been done.
  void remove(wait_node& node) noexcept {
    if (node.linked())
      nodes_.erase(node);
  }

  /// Unlinks the first waiter, and returns it if it could be claimed. If not, a stop, a deadline or
  /// another primitive got it first; it was given nothing, so no wake is lost.
  wait_node* claim_front() noexcept {
    users_.note_this_thread();
    wait_node* const node = nodes_.pop_front();
    if (!node->record->try_claim())
      return nullptr;
    node->record->claimed_at_ = node;
    return node;
  }

  /// Unlinks and returns the first waiter that can be claimed.
  wait_node* claim_first() noexcept {
    while (!empty()) {
      if (wait_node* const node = claim_front())
        return node;
    }
    return nullptr;
  }

  std::size_t size() const noexcept;

  /// True if `is_it(node)` is true for one of them.
  template <class Predicate>
  bool has(Predicate is_it) const noexcept {
    const wait_node* n = nodes_.front();
    while (n != nullptr && !is_it(*n))
      n = nodes_.next(*n);
    return n != nullptr;
  }

  /// Which trees' threads have waited here, or woken a waiter: see tree_mark::number().
  std::uint32_t users() const noexcept { return users_.number(); }
  void note_user() noexcept { users_.note_this_thread(); }

 private:
  emptied_list<wait_node> nodes_;
  tree_mark users_;
};

/// Records claimed under a lock, to be completed after it is released.
class claimed_list {
 public:
  claimed_list() = default;
  ~claimed_list() = default;
  claimed_list(const claimed_list&) = delete; // last_ may point into it
  claimed_list& operator=(const claimed_list&) = delete;

  void push(wait_record& record) noexcept {
    *last_ = &record;
    last_ = &record.next_claimed_;
  }

  void push_all(wait_list& waiters) noexcept {
    while (wait_node* const node = waiters.claim_first())
      push(*node->record);
  }

  void complete(wait_state outcome) noexcept {
    complete(outcome, [](const wait_record&) {});
  }

  /// Calls `prepare(record)` before it completes each record, in the order in which they were
  /// claimed.
  template <class Prepare>
  void complete(wait_state outcome, Prepare prepare) noexcept {
    *last_ = nullptr;
    for (wait_record* record = first_; record != nullptr;) {
      wait_record* const next = record->next_claimed_; // read before the record is gone
      prepare(*record);
      record->complete(outcome);
      record = next;
    }
    last_ = &(first_ = nullptr);
  }

 private:
  wait_record* first_ = nullptr;
  wait_record** last_ = &first_;
};

// --- implementation ---------------------------------------------------------

inline bool wait_record::leave_waiting(wait_state to) noexcept {
  std::uint32_t expected = word(wait_state::waiting);
  // acquire: comes after all that a report has read here; pairs with release in let_go(). The step
  // need not publish anything: what the waiter wrote before it can be claimed reaches the claimer
  // through the lock under which it claims; what the claimer does reaches the waiter through
  // complete(). relaxed on failure: leave_waiting_from() looks again.
  return state_.compare_exchange_strong(
             expected, word(to), std::memory_order_acquire, std::memory_order_relaxed) ||
         leave_waiting_from(expected, to);
}

// The waiter is asleep, or its record is held, or it does not wait any more. A waiter that is
// marked as counted out is counted in again here, before it can go on. Its own one_less(), in
// fall_asleep(), may come only after that: then the count is too high for a moment. A holder that
// has lost the processor may want this one: so this thread offers it, and then naps, as at a
// spin_lock.
inline bool wait_record::leave_waiting_from(std::uint32_t current, wait_state to) noexcept {
  constexpr int spins_at_first = 64;
  constexpr int offers = 4;
  for (int tries = 0; state_in(current) == wait_state::waiting;) {
    if ((current & held) == 0) {
      // acquire, relaxed: as above
      if (state_.compare_exchange_weak(current,
                                       word(to) | (current & asleep),
                                       std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        if ((current & counted_out) != 0)
          counted_in_->one_more();
        return true;
      }
      continue;
    }
    ++tries;
    if (tries <= spins_at_first)
      pause();
    else if (tries <= spins_at_first + offers)
      sync::yield();
    else
      sync::sleep_for(std::chrono::microseconds(20));
    current = state_.load(std::memory_order_relaxed); // relaxed: as above
  }
  return false;
}

inline bool wait_record::try_hold() noexcept {
  // relaxed: what is read next was written under the slot's lock, or is read under a lock of its
  // own
  std::uint32_t current = state_.load(std::memory_order_relaxed);
  while (state_in(current) == wait_state::waiting) {
    // relaxed: likewise
    if (state_.compare_exchange_weak(current, current | held, std::memory_order_relaxed))
      return true;
  }
  return false;
}

inline void wait_record::let_go() noexcept {
  // release: all has been read; pairs with acquire in leave_waiting()
  state_.fetch_and(~held, std::memory_order_release);
}

inline bool wait_record::is_claimed() const noexcept {
  // relaxed: tells only whether to pass the record over; nothing of it is read
  return state_in(state_.load(std::memory_order_relaxed)) != wait_state::waiting;
}

inline wait_state wait_record::state() const noexcept {
  // acquire: sees what the claimer did for the waiter; pairs with release in complete()
  return state_in(state_.load(std::memory_order_acquire));
}

inline wait_state wait_record::fall_asleep() noexcept {
  const std::uint32_t marks = asleep | (counted_in_ != nullptr ? counted_out : 0);
  // acquire: as in state(). Either complete() comes later and sees the mark, or this step sees its
  // outcome. release: publishes counted_in_; pairs with acquire in leave_waiting_from()
  const wait_state before = state_in(state_.fetch_or(marks, std::memory_order_acq_rel));
  if (before == wait_state::waiting && counted_in_ != nullptr)
    counted_in_->one_less(); // may look for a deadlock, and stop this very wait
  return before;
}

inline void wait_record::complete(wait_state outcome) noexcept {
  const resumption wake = resumption_;
  if (is_observed()) [[unlikely]]
    woken_ = this_wake();
  // release: publishes what the claimer did for the waiter; pairs with acquire in state() and in
  // fall_asleep()
  const std::uint32_t before = state_.exchange(word(outcome), std::memory_order_release);
  ROOST_ASSERT(state_in(before) == wait_state::claimed,
               "a record is completed, and is not claimed");
  if ((before & asleep) != 0)
    wake.resume(wake.waiter);
}

inline wait_state wait_record::await(clock::time_point deadline, watcher* meanwhile) noexcept {
  if (await_shortly() || ended(fall_asleep()))
    return state();
  while (!ended(state())) {
    const clock::time_point look = meanwhile != nullptr ? meanwhile->next_look() : no_deadline;
    if (sleep_until(earlier(deadline, look)))
      continue;
    if (meanwhile != nullptr && look < deadline && sync::now() < deadline) {
      meanwhile->look();
      continue;
    }
    if (leave_waiting(wait_state::timed_out))
      break;
    // Claimed at the last moment: it happens, so its completion is waited for.
    deadline = no_deadline;
  }
  return state();
}

inline std::size_t wait_list::size() const noexcept {
  std::size_t count = 0;
  for (const wait_node* n = nodes_.front(); n != nullptr; n = nodes_.next(*n))
    ++count;
  return count;
}

} // namespace roost::inline v0::detail
