// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/assert.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/base/random.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/thread_number.hpp>
#include <roost/detail/sync/word_sleep.hpp>
#include <roost/detail/testing/strategy.hpp>
#include <roost/detail/wait/own_of_thread.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

// The threads of a bubble, and its time.
//
// A thread of a bubble is awake or asleep, and the bubble counts those that are awake. Whatever
// wakes a sleeper counts it in again, and only then goes on. So where the count is 0 nothing of the
// bubble goes on by itself, and all wakes by its own threads have been delivered. Then the thread
// that was the last to fall asleep, or to end, sees to it: the time becomes that of the earliest
// deadline, and that one sleeper is woken; where there is none, it is a deadlock.
//
// What may wake a thread of a bubble from outside counts as one that is awake: a thread that is in
// a blocking_region or waits for a descriptor does not sleep here, and an outside_waker is counted.
// While a thread waits for a descriptor it is outside: counted, and without the turn.
//
// Where a strategy is given, one thread at a time goes on: it has the turn. It gives the turn away
// where it falls asleep or ends, and at each call of roost offers it to all that are awake; the
// strategy chooses. A thread that is woken waits for the turn. All these are places where no lock
// of roost is held: so a thread that has the turn finds each lock free that only threads of the
// bubble take. It really waits for others alone, such as bubble_watch while that makes a report, or
// a thread outside that uses a scope of the bubble.
//
// A thread that is in no bubble looks now and then whether the time goes on, see bubble_watch.hpp:
// all threads of the bubble may be where roost does not see them.
//
// Threads sleep each on a word of their own. One lock guards all bubbles of the process: a late
// wake from a thread outside may come to a thread whose bubble is over, and which is in another one
// by now. It is the last in the order of locks, but for that of a word_sleep. It is held for a time
// that is linear in the bubble's threads, and while the system wakes some of them. With a strategy
// that time is longer: each choice, and each search for an object's number, is linear in what there
// is to choose from, and may take memory; what holds the time up is described with the whole path.

namespace roost::inline v0::detail {

class bubble;

/// One thread, for as long as it is in a bubble; see sync::bubble_thread. From a pool, as parkers.
class bubble_seat final : public sync::bubble_thread, public list_node<bubble_seat> {
 public:
  ROOST_COLD_BODY time_point now() noexcept override;
  ROOST_COLD_BODY void sleep_while(const sync::atomic<std::uint32_t>& word,
                                   std::uint32_t value,
                                   time_point deadline) noexcept override;
  ROOST_COLD_BODY void wake() noexcept override;
  ROOST_COLD_BODY void at_call(const void* object) noexcept override;
  ROOST_COLD_BODY void go_outside(time_point deadline) noexcept override;
  ROOST_COLD_BODY void come_back() noexcept override;
  ROOST_COLD_BODY std::uint64_t choose_below(std::uint64_t n) noexcept override;
  ROOST_COLD_BODY std::uint64_t ask() noexcept override;
  void sleeps_for_asked(std::uint64_t number) noexcept override { asked_before_ = number; }
  ROOST_COLD_BODY bubble_thread& add_thread() override;
  ROOST_COLD_BODY void begin() noexcept override;
  ROOST_COLD_BODY void end() noexcept override;
  ROOST_COLD_BODY void await_end() noexcept override;
  ROOST_COLD_BODY void joined() noexcept override;
  ROOST_COLD_BODY bubble_thread& first() noexcept override;
  ROOST_COLD_BODY void add_tree() noexcept override;
  ROOST_COLD_BODY void drop_tree() noexcept override;
  ROOST_COLD_BODY void add_outside_waker() noexcept override;
  ROOST_COLD_BODY void drop_outside_waker() noexcept override;

 private:
  friend class bubble;
  template <class>
  friend class pool_of;

  enum class standing { awake, outside, asleep, gone }; // the first two are counted as awake

