// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/channel/block_queue.hpp>
#include <roost/detail/channel/channel_waiters.hpp>
#include <roost/detail/channel/look_distance.hpp>
#include <roost/detail/operation/primitive_lock.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/overflow.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// Where items change hands: a queue of items with a short lock for each side, and a list of
/// waiters for each. Nothing here waits: waiters are linked into the lists from outside, and are
/// called from here. "The queue" is that of the items. Item is what item_storage stores: its moves
/// cannot throw and are no user code.
///
/// Both locks together are the lock of the exchange (at capacity 0, where there are no sides, it is
/// a single lock): their holder may do everything. What both guard can be read under either. So one
/// lock is enough for an operation that concerns no other thread: a send into room while no
/// receiver is to be called, a receive from the queue while no sender is. Meanwhile no thread can
/// begin to wait, and none can close the channel. But only a holder of both locks says that there
/// is no room, or no item. Then a thread that changes this afterwards sees what the other did
/// before. Users rely on that: one thread sets a flag, finds no item and goes to sleep; the thread
/// that sends the next item sees the flag.
///
/// INVARIANT, under both locks: receivers wait only while the queue is empty or one of them is on
/// its way, and no sender waits; senders wait only while the queue is full or one of them is on its
/// way, and no receiver waits; no thread waits once the channel is closed. (Waiters that a stop, a
/// deadline or another channel has claimed may still be linked: they do not count. One select may
/// wait as both at a channel of capacity 0: it does not meet itself.)
///
/// Why no thread waits for ever. A receiver begins to wait when there is neither an item nor a
/// sender. A sender that puts an item into the queue afterwards calls a receiver, unless as many
/// receivers as can run are on their way. Those have been claimed, so neither a stop nor a deadline
/// keeps them from coming; and each that arrives takes the next item for the next receiver, if it
/// finds both and few enough are on their way. The last to arrive finds no other on its way. The
/// same holds for senders and room. So a thread that is awake may overtake waiters, but each waiter
/// is called in turn. A waiter that is on its way needs a processor to arrive, as the holder of a
/// lock needs one to release it.
///
/// A called receiver gets the oldest item, and a called sender's item goes into the queue at once,
/// so items keep the order of the sends. Where the queue is empty, or there is none, an item goes
/// straight from sender to receiver.
///
/// Source: the shape of Go's channels (runtime/chan.go); claims and hand-over outside the lock as
/// in Rust's kanal.
template <class Item>
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): each side has cache lines of its own
class channel_exchange : public counted_object {
 public:
  channel_exchange(const channel_exchange&) = delete;
  channel_exchange& operator=(const channel_exchange&) = delete;

  /// Takes from `item` only on success. Never waits, ignores stops.
  channel_status try_send(Item& item);
  channel_status try_receive(std::optional<Item>& out);

  /// The usual case, for which one lock is enough, and which is short enough to be part of the
  /// caller's code. False: nothing has happened, and only a holder of both locks can say more.
  [[gnu::always_inline]] bool send_at_once(Item& item) noexcept;
  [[gnu::always_inline]] bool receive_at_once(std::optional<Item>& out) noexcept;

  /// How many items could be received at once, if no other thread came.
  std::size_t available() const noexcept;

  /// True for the call that closed it. `cause` is what receivers find when all items are gone, or
  /// null.
  bool close(std::exception_ptr cause = nullptr) noexcept;

  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept;
  std::size_t dropped() const noexcept;
  bool closed() const noexcept;
  std::exception_ptr cause() const noexcept;

 protected:
  channel_exchange(std::size_t capacity, overflow policy, std::size_t called_at_once);
  ~channel_exchange() override = default;

  /// What a send leaves to be done once the lock is released; a receive leaves only a peer.
  struct leftover {
    wait_node* peer = nullptr;   // claimed, to be completed
    std::optional<Item> evicted; // to be destroyed
  };

  /// As with one argument, but an evicted item is left to the caller.
  channel_status try_send(Item& item, leftover& rest);

  /// The rest of a try, where the short case has failed, or may not decide. Takes both locks, so
  /// what it finds is true for one moment.
  channel_status send_under_lock(Item& item);
  [[gnu::noinline]] channel_status send_under_lock(Item& item, leftover& rest);
  [[gnu::noinline]] channel_status receive_under_lock(std::optional<Item>& out);

