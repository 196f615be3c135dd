// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace bench {

/// A condition variable that knows whether someone waits, so that nobody else need be bothered. All
/// is called by who holds the mutex, but notify_one().
class counted_condition {
 public:
  template <class Ready>
  void wait(std::unique_lock<std::mutex>& lock, Ready ready) {
    ++waiting_;
    changed_.wait(lock, ready);
    --waiting_;
  }
  bool is_waited_for() const { return waiting_ != 0; }
  void notify_one() { changed_.notify_one(); }
  void notify_all() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
  std::size_t waiting_ = 0;
};

/// A channel by hand: a mutex, a deque and condition variables. With capacity 0 it holds one item
/// at a time, and the sender waits until that is received.
template <class T>
class std_channel {
 public:
  explicit std_channel(std::size_t capacity) : capacity_(capacity) {}

  std_channel& sender() { return *this; }
  std_channel& receiver() { return *this; }

  void send(T&& item) {
    std::unique_lock lock(mutex_);
    const std::size_t room = std::max<std::size_t>(capacity_, 1);
    if (items_.size() >= room)
      not_full_.wait(lock, [&] { return items_.size() < room; });
    items_.push_back(std::move(item));
    const std::uint64_t number = ++sent_;
    const bool wake = not_empty_.is_waited_for();
    if (capacity_ != 0)
      lock.unlock();
    if (wake)
      not_empty_.notify_one();
    if (capacity_ == 0)
      taken_.wait(lock, [&] { return received_ >= number; });
  }

  std::optional<T> receive() {
    std::unique_lock lock(mutex_);
    if (items_.empty() && !closed_)
      not_empty_.wait(lock, [&] { return !items_.empty() || closed_; });
    if (items_.empty())
      return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    ++received_;
    const bool wake = not_full_.is_waited_for();
    // Locked: the next sender must not begin to wait before this one was told.
    if (taken_.is_waited_for())
      taken_.notify_one();
    lock.unlock();
    if (wake)
      not_full_.notify_one();
    return item;
  }

  void close(std::size_t /*receivers*/) {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_; // guards all below
  counted_condition not_full_;
  counted_condition not_empty_;
  counted_condition taken_;
  std::deque<T> items_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  bool closed_ = false;
};

} // namespace bench
