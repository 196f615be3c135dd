// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "support/history.hpp"

#include <chrono>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

// Channels with a fault, on which a check of channels must fail.

namespace test {

enum class fault {
  none,
  last_in_first_out,
  lost_at_timeout,     // a receive that gives up takes the item that has come meanwhile
  empty_where_busy,    // try_receive does not wait for the lock
  sent_after_close,    // where there is room
  closed_with_items,   // the close is seen before the items that are left
  closed_twice,        // two calls have closed it
  received_twice,      // an item is looked at first and taken out later
  one_too_many,        // there is room for one more than there should be
  blind_to_stops,      // an operation that can happen does not look for a stop
  sent_though_stopped, // the item is in, but the stop is told
  hasty_timeout,       // a timeout that is over is told without a try
  asked_in_turn,       // `otherwise`, though at no moment both cases could not happen
  meets_itself,        // a select receives its own item; the last one
};

/// A lock around a queue. It is right, for capacities of 1 and more, but for one fault.
class locked_channel {
 public:
  locked_channel(std::size_t capacity, fault with, std::stop_token stop)
      : capacity_(capacity + (with == fault::one_too_many ? 1 : 0)),
        fault_(with),
        stop_(std::move(stop)) {}

  int cover() const { return 0; }

  void perform(operation& op, std::chrono::microseconds timeout) {
    if (op.what == form::close) {
      const std::lock_guard lock(mutex_);
      const bool before = std::exchange(closed_, true);
      op.end = before && fault_ != fault::closed_twice ? outcome::no : outcome::yes;
      return;
    }
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    bool first = true;
    while ((first && fault_ == fault::hasty_timeout) ||
           !ended(op, op.heeds_stops() && !(first && fault_ == fault::blind_to_stops))) {
      first = false;
      std::this_thread::yield();
      if (op.how_long == patience::short_time && std::chrono::steady_clock::now() >= deadline) {
        give_up(op);
        return;
      }
    }
  }

 private:
  void give_up(operation& op) {
    const std::lock_guard lock(mutex_);
    if (fault_ == fault::lost_at_timeout && op.receives && !items_.empty())
      items_.erase(items_.begin());
    op.end = outcome::timeout;
  }

  bool ended(operation& op, bool heeds_stop) {
    if (heeds_stop && stop_.stop_requested()) {
      op.end = outcome::stopped;
      return true;
    }
    if (fault_ == fault::sent_though_stopped)
      std::this_thread::yield(); // a stop may come now
    std::unique_lock lock(mutex_, std::defer_lock);
    if (fault_ == fault::empty_where_busy && op.what == form::receive &&
        op.how_long == patience::none) {
      if (!lock.try_lock()) {
        op.end = outcome::empty;
        return true;
      }
    } else {
      lock.lock();
    }
    if (fault_ == fault::empty_where_busy)
      std::this_thread::yield(); // it is busy for long enough
    if (happened(op, lock))
      return true;
    op.end = op.what == form::select ? outcome::otherwise
             : op.sends              ? outcome::full
                                     : outcome::empty;
    return op.how_long == patience::none;
  }

  bool happened(operation& op, std::unique_lock<std::mutex>& lock) {
    if (fault_ == fault::meets_itself && op.sends && op.receives) {
      op = op.ended(outcome::received, op.item);
      return true;
    }
    const bool room = items_.size() < capacity_;
    if (op.sends && closed_ && !(room && fault_ == fault::sent_after_close)) {
      op.end = outcome::send_closed;
      return true;
    }
    if (op.sends && room) {
      items_.push_back(op.item);
      const bool stopped = op.heeds_stops() && stop_.stop_requested();
      op.end = stopped && fault_ == fault::sent_though_stopped ? outcome::stopped : outcome::sent;
      return true;
    }
    if (fault_ == fault::asked_in_turn && op.sends && op.receives) {
      lock.unlock();
      std::this_thread::yield();
      lock.lock();
    }
    if (op.receives && !items_.empty() && !(closed_ && fault_ == fault::closed_with_items)) {
      const auto next = fault_ == fault::last_in_first_out ? items_.end() - 1 : items_.begin();
      op = op.ended(outcome::received, *next);
      if (fault_ != fault::received_twice) {
        items_.erase(next);
        return true;
      }
      lock.unlock();
      std::this_thread::yield();
      lock.lock();
      if (!items_.empty())
        items_.erase(items_.begin());
      return true;
    }
    op.end = outcome::receive_closed;
    return op.receives && closed_;
  }

  const std::size_t capacity_;
  const fault fault_;
  const std::stop_token stop_;
  std::mutex mutex_;
  std::vector<int> items_; // guarded by mutex_
  bool closed_ = false;    // guarded by mutex_
};

} // namespace test
