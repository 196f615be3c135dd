// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace bench {

// One task sends numbers to another, through a channel of 16; a failure of either ends both and is
// thrown where they are joined. With roost, and by hand.

inline constexpr const char* roost_user = R"(#include <roost.hpp>

#include <utility>

int sum() {
  auto [tx, rx] = roost::make_channel<int>(16);
  roost::task_scope scope;
  scope.spawn([tx = std::move(tx)] {
    for (int i = 0; i < 100; ++i)
      if (!tx.send(i))
        return;
  });
  auto total = scope.spawn([rx = std::move(rx)] {
    int all = 0;
    for (int i : rx)
      all += i;
    return all;
  });
  return total.get();
}
)";

inline constexpr const char* std_user = R"(#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>

namespace {

struct queue {
  std::mutex mutex;
  std::condition_variable_any not_empty;
  std::condition_variable_any not_full;
  std::deque<int> items;
  bool closed = false;

  bool send(std::stop_token stop, int item) {
    std::unique_lock lock(mutex);
    if (!not_full.wait(lock, stop, [&] { return items.size() < 16; }))
      return false;
    items.push_back(item);
    not_empty.notify_one();
    return true;
  }
  bool receive(std::stop_token stop, int& item) {
    std::unique_lock lock(mutex);
    if (!not_empty.wait(lock, stop, [&] { return closed || !items.empty(); }) || items.empty())
      return false;
    item = items.front();
    items.pop_front();
    not_full.notify_one();
    return true;
  }
  void close() {
    std::lock_guard lock(mutex);
    closed = true;
    not_empty.notify_all();
  }
};

} // namespace

int sum() {
  queue channel;
  std::stop_source stop;
  std::mutex mutex;
  std::exception_ptr failure;
  int all = 0;
  const auto guarded = [&](auto work) {
    return [&, work] {
      try {
        work();
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!failure)
          failure = std::current_exception();
        stop.request_stop();
      }
    };
  };
  {
    std::jthread sender(guarded([&] {
      for (int i = 0; i < 100; ++i)
        if (!channel.send(stop.get_token(), i))
          return;
      channel.close();
    }));
    std::jthread receiver(guarded([&] {
      for (int i = 0; channel.receive(stop.get_token(), i);)
        all += i;
    }));
  }
  if (failure)
    std::rethrow_exception(failure);
  return all;
}
)";

} // namespace bench
