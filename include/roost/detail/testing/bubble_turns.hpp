// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/base/view.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/thread_number.hpp>
#include <roost/detail/testing/bubble_threads.hpp>
#include <roost/detail/testing/run_seed.hpp>
#include <roost/detail/testing/strategy.hpp>
#include <roost/detail/wait/own_of_thread.hpp>
#include <roost/stop.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

// How the time of a bubble goes on, and the turn among its threads; see bubble_threads.hpp.

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

ROOST_COLD_BODY bubble::bubble(strategy* order, std::size_t most_steps)
    : began_in_order_(order != nullptr),
      most_steps_(most_steps),
      first_(pool_of<bubble_seat>::instance().take()),
      order_(order),
      random_(order != nullptr ? order->seed().number : 0) {
  first_.next_ = {};
  if (!make_room(first_)) {
    pool_of<bubble_seat>::instance().give_back(first_);
    throw std::bad_alloc();
  }
  const lock held(mutex_of_all());
  add(first_);
  first_.thread_ = sync::thread_number();
  turn_ = &first_;
  sync::bubble_here = &first_;
}

ROOST_COLD_BODY std::size_t bubble::leave() noexcept {
  sync::bubble_here = nullptr;
  counted_ptr<stop_domain> root;
  lock held(mutex_of_all());
  root.swap(root_);
  held.unlock(); // its end may drop a tree
  root.reset();
  held.lock();
  is_over_ = true;
  std::size_t left = had_outside_wakers_ ? 0 : trees_; // a waker that goes may still keep one
  threads_.erase(first_);
  order_ = nullptr; // it goes before the threads that are left: these go on without turns
  for (bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    ++left;
    if (s->standing_ == standing::awake)
      let_go_on(*s);
  }
  count_out(first_, standing::gone);
  (void)settle();
  destroy_if_over(held);
  return left;
}

// Afterwards it may be gone, and the lock is not held.
ROOST_COLD_BODY void bubble::destroy_if_over(lock& held) noexcept {
  const bool is_last = is_over_ && threads_.empty() && outside_wakers_ == 0 && trees_ == 0;
  if (is_last)
    first_.in_ = nullptr;
  held.unlock();
  if (!is_last)
    return;
  pool_of<bubble_seat>::instance().give_back(first_);
  delete this;
}

ROOST_COLD_BODY void bubble::set_root(counted_ptr<stop_domain> root) noexcept {
  const lock held(mutex_of_all());
  root_.swap(root);
}

// The thread that calls; the first, for one that is outside.
ROOST_COLD_BODY const bubble_seat& bubble::parent_of_next() const noexcept {
  for (const bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    if (s == sync::bubble_here)
      return *s;
  }
  return first_;
}

