// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/clock.hpp>
#include <roost/detail/attempt.hpp>
#include <roost/detail/channel_line.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/pause.hpp>
#include <roost/detail/primitive_lock.hpp>
#include <roost/detail/thread_slot.hpp>
#include <roost/detail/two_lock_ring.hpp>
#include <roost/detail/wait_record.hpp>
#include <roost/overflow.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

inline constexpr std::size_t unbounded_capacity = (std::numeric_limits<std::size_t>::max)();

/// What no user sees: the task was asked to stop, and nothing happened. A value of the enumeration
/// because a std::optional would be slower than the rest of a send.
inline constexpr auto status_stopped = static_cast<channel_status>(-1);

/// How an operation ended that a peer or a close has completed.
inline channel_status status_of(wait_state completed) noexcept {
  return completed == wait_state::done ? channel_status::success : channel_status::closed;
}

enum class channel_side { sending, receiving };

/// What the ends of a channel share: a ring of items with a short lock for each side, and two
/// waiting lines. Item is what item_storage stores: its moves cannot throw and are no user code.
///
/// Both locks together are the channel's lock (at capacity 0, where there are no sides, one is):
/// whoever holds them may do all. What both guard can
/// be read under either, so one lock is enough for what concerns nobody else: a send into room
/// while no receiver is to be called, a receive from the ring while no sender is. Nobody can begin
/// to wait, and nobody can close the channel, meanwhile. But that there is no room, or no item, is
/// said under both locks only: then whoever changes that afterwards sees what was done before, as
/// users expect who set a flag, find nothing and go to sleep.
///
/// INVARIANT, under both locks: receivers wait only while the ring is empty or one of them is on
/// its way, and no sender waits; senders wait only while the ring is full or one of them is on its
/// way, and no receiver waits; nobody waits once the channel is closed. (Waiters that a stop, a
/// deadline or another channel has claimed may still be linked: they do not count. One select may
/// wait as both at a channel of capacity 0: it does not meet itself.)
///
/// Why nobody waits for ever. A receiver begins to wait when there is neither an item nor a sender.
/// Whoever puts an item into the ring afterwards calls a receiver, unless as many as can run are on
/// their way: those have been claimed, so neither a stop nor a deadline keeps them from coming, and
/// whoever arrives takes the next item for the next receiver, if it finds both and few enough are
/// on their way. The last to arrive finds nobody else on the way. Likewise for senders and room.
/// Who is awake may thus overtake those who wait, but whoever waits is called in turn; and whoever
/// is on its way needs a processor to get there, as a holder of a lock needs one to let it go.
///
/// The oldest item goes to a called receiver, and a called sender's item into the ring at once, so
/// items keep the order of the sends; where the ring is empty, or there is none, an item goes
/// straight from one to the other.
///
/// Source: the shape of Go's channels (runtime/chan.go); claims and hand-over outside the lock as
/// in Rust's kanal.
template <class Item>
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): each side has cache lines of its own
class channel_core : public std::enable_shared_from_this<channel_core<Item>> {
 public:
  /// What a send leaves to be done when the lock is released; a receive leaves a peer only.
  struct leftover {
    wait_node* peer = nullptr;   // claimed, to be completed
    std::optional<Item> evicted; // to be destroyed
  };

  class send_attempt;
  class receive_attempt;

  channel_core(std::size_t capacity, overflow policy, std::string_view name);

  /// Takes from `item` only on success. Never waits, ignores stops.
  channel_status try_send(Item& item);
  channel_status try_send(Item& item, leftover& rest); // leaves nothing but an evicted item
  channel_status try_receive(std::optional<Item>& out);

  /// The usual case, for which one lock is enough, and short enough to be part of the caller's
  /// code. False: nothing has happened, and to say more takes both locks.
  [[gnu::always_inline]] bool send_at_once(Item& item) noexcept;
  [[gnu::always_inline]] bool receive_at_once(std::optional<Item>& out) noexcept;

  /// Waits as long as it must. May be status_stopped.
  [[gnu::noinline]] channel_status send(Item& item, clock::time_point deadline, const site& where);
  [[gnu::noinline]] channel_status
  receive(std::optional<Item>& out, clock::time_point deadline, const site& where);

