// SPDX-License-Identifier: BSL-1.0
// Prints what a select costs, beside the same done with one mutex and one condition variable for
// all queues, as one would write it by hand: medians of rounds that take turns.
#include <roost.hpp>

#include "bench/timing.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

using bench::median;
using bench::time_of;

namespace {

constexpr int rounds = 9;

// Several queues that one thread can wait for at once.
class queues {
 public:
  explicit queues(std::size_t count) : items_(count) {}

  void push(std::size_t queue, long item) {
    {
      const std::lock_guard lock(mutex_);
      items_[queue].push_back(item);
    }
    changed_.notify_one();
  }

  /// Pops from the first one that is not empty, looking from a place that moves on.
  std::pair<std::size_t, long> pop_any() {
    std::unique_lock lock(mutex_);
    for (;;) {
      for (std::size_t i = 0; i < items_.size(); ++i) {
        const std::size_t queue = (start_ + i) % items_.size();
        if (!items_[queue].empty()) {
          const long item = items_[queue].front();
          items_[queue].pop_front();
          start_ = queue + 1;
          return {queue, item};
        }
      }
      changed_.wait(lock);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::deque<long>> items_;
  std::size_t start_ = 0;
};

template <std::size_t N>
class channels {
 public:
  explicit channels(std::size_t) {
    for (std::size_t i = 0; i < N; ++i)
      ends_.push_back(roost::make_channel<long>(1));
  }

  void push(std::size_t channel, long item) { (void)ends_[channel].tx.send(item); }

  std::pair<std::size_t, long> pop_any() { return pop_any(std::make_index_sequence<N>()); }

 private:
  template <std::size_t... I>
  std::pair<std::size_t, long> pop_any(std::index_sequence<I...>) {
    long item = 0;
    const auto keep = [&](const roost::receive_result<long>& r) { item = *r; };
    const std::size_t index = roost::select(roost::on_receive(ends_[I].rx, keep)...);
    return {index, item};
  }

  std::vector<roost::channel_ends<long>> ends_;
};

// Takes one item and puts it back, so that all stay ready.
template <class Queues, std::size_t N>
double all_ready() {
  constexpr int count = 200'000;
  Queues q(N);
  for (std::size_t i = 0; i < N; ++i)
    q.push(i, 1);
  roost::task_scope scope; // with a stop to be checked, as in real use
  return time_of([&] {
           for (int i = 0; i < count; ++i) {
             const auto [queue, item] = q.pop_any();
             q.push(queue, item);
           }
         }) /
         count;
}

// Two threads that wake each other in turn; each waits for two queues.
template <class Queues>
double blocked_and_woken() {
  constexpr int count = 20'000;
  Queues there(2);
  Queues back(2);
  roost::task_scope scope;
  scope.spawn([&] {
    for (int i = 0; i < count; ++i) {
      const auto [queue, item] = there.pop_any();
      back.push(queue, item);
    }
  });
  return time_of([&] {
           for (int i = 0; i < count; ++i) {
             there.push(static_cast<std::size_t>(i % 2), i);
             (void)back.pop_any();
           }
         }) /
         count;
}

template <class Ours, class ByHand>
void compare(const char* what, Ours ours, ByHand by_hand) {
  std::vector<double> selects;
  std::vector<double> hand;
  for (int round = 0; round < rounds; ++round) {
    selects.push_back(ours());
    hand.push_back(by_hand());
  }
  std::printf("%s: %.0f ns; by hand: %.0f ns; ratio %.2f\n",
              what,
              median(selects),
              median(hand),
              median(selects) / median(hand));
}

template <std::size_t N>
void compare_ready(const char* what) {
  compare(what, &all_ready<channels<N>, N>, &all_ready<queues, N>);
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then there is nothing to measure
int main() {
  compare_ready<1>("send + select of 1 channel that is ready");
  compare_ready<2>("send + select of 2 channels that are ready");
  compare_ready<8>("send + select of 8 channels that are ready");
  compare_ready<64>("send + select of 64 channels that are ready");
  compare("round trip of two threads that block in a select of 2",
          &blocked_and_woken<channels<2>>,
          &blocked_and_woken<queues>);
}