  /// Sends items[next], items[next + 1] and so on, as far as there is room, or a receiver for them,
  /// and counts `next` up with each. Sends none if the channel is closed, or if its policy drops
  /// items.
  void try_send_some(std::vector<Item>& items, std::size_t& next);

  /// Appends the items that are there, up to `max`, to `out`, which has room for them. Returns how
  /// many.
  std::size_t try_receive_some(std::vector<Item>& out, std::size_t max) noexcept;

  /// The two halves of an operation that may wait: the caller holds lock() for the first, and calls
  /// finish_send() or finish_receive() once it has released it. A send is also `full` where the
  /// queue lacks a block: see send_under_lock().
  channel_status send_locked(Item& item, leftover& rest) noexcept;
  channel_status receive_locked(std::optional<Item>& out, wait_node*& peer) noexcept;
  void finish_send(Item& item, const leftover& rest) noexcept;
  void finish_receive(std::optional<Item>& out, const wait_node* peer) noexcept;

  /// Called by waiters that are awake and linked no more: `end` is what they were woken with.
  void sender_resumed(wait_state end) noexcept { resumed(senders_, end); }
  void receiver_resumed(wait_state end) noexcept { resumed(receivers_, end); }

  /// Where senders and receivers wait; item_of() and target_of() tell what a node's slot is.
  const primitive_lock& lock() const noexcept { return lock_; }
  wait_list& senders() noexcept { return senders_; }
  wait_list& receivers() noexcept { return receivers_; }
  const wait_list& senders() const noexcept { return senders_; }
  const wait_list& receivers() const noexcept { return receivers_; }

  static Item& item_of(const wait_node& sender) noexcept {
    return *static_cast<Item*>(sender.slot);
  }
  static std::optional<Item>& target_of(const wait_node& receiver) noexcept {
    return *static_cast<std::optional<Item>*>(receiver.slot);
  }

  /// Hints, which need no lock.
  bool may_have_room() const noexcept { return items_.may_have_room(capacity_); }
  bool may_have_much_room() const noexcept {
    return items_.may_have_room(capacity_, capacity_ / 2 + 1);
  }
  bool may_have_item() const noexcept { return items_.may_have_item(); }
  bool may_be_closed() const noexcept { return is_closed(); }
  /// The same for a whole operation. Without a queue only the lock tells whether a peer waits. A
  /// send into a chain is always tried, because only the try adds the blocks that the chain lacks.
  bool may_send() const noexcept {
    return capacity_ == 0 || items_.is_chain(capacity_) || may_have_room() || may_be_closed();
  }
  /// A receive from a chain that was long is always tried, too, because only the try gives its
  /// memory back.
  bool may_receive() const noexcept {
    return capacity_ == 0 || may_have_item() || may_be_closed() || items_.may_leave_block();
  }
  std::size_t sent_since_last_asked() noexcept { return items_.put_since_last_asked(); }
  std::size_t received_since_last_asked() noexcept { return items_.taken_since_last_asked(); }

  look_distance& looks_for_room() noexcept { return items_.looks_for_room(); }
  look_distance& looks_for_items() noexcept { return items_.looks_for_items(); }

  /// Called when no receiver is left.
  void close_and_discard() noexcept;

  overflow policy() const noexcept { return policy_; }

  /// "2/2", or "capacity 0", for reports. Caller holds lock().
  [[gnu::cold]] void describe_items(object_note& note) const noexcept;

 private:
  friend struct channel_probe;

  void resumed(channel_waiters& waiters, wait_state end) noexcept;
  std::size_t take_some(std::vector<Item>& out, std::size_t max) noexcept;
  void add_block();

  // Under either lock, or for a hint.
  bool is_closed() const noexcept {
    // relaxed: the locks order it, and a hint need not be ordered
    return closed_.load(std::memory_order_relaxed);
  }
  // Under both locks. At capacity 0 the queue's cache lines are not even looked at.
  bool has_item() const noexcept { return capacity_ != 0 && items_.has_item(); }
  bool has_room() const noexcept { return capacity_ != 0 && items_.has_room(); }

  // The caller holds lock_, and completes the called peer once it has released lock_.
  channel_status send_to_full(Item& item, leftover& rest) noexcept;
  wait_node* receiver_to_call() noexcept;
  wait_node* let_in() noexcept;
  wait_node* serve_next() noexcept;
  void give(const wait_node& receiver, Item& item) noexcept;
  bool close_locked(claimed_list& woken, std::exception_ptr&& cause = {}) noexcept;