  /// Sends items[next], items[next + 1] and so on, and counts `next` up with each that has gone
  /// through: to the end, unless the status is another one than success.
  channel_status send_all(std::vector<Item>& items, std::size_t& next, const site& where);

  /// Waits for the first item and appends it and what else is there, up to `max`, to `out`, which
  /// has room for them. How many; 0 if the channel is closed. Nothing if the task was asked to
  /// stop.
  std::optional<std::size_t>
  receive_some(std::vector<Item>& out, std::size_t max, const site& where);

  /// How many could be received at once, if nobody else came.
  std::size_t available() const noexcept;

  /// True for the call that closed it. `cause` is what receivers find in the end, or null.
  bool close(std::exception_ptr cause = nullptr) noexcept;

  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept;
  std::size_t dropped() const noexcept;
  bool closed() const noexcept;
  std::exception_ptr cause() const noexcept;

  void add_end(channel_side side) noexcept {
    // relaxed: who adds an end holds one already, so the count cannot reach zero meanwhile
    ends(side).fetch_add(1, std::memory_order_relaxed);
  }
  /// Adds an end, unless the last one of its kind has gone.
  bool try_add_end(channel_side side) noexcept;
  void drop_end(channel_side side) noexcept;

 private:
  friend struct probe;

  // One attempt; the caller holds lock_, and calls finish_ when it has released it. Where a send
  // finds the ring full but without all its room it is `full` as well: see try_send().
  channel_status send_locked(Item& item, leftover& rest) noexcept;
  channel_status receive_locked(std::optional<Item>& out, wait_node*& peer) noexcept;
  channel_status send_to_full(Item& item, leftover& rest) noexcept;

  // Takes both locks for it.
  [[gnu::noinline]] channel_status send_among_others(Item& item, leftover& rest);
  [[gnu::noinline]] channel_status receive_among_others(std::optional<Item>& out);

  void finish_send(Item& item, const leftover& rest) noexcept;
  void finish_receive(std::optional<Item>& out, const wait_node* peer) noexcept;

  template <class Attempt>
  static channel_status
  wait(Attempt& attempt, const blocked_call& call, clock::time_point deadline, short_wait patience);

  // Under either lock, or for a hint.
  bool is_closed() const noexcept {
    // relaxed: the locks order it, and a hint need not be ordered
    return closed_.load(std::memory_order_relaxed);
  }

  template <class Try, class Ready>
  channel_status try_for_a_while(short_wait& patience, Try try_it, Ready ready) const;

  bool lacks_room() const noexcept { return items_.room() < capacity_; } // where the ring is full
  void send_some(std::vector<Item>& items, std::size_t& next);
  std::size_t try_receive_some(std::vector<Item>& out, std::size_t max) noexcept;
  std::size_t take_some(std::vector<Item>& out, std::size_t max) noexcept;
  void grow(std::size_t wanted);
  std::size_t larger_room() const noexcept;                                         // holds lock_
  bool close_locked(claimed_list& woken, std::exception_ptr&& cause = {}) noexcept; // holds lock_
  void close_and_discard() noexcept;

  // The caller holds lock_, and completes who is returned when it has released it.
  wait_node* receiver_to_call() noexcept;
  wait_node* let_in() noexcept;
  wait_node* serve_next() noexcept;
  void give(const wait_node& receiver, Item& item) noexcept;
  void arrived(channel_side side) noexcept;

  static Item& item_of(const wait_node& sender) noexcept {
    return *static_cast<Item*>(sender.slot);
  }
  static Item& item_of(const wait_record& sender) noexcept { return item_of(*sender.claimed_at()); }
  static std::optional<Item>& target_of(const wait_node& receiver) noexcept {
    return *static_cast<std::optional<Item>*>(receiver.slot);
  }

  std::atomic<std::size_t>& ends(channel_side side) noexcept {
    return side == channel_side::sending ? senders_alive_ : receivers_alive_;
  }

