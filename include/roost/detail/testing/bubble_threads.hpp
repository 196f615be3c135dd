// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/word_sleep.hpp>
#include <roost/detail/wait/own_of_thread.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

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
  void at_call(const void*) noexcept override {}
  std::uint64_t choose_below(std::uint64_t n) noexcept override { return n; }
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

  // Guarded by the lock of all bubbles:
  bubble* in_ = nullptr; // null: it is over; the thread itself reads it without the lock
  bool asleep_ = false;
  const void* word_ = nullptr;        // at which it sleeps
  time_point deadline_ = no_deadline; // of the sleep
  std::uint64_t asked_ = 0;           // likewise; see ask()
  time_point asleep_since_{};         // by the system's time
  std::uint64_t asked_before_ = 0;    // the thread's own; 0: it has not
  sync::atomic<std::uint32_t> ended_{0};
  sync::atomic<std::uint32_t> may_go_{0}; // on which the thread really sleeps
  word_sleep sleep_;
  bubble_seat* next_free_ = nullptr; // guarded by the pool's mutex
};

/// See the top of this file.
class bubble {
 public:
  /// The calling thread is its first.
  ROOST_COLD_BODY explicit bubble(clock::duration patience);
  bubble(const bubble&) = delete;
  bubble& operator=(const bubble&) = delete;

  /// The first thread leaves. The bubble is destroyed as soon as nothing of it goes on; how many
  /// threads do so is returned.
  ROOST_COLD_BODY std::size_t leave() noexcept;

  /// What is told of a deadlock, or of what holds the time up, is told of that scope. By the first
  /// thread.
  ROOST_COLD_BODY void set_root(std::shared_ptr<stop_domain> root) noexcept;

 private:
  friend bubble_seat;
  using lock = std::unique_lock<sync::mutex>;

  ~bubble() = default;

  /// One for all, and in the whole program, also where shared libraries hide their symbols.
  [[gnu::visibility("default")]] static sync::mutex& mutex_of_all() noexcept {
    static constinit sync::mutex all;
    return all;
  }

  clock::time_point now() const noexcept {
    // relaxed: see one_less()
    return clock::time_point(clock::duration(now_.load(std::memory_order_relaxed)));
  }

  // The caller holds the lock.
  void add(bubble_seat& s) noexcept;
  void wake(bubble_seat& s) noexcept;
  void wake_all_at(const void* word) noexcept;
  void one_less(lock& held) noexcept;
  void destroy_if_over(lock& held) noexcept;
  bubble_seat* first_due() noexcept;
  void act_on_deadlock(lock& held) noexcept;
  void rest(bubble_seat& s, lock& held) noexcept;
  bool is_held_up_for(const bubble_seat& s) const noexcept;
  void tell_held_up(lock& held) noexcept;

  const clock::duration patience_; // with what holds the time up
  bubble_seat& first_;
  // Guarded by the lock:
  intrusive_list<bubble_seat> threads_;
  std::size_t awake_ = 0; // threads, and outside wakers
  std::size_t outside_wakers_ = 0;
  std::size_t wakes_ = 0; // so far
  bool is_over_ = false;  // the first thread has left
  std::uint64_t asked_ = 0;
  std::shared_ptr<stop_domain> root_;
  clock::time_point advanced_at_ = sync::system_now(); // since when the time stands
  bool has_told_ = false;                              // since then
  sync::atomic<clock::rep> now_{advanced_at_.time_since_epoch().count()}; // written under the lock
};

/// Tells the report sink which tasks hold its time up; see held_up.hpp.
void tell_time_is_held_up(stop_domain& root) noexcept;