  block_queue<Item> items_;
  // Guarded by lock_: written under both of its parts, read under either. The lists of waiters,
  // which change often, have a cache line of their own. At capacity 0 nothing else changes: so the
  // lock for that case lies beside them, and each operation moves one cache line instead of three.
  alignas(64) channel_waiters senders_;
  channel_waiters receivers_;
  mutable spin_lock lock_without_ring_;
  sync::atomic<bool> closed_{false};
  std::size_t dropped_ = 0;
  const std::size_t capacity_;
  const primitive_lock lock_ = capacity_ != 0 ? items_.both() : primitive_lock(lock_without_ring_);
  std::exception_ptr cause_;           // written once, when closed_ is set
  const std::uint32_t called_at_once_; // how many waiters of each side may be on their way
  const overflow policy_;
};

// --- implementation ---------------------------------------------------------

template <class Item>
channel_exchange<Item>::channel_exchange(std::size_t capacity,
                                         overflow policy,
                                         std::size_t called_at_once)
    : items_(capacity),
      capacity_(capacity),
      called_at_once_(static_cast<std::uint32_t>(called_at_once)),
      policy_(policy) {}

template <class Item>
channel_status channel_exchange<Item>::send_locked(Item& item, leftover& rest) noexcept {
  rest.peer = nullptr;
  if (is_closed())
    return channel_status::closed;
  if (items_.lacks_block())
    return channel_status::full;
  if ((rest.peer = receiver_to_call()) != nullptr) {
    if (has_item())
      give(*rest.peer, item);
    return channel_status::success;
  }
  if (!has_room())
    return send_to_full(item, rest);
  items_.put(std::move(item));
  return channel_status::success;
}

template <class Item>
channel_status channel_exchange<Item>::send_to_full(Item& item, leftover& rest) noexcept {
  if (policy_ == overflow::block)
    return channel_status::full;
  ++dropped_;
  if (policy_ == overflow::drop_newest)
    return channel_status::full;
  if (has_item())
    rest.evicted.emplace(items_.take());
  items_.put(std::move(item));
  return channel_status::success;
}

template <class Item>
void channel_exchange<Item>::finish_send(Item& item, const leftover& rest) noexcept {
  if (rest.peer == nullptr)
    return;
  if (std::optional<Item>& target = target_of(*rest.peer); !target)
    target.emplace(std::move(item));
  rest.peer->record->complete(wait_state::done);
}

template <class Item>
channel_status channel_exchange<Item>::receive_locked(std::optional<Item>& out,
                                                      wait_node*& peer) noexcept {
  if (has_item()) {
    out.emplace(items_.take());
    peer = let_in();
    return channel_status::success;
  }
  if ((peer = senders_.call_first()) != nullptr)
    return channel_status::success;
  return is_closed() ? channel_status::closed : channel_status::empty;
}

// If the peer waited for room, its item is in the queue by now, and `out` has an older one. Else
// the queue had no item, and the peer's goes straight into `out`.
template <class Item>
void channel_exchange<Item>::finish_receive(std::optional<Item>& out,
                                            const wait_node* peer) noexcept {
  if (peer == nullptr)
    return;
  if (!out)
    out.emplace(std::move(item_of(*peer)));
  peer->record->complete(wait_state::done);
}

// Without room for the next item the oldest one must go, even if receivers are on their way.
template <class Item>
wait_node* channel_exchange<Item>::receiver_to_call() noexcept {
  return receivers_.is_to_be_called(called_at_once_) || !has_room() ? receivers_.call_first()
                                                                    : nullptr;
}

// Precondition: there is room.
template <class Item>
wait_node* channel_exchange<Item>::let_in() noexcept {
  wait_node* const sender =
      senders_.is_to_be_called(called_at_once_) ? senders_.call_first() : nullptr;
  if (sender != nullptr)
    items_.put(std::move(item_of(*sender)));
  return sender;
}

// Precondition: there is an item.
template <class Item>
wait_node* channel_exchange<Item>::serve_next() noexcept {
  wait_node* const receiver =
      receivers_.is_to_be_called(called_at_once_) ? receivers_.call_first() : nullptr;
  if (receiver != nullptr)
    target_of(*receiver).emplace(items_.take());
  return receiver;
}