// For one more thread, which the parent starts. False if there is no memory for it.
ROOST_COLD_BODY bool bubble::make_room(const bubble_seat& parent) noexcept {
  if (order_ == nullptr)
    return true;
  try {
    make_room_in(ready_, threads_made_ + std::size_t{1});
    order_->made(threads_made_, parent.next_.task);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// There is room.
ROOST_COLD_BODY void bubble::add(bubble_seat& s) noexcept {
  s.in_ = this;
  s.asked_before_ = 0;
  s.next_ = {threads_made_++, 0};
  s.ended_.store(0, std::memory_order_relaxed); // relaxed: its thread is yet to start
  threads_.push_back(s);
  count_in(s);
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
  looks_at_all_ = 0;
  if (order_ == nullptr)
    let_go_on(s);
}

ROOST_COLD_BODY void bubble::wake_all_at(const void* word) noexcept {
  for (bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    if (s->standing_ == standing::asleep && s->word_ == word)
      wake(*s);
  }
}

// Of equal times, the sleep that was asked for first.
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
  looks_at_time_ = 0;
  has_told_ = false;
}

// Called when a thread or an outside waker may have been counted out, or no thread has the turn.
// False where nothing goes on: the caller has to act_on_deadlock(), counted in.
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

// Gives the turn to one of the threads that are awake; to none, where only outside wakers are.
ROOST_COLD_BODY void bubble::give_turn() noexcept {
  turn_ = nullptr;
  ready_.clear();
  for (const bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    if (s->standing_ == standing::awake)
      ready_.push_back(s->next_);
  }
  if (ready_.empty())
    return;
  const std::uint32_t chosen = ready_[pick()].task;
  for (bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    if (s->next_.task == chosen)
      turn_ = s;
  }
  looks_at_time_ = 0;
  has_told_ = false;
  let_go_on(*turn_);
}

// The caller counts as awake: callbacks of the stop may wait. A deadlock is found twice in a row
// where the stop has woken no thread.
ROOST_COLD_BODY void bubble::act_on_deadlock(lock& held) noexcept {
  counted_ptr<stop_domain> root = root_;
  const bool stays = std::exchange(wakes_at_act_, wakes_) == wakes_;
  held.unlock();
  if (stays)
    die_in_deadlock(root.get());
  if (root != nullptr)
    root->nothing_goes_on();
  root.reset(); // as in leave()
  held.lock();
}

// A run that is stopped may take as many steps once more, or enough_to_end if that is more.
ROOST_COLD_BODY void bubble::count_step(lock& held) noexcept {
  constexpr std::size_t enough_to_end = 100'000;
  ++steps_;
  if (steps_ <= most_steps_ && !lacks_memory_)
    return;
  const bool is_stopped = stopped_at_step_ != 0;
  if (is_stopped && steps_ - stopped_at_step_ <= std::max(most_steps_, enough_to_end))
    return;
  stopped_at_step_ = steps_;
  const char* const why =
      lacks_memory_ ? "there is no memory for the order" : "the run takes too many steps";
  counted_ptr<stop_domain> root = root_;
  held.unlock();
  if (is_stopped)
    die("a run goes on for ever, although it was stopped because of that: a task looks at no stop");
  if (root != nullptr)
    (void)root->stop(describe_stop(stop_reason::requested, why, {}, {}));
  root.reset(); // as in leave()
  held.lock();
}

// Where there is no memory for a strategy's choice, one after another goes on.
ROOST_COLD_BODY std::size_t bubble::pick() noexcept {
  try {
    if (!lacks_memory_)
      return order_->pick(view<const task_step>(ready_.data(), ready_.size()));
  } catch (const std::bad_alloc&) {
    lacks_memory_ = true;
  }
  return steps_ % ready_.size();
}

ROOST_COLD_BODY std::uint32_t bubble::number_of(const void* object) noexcept {
  if (object == nullptr || lacks_memory_)
    return 0;
  const auto place = std::find(objects_.begin(), objects_.end(), object);
  const auto number = static_cast<std::uint32_t>(place - objects_.begin()) + 1;
  if (place != objects_.end())
    return number;
  try {
    objects_.push_back(object);
    return number;
  } catch (const std::bad_alloc&) {
    lacks_memory_ = true;
    return 0;
  }
}

// Sleeps until the thread may go on.
ROOST_COLD_BODY void bubble::rest(bubble_seat& s, lock& held) noexcept {
  s.looks_ = 0;
  looks_at_all_ = 0;
  while (!may_go(s)) {
    s.may_go_.store(0, std::memory_order_relaxed); // relaxed: under the lock
    held.unlock();
    // acquire: as in let_go_on()
    if (s.may_go_.load(std::memory_order_acquire) == 0)
      s.sleep_.wait_while(s.may_go_, 0, no_deadline);
    held.lock();
  }
}

// True if it waits for the time, or for its turn. At the first of the looks the wait may just have
// begun.
ROOST_COLD_BODY bool bubble::has_waited_long(const bubble_seat& s) const noexcept {
  const bool waits = s.standing_ == standing::awake ? !may_go(s) : s.deadline_ != no_deadline;
  return waits && std::min(s.looks_, looks_at_time_) > looks_in_patience;
}

// Where nothing at all moves for so long, that is a hold, too: threads that wait for no time may
// still wait for ever.
ROOST_COLD_BODY time_hold bubble::look() noexcept {
  time_hold hold;
  const lock held(mutex_of_all());
  ++looks_at_time_;
  ++looks_at_all_;
  for (bubble_seat* s = threads_.front(); s != nullptr; s = threads_.next(*s)) {
    ++s->looks_;
    hold.is_waited_for = hold.is_waited_for || has_waited_long(*s);
  }
  if (has_told_ || (!hold.is_waited_for && looks_at_all_ <= looks_in_patience))
    return hold;
  hold.root = root_;
  hold.now = now();
  hold.looks = looks_at_time_;
  hold.is_in_turn = order_ != nullptr;
  if (order_ != nullptr)
    describe_run(hold);
  has_told_ = root_ != nullptr;
  return hold;
}

ROOST_COLD_BODY void bubble::has_not_told() noexcept {
  const lock held(mutex_of_all());
  has_told_ = false;
}

// It may allocate under the lock: all other threads are held up already.
ROOST_COLD_BODY void bubble::describe_run(time_hold& hold) const noexcept {
  if (turn_ != nullptr)
    hold.thread = turn_->thread_;
  try {
    hold.seed = to_text(order_->seed());
    hold.path = to_short_text(order_->record().path());
  } catch (const std::bad_alloc&) { // the rest is told without them
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
