// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/clock.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/parker.hpp>
#include <roost/detail/ring.hpp>
#include <roost/detail/spin_lock.hpp>
#include <roost/detail/thread_slot.hpp>
#include <roost/detail/wait_record.hpp>

#include <atomic>
#include <cstddef>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace roost::inline v0::detail {

inline constexpr std::size_t unbounded_capacity = (std::numeric_limits<std::size_t>::max)();

enum class channel_side { sending, receiving };

/// What the ends of a channel share: one short lock, a ring of items and two waiting lines.
/// Item is what item_storage stores: its moves cannot throw and are no user code.
///
/// INVARIANT, under the lock: receivers wait only while the ring is empty and nobody sends;
/// senders wait only while the ring is full; nobody waits once the channel is closed. (Waiters
/// that a stop or a deadline has claimed may still be linked: they do not count.)
///
/// An item goes straight from a sender to a waiting receiver. A receive from a full ring lets the
/// first waiting sender's item in, so items keep the order of the sends.
///
/// Source: the shape of Go's channels (runtime/chan.go); claims and hand-over outside the lock as
/// in Rust's kanal.
template <class Item>
class channel_core {
 public:
  channel_core(std::size_t capacity, std::string_view name);

  /// Takes from `item` only on success. Never waits, ignores stops.
  channel_status try_send(Item& item) { return offer(item, nullptr); }
  channel_status try_receive(std::optional<Item>& out) { return take(out, nullptr); }

  /// Waits as long as it must. Never returns wait_state::waiting or claimed.
  wait_state send(Item& item, clock::time_point deadline, const site& where);
  wait_state receive(std::optional<Item>& out, clock::time_point deadline, const site& where);

  /// True for the call that closed it.
  bool close() noexcept;

  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept;
  bool closed() const noexcept;

  void add_end(channel_side side) noexcept {
    // relaxed: who adds an end holds one already, so the count cannot reach zero meanwhile
    ends(side).fetch_add(1, std::memory_order_relaxed);
  }
  void drop_end(channel_side side) noexcept;

 private:
  friend struct probe;

  // Both hold the lock for one attempt. Where the operation would have to wait they link `node`,
  // if there is one, and return full or empty.
  channel_status offer(Item& item, wait_node* node);
  channel_status take(std::optional<Item>& out, wait_node* node);

  // What an attempt came to; `waiting` if it would have to wait.
  static wait_state ended(channel_status status) noexcept {
    return status == channel_status::success  ? wait_state::done
           : status == channel_status::closed ? wait_state::closed
                                              : wait_state::waiting;
  }

  // The slow path, kept out of the callers' code.
  template <class Attempt>
  [[gnu::noinline]] wait_state wait(wait_list& line,
                                    void* slot,
                                    Attempt attempt,
                                    const blocked_call& call,
                                    clock::time_point deadline);

  void grow(std::size_t wanted);
  void close_and_discard() noexcept;
  bool close_locked(claimed_list& woken) noexcept; // caller holds lock_
  std::size_t larger_room() const noexcept;        // caller holds lock_

  static Item& item_of(const wait_node& sender) noexcept {
    return *static_cast<Item*>(sender.slot);
  }
  static std::optional<Item>& target_of(const wait_node& receiver) noexcept {
    return *static_cast<std::optional<Item>*>(receiver.slot);
  }

  std::atomic<std::size_t>& ends(channel_side side) noexcept {
    return side == channel_side::sending ? senders_alive_ : receivers_alive_;
  }

  mutable spin_lock lock_;
  bool closed_ = false; // guarded by lock_
  ring<Item> items_;    // guarded by lock_
  wait_list senders_;   // guarded by lock_
  wait_list receivers_; // guarded by lock_
  const std::size_t capacity_;
  const std::string name_;
  std::atomic<std::size_t> senders_alive_{1};   // ends of that kind; the last to go closes
  std::atomic<std::size_t> receivers_alive_{1}; // likewise
};

// --- implementation ---------------------------------------------------------

// A channel up to this capacity has all its room from the start and never allocates for itself.
inline constexpr std::size_t room_at_start = 1024;

template <class Item>
channel_core<Item>::channel_core(std::size_t capacity, std::string_view name)
    : items_(capacity <= room_at_start ? capacity : 0),
      capacity_(capacity),
      name_(name) {}

