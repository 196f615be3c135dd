// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/base/random.hpp>
#include <roost/detail/base/view.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/word_sleep.hpp>
#include <roost/detail/testing/strategy.hpp>
#include <roost/detail/wait/own_of_thread.hpp>
#include <roost/stop.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

// The threads of a bubble, and its time.
//
// A thread of a bubble is awake or asleep, and the bubble counts those that are awake. A sleeper is
// counted again by what wakes it, before that goes on. So where the count is 0 nothing of the
// bubble goes on by itself, and all wakes by its own threads have been delivered. Then the thread
// that was the last to fall asleep, or to end, sees to it: the time becomes that of the earliest
// deadline, and that one sleeper is woken; where there is none, it is a deadlock.
//
// What may wake a thread of a bubble from outside counts as one that is awake: a thread that is in
// a blocking_region or waits for a descriptor does not sleep here, and an outside_waker is counted.
//
// Where a strategy is given, one thread at a time goes on: it has the turn. It gives the turn away
// where it falls asleep or ends, and at each call of roost offers it to all that are awake; the
// strategy chooses. A thread that is woken waits for the turn. All these are places where no lock
// of roost is held: so a thread that has the turn finds each lock free, and never waits really.
//
// Threads sleep each on a word of their own. One lock guards all bubbles of the process: a late
// wake from a thread outside may come to a thread whose bubble is over, and which is in another one
// by now. It is the last in the order of locks, and is held for some dozen instructions.

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
  ROOST_COLD_BODY std::uint64_t choose_below(std::uint64_t n) noexcept override;
  ROOST_COLD_BODY std::uint64_t ask() noexcept override;
  void sleeps_for_asked(std::uint64_t number) noexcept override { asked_before_ = number; }
  ROOST_COLD_BODY bubble_thread& add_thread() override;
  ROOST_COLD_BODY void begin() noexcept override;
  ROOST_COLD_BODY void end() noexcept override;
  ROOST_COLD_BODY void await_end() noexcept override;
  ROOST_COLD_BODY void joined() noexcept override;
  ROOST_COLD_BODY bubble_thread& first() noexcept override;
  ROOST_COLD_BODY void add_outside_waker() noexcept override;
  ROOST_COLD_BODY void drop_outside_waker() noexcept override;

 private:
  friend class bubble;
  template <class>
  friend class pool_of;

  enum class standing { awake, asleep, gone };

  // Guarded by the lock of all bubbles:
  bubble* in_ = nullptr; // null: it is over; the thread itself reads it without the lock
  standing standing_ = standing::gone;
  const void* word_ = nullptr;        // at which it sleeps
  time_point deadline_ = no_deadline; // of the sleep
  std::uint64_t asked_ = 0;           // likewise; see ask()
  time_point resting_since_{};        // by the system's time
  std::uint64_t asked_before_ = 0;    // the thread's own; 0: it has not
  task_step next_{};                  // what it does next, if it has the turn
  sync::atomic<std::uint32_t> ended_{0};
  sync::atomic<std::uint32_t> may_go_{0}; // on which the thread really sleeps
  word_sleep sleep_;
  bubble_seat* next_free_ = nullptr; // guarded by the pool's mutex
};

/// See the top of this file.
class bubble {
 public:
  static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

  /// The calling thread is its first. With a strategy, one at a time goes on, and a run of more
  /// than `most_steps` steps is stopped.
  ROOST_COLD_BODY explicit bubble(clock::duration patience,
                                  strategy* order = nullptr,
                                  std::size_t most_steps = no_limit);
  bubble(const bubble&) = delete;
  bubble& operator=(const bubble&) = delete;

  /// The first thread leaves. The bubble is destroyed as soon as nothing of it goes on; how many
  /// threads do so is returned.
  ROOST_COLD_BODY std::size_t leave() noexcept;

  /// What is told of a deadlock, or of what holds the time up, is told of that scope. By the first
  /// thread.
  ROOST_COLD_BODY void set_root(std::shared_ptr<stop_domain> root) noexcept;

  /// By the first thread, when the others have ended.
  bool was_too_long() const noexcept { return steps_ > most_steps_; }

 private:
  friend bubble_seat;
  using lock = std::unique_lock<sync::mutex>;
  using standing = bubble_seat::standing;