  two_lock_ring<Item> items_;
  // Guarded by lock_: written under both of its parts, read under either. The lines, which change
  // often, have a cache line of their own.
  channel_line senders_;
  channel_line receivers_;
  std::atomic<bool> closed_{false};
  std::size_t dropped_ = 0;
  const std::size_t capacity_;
  const primitive_lock lock_ = capacity_ != 0 ? items_.both() : items_.sending();
  std::exception_ptr cause_; // written once, when closed_ is set
  const overflow policy_;
  const std::string name_;
  std::atomic<std::size_t> senders_alive_{1};   // ends of that kind; the last to go closes
  std::atomic<std::size_t> receivers_alive_{1}; // likewise
};

/// To send `item`. It is taken only if the status is success in the end.
template <class Item>
class channel_core<Item>::send_attempt final : public attempt {
 public:
  send_attempt(channel_core& core, Item* item) noexcept
      : attempt(core.lock_, &core.senders_, item),
        core_(core) {}

  /// Exchanges the item for another one.
  void send(Item& item) noexcept { node().slot = &item; }

  bool try_alone() override {
    status_ = core_.try_send(item(), rest_);
    return happened();
  }
  bool try_locked() noexcept override {
    status_ = core_.send_locked(item(), rest_);
    if (!happened())
      kept_ = core_.weak_from_this().lock();
    return happened();
  }
  void finish() noexcept override { core_.finish_send(item(), rest_); }
  void conclude(wait_state end) noexcept override {
    status_ = status_of(end);
    if (end == wait_state::done)
      core_.arrived(channel_side::sending);
  }

  channel_status status() const noexcept { return status_; }

 private:
  Item& item() noexcept { return item_of(node()); }
  bool happened() const noexcept {
    return status_ != channel_status::full || core_.policy_ != overflow::block;
  }

  channel_core& core_;
  channel_status status_ = channel_status::full;
  // From when it may get in line: the item may own the end through which it is sent, and then its
  // receiver destroys both, and perhaps its own end, before this thread is awake.
  std::shared_ptr<channel_core> kept_;
  leftover rest_; // an evicted item goes with the attempt, where no list or lock is in use
};

/// To receive into `out`, which is empty.
template <class Item>
class channel_core<Item>::receive_attempt final : public attempt {
 public:
  receive_attempt(channel_core& core, std::optional<Item>& out) noexcept
      : attempt(core.lock_, &core.receivers_, &out),
        core_(core) {}

  bool try_alone() override {
    status_ = core_.try_receive(out());
    return happened();
  }
  bool try_locked() noexcept override {
    status_ = core_.receive_locked(out(), peer_);
    return happened();
  }
  void finish() noexcept override { core_.finish_receive(out(), peer_); }
  void conclude(wait_state end) noexcept override {
    status_ = status_of(end);
    if (end == wait_state::done)
      core_.arrived(channel_side::receiving);
  }

  channel_status status() const noexcept { return status_; }

 private:
  std::optional<Item>& out() noexcept { return target_of(node()); }
  bool happened() const noexcept { return status_ != channel_status::empty; }

  channel_core& core_;
  channel_status status_ = channel_status::empty;
  wait_node* peer_ = nullptr;
};

// --- implementation ---------------------------------------------------------

// A channel up to this capacity has all its room from the start and never allocates for itself.
inline constexpr std::size_t room_at_start = 1024;

template <class Item>
channel_core<Item>::channel_core(std::size_t capacity, overflow policy, std::string_view name)
    : items_(capacity <= room_at_start ? capacity : 0),
      capacity_(capacity),
      policy_(policy),
      name_(name) {}

template <class Item>
channel_status channel_core<Item>::send_locked(Item& item, leftover& rest) noexcept {
  rest.peer = nullptr;
  if (is_closed())
    return channel_status::closed;
  if ((rest.peer = receiver_to_call()) != nullptr) {
    if (items_.has_item())
      give(*rest.peer, item);
    return channel_status::success;
  }
  if (!items_.has_room())
    return lacks_room() ? channel_status::full : send_to_full(item, rest);
  items_.put(std::move(item));
  return channel_status::success;
}

template <class Item>
channel_status channel_core<Item>::send_to_full(Item& item, leftover& rest) noexcept {
  if (policy_ == overflow::block)
    return channel_status::full;
  ++dropped_;
  if (policy_ == overflow::drop_newest)
    return channel_status::full;
  if (items_.has_item())
    rest.evicted.emplace(items_.take());
  items_.put(std::move(item));
  return channel_status::success;
}