template <class Item>
channel_status channel_core<Item>::offer(Item& item, wait_node* node) {
  for (;;) {
    std::unique_lock guard(lock_);
    if (closed_)
      return channel_status::closed;
    if (const wait_node* const receiver = receivers_.claim_first()) {
      guard.unlock();
      target_of(*receiver).emplace(std::move(item));
      receiver->record->complete(wait_state::done);
      return channel_status::success;
    }
    if (items_.size() == capacity_) {
      if (node != nullptr)
        senders_.push_back(*node);
      return channel_status::full;
    }
    if (items_.size() < items_.room()) {
      items_.push_back(std::move(item));
      return channel_status::success;
    }
    const std::size_t wanted = larger_room();
    guard.unlock();
    grow(wanted);
  }
}

// Allocates, and frees the old room, outside the lock.
template <class Item>
void channel_core<Item>::grow(std::size_t wanted) {
  ring<Item> larger(wanted);
  const std::lock_guard guard(lock_);
  if (items_.room() < wanted)
    items_.grow_into(larger);
}

template <class Item>
channel_status channel_core<Item>::take(std::optional<Item>& out, wait_node* node) {
  std::unique_lock guard(lock_);
  if (!items_.empty()) {
    out.emplace(items_.pop_front());
    if (const wait_node* const sender = senders_.claim_first()) {
      items_.push_back(std::move(item_of(*sender)));
      guard.unlock();
      sender->record->complete(wait_state::done);
    }
    return channel_status::success;
  }
  if (const wait_node* const sender = senders_.claim_first()) {
    guard.unlock();
    out.emplace(std::move(item_of(*sender)));
    sender->record->complete(wait_state::done);
    return channel_status::success;
  }
  if (closed_)
    return channel_status::closed;
  if (node != nullptr)
    receivers_.push_back(*node);
  return channel_status::empty;
}

// Most operations need no record: they are tried without one first.
template <class Item>
wait_state channel_core<Item>::send(Item& item, clock::time_point deadline, const site& where) {
  if (const wait_state at_once = ended(offer(item, nullptr)); at_once != wait_state::waiting)
    return at_once;
  return wait(
      senders_,
      &item,
      [&](wait_node* node) { return offer(item, node); },
      {"sender::send", name_, where},
      deadline);
}

template <class Item>
wait_state channel_core<Item>::receive(std::optional<Item>& out,
                                       clock::time_point deadline,
                                       const site& where) {
  if (const wait_state at_once = ended(take(out, nullptr)); at_once != wait_state::waiting)
    return at_once;
  return wait(
      receivers_,
      &out,
      [&](wait_node* node) { return take(out, node); },
      {"receiver::receive", name_, where},
      deadline);
}

template <class Item>
template <class Attempt>
wait_state channel_core<Item>::wait(wait_list& line,
                                    void* slot,
                                    Attempt attempt,
                                    const blocked_call& call,
                                    clock::time_point deadline) {
  parker_lease parker;
  wait_record record(parker.get());
  wait_node node(record, slot);
  if (const wait_state at_once = ended(attempt(&node)); at_once != wait_state::waiting)
    return at_once;
  const wait_state end = block(record, call, deadline);
  if (end == wait_state::stopped || end == wait_state::timed_out) {
    const std::lock_guard guard(lock_);
    line.remove(node);
  }
  return end;
}

template <class Item>
bool channel_core<Item>::close_locked(claimed_list& woken) noexcept {
  if (std::exchange(closed_, true))
    return false;
  woken.push_all(senders_);
  woken.push_all(receivers_);
  return true;
}

template <class Item>
bool channel_core<Item>::close() noexcept {
  claimed_list woken;
  {
    const std::lock_guard guard(lock_);
    if (!close_locked(woken))
      return false;
  }
  woken.complete(wait_state::closed);
  return true;
}

template <class Item>
void channel_core<Item>::drop_end(channel_side side) noexcept {
  // release: what was done through this end; acquire: the last one sees what was done through all;
  // each pairs with the others'
  if (ends(side).fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  if (side == channel_side::sending) {
    close();
  } else {
    close_and_discard();
  }
}

template <class Item>
void channel_core<Item>::close_and_discard() noexcept {
  claimed_list woken;
  ring<Item> discarded; // destroyed after the lock is released
  {
    const std::lock_guard guard(lock_);
    close_locked(woken);
    discarded.swap(items_);
  }
  woken.complete(wait_state::closed);
}

template <class Item>
std::size_t channel_core<Item>::larger_room() const noexcept {
  const std::size_t room = items_.room();
  const std::size_t wanted = room + (room > room_at_start ? room : room_at_start);
  return wanted < capacity_ ? wanted : capacity_;
}

template <class Item>
std::size_t channel_core<Item>::size() const noexcept {
  const std::lock_guard guard(lock_);
  return items_.size();
}

template <class Item>
bool channel_core<Item>::closed() const noexcept {
  const std::lock_guard guard(lock_);
  return closed_;
}

} // namespace roost::inline v0::detail