// The oldest item goes first, and leaves its place to the new one.
template <class Item>
void channel_exchange<Item>::give(const wait_node& receiver, Item& item) noexcept {
  std::optional<Item>& target = target_of(receiver);
  if (has_item()) {
    target.emplace(items_.take());
    items_.put(std::move(item));
  } else {
    target.emplace(std::move(item));
  }
}

// Only waiters that a peer has called are counted as on their way; without a queue nothing depends
// on that count.
template <class Item>
void channel_exchange<Item>::resumed(channel_waiters& waiters, wait_state end) noexcept {
  if (capacity_ == 0 || end != wait_state::done)
    return;
  const wait_node* next = nullptr;
  free_blocks<Item> surplus; // freed after the locks are released
  {
    const std::lock_guard guard(lock_);
    waiters.resumed();
    if (&waiters == &senders_) {
      next = has_room() ? let_in() : nullptr;
    } else {
      next = has_item() ? serve_next() : nullptr;
    }
    surplus = items_.surplus();
  }
  if (next != nullptr)
    next->record->complete(wait_state::done);
}

template <class Item>
inline bool channel_exchange<Item>::send_at_once(Item& item) noexcept {
  if (capacity_ == 0)
    return false;
  const spin_guard guard(items_.sending());
  if (is_closed() || receivers_.is_to_be_called(called_at_once_) || !items_.has_room_at_hand())
    return false;
  items_.put_at_hand(std::move(item));
  return true;
}

template <class Item>
inline bool channel_exchange<Item>::receive_at_once(std::optional<Item>& out) noexcept {
  if (capacity_ == 0)
    return false;
  const spin_guard guard(items_.receiving());
  if (senders_.is_to_be_called(called_at_once_) || !items_.has_item_at_hand())
    return false;
  out.emplace(items_.take_at_hand());
  return true;
}

template <class Item>
channel_status channel_exchange<Item>::try_send(Item& item, leftover& rest) {
  return send_at_once(item) ? channel_status::success : send_under_lock(item, rest);
}

template <class Item>
channel_status channel_exchange<Item>::try_send(Item& item) {
  leftover rest;
  return try_send(item, rest);
}

template <class Item>
channel_status channel_exchange<Item>::try_receive(std::optional<Item>& out) {
  return receive_at_once(out) ? channel_status::success : receive_under_lock(out);
}

// A chain that was once full keeps all its blocks while the channel is open. So only the first try
// of a send, which comes here, ever has to add one: it goes on to a wait, under other locks, only
// if the chain was full.
template <class Item>
channel_status channel_exchange<Item>::send_under_lock(Item& item, leftover& rest) {
  for (;; add_block()) {
    std::unique_lock guard(lock_);
    const channel_status status = send_locked(item, rest);
    if (status == channel_status::full && items_.lacks_block())
      continue;
    guard.unlock();
    finish_send(item, rest);
    return status;
  }
}

template <class Item>
channel_status channel_exchange<Item>::send_under_lock(Item& item) {
  leftover rest;
  return send_under_lock(item, rest);
}

template <class Item>
channel_status channel_exchange<Item>::receive_under_lock(std::optional<Item>& out) {
  wait_node* peer = nullptr;
  channel_status status = channel_status::empty;
  free_blocks<Item> surplus; // freed after the locks are released
  {
    const std::lock_guard guard(lock_);
    status = receive_locked(out, peer);
    surplus = items_.surplus();
  }
  finish_receive(out, peer);
  return status;
}

// Allocates outside the lock. Another sender may have been faster.
template <class Item>
void channel_exchange<Item>::add_block() {
  free_blocks<Item> added;
  added.push(items_.make_block());
  const std::lock_guard guard(lock_);
  if (items_.lacks_block())
    items_.add(added.pop());
}

// The most items that go through under the locks at a time, so that other threads need not wait for
// long.
inline constexpr std::size_t items_per_lock = 256;

template <class Item>
void channel_exchange<Item>::try_send_some(std::vector<Item>& items, std::size_t& next) {
  for (bool more = true; more && next < items.size();) {
    const std::size_t left = items.size() - next;
    const std::size_t end = next + (left < items_per_lock ? left : items_per_lock);
    claimed_list receivers;
    bool lacks_block = false;
    {
      const std::lock_guard guard(lock_);
      if (is_closed() || policy_ != overflow::block)
        return;
      for (; next < end && !(lacks_block = items_.lacks_block()); ++next) {
        const wait_node* const receiver = receiver_to_call();
        if (receiver != nullptr) {
          give(*receiver, items[next]);
          receivers.push(*receiver->record);
        } else if (has_room()) {
          items_.put(std::move(items[next]));
        } else {
          break;
        }
      }
      more = next == end || lacks_block;
    }
    receivers.complete(wait_state::done);
    if (lacks_block)
      add_block();
  }
}

