// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/clock.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/broadcast/shared_item.hpp>
#include <roost/detail/channel/stored_item.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/overflow.hpp>
#include <roost/shared_result.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// What all ends of a broadcast, or of a watch, share: a ring of the latest items, and the readers,
/// each with the number of the item that it gets next.
///
/// A slot of the ring counts its holders: the readers that hold up senders and have not read its
/// item. A send takes the place of the oldest item once that has no holder. Readers that do not
/// hold up senders find out how many items they have missed when they read.
///
/// INVARIANT, under the lock: receivers wait only at a reader that has read all items, senders wait
/// only while the ring is full and its oldest item has a holder; no thread waits once it is closed.
/// (Waiters that a stop, a deadline or another primitive has claimed may still be linked: they do
/// not count.) So a thread that ends one of these conditions serves the waiters: a send gives its
/// item to one receiver at each reader where some wait, and the last holder of the oldest item,
/// when it goes, lets senders in.
///
/// Source: the slots' counts as in tokio::sync::broadcast.
template <class T>
class broadcast_core final : public counted_object {
 public:
  class reader;
  class send_operation;
  class receive_operation;

  broadcast_core(std::size_t capacity, overflow slow_readers, std::string_view name)
      : slots_(capacity),
        slow_readers_(slow_readers),
        name_(name) {}
  broadcast_core(const broadcast_core&) = delete;
  broadcast_core& operator=(const broadcast_core&) = delete;
  ~broadcast_core() override = default;

  /// True for the call that closed it.
  bool close() noexcept;
  bool closed() const noexcept;

  void add_sender() noexcept {
    // relaxed: the caller holds a sender already, so the count cannot reach zero meanwhile
    senders_alive_.fetch_add(1, std::memory_order_relaxed);
  }
  void drop_sender() noexcept {
    // release: publishes what was done through this sender. acquire: the last one to go sees what
    // was done through all. The release of each step pairs with the acquire of the last one.
    if (senders_alive_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      close();
  }

  std::size_t capacity() const noexcept { return slots_.size(); }
  overflow slow_readers() const noexcept { return slow_readers_; }
  const std::string& name() const noexcept { return name_; }
  std::size_t readers() const noexcept;

  /// The item sent last. Precondition: there was one.
  shared_item<T> latest() const noexcept {
    const std::lock_guard guard(lock_);
    return slot(sent_ - 1).item;
  }

 private:
  friend struct channel_probe;

  struct numbered_slot {
    shared_item<T> item;
    std::size_t holders = 0;
  };

  // The caller holds lock_. They put waiters that are to be woken into `woken`.
  numbered_slot& slot(std::uint64_t number) noexcept { return slots_[number % slots_.size()]; }
  const numbered_slot& slot(std::uint64_t number) const noexcept {
    return slots_[number % slots_.size()];
  }
  std::uint64_t oldest() const noexcept {
    return sent_ < slots_.size() ? 0 : sent_ - slots_.size();
  }
  bool has_room() const noexcept { return sent_ < slots_.size() || slot(sent_).holders == 0; }
  channel_status send_locked(send_operation& from, claimed_list& woken) noexcept;
  channel_status receive_locked(reader& at, shared_result<T>& out, claimed_list& woken) noexcept;
  void put(send_operation& from, claimed_list& woken) noexcept;
  void read(reader& at, shared_result<T>& out) noexcept;
  void let_senders_in(claimed_list& woken) noexcept;

  mutable spin_lock lock_;
  // Guarded by lock_:
  std::vector<numbered_slot> slots_; // item n is in slot n modulo their number
  std::uint64_t sent_ = 0;           // how many items were sent; the number of the next one
  std::size_t readers_ = 0;
  std::size_t holding_readers_ = 0;  // of those, the ones that hold up senders
  intrusive_list<reader> waited_at_; // all readers where receivers wait, and some where they did
  wait_list senders_;                // a node's slot is its send_operation
  bool closed_ = false;
  waiter_note last_sender_;   // the last that slept, for reports
  waiter_note last_receiver_; // likewise, at any reader

  const overflow slow_readers_; // unless they say something else
  const std::string name_;
  sync::atomic<std::size_t> senders_alive_{1};
};

/// A place in the stream of items, which a receiver and its copies share: each item goes to one of
/// them.
template <class T>
class broadcast_core<T>::reader final : public counted_object, public list_node<reader> {
 public:
  /// Begins with the latest item.
  reader(counted_ptr<broadcast_core> core, overflow when_slow) noexcept;
  ~reader() override;
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;

  const counted_ptr<broadcast_core>& core() const noexcept { return core_; }
  overflow when_slow() const noexcept { return holds_ ? overflow::block : overflow::drop_oldest; }