template <class Item>
void channel_core<Item>::finish_send(Item& item, const leftover& rest) noexcept {
  if (rest.peer == nullptr)
    return;
  if (std::optional<Item>& target = target_of(*rest.peer); !target)
    target.emplace(std::move(item));
  rest.peer->record->complete(wait_state::done);
}

template <class Item>
channel_status channel_core<Item>::receive_locked(std::optional<Item>& out,
                                                  wait_node*& peer) noexcept {
  if (items_.has_item()) {
    out.emplace(items_.take());
    peer = let_in();
    return channel_status::success;
  }
  if ((peer = senders_.call_first()) != nullptr)
    return channel_status::success;
  return is_closed() ? channel_status::closed : channel_status::empty;
}

// The item of a sender that waited for room is in the ring by now; any other goes straight out, as
// there was none in the ring.
template <class Item>
void channel_core<Item>::finish_receive(std::optional<Item>& out, const wait_node* peer) noexcept {
  if (peer == nullptr)
    return;
  if (!out)
    out.emplace(std::move(item_of(*peer)));
  peer->record->complete(wait_state::done);
}

// Without room for the next item the oldest one must go, whoever is on the way.
template <class Item>
wait_node* channel_core<Item>::receiver_to_call() noexcept {
  return receivers_.is_to_be_called() || !items_.has_room() ? receivers_.call_first() : nullptr;
}

// There is room.
template <class Item>
wait_node* channel_core<Item>::let_in() noexcept {
  wait_node* const sender = senders_.is_to_be_called() ? senders_.call_first() : nullptr;
  if (sender != nullptr)
    items_.put(std::move(item_of(*sender)));
  return sender;
}

// There is an item.
template <class Item>
wait_node* channel_core<Item>::serve_next() noexcept {
  wait_node* const receiver = receivers_.is_to_be_called() ? receivers_.call_first() : nullptr;
  if (receiver != nullptr)
    target_of(*receiver).emplace(items_.take());
  return receiver;
}

// The oldest item goes first, and leaves its place to the new one.
template <class Item>
void channel_core<Item>::give(const wait_node& receiver, Item& item) noexcept {
  std::optional<Item>& target = target_of(receiver);
  if (items_.has_item()) {
    target.emplace(items_.take());
    items_.put(std::move(item));
  } else {
    target.emplace(std::move(item));
  }
}

// Where there is no ring nobody counts on those on their way.
template <class Item>
void channel_core<Item>::arrived(channel_side side) noexcept {
  if (capacity_ == 0)
    return;
  const wait_node* next = nullptr;
  {
    const std::lock_guard guard(lock_);
    if (side == channel_side::sending) {
      senders_.arrived();
      next = items_.has_room() ? let_in() : nullptr;
    } else {
      receivers_.arrived();
      next = items_.has_item() ? serve_next() : nullptr;
    }
  }
  if (next != nullptr)
    next->record->complete(wait_state::done);
}

template <class Item>
inline bool channel_core<Item>::send_at_once(Item& item) noexcept {
  if (capacity_ == 0)
    return false;
  const spin_guard guard(items_.sending());
  if (is_closed() || receivers_.is_to_be_called() || !items_.has_room())
    return false;
  items_.put(std::move(item));
  return true;
}

template <class Item>
inline bool channel_core<Item>::receive_at_once(std::optional<Item>& out) noexcept {
  if (capacity_ == 0)
    return false;
  const spin_guard guard(items_.receiving());
  if (senders_.is_to_be_called() || !items_.has_item())
    return false;
  out.emplace(items_.take());
  return true;
}

template <class Item>
channel_status channel_core<Item>::try_send(Item& item, leftover& rest) {
  return send_at_once(item) ? channel_status::success : send_among_others(item, rest);
}

template <class Item>
channel_status channel_core<Item>::try_send(Item& item) {
  leftover rest;
  return try_send(item, rest);
}

template <class Item>
channel_status channel_core<Item>::try_receive(std::optional<Item>& out) {
  return receive_at_once(out) ? channel_status::success : receive_among_others(out);
}