  // Guarded by the lock of all bubbles:
  bubble* in_ = nullptr; // null: it is over; the thread itself reads it without the lock
  standing standing_ = standing::gone;
  const void* word_ = nullptr;        // at which it sleeps
  time_point deadline_ = no_deadline; // of the sleep
  std::uint64_t asked_ = 0;           // of the sleep; see ask()
  std::size_t looks_ = 0;             // since it rests, or is outside; see bubble::look()
  std::uint64_t asked_before_ = 0;    // the thread's own; 0: it has not
  std::uint64_t thread_ = 0;          // the system's number
  task_step next_{};                  // what it does next, if it has the turn
  sync::atomic<std::uint32_t> ended_{0};
  sync::atomic<std::uint32_t> may_go_{0}; // the word on which the thread really sleeps
  word_sleep sleep_;
  bubble_seat* next_free_ = nullptr; // guarded by the pool's mutex
};

/// What holds the time of a bubble up, as far as the bubble knows.
struct time_hold {
  counted_ptr<stop_domain> root; // null: nothing does
  clock::time_point now;         // the bubble's
  std::size_t looks = 0;         // while it was there
  bool is_waited_for = false;    // a thread waits for the time, or for its turn
  bool is_in_turn = false;       // one at a time goes on
  std::uint64_t thread = 0;      // of the one that has the turn; 0: none has
  std::string seed;              // of the run, and its path so far, if there was memory
  std::string path;
};

/// See the top of this file; the bodies are in bubble_turns.hpp.
class bubble {
 public:
  static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

  /// The calling thread is its first. With a strategy, one at a time goes on, and a run of more
  /// than `most_steps` steps is stopped.
  ROOST_COLD_BODY explicit bubble(strategy* order = nullptr, std::size_t most_steps = no_limit);
  bubble(const bubble&) = delete;
  bubble& operator=(const bubble&) = delete;

  /// The first thread leaves. The bubble is destroyed as soon as nothing of it goes on; how many
  /// threads do so is returned.
  ROOST_COLD_BODY std::size_t leave() noexcept;

  /// The scope of which a deadlock, or what holds the time up, is told. By the first thread.
  ROOST_COLD_BODY void set_root(counted_ptr<stop_domain> root) noexcept;

  /// To be called again and again, by a thread outside: what has held the time up for more than
  /// `looks_in_patience` looks, if that is not told so far. It counts as told from now on, unless
  /// has_not_told() comes. Looks are counted, and no clock is read: so a process that was halted
  /// for a while is not taken for one that is held up.
  ROOST_COLD_BODY time_hold look() noexcept;
  ROOST_COLD_BODY void has_not_told() noexcept;
  static constexpr std::size_t looks_in_patience = 4;

  /// By the first thread, when the others have ended.
  bool was_too_long() const noexcept { return steps_ > most_steps_; }

  /// Likewise: the strategy chose the order only until memory ran out, and then the run was
  /// stopped.
  bool lacked_memory() const noexcept { return lacks_memory_; }

 private:
  friend bubble_seat;
  using lock = std::unique_lock<sync::mutex>;
  using standing = bubble_seat::standing;

  ~bubble() = default;

  /// One for all, and in the whole program, also where shared libraries hide their symbols.
  [[gnu::visibility("default")]] static sync::mutex& mutex_of_all() noexcept {
    static sync::mutex all; // not constinit: that of mingw cannot be
    return all;
  }

  clock::time_point now() const noexcept {
    // relaxed: see advance_to()
    return clock::time_point(clock::duration(now_.load(std::memory_order_relaxed)));
  }

  // The caller holds the lock.
  const bubble_seat& parent_of_next() const noexcept;
  bool make_room(const bubble_seat& parent) noexcept;
  void add(bubble_seat& s) noexcept;
  void destroy_if_over(lock& held) noexcept;
  void count_in(bubble_seat& s) noexcept;
  void count_out(bubble_seat& s, standing how) noexcept;
  void wake(bubble_seat& s) noexcept;
  void wake_all_at(const void* word) noexcept;
  bool settle() noexcept;
  void give_turn() noexcept;
  void let_go_on(bubble_seat& s) noexcept;
  bubble_seat* first_due() noexcept;
  void advance_to(clock::time_point when) noexcept;
  void act_on_deadlock(lock& held) noexcept;
  void count_step(lock& held) noexcept;
  std::size_t pick() noexcept;
  std::uint32_t number_of(const void* object) noexcept;
  bool may_go(const bubble_seat& s) const noexcept {
    return s.standing_ == standing::awake && (order_ == nullptr || turn_ == &s);
  }
  void rest(bubble_seat& s, lock& held) noexcept;
  bool has_waited_long(const bubble_seat& s) const noexcept;
  void describe_run(time_hold& hold) const noexcept;

