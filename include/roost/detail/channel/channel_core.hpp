// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/clock.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/channel/channel_exchange.hpp>
#include <roost/detail/channel/look_distance.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/hardware_threads.hpp>
#include <roost/detail/wait/short_wait.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/overflow.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// A status that users never see: the task was asked to stop, and nothing happened. No enumerator,
/// which every switch of a user would have to handle; and no std::optional, which would cost more
/// than the rest of a send.
inline constexpr auto status_stopped = static_cast<channel_status>(-1);

enum class channel_side { sending, receiving };

/// What the ends of a channel share: an exchange, how to wait at it, and how many ends there are.
/// The last of a side to go closes the channel.
template <class Item>
class channel_core final : public channel_exchange<Item> {
  using exchange = channel_exchange<Item>;

 public:
  class send_operation;
  class receive_operation;

  channel_core(std::size_t capacity,
               overflow policy,
               std::string_view name,
               std::size_t called_at_once = worth_waking())
      : exchange(capacity, policy, called_at_once),
        name_(name) {}

  /// Waits as long as it must. May be status_stopped.
  [[gnu::noinline]] channel_status send(Item& item, clock::time_point deadline, const site& where);
  [[gnu::noinline]] channel_status
  receive(std::optional<Item>& out, clock::time_point deadline, const site& where);

  /// Sends items[next], items[next + 1] and so on, and counts `next` up with each that has gone
  /// through: to the end, unless the status is another one than success.
  channel_status send_all(std::vector<Item>& items, std::size_t& next, const site& where);

  /// Waits for the first item, and appends it and whatever else is there, up to `max`, to `out`,
  /// which has room for them. Returns how many; 0 if the channel is closed; nullopt if the task was
  /// asked to stop.
  std::optional<std::size_t>
  receive_some(std::vector<Item>& out, std::size_t max, const site& where);

  void add_end(channel_side side) noexcept {
    // relaxed: the caller holds an end already, so the count cannot reach zero meanwhile
    ends(side).fetch_add(1, std::memory_order_relaxed);
  }
  void drop_end(channel_side side) noexcept;
  /// Adds a sender, unless the last one has gone: then the channel is closed.
  bool try_add_sender() noexcept;

 private:
  template <class Operation>
  static channel_status wait(Operation& operation,
                             const blocked_call& call,
                             clock::time_point deadline,
                             short_wait patience);

  // See look_plan.
  static constexpr bool takes_no_memory = std::is_trivially_copyable_v<Item>;

  template <class Try, class Ready>
  channel_status try_for_a_while(channel_status nothing,
                                 std::size_t passed,
                                 look_distance& looks,
                                 short_wait& patience,
                                 Try try_it,
                                 Ready ready);

  sync::atomic<std::size_t>& ends(channel_side side) noexcept {
    return side == channel_side::sending ? senders_alive_ : receivers_alive_;
  }

  // For reports:
  [[gnu::cold]] void describe(channel_side waiting, object_note& note) const noexcept;

  const std::string name_;
  waiter_note last_sender_;   // the last that slept; guarded by lock()
  waiter_note last_receiver_; // likewise
  sync::atomic<std::size_t> senders_alive_{1};
  sync::atomic<std::size_t> receivers_alive_{1};
};

/// How an operation that found `status` without waiting has ended.
inline channel_status status_or_stop(channel_status status) noexcept {
  const bool is_permanent = status == channel_status::closed;
  return end_or_stop(is_permanent) == wait_state::stopped ? status_stopped : status;
}

/// How an operation that a peer or a close has completed has ended.
inline channel_status status_of(wait_state completed) noexcept {
  return completed == wait_state::done ? channel_status::success : channel_status::closed;
}

/// To send `item`. It is taken only if the status is success in the end.
template <class Item>
class channel_core<Item>::send_operation final : public operation {
 public:
  send_operation(channel_core& core, Item* item) noexcept
      : operation(core.lock(), &core.senders(), item),
        core_(core) {}

  /// Exchanges the item for another one.
  void send(Item& item) noexcept { node().slot = std::addressof(item); }

