// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/primitive_lock.hpp>
#include <roost/detail/spin_lock.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

namespace roost::inline v0::detail {

/// A circular buffer with a lock for those who put items in and another for those who take them
/// out, so that a sender and a receiver on two cores do not wait for each other. It does not
/// allocate by itself: its room is given to it, so that it can be made outside of the locks. Moves
/// must not throw.
///
/// Threads: has_room() and put() are for the holder of sending(); has_item() and take() for the
/// holder of receiving(); all else but the names of the locks, and the hints, for the holder of
/// both, or where one thread has the ring alone.
///
/// INVARIANT: head <= tail <= head + room; the items are in the slots head to tail - 1, each modulo
/// the number of slots; both only count up. Only a holder of receiving() writes head, only one of
/// sending() writes tail.
///
/// Why this is right. A slot goes from a sender to a receiver, and back, and each time one release
/// and one acquire hand it over: put() fills the slot and then moves tail beyond it, has_item()
/// reads tail before take() reads the slot; take() empties the slot and then moves head beyond it,
/// has_room() reads head before put() fills the slot again. Each side remembers what it saw of the
/// other's count and looks again only when that does not suffice: what it remembers is too small at
/// most, so it may see too little room or too few items, and then looks again, but never too much.
/// Among senders, and among receivers, the side's lock orders everything. "No room" and "no item"
/// are true of what the asking thread can know; only under both locks are they also ordered with
/// what the other side does next. Who has taken an item must not destroy the ring at once: its
/// sender may still hold sending().
///
/// Cost: one lock and one store. In a steady flow the other side's cache line moves only once in
/// many items.
///
/// Source: the queue with two locks of Michael and Scott (1996), on a ring; counts remembered as
/// in MCRingBuffer (Lee, Bu, Chandranmenon 2010).
template <class T>
class two_lock_ring {
 public:
  two_lock_ring() = default;
  /// Allocates as many slots as the next power of two.
  explicit two_lock_ring(std::size_t room)
      : slots_(room != 0 ? allocator().allocate(std::bit_ceil(room)) : nullptr),
        mask_(room != 0 ? std::bit_ceil(room) - 1 : 0),
        room_(room) {}
  two_lock_ring(const two_lock_ring&) = delete;
  two_lock_ring& operator=(const two_lock_ring&) = delete;
  ~two_lock_ring();

  spin_lock& sending() const noexcept { return senders_.lock; }
  spin_lock& receiving() const noexcept { return receivers_.lock; }
  primitive_lock both() const noexcept { return {sending(), &receiving()}; }

  [[gnu::always_inline]] bool has_room() noexcept {
    // relaxed: one's own count, guarded by the lock
    const std::size_t tail = senders_.count.load(std::memory_order_relaxed);
    if (tail - senders_.remembered() < room_)
      return true;
    // acquire: the slot that is filled next is empty; pairs with release in take()
    return tail - senders_.remember(receivers_.count.load(std::memory_order_acquire)) < room_;
  }

  /// Precondition: there is room.
  [[gnu::always_inline]] void put(T&& item) noexcept {
    // relaxed: as in has_room()
    const std::size_t tail = senders_.count.load(std::memory_order_relaxed);
    std::construct_at(&slot(tail), std::move(item));
    // release: publishes the item; pairs with acquire in has_item()
    senders_.count.store(tail + 1, std::memory_order_release);
  }

  [[gnu::always_inline]] bool has_item() noexcept {
    // relaxed: one's own count, guarded by the lock
    const std::size_t head = receivers_.count.load(std::memory_order_relaxed);
    if (receivers_.remembered() != head)
      return true;
    // acquire: the item that is taken next is there; pairs with release in put()
    return receivers_.remember(senders_.count.load(std::memory_order_acquire)) != head;
  }

  /// Precondition: has_item() has just said so.
  [[gnu::always_inline]] T take() noexcept {
    // relaxed: as in has_item()
    const std::size_t head = receivers_.count.load(std::memory_order_relaxed);
    T& full = slot(head);
    T item(std::move(full));
    std::destroy_at(&full);
    // release: the slot is empty; pairs with acquire in has_room()
    receivers_.count.store(head + 1, std::memory_order_release);
    return item;
  }