// Under the locks each item taken from a full queue lets a waiting sender's item in. Without a
// queue the senders' items come straight, after the locks are released.
template <class Item>
std::size_t channel_exchange<Item>::take_some(std::vector<Item>& out, std::size_t max) noexcept {
  claimed_list inside;
  claimed_list straight;
  std::size_t count = 0;
  free_blocks<Item> surplus; // freed after the locks are released
  {
    const std::lock_guard guard(lock_);
    const wait_node* sender = nullptr;
    for (; count < max && has_item(); ++count) {
      out.push_back(items_.take());
      if ((sender = let_in()) != nullptr)
        inside.push(*sender->record);
    }
    for (; count < max && (sender = senders_.call_first()) != nullptr; ++count)
      straight.push(*sender->record);
    surplus = items_.surplus();
  }
  inside.complete(wait_state::done);
  straight.complete(wait_state::done, [&](const wait_record& sender) {
    out.push_back(std::move(item_of(*sender.claimed_at())));
  });
  return count;
}

template <class Item>
std::size_t channel_exchange<Item>::try_receive_some(std::vector<Item>& out,
                                                     std::size_t max) noexcept {
  std::size_t count = 0;
  for (std::size_t taken = items_per_lock; taken == items_per_lock && count < max;) {
    const std::size_t left = max - count;
    taken = take_some(out, left < items_per_lock ? left : items_per_lock);
    count += taken;
  }
  return count;
}

template <class Item>
std::size_t channel_exchange<Item>::available() const noexcept {
  const std::lock_guard guard(lock_);
  return items_.size() + senders_.size();
}

template <class Item>
bool channel_exchange<Item>::close_locked(claimed_list& woken,
                                          std::exception_ptr&& cause) noexcept {
  if (is_closed())
    return false;
  // relaxed: see is_closed()
  closed_.store(true, std::memory_order_relaxed);
  cause_ = std::move(cause);
  woken.push_all(senders_);
  woken.push_all(receivers_);
  return true;
}

template <class Item>
bool channel_exchange<Item>::close(std::exception_ptr cause) noexcept {
  claimed_list served;
  claimed_list woken;
  {
    const std::lock_guard guard(lock_);
    while (has_item() && !receivers_.empty()) {
      if (const wait_node* const receiver = receivers_.call_first()) {
        target_of(*receiver).emplace(items_.take());
        served.push(*receiver->record);
      }
    }
    if (!close_locked(woken, std::move(cause)))
      return false;
  }
  served.complete(wait_state::done);
  woken.complete(wait_state::closed);
  return true;
}

template <class Item>
void channel_exchange<Item>::close_and_discard() noexcept {
  claimed_list woken;
  block_queue<Item> discarded; // destroyed after the locks are released
  {
    const std::lock_guard guard(lock_);
    close_locked(woken);
    items_.move_into(discarded);
  }
  woken.complete(wait_state::closed);
}

template <class Item>
std::size_t channel_exchange<Item>::size() const noexcept {
  const std::lock_guard guard(lock_);
  return items_.size();
}

template <class Item>
void channel_exchange<Item>::describe_items(object_note& note) const noexcept {
  if (capacity_ == 0)
    note.detail.add("capacity 0");
  else if (capacity_ == static_cast<std::size_t>(-1)) // unlimited
    note.detail.count(items_.size(), "item");
  else
    note.detail.add(items_.size()).add("/").add(capacity_);
}

template <class Item>
std::size_t channel_exchange<Item>::dropped() const noexcept {
  const std::lock_guard guard(lock_);
  return dropped_;
}

template <class Item>
std::exception_ptr channel_exchange<Item>::cause() const noexcept {
  const std::lock_guard guard(lock_);
  return cause_;
}

template <class Item>
bool channel_exchange<Item>::closed() const noexcept {
  const std::lock_guard guard(lock_);
  return is_closed();
}

} // namespace roost::inline v0::detail