  bool may_happen() const noexcept override {
    return core_.policy() != overflow::block || core_.may_send();
  }
  bool try_alone() override {
    status_ = core_.try_send(item(), rest_);
    return happened();
  }
  bool try_locked() noexcept override {
    status_ = core_.send_locked(item(), rest_);
    return happened();
  }
  void finish() noexcept override { core_.finish_send(item(), rest_); }
  void link(wait_record& record) noexcept override {
    if constexpr (may_own_an_end)
      kept_ = counted_ptr<channel_core>(core_);
    operation::link(record);
  }
  void conclude(wait_state end) noexcept override {
    status_ = status_of(end);
    core_.sender_resumed(end);
  }
  bool is_permanent() const noexcept override { return status_ == channel_status::closed; }

  void describe(object_note& note) const noexcept override {
    core_.describe(channel_side::sending, note);
  }
  void sleeps(const waiter_note& waiter) const noexcept override {
    if_free(this->lock(), [&] { core_.last_sender_ = waiter; });
  }

  channel_status status() const noexcept { return status_; }

 private:
  Item& item() noexcept { return exchange::item_of(node()); }
  bool happened() const noexcept {
    return status_ != channel_status::full || core_.policy() != overflow::block;
  }

  channel_core& core_;
  channel_status status_ = channel_status::full;
  static constexpr bool may_own_an_end = !std::is_trivially_copyable_v<Item>;
  // Set when the operation is linked: the item may own the end through which it is sent. Then
  // its receiver may destroy both, and perhaps the receiving end, before this thread is awake.
  counted_ptr<channel_core> kept_;
  // An evicted item is destroyed with the operation, when no list or lock is in use.
  typename exchange::leftover rest_;
};

/// To receive into `out`, which is empty.
template <class Item>
class channel_core<Item>::receive_operation final : public operation {
 public:
  receive_operation(channel_core& core, std::optional<Item>& out) noexcept
      : operation(core.lock(), &core.receivers(), &out),
        core_(core) {}

  bool may_happen() const noexcept override { return core_.may_receive(); }
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
    core_.receiver_resumed(end);
  }
  bool is_permanent() const noexcept override { return status_ == channel_status::closed; }

  void describe(object_note& note) const noexcept override {
    core_.describe(channel_side::receiving, note);
  }
  void sleeps(const waiter_note& waiter) const noexcept override {
    if_free(this->lock(), [&] { core_.last_receiver_ = waiter; });
  }

  channel_status status() const noexcept { return status_; }

 private:
  std::optional<Item>& out() noexcept { return exchange::target_of(node()); }
  bool happened() const noexcept { return status_ != channel_status::empty; }

  channel_core& core_;
  channel_status status_ = channel_status::empty;
  wait_node* peer_ = nullptr;
};

// --- implementation ---------------------------------------------------------

// A sender that spins waits for much room, so that sender and receiver each work through half of
// the queue before the cache line with the other's count moves. This holds for the spin alone:
// after it the sender takes any room, so no sender waits for much room in vain.
template <class Item>
channel_status channel_core<Item>::send(Item& item, clock::time_point deadline, const site& where) {
  if (this->policy() != overflow::block)
    return status_or_stop(this->send_under_lock(item));
  ++this_thread.waits;
  short_wait patience;
  const channel_status soon = try_for_a_while(
      channel_status::full,
      this->sent_since_last_asked(),
      this->looks_for_room(),
      patience,
      [&] { return this->try_send(item); },
      [this] { return this->may_have_much_room(); });
  if (soon != channel_status::full)
    return soon;
  send_operation operation(*this, std::addressof(item));
  return wait(operation, {"sender::send", name_, where}, deadline, patience);
}

template <class Item>
channel_status channel_core<Item>::receive(std::optional<Item>& out,
                                           clock::time_point deadline,
                                           const site& where) {
  ++this_thread.waits;
  short_wait patience;
  const channel_status soon = try_for_a_while(
      channel_status::empty,
      this->received_since_last_asked(),
      this->looks_for_items(),
      patience,
      [&] { return this->try_receive(out); },
      [this] { return this->may_have_item(); });
  if (soon != channel_status::empty)
    return soon;
  receive_operation operation(*this, out);
  return wait(operation, {"receiver::receive", name_, where}, deadline, patience);
}