// A ring never loses room while the channel is open. So a channel that was once full has all its
// room, and only the first attempt of a send has to make some: those under other locks need not.
template <class Item>
channel_status channel_core<Item>::send_among_others(Item& item, leftover& rest) {
  for (;;) {
    std::unique_lock guard(lock_);
    const channel_status status = send_locked(item, rest);
    if (status == channel_status::full && lacks_room()) {
      const std::size_t wanted = larger_room();
      guard.unlock();
      grow(wanted);
      continue;
    }
    guard.unlock();
    finish_send(item, rest);
    return status;
  }
}

template <class Item>
channel_status channel_core<Item>::receive_among_others(std::optional<Item>& out) {
  wait_node* peer = nullptr;
  channel_status status = channel_status::empty;
  {
    const std::lock_guard guard(lock_);
    status = receive_locked(out, peer);
  }
  finish_receive(out, peer);
  return status;
}

// Allocates, and frees the old room, outside the lock.
template <class Item>
void channel_core<Item>::grow(std::size_t wanted) {
  two_lock_ring<Item> larger(wanted);
  const std::lock_guard guard(lock_);
  if (!is_closed() && items_.room() < wanted)
    items_.grow_into(larger);
}

template <class Item>
channel_status channel_core<Item>::send(Item& item, clock::time_point deadline, const site& where) {
  if (policy_ != overflow::block)
    return try_send(item);
  short_wait patience;
  const channel_status soon = try_for_a_while(
      patience, [&] { return try_send(item); }, [this] { return items_.glance() < capacity_; });
  if (soon != channel_status::full)
    return soon;
  send_attempt attempt(*this, &item);
  return wait(attempt, {"sender::send", name_, where}, deadline, patience);
}

template <class Item>
channel_status channel_core<Item>::receive(std::optional<Item>& out,
                                           clock::time_point deadline,
                                           const site& where) {
  short_wait patience;
  const channel_status soon = try_for_a_while(
      patience, [&] { return try_receive(out); }, [this] { return items_.glance() != 0; });
  if (soon != channel_status::empty)
    return soon;
  receive_attempt attempt(*this, out);
  return wait(attempt, {"receiver::receive", name_, where}, deadline, patience);
}

// Most operations need neither a record nor a place in the line: they are tried without, again and
// again for a short while. Where there is no ring only a peer in line can be met. Who finds a short
// ring not ready looks at it before it takes both locks, which would hold up the very side that is
// about to change it. Where there is room for many, several of them go through between two looks,
// because each look takes the count's cache line away from the other side. A stop that came
// meanwhile goes before all else, as at the beginning of an operation.
template <class Item>
template <class Try, class Ready>
channel_status
channel_core<Item>::try_for_a_while(short_wait& patience, Try try_it, Ready ready) const {
  const bool short_ring = capacity_ < 16;
  const auto comes_soon = [&] {
    const auto changed = [&] { return ready() || is_closed(); };
    return capacity_ != 0 && patience.until(changed, short_ring ? 1 : 5);
  };
  if (short_ring && !ready())
    (void)comes_soon();
  for (;;) {
    if (this_thread_is_stopped())
      return status_stopped;
    const channel_status status = try_it();
    if (status != channel_status::full && status != channel_status::empty)
      return status;
    if (!comes_soon())
      return this_thread_is_stopped() ? status_stopped : status;
  }
}

template <class Item>
template <class Attempt>
channel_status channel_core<Item>::wait(Attempt& attempt,
                                        const blocked_call& call,
                                        clock::time_point deadline,
                                        short_wait patience) {
  switch (wait_for_one(attempt, call, deadline, patience)) {
  case wait_state::stopped:
    return status_stopped;
  case wait_state::timed_out: // but who was not called, as enough were, may find something
    return attempt.try_alone() ? attempt.status() : channel_status::timeout;
  default:
    return attempt.status();
  }
}

// Others must not wait for long, so many items go through in several goes.
inline constexpr std::size_t items_per_lock = 256;