  std::size_t size() const noexcept {
    // relaxed: both locks are held, or it is a hint
    return senders_.count.load(std::memory_order_relaxed) -
           receivers_.count.load(std::memory_order_relaxed);
  }
  std::size_t room() const noexcept { return room_; }

  /// A hint, for receivers.
  bool may_have_item() const noexcept {
    // relaxed: a hint
    const std::size_t head = receivers_.count.load(std::memory_order_relaxed);
    return receivers_.remembered() != head ||
           senders_.count.load(std::memory_order_relaxed) != head;
  }

  /// A hint, for senders: whether `wanted` places are free among `capacity`, which is no fewer.
  /// (Not among the room, which cannot be read without a lock.)
  bool may_have_room(std::size_t capacity, std::size_t wanted = 1) const noexcept {
    // relaxed: a hint. Counts of two moments may seem to be more than the room, or less than none.
    const std::size_t tail = senders_.count.load(std::memory_order_relaxed);
    const std::size_t most = capacity - wanted;
    return tail - senders_.remembered() <= most ||
           tail - receivers_.count.load(std::memory_order_relaxed) <= most;
  }

  /// Hints: about how many items have gone in, or out, since this was called last, by any thread.
  std::size_t put_since_last_asked() noexcept { return senders_.passed_since_last_asked(); }
  std::size_t taken_since_last_asked() noexcept { return receivers_.passed_since_last_asked(); }

  /// Moves all items into `larger`, which is empty, and takes its place; `larger` is left with the
  /// old room, to be freed outside the locks.
  void grow_into(two_lock_ring& larger) noexcept {
    while (has_item())
      larger.put(take());
    swap(larger);
  }

  /// Exchanges all but the locks.
  void swap(two_lock_ring& other) noexcept {
    senders_.swap(other.senders_);
    receivers_.swap(other.receivers_);
    std::swap(slots_, other.slots_);
    std::swap(mask_, other.mask_);
    std::swap(room_, other.room_);
  }

 private:
  // Two of them in one cache line would make every send hold up every receive.
  static constexpr std::size_t line_apart = 64;

  struct alignas(line_apart) side {
    mutable spin_lock lock;
    std::atomic<std::size_t> count{0}; // tail or head; written under the lock, read by the other
    // What the other side's count was. Read and written under the lock, and read by hints.
    std::atomic<std::size_t> seen{0};
    std::atomic<std::size_t> asked_at{0}; // what count was at the last hint about the pace

    std::size_t remembered() const noexcept {
      // relaxed: the lock orders it, and a hint need not be ordered
      return seen.load(std::memory_order_relaxed);
    }
    std::size_t remember(std::size_t now) noexcept {
      // relaxed: as in remembered()
      seen.store(now, std::memory_order_relaxed);
      return now;
    }

    std::size_t passed_since_last_asked() noexcept {
      // relaxed: a hint; threads that ask at the same time may both be told of the same items
      const std::size_t now = count.load(std::memory_order_relaxed);
      const std::size_t before = asked_at.load(std::memory_order_relaxed);
      asked_at.store(now, std::memory_order_relaxed);
      return now - before;
    }

    void swap(side& other) noexcept {
      // relaxed: the holder of both locks is alone
      const std::size_t mine = count.load(std::memory_order_relaxed);
      count.store(other.count.load(std::memory_order_relaxed), std::memory_order_relaxed);
      other.count.store(mine, std::memory_order_relaxed);
      const std::size_t had_seen = remembered();
      remember(other.remembered());
      other.remember(had_seen);
    }
  };

  static std::allocator<T> allocator() noexcept { return {}; }
  T& slot(std::size_t position) noexcept { return slots_[position & mask_]; }

  side senders_;
  side receivers_;
  alignas(line_apart) T* slots_ = nullptr; // this and what follows: written under both locks
  std::size_t mask_ = 0;
  std::size_t room_ = 0;
};

// --- implementation ---------------------------------------------------------

template <class T>
two_lock_ring<T>::~two_lock_ring() {
  while (has_item())
    (void)take();
  if (slots_ != nullptr)
    allocator().deallocate(slots_, mask_ + 1);
}

} // namespace roost::inline v0::detail