// Most operations on a queue need no record and need not be linked: they are tried without, again
// and again for a short while. A thread that finds the queue not ready looks at it before it takes
// both locks, which would hold up the very side that is about to change it. A look that finds it
// ready is followed by the try that takes one lock, as at the beginning of the operation: the
// reason for which that one failed is gone. (To take both locks then costs a channel of 64 a third
// of its speed.) A stop that came meanwhile goes before all else.
//
// Without a queue the operation can only meet a waiting peer, under the lock: the wait itself
// begins by looking for one.
template <class Item>
template <class Try, class Ready>
channel_status channel_core<Item>::try_for_a_while(channel_status nothing,
                                                   std::size_t passed,
                                                   look_distance& looks,
                                                   short_wait& patience,
                                                   Try try_it,
                                                   Ready ready) {
  if (this->capacity() == 0)
    return nothing;
  look_plan plan(passed, looks, takes_no_memory);
  int looked = -1; // not counting the one before the wait
  const auto changed = [&] {
    ++looked;
    return ready() || this->may_be_closed();
  };
  for (bool soon = changed();; soon = false) { // again: another thread was faster
    soon = soon || patience.until(changed, plan.apart());
    if (looked > 0)
      plan.looked(looked);
    if (this_thread_is_stopped())
      return status_stopped;
    const channel_status status = status_or_stop(try_it());
    if (status != nothing || !soon)
      return status;
  }
}

template <class Item>
template <class Operation>
channel_status channel_core<Item>::wait(Operation& operation,
                                        const blocked_call& call,
                                        clock::time_point deadline,
                                        short_wait patience) {
  switch (wait_for_one(operation, call, deadline, patience)) {
  case wait_state::stopped:
    return status_stopped;
  case wait_state::timed_out: // wake-ups are capped: an item, or room, may be there although no
                              // peer called
    return operation.try_alone() ? status_or_stop(operation.status()) : channel_status::timeout;
  default:
    return operation.status();
  }
}

template <class Item>
channel_status
channel_core<Item>::send_all(std::vector<Item>& items, std::size_t& next, const site& where) {
  while (next < items.size()) {
    this->try_send_some(items, next);
    if (next == items.size())
      break;
    const channel_status status = send(items[next], no_deadline, where); // waits
    if (status != channel_status::success)
      return status;
    ++next;
  }
  return channel_status::success;
}

template <class Item>
std::optional<std::size_t>
channel_core<Item>::receive_some(std::vector<Item>& out, std::size_t max, const site& where) {
  if (const std::size_t at_once = this->try_receive_some(out, max); at_once != 0)
    return at_once;
  std::optional<Item> first;
  if (receive(first, no_deadline, where) == status_stopped)
    return std::nullopt;
  if (!first)
    return 0;
  out.push_back(*std::move(first));
  return 1 + this->try_receive_some(out, max - 1);
}

template <class Item>
void channel_core<Item>::describe(channel_side waiting, object_note& note) const noexcept {
  const bool sends = waiting == channel_side::sending;
  note.object = this;
  note.kind = "channel";
  describe_if_free(this->lock(), note, [&] {
    note.name.add(name_);
    this->describe_items(note);
    const auto& others = sends ? receivers_alive_ : senders_alive_;
    // relaxed: a number for reports
    note.detail.add(", ").count(others.load(std::memory_order_relaxed),
                                sends ? "receiver" : "sender");
    note.peer = sends ? last_receiver_ : last_sender_;
    note.users = (sends ? this->receivers() : this->senders()).users();
  });
}

template <class Item>
void channel_core<Item>::drop_end(channel_side side) noexcept {
  // release: publishes what was done through this end. acquire: the last end to go sees what was
  // done through all. The release of each step pairs with the acquire of the last one.
  if (ends(side).fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  if (side == channel_side::sending) {
    this->close();
  } else {
    this->close_and_discard();
  }
}

// The thread that drops the last sender counts first and closes after that. A thread that has seen
// the count must find the channel closed, so it closes the channel itself.
template <class Item>
bool channel_core<Item>::try_add_sender() noexcept {
  // relaxed: only the number counts; the last end to go leaves it at 0 for good
  std::size_t count = senders_alive_.load(std::memory_order_relaxed);
  while (count != 0) {
    // relaxed: as in add_end(), an end exists at this moment
    if (senders_alive_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed))
      return true;
  }
  this->close();
  return false;
}

} // namespace roost::inline v0::detail