  ~bubble() = default;

  /// One for all, and in the whole program, also where shared libraries hide their symbols.
  [[gnu::visibility("default")]] static sync::mutex& mutex_of_all() noexcept {
    static constinit sync::mutex all;
    return all;
  }

  clock::time_point now() const noexcept {
    // relaxed: see advance_to()
    return clock::time_point(clock::duration(now_.load(std::memory_order_relaxed)));
  }

  // The caller holds the lock.
  void add(bubble_seat& s, const bubble_seat& parent) noexcept;
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
  std::uint32_t number_of(const void* object);
  bool may_go(const bubble_seat& s) const noexcept {
    return s.standing_ == standing::awake && (order_ == nullptr || turn_ == &s);
  }
  void rest(bubble_seat& s, lock& held) noexcept;
  bool is_held_up_for(const bubble_seat& s) const noexcept;
  void tell_held_up(lock& held) noexcept;

  const clock::duration patience_; // with what holds the time up
  strategy* const order_;          // null: all that are awake go on
  const std::size_t most_steps_;
  bubble_seat& first_;
  // Guarded by the lock:
  intrusive_list<bubble_seat> threads_; // in the order in which they were made
  std::size_t awake_ = 0;               // threads, and outside wakers
  std::size_t outside_wakers_ = 0;
  std::size_t wakes_ = 0;           // so far
  std::size_t wakes_at_act_ = none; // when a deadlock was found last
  bool is_over_ = false;            // the first thread has left
  std::uint64_t asked_ = 0;
  std::shared_ptr<stop_domain> root_;
  clock::time_point went_on_at_ = sync::system_now(); // when the time, or a turn, went on last
  bool has_told_ = false;                             // since then
  sync::atomic<clock::rep> now_{went_on_at_.time_since_epoch().count()}; // written under the lock
  // With a strategy only:
  bubble_seat* turn_ = nullptr; // null: no thread can go on
  bool acts_ = false;           // a thread without the turn acts, and then gives it
  std::size_t steps_ = 0;
  std::uint32_t threads_made_ = 0;
  std::uint64_t random_ = 0;
  std::vector<task_step> ready_;
  std::vector<const void*> objects_; // by number, from 1 on

  static constexpr std::size_t none = static_cast<std::size_t>(-1);
};

/// Tells the report sink which tasks hold its time up; see held_up.hpp.
void tell_time_is_held_up(stop_domain& root) noexcept;

/// Nothing of it goes on, although its root was stopped for that.
[[noreturn]] void die_in_deadlock(stop_domain* root) noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY bubble::bubble(clock::duration patience, strategy* order, std::size_t most_steps)
    : patience_(patience),
      order_(order),
      most_steps_(most_steps),
      first_(pool_of<bubble_seat>::instance().take()),
      random_(order != nullptr ? order->seed().number : 0) {
  const lock held(mutex_of_all());
  add(first_, first_);
  turn_ = &first_;
  sync::bubble_here = &first_;
}

ROOST_COLD_BODY std::size_t bubble::leave() noexcept {
  sync::bubble_here = nullptr;
  std::size_t left = 0;
  lock held(mutex_of_all());
  is_over_ = true;
  root_.reset();
  threads_.erase(first_);
  for (const bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s))
    ++left;
  count_out(first_, standing::gone);
  (void)settle();
  destroy_if_over(held);
  return left;
}

// Afterwards it may be gone, and the lock is not held.
ROOST_COLD_BODY void bubble::destroy_if_over(lock& held) noexcept {
  const bool is_last = is_over_ && threads_.empty() && outside_wakers_ == 0;
  if (is_last)
    first_.in_ = nullptr;
  held.unlock();
  if (!is_last)
    return;
  pool_of<bubble_seat>::instance().give_back(first_);
  delete this;
}

ROOST_COLD_BODY void bubble::set_root(std::shared_ptr<stop_domain> root) noexcept {
  const lock held(mutex_of_all());
  root_.swap(root);
}

ROOST_COLD_BODY void bubble::add(bubble_seat& s, const bubble_seat& parent) noexcept {
  s.in_ = this;
  s.asked_before_ = 0;
  s.next_ = {threads_made_++, 0};
  s.ended_.store(0, std::memory_order_relaxed); // relaxed: its thread is yet to start
  threads_.push_back(s);
  count_in(s);
  if (order_ != nullptr)
    order_->made(s.next_.task, parent.next_.task);
}

