// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"
#include "bench/items.hpp"
#include "bench/side_by_side.hpp"
#include "bench/stopwatch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace bench {

/// A peer with channels gives
///
///     using crew = ...;
///     template <class T> class channel;   // channel<T> c(capacity); throws not_offered
///
/// with sender() and receiver(), called by each thread for itself, which return something with
/// send(T&&) and with receive(), whose result is used like a std::optional<T> and is empty when the
/// channel has ended. close(receivers) ends it for so many, once the last sender is done.
template <class Peer>
concept has_channels = requires {
  typename Peer::template channel<std::int64_t>;
};

/// On a thread of its own: where a program has no other thread, glibc's mutexes are cheaper than
/// they ever are for who has a use for channels.
template <class Peer, class T>
void seq(std::size_t capacity, std::int64_t items) {
  typename Peer::template channel<T> channel(capacity);
  std::array<tally, 1> received;
  const spent all = side_by_side<typename Peer::crew>(1, [&](std::size_t) {
    auto&& tx = channel.sender();
    auto&& rx = channel.receiver();
    tally mine;
    for (std::int64_t i = 0; i < items; ++i) {
      tx.send(make_item<T>(i));
      const auto item = rx.receive();
      check(bool(item), "nothing was received");
      mine.add(number_of(*item));
    }
    received[0] = mine;
  });
  check_all_received(received, items);
  print(all, static_cast<double>(items));
}

template <class Peer, class T>
void channel(std::size_t senders, std::size_t receivers, std::size_t capacity, std::int64_t items) {
  typename Peer::template channel<T> channel(capacity);
  std::vector<tally> received(receivers);
  std::atomic<std::size_t> sending{senders};
  const auto send = [&](std::size_t i) {
    auto&& tx = channel.sender();
    const share mine(items, senders, i);
    for (std::int64_t number = mine.first; number < mine.last; ++number)
      tx.send(make_item<T>(number));
    if (--sending == 0)
      channel.close(receivers);
  };
  const auto receive = [&](std::size_t i) {
    auto&& rx = channel.receiver();
    tally mine;
    while (const auto item = rx.receive())
      mine.add(number_of(*item));
    received[i] = mine;
  };
  const spent all = side_by_side<typename Peer::crew>(
      senders + receivers, [&](std::size_t i) { i < senders ? send(i) : receive(i - senders); });
  check_all_received(received, items);
  print(all, static_cast<double>(items));
}

inline double percentile(std::vector<double>& values, double part) {
  const auto place = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

template <class Peer>
void ping_pong(std::size_t capacity, std::int64_t round_trips) {
  using clock = std::chrono::steady_clock;
  typename Peer::template channel<std::int64_t> there(capacity);
  typename Peer::template channel<std::int64_t> back(capacity);
  std::array<tally, 1> received;
  std::vector<double> times(static_cast<std::size_t>(round_trips));
  const auto ping = [&] {
    auto&& tx = there.sender();
    auto&& rx = back.receiver();
    tally mine;
    auto last = clock::now();
    for (double& time : times) {
      tx.send(make_item<std::int64_t>(mine.count));
      mine.add(number_of(*rx.receive()));
      const auto now = clock::now();
      time = std::chrono::duration<double, std::nano>(now - last).count();
      last = now;
    }
    received[0] = mine;
  };
  const auto pong = [&] {
    auto&& rx = there.receiver();
    auto&& tx = back.sender();
    for (std::int64_t i = 0; i < round_trips; ++i)
      tx.send(*rx.receive());
  };
  const spent all =
      side_by_side<typename Peer::crew>(2, [&](std::size_t i) { i == 0 ? ping() : pong(); });
  check_all_received(received, round_trips);
  print(all, static_cast<double>(round_trips));
  print("p50", percentile(times, 0.5));
  print("p99", percentile(times, 0.99));
}

/// False if it is none of these works, or the peer has no channels.
template <class Peer>
bool run_channel_work(std::string_view work, arguments& args) {
  if constexpr (has_channels<Peer>) {
    if (work == "seq") {
      const std::size_t capacity = args.capacity();
      with_item_type(args, [&]<class T>(std::type_identity<T>) {
        seq<Peer, T>(capacity == 0 ? throw not_offered() : capacity, args.number<std::int64_t>());
      });
      return true;
    }
    if (work == "channel") {
      const std::size_t senders = args.number();
      const std::size_t receivers = args.number();
      const std::size_t capacity = args.capacity();
      with_item_type(args, [&]<class T>(std::type_identity<T>) {
        channel<Peer, T>(senders, receivers, capacity, args.number<std::int64_t>());
      });
      return true;
    }
    if (work == "ping_pong") {
      const std::size_t capacity = args.capacity();
      ping_pong<Peer>(capacity, args.number<std::int64_t>());
      return true;
    }
  }
  return false;
}

} // namespace bench