/// Nothing of it goes on, although its root was stopped for that.
[[noreturn]] void die_in_deadlock(stop_domain* root) noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY bubble::bubble(clock::duration patience)
    : patience_(patience),
      first_(pool_of<bubble_seat>::instance().take()) {
  const lock held(mutex_of_all());
  add(first_);
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
  one_less(held);
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

ROOST_COLD_BODY void bubble::add(bubble_seat& s) noexcept {
  s.in_ = this;
  s.asleep_ = false;
  s.asked_before_ = 0;
  s.ended_.store(0, std::memory_order_relaxed); // relaxed: its thread is yet to start
  threads_.push_back(s);
  ++awake_;
}

ROOST_COLD_BODY void bubble::wake(bubble_seat& s) noexcept {
  s.asleep_ = false;
  ++awake_;
  ++wakes_;
  // release: the thread sees what the waker did; pairs with acquire in rest()
  s.may_go_.store(1, std::memory_order_release);
  s.sleep_.wake(s.may_go_);
}

ROOST_COLD_BODY void bubble::wake_all_at(const void* word) noexcept {
  for (bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    if (s->asleep_ && s->word_ == word)
      wake(*s);
  }
}

// Of equal times, the one that was asked for first.
ROOST_COLD_BODY bubble_seat* bubble::first_due() noexcept {
  bubble_seat* first = nullptr;
  for (bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    const bool is_earlier = first == nullptr || s->deadline_ < first->deadline_ ||
                            (s->deadline_ == first->deadline_ && s->asked_ < first->asked_);
    if (s->asleep_ && s->deadline_ != no_deadline && is_earlier)
      first = s;
  }
  return first;
}

ROOST_COLD_BODY void bubble::one_less(lock& held) noexcept {
  --awake_;
  while (awake_ == 0 && !threads_.empty()) {
    bubble_seat* const due = first_due();
    if (due == nullptr && is_over_)
      return;
    if (due == nullptr) {
      act_on_deadlock(held);
      continue;
    }
    // relaxed, here and where it is read: a thread that reads it was woken since, or has written it
    if (due->deadline_ > now())
      now_.store(due->deadline_.time_since_epoch().count(), std::memory_order_relaxed);
    advanced_at_ = sync::system_now();
    has_told_ = false;
    wake(*due);
  }
}

// The calling thread counts as awake meanwhile: callbacks of the stop may wait.
ROOST_COLD_BODY void bubble::act_on_deadlock(lock& held) noexcept {
  const std::size_t wakes_before = wakes_;
  const std::shared_ptr<stop_domain> root = root_;
  ++awake_;
  held.unlock();
  if (root != nullptr)
    root->nothing_goes_on();
  held.lock();
  --awake_;
  if (awake_ == 0 && wakes_ == wakes_before && first_due() == nullptr)
    die_in_deadlock(root.get());
}

// Until the thread may go on.
ROOST_COLD_BODY void bubble::rest(bubble_seat& s, lock& held) noexcept {
  while (s.asleep_) {
    s.may_go_.store(0, std::memory_order_relaxed); // relaxed: under the lock
    const clock::time_point look_at =
        s.deadline_ != no_deadline ? sync::system_now() + patience_ : no_deadline;
    held.unlock();
    // acquire: as in wake()
    if (s.may_go_.load(std::memory_order_acquire) == 0)
      s.sleep_.wait_while(s.may_go_, 0, look_at);
    held.lock();
    if (is_held_up_for(s))
      tell_held_up(held);
  }
}

ROOST_COLD_BODY bool bubble::is_held_up_for(const bubble_seat& s) const noexcept {
  return s.asleep_ && s.deadline_ != no_deadline && !has_told_ &&
         sync::system_now() - later(s.asleep_since_, advanced_at_) >= patience_;
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
  if (word.load(std::memory_order_relaxed) != value || (before == 0 && deadline <= now()))
    return;
  asleep_ = true;
  word_ = &word;
  deadline_ = deadline;
  asked_ = before != 0 ? before : ++in_->asked_;
  asleep_since_ = sync::system_now();
  in_->one_less(held);
  in_->rest(*this, held);
}

ROOST_COLD_BODY void bubble_seat::wake() noexcept {
  const bubble::lock held(bubble::mutex_of_all());
  if (in_ != nullptr && asleep_)
    in_->wake(*this);
}

ROOST_COLD_BODY std::uint64_t bubble_seat::ask() noexcept {
  const bubble::lock held(bubble::mutex_of_all());
  return ++in_->asked_;
}

ROOST_COLD_BODY sync::bubble_thread& bubble_seat::add_thread() {
  bubble_seat& added = pool_of<bubble_seat>::instance().take();
  const bubble::lock held(bubble::mutex_of_all());
  in_->add(added);
  return added;
}

ROOST_COLD_BODY void bubble_seat::begin() noexcept {}

ROOST_COLD_BODY void bubble_seat::end() noexcept {
  bubble::lock held(bubble::mutex_of_all());
  bubble& over = *std::exchange(in_, nullptr);
  over.threads_.erase(*this);
  ended_.store(1, std::memory_order_relaxed); // relaxed: under the lock
  over.wake_all_at(&ended_);
  over.one_less(held);
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

ROOST_COLD_BODY void bubble_seat::drop_outside_waker() noexcept {
  bubble::lock held(bubble::mutex_of_all());
  --in_->outside_wakers_;
  in_->one_less(held);
  in_->destroy_if_over(held);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
