// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/peers/std_channel.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace bench {

/// A select by hand: one mutex for all queues. Receivers take from any, so they share a condition
/// variable, and so do senders to any; one that sends to a certain queue waits at that. Queues are
/// looked at from a place that moves on. With capacity 0 a queue holds one item at a time, and its
/// sender waits until that is received: it cannot go to another one meanwhile, which is less than a
/// select, but as all receivers take from all it makes no difference here.
class std_channel_set {
 public:
  std_channel_set(std::size_t count, std::size_t capacity)
      : capacity_(capacity),
        room_(std::max<std::size_t>(capacity, 1)),
        queues_(count) {}

  std_channel_set& sender() { return *this; }
  std_channel_set& receiver() { return *this; }

  void send(std::size_t index, std::int64_t item) {
    std::unique_lock lock(mutex_);
    queue& to = queues_[index];
    if (to.items.size() >= room_)
      to.not_full.wait(lock, [&] { return to.items.size() < room_; });
    push(lock, to, item);
  }

  void send_any(std::int64_t item) {
    std::unique_lock lock(mutex_);
    queue* to = find([this](const queue& q) { return q.items.size() < room_; });
    if (to == nullptr) {
      some_not_full_.wait(lock, [&] {
        to = find([this](const queue& q) { return q.items.size() < room_; });
        return to != nullptr;
      });
    }
    push(lock, *to, item);
  }

  std::int64_t receive_any() {
    std::unique_lock lock(mutex_);
    queue* from = find([](const queue& q) { return !q.items.empty(); });
    if (from == nullptr) {
      not_empty_.wait(lock, [&] {
        from = find([](const queue& q) { return !q.items.empty(); });
        return from != nullptr;
      });
    }
    const std::int64_t item = from->items.front();
    from->items.pop_front();
    ++from->received;
    const bool wake = from->not_full.is_waited_for();
    const bool wake_any = some_not_full_.is_waited_for();
    // Locked: the next sender must not begin to wait before this one was told.
    if (from->taken.is_waited_for())
      from->taken.notify_one();
    lock.unlock();
    if (wake)
      from->not_full.notify_one();
    if (wake_any)
      some_not_full_.notify_one();
    return item;
  }

 private:
  struct queue {
    std::deque<std::int64_t> items;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    counted_condition not_full;
    counted_condition taken;
  };

  template <class Wanted>
  queue* find(Wanted wanted) {
    for (std::size_t i = 0; i < queues_.size(); ++i) {
      if (++start_ >= queues_.size())
        start_ = 0;
      if (wanted(queues_[start_]))
        return &queues_[start_];
    }
    return nullptr;
  }

  void push(std::unique_lock<std::mutex>& lock, queue& to, std::int64_t item) {
    to.items.push_back(item);
    const std::uint64_t number = ++to.sent;
    const bool wake = not_empty_.is_waited_for();
    if (capacity_ != 0)
      lock.unlock();
    if (wake)
      not_empty_.notify_one();
    if (capacity_ == 0)
      to.taken.wait(lock, [&] { return to.received >= number; });
  }

  const std::size_t capacity_;
  const std::size_t room_; // of a queue
  std::mutex mutex_;       // guards all below
  counted_condition not_empty_;
  counted_condition some_not_full_;
  std::vector<queue> queues_;
  std::size_t start_ = 0;
};

} // namespace bench