ROOST_COLD_BODY void bubble::count_in(bubble_seat& s) noexcept {
  s.standing_ = standing::awake;
  ++awake_;
}

ROOST_COLD_BODY void bubble::count_out(bubble_seat& s, standing how) noexcept {
  s.standing_ = how;
  --awake_;
  if (turn_ == &s)
    turn_ = nullptr;
}

ROOST_COLD_BODY void bubble::let_go_on(bubble_seat& s) noexcept {
  // release: the thread sees what the waker did; pairs with acquire in rest()
  s.may_go_.store(1, std::memory_order_release);
  if (sync::bubble_here != &s)
    s.sleep_.wake(s.may_go_);
}

ROOST_COLD_BODY void bubble::wake(bubble_seat& s) noexcept {
  count_in(s);
  ++wakes_;
  if (order_ == nullptr)
    let_go_on(s);
}

ROOST_COLD_BODY void bubble::wake_all_at(const void* word) noexcept {
  for (bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    if (s->standing_ == standing::asleep && s->word_ == word)
      wake(*s);
  }
}

// Of equal times, the one that was asked for first.
ROOST_COLD_BODY bubble_seat* bubble::first_due() noexcept {
  bubble_seat* first = nullptr;
  for (bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    const bool is_earlier = first == nullptr || s->deadline_ < first->deadline_ ||
                            (s->deadline_ == first->deadline_ && s->asked_ < first->asked_);
    if (s->standing_ == standing::asleep && s->deadline_ != no_deadline && is_earlier)
      first = s;
  }
  return first;
}

ROOST_COLD_BODY void bubble::advance_to(clock::time_point when) noexcept {
  // relaxed, here and where it is read: a thread that reads it was woken since, or has written it
  if (when > now())
    now_.store(when.time_since_epoch().count(), std::memory_order_relaxed);
  went_on_at_ = sync::system_now();
  has_told_ = false;
}

// A thread or an outside waker has been counted out. False where nothing goes on: the caller has to
// act_on_deadlock(), counted in.
ROOST_COLD_BODY bool bubble::settle() noexcept {
  if (awake_ == 0 && !threads_.empty()) {
    bubble_seat* const due = first_due();
    if (due == nullptr)
      return is_over_;
    advance_to(due->deadline_);
    wake(*due);
  }
  if (order_ != nullptr && turn_ == nullptr && !acts_)
    give_turn();
  return true;
}

// To one of those that are awake; to none, where only outside wakers are.
ROOST_COLD_BODY void bubble::give_turn() noexcept {
  turn_ = nullptr;
  ready_.clear();
  for (const bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    if (s->standing_ == standing::awake)
      ready_.push_back(s->next_);
  }
  if (ready_.empty())
    return;
  const std::uint32_t chosen =
      ready_[order_->pick(view<const task_step>(ready_.data(), ready_.size()))].task;
  for (bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    if (s->next_.task == chosen)
      turn_ = s;
  }
  went_on_at_ = sync::system_now();
  has_told_ = false;
  let_go_on(*turn_);
}

// The caller counts as awake: callbacks of the stop may wait. It is found twice where the stop has
// woken nobody.
ROOST_COLD_BODY void bubble::act_on_deadlock(lock& held) noexcept {
  const std::shared_ptr<stop_domain> root = root_;
  const bool stays = std::exchange(wakes_at_act_, wakes_) == wakes_;
  held.unlock();
  if (stays)
    die_in_deadlock(root.get());
  if (root != nullptr)
    root->nothing_goes_on();
  held.lock();
}

// A run that is stopped may take as many steps once more.
ROOST_COLD_BODY void bubble::count_step(lock& held) noexcept {
  ++steps_;
  if (steps_ != most_steps_ + 1 && steps_ / 2 != most_steps_ + 1)
    return;
  const std::shared_ptr<stop_domain> root = root_;
  held.unlock();
  if (steps_ != most_steps_ + 1)
    die("a run goes on for ever, although it was stopped because of that: a task looks at no stop");
  if (root != nullptr)
    (void)root->stop(describe_stop(stop_reason::requested, "the run takes too many steps", {}, {}));
  held.lock();
}