  std::size_t size() const noexcept;     // how many items wait for it
  std::uint64_t missed() const noexcept; // in all

 private:
  friend broadcast_core;
  friend struct channel_probe;

  const counted_ptr<broadcast_core> core_;
  const bool holds_; // it holds up senders
  // Guarded by the core's lock:
  wait_list receivers_; // a node's slot is the shared_result to be filled
  std::uint64_t next_ = 0;
  std::uint64_t missed_ = 0;
};

/// To send `item`, which is taken only if the status is success in the end.
template <class T>
class broadcast_core<T>::send_operation final : public operation {
 public:
  send_operation(broadcast_core& core, stored_item<T>* item)
      : operation(core.lock_, &core.senders_, this),
        core_(core),
        item_(item) {}

  /// Exchanges the item for another one.
  void send(stored_item<T>& item) noexcept { item_ = std::addressof(item); }

  bool try_locked() noexcept override {
    status_ = core_.send_locked(*this, woken_);
    return status_ != channel_status::full;
  }
  void finish() noexcept override { woken_.complete(wait_state::done); }
  void link(wait_record& record) noexcept override {
    if constexpr (may_own_an_end)
      kept_ = counted_ptr<broadcast_core>(core_);
    operation::link(record);
  }
  void describe(object_note& note) const noexcept override;
  void sleeps(const waiter_note& waiter) const noexcept override {
    if_free(this->lock(), [&] { core_.last_sender_ = waiter; });
  }
  void conclude(wait_state end) noexcept override {
    status_ = end == wait_state::done ? channel_status::success : channel_status::closed;
  }
  bool is_permanent() const noexcept override { return status_ == channel_status::closed; }

  channel_status status() const noexcept { return status_; }

 private:
  friend broadcast_core;

  broadcast_core& core_;
  stored_item<T>* item_;
  static constexpr bool may_own_an_end = !std::is_trivially_copyable_v<stored_item<T>>;
  // Set when the operation is linked: the item may own the end through which it is sent. Then the
  // item, and with it the core, may be gone before this thread is awake.
  counted_ptr<broadcast_core> kept_;
  // Takes the item into the ring, and brings back the one whose place it takes, to be destroyed
  // when no lock is held.
  shared_item<T> parcel_ = shared_item<T>::with_room();
  channel_status status_ = channel_status::full;
  claimed_list woken_;
};

/// To receive the reader's next item.
template <class T>
class broadcast_core<T>::receive_operation final : public operation {
 public:
  explicit receive_operation(reader& at) noexcept
      : operation(at.core_->lock_, &at.receivers_, &result_),
        reader_(at) {}

  bool try_locked() noexcept override {
    result_.status_ = reader_.core_->receive_locked(reader_, result_, woken_);
    return result_.status_ != channel_status::empty;
  }
  void finish() noexcept override { woken_.complete(wait_state::done); }
  void link(wait_record& record) noexcept override {
    operation::link(record);
    reader_.core_->senders_.note_user();
    if (!reader_.linked())
      reader_.core_->waited_at_.push_back(reader_);
  }
  void conclude(wait_state end) noexcept override {
    result_.status_ = end == wait_state::done ? channel_status::success : channel_status::closed;
  }
  bool is_permanent() const noexcept override { return result_.status_ == channel_status::closed; }

  void describe(object_note& note) const noexcept override;
  void sleeps(const waiter_note& waiter) const noexcept override {
    if_free(this->lock(), [&] { reader_.core_->last_receiver_ = waiter; });
  }

  /// Nothing came in time.
  void time_out() noexcept { result_.status_ = channel_status::timeout; }

  channel_status status() const noexcept { return result_.status_; }

  /// Hands over what it received. After that the operation can be used again.
  shared_result<T> take() noexcept { return std::exchange(result_, shared_result<T>()); }

