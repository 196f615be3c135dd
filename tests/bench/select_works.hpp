// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"
#include "bench/items.hpp"
#include "bench/side_by_side.hpp"
#include "bench/stopwatch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace bench {

/// A peer with a select gives
///
///     using crew = ...;
///     class channel_set;                  // channel_set c(count, capacity): of std::int64_t
///
/// with send(channel, item), and sender() and receiver(), called by each thread for itself, which
/// return something with send_any(item), to whichever channel takes it first, and with
/// receive_any(), an item of whichever has one. The set keeps all ends open until everything is
/// received, and receivers know how many come: a closed channel would win rounds without an item.
template <class Peer>
concept has_select = requires {
  typename Peer::channel_set;
};

template <class Peer>
void select_rx(std::size_t senders, std::size_t capacity, std::int64_t items) {
  typename Peer::channel_set channels(senders, capacity);
  std::array<tally, 1> received;
  const auto send = [&](std::size_t i) {
    const share mine(items, senders, i);
    for (std::int64_t number = mine.first; number < mine.last; ++number)
      channels.send(i, number);
  };
  const auto receive = [&] {
    auto&& rx = channels.receiver();
    tally mine;
    for (std::int64_t i = 0; i < items; ++i)
      mine.add(rx.receive_any());
    received[0] = mine;
  };
  const spent all = side_by_side<typename Peer::crew>(
      senders + 1, [&](std::size_t i) { i < senders ? send(i) : receive(); });
  check_all_received(received, items);
  print(all, static_cast<double>(items));
}

template <class Peer>
void select_both(std::size_t a_side, std::size_t capacity, std::int64_t items) {
  typename Peer::channel_set channels(4, capacity);
  std::vector<tally> received(a_side);
  const auto send = [&](const share& mine) {
    auto&& tx = channels.sender();
    for (std::int64_t number = mine.first; number < mine.last; ++number)
      tx.send_any(number);
  };
  const auto receive = [&](const share& mine, tally& into) {
    auto&& rx = channels.receiver();
    tally got;
    for (std::int64_t i = mine.first; i < mine.last; ++i)
      got.add(rx.receive_any());
    into = got;
  };
  const spent all = side_by_side<typename Peer::crew>(2 * a_side, [&](std::size_t i) {
    const share mine(items, a_side, i % a_side);
    i < a_side ? send(mine) : receive(mine, received[i % a_side]);
  });
  check_all_received(received, items);
  print(all, static_cast<double>(items));
}

/// False if it is none of these works, or the peer has no select.
template <class Peer>
bool run_select_work(std::string_view work, arguments& args) {
  if constexpr (has_select<Peer>) {
    if (work == "select_rx" || work == "select_both") {
      const std::size_t threads = args.number();
      const std::size_t capacity = args.capacity();
      const auto items = args.number<std::int64_t>();
      work == "select_rx" ? select_rx<Peer>(threads, capacity, items)
                          : select_both<Peer>(threads, capacity, items);
      return true;
    }
  }
  return false;
}

} // namespace bench