  const bool began_in_order_; // with a strategy
  const std::size_t most_steps_;
  bubble_seat& first_;
  // Guarded by the lock:
  strategy* order_; // null: all that are awake go on; so do those that are left when it is over
  intrusive_list<bubble_seat> threads_; // in the order in which they were made
  std::size_t awake_ = 0;               // threads, and outside wakers
  std::size_t outside_wakers_ = 0;
  bool had_outside_wakers_ = false;
  std::size_t trees_ = 0;           // of scopes, and what outside wakers have left of them
  std::size_t wakes_ = 0;           // so far
  std::size_t wakes_at_act_ = none; // when a deadlock was found last
  bool is_over_ = false;            // the first thread has left
  std::uint64_t asked_ = 0;
  counted_ptr<stop_domain> root_;
  std::size_t looks_at_time_ = 0; // since the time, or a turn, went on last
  std::size_t looks_at_all_ = 0;  // since any thread fell asleep or was woken last
  bool has_told_ = false;         // what holds the time up, since it went on last
  sync::atomic<clock::rep> now_{sync::system_now().time_since_epoch().count()}; // written under it
  // With a strategy only:
  bubble_seat* turn_ = nullptr; // null: no thread can go on
  bool acts_ = false;           // a thread without the turn acts, and then gives it
  std::size_t steps_ = 0;
  std::size_t stopped_at_step_ = 0; // 0: it was not
  bool lacks_memory_ = false;
  std::uint32_t threads_made_ = 0;
  std::uint64_t random_ = 0;
  std::vector<task_step> ready_;
  std::vector<const void*> objects_; // by number, from 1 on