 private:
  reader& reader_;
  shared_result<T> result_;
  claimed_list woken_;
};

/// Makes an operation happen, and waits if it must.
inline wait_state happen(operation& wanted, const blocked_call& call, clock::time_point deadline) {
  return wanted.try_alone() ? first_or_stop(&wanted).end : wait_for_one(wanted, call, deadline);
}

// --- implementation ---------------------------------------------------------

template <class T>
channel_status broadcast_core<T>::send_locked(send_operation& from, claimed_list& woken) noexcept {
  if (closed_)
    return channel_status::closed;
  if (!has_room())
    return channel_status::full;
  put(from, woken);
  return channel_status::success;
}

template <class T>
void broadcast_core<T>::put(send_operation& from, claimed_list& woken) noexcept {
  numbered_slot& place = slot(sent_);
  from.parcel_.put(*from.item_);
  place.item.swap(from.parcel_);
  place.holders = holding_readers_;
  ++sent_;
  for (reader* at = waited_at_.front(); at != nullptr;) {
    reader* const next = waited_at_.next(*at);
    if (wait_node* const receiver = at->receivers_.claim_first()) {
      read(*at, *static_cast<shared_result<T>*>(receiver->slot));
      woken.push(*receiver->record);
    }
    if (at->receivers_.empty())
      waited_at_.erase(*at);
    at = next;
  }
}

// Precondition: there is an item for the reader.
template <class T>
void broadcast_core<T>::read(reader& at, shared_result<T>& out) noexcept {
  numbered_slot& place = slot(at.next_);
  out.item_ = place.item;
  ++at.next_;
  if (at.holds_)
    --place.holders;
}

template <class T>
channel_status
broadcast_core<T>::receive_locked(reader& at, shared_result<T>& out, claimed_list& woken) noexcept {
  if (at.next_ == sent_)
    return closed_ ? channel_status::closed : channel_status::empty;
  if (at.next_ < oldest()) {
    out.missed_ = oldest() - at.next_;
    at.missed_ += out.missed_;
    at.next_ = oldest();
  }
  read(at, out);
  let_senders_in(woken);
  return channel_status::success;
}

template <class T>
void broadcast_core<T>::let_senders_in(claimed_list& woken) noexcept {
  while (has_room() && !senders_.empty()) {
    if (const wait_node* const sender = senders_.claim_front()) {
      put(*static_cast<send_operation*>(sender->slot), woken);
      woken.push(*sender->record);
    }
  }
}

template <class T>
bool broadcast_core<T>::close() noexcept {
  claimed_list woken;
  {
    const std::lock_guard guard(lock_);
    if (closed_)
      return false;
    closed_ = true;
    woken.push_all(senders_);
    while (reader* const at = waited_at_.pop_front())
      woken.push_all(at->receivers_);
  }
  woken.complete(wait_state::closed);
  return true;
}

template <class T>
bool broadcast_core<T>::closed() const noexcept {
  const std::lock_guard guard(lock_);
  return closed_;
}

template <class T>
std::size_t broadcast_core<T>::readers() const noexcept {
  const std::lock_guard guard(lock_);
  return readers_;
}

template <class T>
void broadcast_core<T>::send_operation::describe(object_note& note) const noexcept {
  note.object = &core_;
  note.kind = "broadcast";
  describe_if_free(this->lock(), note, [&] {
    note.name.add(core_.name_);
    note.detail.add("full, ").add(core_.slots_.size()).add(" kept, ");
    note.detail.count(core_.readers_, "receiver");
    note.peer = core_.last_receiver_;
  });
}

template <class T>
void broadcast_core<T>::receive_operation::describe(object_note& note) const noexcept {
  const broadcast_core& core = *reader_.core_;
  note.object = &core;
  note.kind = "broadcast";
  describe_if_free(this->lock(), note, [&] {
    note.name.add(core.name_);
    // relaxed: a number for reports
    note.detail.count(core.senders_alive_.load(std::memory_order_relaxed), "sender");
    note.peer = core.last_sender_;
    note.users = core.senders_.users();
  });
}

template <class T>
broadcast_core<T>::reader::reader(counted_ptr<broadcast_core> core, overflow when_slow) noexcept
    : core_(std::move(core)),
      holds_(when_slow == overflow::block) {
  const std::lock_guard guard(core_->lock_);
  ++core_->readers_;
  next_ = core_->sent_ == 0 ? 0 : core_->sent_ - 1;
  if (holds_) {
    ++core_->holding_readers_;
    if (core_->sent_ != 0)
      ++core_->slot(next_).holders;
  }
}

template <class T>
broadcast_core<T>::reader::~reader() {
  note_unwinding();
  claimed_list woken;
  {
    const std::lock_guard guard(core_->lock_);
    --core_->readers_;
    if (this->linked())
      core_->waited_at_.erase(*this);
    if (holds_) {
      --core_->holding_readers_;
      for (; next_ != core_->sent_; ++next_)
        --core_->slot(next_).holders;
      core_->let_senders_in(woken);
    }
  }
  woken.complete(wait_state::done);
}

template <class T>
std::size_t broadcast_core<T>::reader::size() const noexcept {
  const std::lock_guard guard(core_->lock_);
  return static_cast<std::size_t>(core_->sent_ -
                                  (next_ < core_->oldest() ? core_->oldest() : next_));
}

template <class T>
std::uint64_t broadcast_core<T>::reader::missed() const noexcept {
  const std::lock_guard guard(core_->lock_);
  return missed_;
}

} // namespace roost::inline v0::detail