template <class Item>
void channel_core<Item>::send_some(std::vector<Item>& items, std::size_t& next) {
  for (bool more = true; more && next < items.size();) {
    const std::size_t left = items.size() - next;
    const std::size_t end = next + (left < items_per_lock ? left : items_per_lock);
    claimed_list receivers;
    std::size_t room_wanted = 0;
    {
      const std::lock_guard guard(lock_);
      if (is_closed() || policy_ != overflow::block)
        return;
      for (; next < end; ++next) {
        const wait_node* const receiver = receiver_to_call();
        if (receiver != nullptr) {
          give(*receiver, items[next]);
          receivers.push(*receiver->record);
        } else if (items_.has_room()) {
          items_.put(std::move(items[next]));
        } else {
          break;
        }
      }
      if (next < end && lacks_room())
        room_wanted = larger_room();
      more = next == end || room_wanted != 0;
    }
    receivers.complete(wait_state::done);
    if (room_wanted != 0)
      grow(room_wanted);
  }
}

template <class Item>
channel_status
channel_core<Item>::send_all(std::vector<Item>& items, std::size_t& next, const site& where) {
  while (next < items.size()) {
    send_some(items, next);
    if (next == items.size())
      break;
    const channel_status status = send(items[next], no_deadline, where); // waits
    if (status != channel_status::success)
      return status;
    ++next;
  }
  return channel_status::success;
}

// Under the locks: each item from a full ring lets a waiting sender's item in; without a ring the
// senders' items come straight.
template <class Item>
std::size_t channel_core<Item>::take_some(std::vector<Item>& out, std::size_t max) noexcept {
  claimed_list inside;
  claimed_list straight;
  std::size_t count = 0;
  {
    const std::lock_guard guard(lock_);
    const wait_node* sender = nullptr;
    for (; count < max && items_.has_item(); ++count) {
      out.push_back(items_.take());
      if ((sender = let_in()) != nullptr)
        inside.push(*sender->record);
    }
    for (; count < max && (sender = senders_.call_first()) != nullptr; ++count)
      straight.push(*sender->record);
  }
  inside.complete(wait_state::done);
  straight.complete(wait_state::done,
                    [&](const wait_record& sender) { out.push_back(std::move(item_of(sender))); });
  return count;
}

template <class Item>
std::size_t channel_core<Item>::try_receive_some(std::vector<Item>& out, std::size_t max) noexcept {
  std::size_t count = 0;
  for (std::size_t taken = items_per_lock; taken == items_per_lock && count < max;) {
    const std::size_t left = max - count;
    taken = take_some(out, left < items_per_lock ? left : items_per_lock);
    count += taken;
  }
  return count;
}

template <class Item>
std::optional<std::size_t>
channel_core<Item>::receive_some(std::vector<Item>& out, std::size_t max, const site& where) {
  if (const std::size_t at_once = try_receive_some(out, max); at_once != 0)
    return at_once;
  std::optional<Item> first;
  if (receive(first, no_deadline, where) == status_stopped)
    return std::nullopt;
  if (!first)
    return 0;
  out.push_back(*std::move(first));
  return 1 + try_receive_some(out, max - 1);
}

template <class Item>
std::size_t channel_core<Item>::available() const noexcept {
  const std::lock_guard guard(lock_);
  return items_.size() + senders_.size();
}

template <class Item>
bool channel_core<Item>::close_locked(claimed_list& woken, std::exception_ptr&& cause) noexcept {
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
bool channel_core<Item>::close(std::exception_ptr cause) noexcept {
  claimed_list served;
  claimed_list woken;
  {
    const std::lock_guard guard(lock_);
    while (items_.has_item() && !receivers_.empty()) {
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
bool channel_core<Item>::try_add_end(channel_side side) noexcept {
  // relaxed: only the number counts; the last end to go leaves it at 0 for good
  std::size_t count = ends(side).load(std::memory_order_relaxed);
  while (count != 0) {
    // relaxed: as in add_end(), an end exists at this moment
    if (ends(side).compare_exchange_weak(count, count + 1, std::memory_order_relaxed))
      return true;
  }
  return false;
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
  two_lock_ring<Item> discarded; // destroyed after the locks are released
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
std::size_t channel_core<Item>::dropped() const noexcept {
  const std::lock_guard guard(lock_);
  return dropped_;
}

template <class Item>
std::exception_ptr channel_core<Item>::cause() const noexcept {
  const std::lock_guard guard(lock_);
  return cause_;
}

template <class Item>
bool channel_core<Item>::closed() const noexcept {
  const std::lock_guard guard(lock_);
  return is_closed();
}

} // namespace roost::inline v0::detail
