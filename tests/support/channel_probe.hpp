// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace roost::inline v0::detail {

/// How many threads wait at the ends of channels, broadcasts and watches, and what a channel has
/// inside.
struct channel_probe {
  /// Threads that wait at an end of a channel.
  template <class Item>
  static std::size_t waiting(const channel_end<Item, channel_side::sending>& tx) {
    const std::lock_guard guard(tx.core_->lock_);
    return tx.core_->senders_.size();
  }
  template <class Item>
  static std::size_t waiting(const channel_end<Item, channel_side::receiving>& rx) {
    const std::lock_guard guard(rx.core_->lock_);
    return rx.core_->receivers_.size();
  }

  /// Threads that wait at an end of a broadcast or a watch.
  template <class T>
  static std::size_t waiting(const broadcast_reader<T>& rx) {
    const std::lock_guard guard(rx.reader_->core_->lock_);
    return rx.reader_->receivers_.size();
  }
  template <class T>
  static std::size_t waiting(const broadcast_sender<T>& tx) {
    const std::lock_guard guard(tx.core_->lock_);
    return tx.core_->senders_.size();
  }

  /// What the ends of a channel share, for tests of its inside.
  template <class T>
  static channel_core<stored_item<T>>& core(const sender<T>& tx) {
    return *tx.core_;
  }

  /// How many ends and operations keep what the ends share.
  template <class T>
  static long keepers(const sender<T>& tx) {
    return static_cast<long>(tx.core_.use_count());
  }

  template <class T>
  static long keepers(const broadcast<T>& tx) {
    const broadcast_sender<T>& end = tx;
    return static_cast<long>(end.core_.use_count());
  }

  /// Holds what guards the channel as a whole.
  template <class T>
  static std::unique_lock<const primitive_lock> hold(const sender<T>& tx) {
    return std::unique_lock(core(tx).lock_);
  }

  /// True if all that changes at a channel without a ring lies in one cache line.
  template <class T>
  static bool is_compact(const sender<T>& tx) {
    const auto line = [](const auto& part) { return reinterpret_cast<std::uintptr_t>(&part) / 64; };
    const auto& c = core(tx);
    return line(c.senders_) == line(c.lock_without_ring_) &&
           line(c.receivers_) == line(c.lock_without_ring_) &&
           line(c.closed_) == line(c.lock_without_ring_) && c.lock_.id() == &c.lock_without_ring_;
  }

  /// Threads of both sides that have been called and are not awake yet. Not counted at capacity 0.
  template <class Item>
  static std::size_t on_their_way(const channel_exchange<Item>& channel) {
    const std::lock_guard guard(channel.lock_);
    return channel.capacity() == 0
               ? 0
               : channel.senders_.on_their_way_ + channel.receivers_.on_their_way_;
  }
  template <class T>
  static std::size_t on_their_way(const sender<T>& tx) {
    return on_their_way(core(tx));
  }
};

} // namespace roost::inline v0::detail