ROOST_COLD_BODY std::uint32_t bubble::number_of(const void* object) {
  if (object == nullptr)
    return 0;
  const auto place = std::find(objects_.begin(), objects_.end(), object);
  const auto number = static_cast<std::uint32_t>(place - objects_.begin()) + 1;
  if (place == objects_.end())
    objects_.push_back(object);
  return number;
}

// Until the thread may go on.
ROOST_COLD_BODY void bubble::rest(bubble_seat& s, lock& held) noexcept {
  s.resting_since_ = sync::system_now();
  while (!may_go(s)) {
    s.may_go_.store(0, std::memory_order_relaxed); // relaxed: under the lock
    const bool looks = order_ != nullptr || s.deadline_ != no_deadline;
    const clock::time_point look_at = looks ? sync::system_now() + patience_ : no_deadline;
    held.unlock();
    // acquire: as in let_go_on()
    if (s.may_go_.load(std::memory_order_acquire) == 0)
      s.sleep_.wait_while(s.may_go_, 0, look_at);
    held.lock();
    if (is_held_up_for(s))
      tell_held_up(held);
  }
}

ROOST_COLD_BODY bool bubble::is_held_up_for(const bubble_seat& s) const noexcept {
  const bool waits_for_it = s.standing_ == standing::asleep ? s.deadline_ != no_deadline //
                                                            : !may_go(s);
  return waits_for_it && !has_told_ && turn_ != &s &&
         sync::system_now() - later(s.resting_since_, went_on_at_) >= patience_;
}

// The sink may do what it likes: it is called as by a thread outside.
ROOST_COLD_BODY void bubble::tell_held_up(lock& held) noexcept {
  has_told_ = true;
  const std::shared_ptr<stop_domain> root = root_;
  held.unlock();
  sync::bubble_thread* const here = std::exchange(sync::bubble_here, nullptr);
  if (root != nullptr)
    tell_time_is_held_up(*root);
  sync::bubble_here = here;
  held.lock();
}

// --- a thread -------------------------------------------------------------------------

ROOST_COLD_BODY bubble_seat::time_point bubble_seat::now() noexcept {
  return in_->now();
}

ROOST_COLD_BODY void bubble_seat::sleep_while(const sync::atomic<std::uint32_t>& word,
                                              std::uint32_t value,
                                              time_point deadline) noexcept {
  bubble::lock held(bubble::mutex_of_all());
  const std::uint64_t before = std::exchange(asked_before_, 0);
  // What was asked for before has its place among all that is due at the same time. relaxed: as in
  // word_sleep. A waker changes it first, and then takes the lock.
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
  if (in_->order_ == nullptr)
    return;
  bubble::lock held(bubble::mutex_of_all());
  if (in_->turn_ != this) // it ends
    return;
  in_->count_step(held);
  next_.object = in_->number_of(object);
  in_->give_turn();
  in_->rest(*this, held);
}

ROOST_COLD_BODY std::uint64_t bubble_seat::choose_below(std::uint64_t n) noexcept {
  if (in_->order_ == nullptr)
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
  const bubble::lock held(bubble::mutex_of_all());
  in_->add(added, *this);
  return added;
}

ROOST_COLD_BODY void bubble_seat::begin() noexcept {
  bubble::lock held(bubble::mutex_of_all());
  in_->rest(*this, held);
}

// What it wakes by its end finds it gone.
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

// A thread outside just joins it.
ROOST_COLD_BODY void bubble_seat::await_end() noexcept {
  sync::bubble_thread* const here = sync::bubble_here;
  // relaxed: only whether to sleep
  while (here != nullptr && ended_.load(std::memory_order_relaxed) == 0)
    here->sleep_while(ended_, 0, no_deadline);
}

ROOST_COLD_BODY void bubble_seat::joined() noexcept {
  pool_of<bubble_seat>::instance().give_back(*this);
}

ROOST_COLD_BODY sync::bubble_thread& bubble_seat::first() noexcept {
  return in_->first_;
}

ROOST_COLD_BODY void bubble_seat::add_outside_waker() noexcept {
  const bubble::lock held(bubble::mutex_of_all());
  ++in_->awake_;
  ++in_->outside_wakers_;
}

// By a thread outside, perhaps: then that acts.
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