  static constexpr std::size_t none = static_cast<std::size_t>(-1);
};

/// Ends the program: nothing of the bubble goes on, although its root was stopped for that.
[[noreturn]] void die_in_deadlock(stop_domain* root) noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY bubble_seat::time_point bubble_seat::now() noexcept {
  return in_->now();
}

ROOST_COLD_BODY void bubble_seat::sleep_while(const sync::atomic<std::uint32_t>& word,
                                              std::uint32_t value,
                                              time_point deadline) noexcept {
  bubble::lock held(bubble::mutex_of_all());
  const std::uint64_t before = std::exchange(asked_before_, 0);
  // What was asked for before has its place among all that is due at the same time. relaxed: as in
  // word_sleep. A waker changes the word first, and then takes the lock.
  while (word.load(std::memory_order_relaxed) == value && (before != 0 || deadline > now())) {
    word_ = &word;
    deadline_ = deadline;
    asked_ = before != 0 ? before : ++in_->asked_;
    in_->count_out(*this, standing::asleep);
    if (in_->settle()) {
      in_->rest(*this, held);
      return;
    }
    in_->count_in(*this);
    in_->turn_ = this;
    in_->act_on_deadlock(held);
  }
}

ROOST_COLD_BODY void bubble_seat::wake() noexcept {
  const bubble::lock held(bubble::mutex_of_all());
  if (in_ == nullptr || standing_ != standing::asleep)
    return;
  in_->wake(*this);
  (void)in_->settle(); // from outside, perhaps, while no thread had the turn
}

ROOST_COLD_BODY void bubble_seat::at_call(const void* object) noexcept {
  if (!in_->began_in_order_ || keeps_turn)
    return;
  bubble::lock held(bubble::mutex_of_all());
  if (in_->order_ == nullptr)
    return;
  ROOST_ASSERT(in_->turn_ == this, "a thread of a bubble goes on without the turn");
  in_->count_step(held);
  if (in_->order_ == nullptr) // the run has ended meanwhile
    return;
  next_.object = in_->number_of(object);
  in_->give_turn();
  in_->rest(*this, held);
}

ROOST_COLD_BODY void bubble_seat::go_outside(time_point deadline) noexcept {
  const bubble::lock held(bubble::mutex_of_all());
  standing_ = standing::outside;
  deadline_ = deadline;
  looks_ = 0;
  if (in_->order_ != nullptr && in_->turn_ == this)
    in_->give_turn();
}

ROOST_COLD_BODY void bubble_seat::come_back() noexcept {
  bubble::lock held(bubble::mutex_of_all());
  standing_ = standing::awake;
  (void)in_->settle();
  in_->rest(*this, held);
}

ROOST_COLD_BODY std::uint64_t bubble_seat::choose_below(std::uint64_t n) noexcept {
  if (!in_->began_in_order_)
    return n;
  const bubble::lock held(bubble::mutex_of_all());
  return next_random(in_->random_) % n;
}

ROOST_COLD_BODY std::uint64_t bubble_seat::ask() noexcept {
  const bubble::lock held(bubble::mutex_of_all());
  return ++in_->asked_;
}

ROOST_COLD_BODY sync::bubble_thread& bubble_seat::add_thread() {
  bubble_seat& added = pool_of<bubble_seat>::instance().take();
  bubble::lock held(bubble::mutex_of_all());
  if (!in_->make_room(in_->parent_of_next())) {
    held.unlock();
    pool_of<bubble_seat>::instance().give_back(added);
    throw std::bad_alloc();
  }
  in_->add(added);
  (void)in_->settle(); // by a thread outside, perhaps, while no thread had the turn
  return added;
}

ROOST_COLD_BODY void bubble_seat::begin() noexcept {
  bubble::lock held(bubble::mutex_of_all());
  thread_ = sync::thread_number();
  in_->rest(*this, held);
}

// The threads that its end wakes find it gone.
ROOST_COLD_BODY void bubble_seat::end() noexcept {
  bubble::lock held(bubble::mutex_of_all());
  ended_.store(1, std::memory_order_relaxed); // relaxed: under the lock
  in_->wake_all_at(&ended_);
  for (;;) {
    in_->count_out(*this, standing::gone);
    if (in_->settle())
      break;
    in_->count_in(*this);
    in_->turn_ = this;
    in_->act_on_deadlock(held);
  }
  bubble& over = *std::exchange(in_, nullptr);
  over.threads_.erase(*this);
  over.destroy_if_over(held);
}

// A thread outside just joins it, and so does one of another bubble: end() wakes none there.
ROOST_COLD_BODY void bubble_seat::await_end() noexcept {
  sync::bubble_thread* const here = sync::bubble_here;
  {
    const bubble::lock held(bubble::mutex_of_all());
    if (here == nullptr || in_ == nullptr || &here->first() != &in_->first_)
      return;
  }
  // relaxed: only whether to sleep
  while (ended_.load(std::memory_order_relaxed) == 0)
    here->sleep_while(ended_, 0, no_deadline);
}

ROOST_COLD_BODY void bubble_seat::joined() noexcept {
  pool_of<bubble_seat>::instance().give_back(*this);
}

ROOST_COLD_BODY sync::bubble_thread& bubble_seat::first() noexcept {
  return in_->first_;
}

ROOST_COLD_BODY void bubble_seat::add_tree() noexcept {
  const bubble::lock held(bubble::mutex_of_all());
  ++in_->trees_;
}

ROOST_COLD_BODY void bubble_seat::drop_tree() noexcept {
  bubble::lock held(bubble::mutex_of_all());
  --in_->trees_;
  in_->destroy_if_over(held);
}

ROOST_COLD_BODY void bubble_seat::add_outside_waker() noexcept {
  const bubble::lock held(bubble::mutex_of_all());
  ++in_->awake_;
  ++in_->outside_wakers_;
  in_->had_outside_wakers_ = true;
}

// By a thread outside, perhaps: then that thread acts on a deadlock.
ROOST_COLD_BODY void bubble_seat::drop_outside_waker() noexcept {
  bubble::lock held(bubble::mutex_of_all());
  --in_->outside_wakers_;
  --in_->awake_;
  while (!in_->settle()) {
    ++in_->awake_;
    in_->acts_ = true;
    in_->act_on_deadlock(held);
    in_->acts_ = false;
    --in_->awake_;
  }
  in_->destroy_if_over(held);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
