// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/channel/item_block.hpp>
#include <roost/detail/channel/look_distance.hpp>
#include <roost/detail/operation/primitive_lock.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/spin_lock.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

namespace roost::inline v0::detail {

/// A queue with one lock for senders and another for receivers, so that a sender and a receiver on
/// two cores do not wait for each other. Moves must not throw.
///
/// Up to a small capacity the queue is a ring: one block, used again and again, allocated at once.
/// Beyond that it is a chain: blocks are added where items go in, and come free where items go out;
/// an item in it never moves. The queue allocates and frees nothing under its locks: holders of
/// both give it blocks and take blocks from it.
///
/// Threads: the functions that say "at hand" are for the holder of one lock: sending() to put,
/// receiving() to take. The hints need no lock, nor do the functions that return a lock. Everything
/// else is for the holder of both locks, or for a thread that has the queue to itself.
///
/// INVARIANT: head <= tail <= head + capacity; the items are at the positions head to tail - 1;
/// head and tail only count up. Position p is slot p modulo N of the block that the side is in,
/// where N is the number of slots of a block. A side enters the next block of a chain at a multiple
/// of N, and only under both locks. Only a holder of receiving() writes head, only a holder of
/// sending() writes tail. What a side has at hand ends with its block, and with what it has seen of
/// the other side's count.
///
/// Why this is right. A slot of the ring goes from a sender to a receiver, and back, and each time
/// one release and one acquire hand it over: put_at_hand() fills the slot and then moves tail
/// beyond it, has_item_at_hand() reads tail before take_at_hand() reads the slot; take_at_hand()
/// empties the slot and then moves head beyond it, has_room_at_hand() reads head before
/// put_at_hand() fills the slot again. The other's count, as a side remembers it, can only be too
/// small: the side may see too little room or too few items, and then looks again, but it never
/// sees too much. A slot of a chain is handed over once, in the same way; both locks order where
/// its block comes from and where it goes. Among senders, and among receivers, the side's lock
/// orders everything. "No room" and "no item" are true only under both locks. A receiver that has
/// taken an item must not destroy the queue at once: its sender may still hold sending().
///
/// Why a chain with a limit never lacks a block again once it was full. From then on it holds and
/// keeps most_blocks() blocks. In use are the blocks of the item taken last, of all items in the
/// queue, and of the next item: at most capacity + 1 positions side by side, which never lie in
/// more than most_blocks() blocks. So where the next item needs a block, one is free.
///
/// Cost: one lock and one store. In a steady flow the other side's cache line moves only once in
/// many items, and the block that comes free is the one that is needed next.
///
/// Source: the queue with two locks of Michael and Scott (1996), made of blocks; counts are
/// remembered as in MCRingBuffer (Lee, Bu, Chandranmenon 2010).
template <class T>
class block_queue {
 public:
  /// Has no room.
  block_queue() = default;
  explicit block_queue(std::size_t capacity);
  block_queue(const block_queue&) = delete;
  block_queue& operator=(const block_queue&) = delete;
  ~block_queue();

  spin_lock& sending() const noexcept { return senders_.lock; }
  spin_lock& receiving() const noexcept { return receivers_.lock; }
  primitive_lock both() const noexcept { return {sending(), &receiving()}; }

  /// May be false although a holder of both locks would find room.
  [[gnu::always_inline]] bool has_room_at_hand() noexcept {
    // relaxed: one's own count, guarded by the lock
    const std::size_t tail = senders_.count.load(std::memory_order_relaxed);
    if (senders_.end_at_hand() != tail)
      return true;
    // acquire: the slots that are filled next are empty; pairs with release in take_at_hand()
    const std::size_t head = receivers_.count.load(std::memory_order_acquire);
    return senders_.look_at_hand(tail, head + capacity_);
  }

  /// Precondition: has_room_at_hand() has just said so.
  [[gnu::always_inline]] void put_at_hand(T&& item) noexcept {
    // relaxed: as in has_room_at_hand()
    const std::size_t tail = senders_.count.load(std::memory_order_relaxed);
    std::construct_at(std::addressof(senders_.slot(tail)), std::move(item));
    // release: publishes the item; pairs with acquire in has_item_at_hand()
    senders_.count.store(tail + 1, std::memory_order_release);
  }

  /// May be false although a holder of both locks would find an item.
  [[gnu::always_inline]] bool has_item_at_hand() noexcept {
    // relaxed: one's own count, guarded by the lock
    const std::size_t head = receivers_.count.load(std::memory_order_relaxed);
    if (receivers_.end_at_hand() != head)
      return true;
    // acquire: the items that are taken next are there; pairs with release in put_at_hand()
    return receivers_.look_at_hand(head, senders_.count.load(std::memory_order_acquire));
  }

  /// Precondition: has_item_at_hand() has just said so.
  [[gnu::always_inline]] T take_at_hand() noexcept {
    // relaxed: as in has_item_at_hand()
    const std::size_t head = receivers_.count.load(std::memory_order_relaxed);
    T& full = receivers_.slot(head);
    T item(std::move(full));
    std::destroy_at(std::addressof(full));
    // release: the slot is empty; pairs with acquire in has_room_at_hand()
    receivers_.count.store(head + 1, std::memory_order_release);
    return item;
  }

  static constexpr bool is_chain(std::size_t capacity) noexcept { return capacity > most_of_ring; }

  bool has_item() const noexcept { return size() != 0; }
  /// Precondition: has_item().
  T take() noexcept;

  /// Whether an item can be put; false also where the chain lacks a block.
  bool has_room() const noexcept { return size() < capacity_ && !needs_free_block(); }
  /// Precondition: has_room().
  void put(T&& item) noexcept;

  /// Whether add() must come before the next put(), or, in a full chain, before a sender waits.
  bool lacks_block() const noexcept {
    return needs_free_block() ||
           (senders_.in_chain && size() == capacity_ && blocks_ < most_blocks());
  }
  /// Allocates; needs no lock.
  static item_block<T>* make_block() { return item_block<T>::make(slots_of_chain); }
  void add(item_block<T>* block) noexcept;

  /// Takes out the blocks that the chain has too many, for the caller to free without the locks.
  /// The chain keeps one free block; once it has as many blocks as when it is full, it keeps all.
  /// An empty chain that was long gives up even the block it is in: as the last one allocated, that
  /// block may lie above all others in memory, and then allocators give nothing back to the system
  /// as long as it is there.
  free_blocks<T> surplus() noexcept;

  std::size_t size() const noexcept { return tail() - head(); }

  /// A hint, for receivers.
  bool may_have_item() const noexcept {
    // relaxed: a hint
    const std::size_t head = receivers_.count.load(std::memory_order_relaxed);
    return receivers_.end_at_hand() != head ||
           senders_.count.load(std::memory_order_relaxed) != head;
  }

  /// A hint, for senders: whether `wanted` of `capacity` places are free; `wanted` is no more than
  /// that. (`capacity` is an argument because the queue's own cannot be read without a lock.)
  bool may_have_room(std::size_t capacity, std::size_t wanted = 1) const noexcept {
    // relaxed: a hint. The two counts may be of different moments, and so differ by more than the
    // room, or by less than nothing.
    const std::size_t tail = senders_.count.load(std::memory_order_relaxed);
    return senders_.end_at_hand() - tail >= wanted ||
           tail - receivers_.count.load(std::memory_order_relaxed) <= capacity - wanted;
  }

  /// A hint, for receivers: whether surplus() will give up one more block when the queue is empty.
  bool may_leave_block() const noexcept {
    // relaxed: a hint; both locks order it where a decision hangs on it
    return was_long_.load(std::memory_order_relaxed);
  }

  /// Hints: about how many items have gone in, or out, since any thread last called the function.
  std::size_t put_since_last_asked() noexcept { return senders_.passed_since_last_asked(); }
  std::size_t taken_since_last_asked() noexcept { return receivers_.passed_since_last_asked(); }

  /// Hints: how far apart senders look for room, and receivers for items.
  look_distance& looks_for_room() noexcept { return senders_.looks; }
  look_distance& looks_for_items() noexcept { return receivers_.looks; }

  /// Gives its items and its room to `other`, which was made without room and never used.
  void move_into(block_queue& other) noexcept;

 private:
  // Up to this capacity it is a ring.
  static constexpr std::size_t most_of_ring = 1024;
  // A power of two. Each block of a chain costs both locks twice, and where many senders meet they
  // all wait for that: with 512 items in a block they are a third slower than with 1024.
  static constexpr std::size_t slots_of_chain = sizeof(T) <= 16 ? 1024 : 256;
  // One in use and a free one.
  static constexpr std::size_t usual_blocks = 2;
  // Two sides in one cache line would make every send hold up every receive.
  static constexpr std::size_t line_apart = 64;

  struct alignas(line_apart) side {
    mutable spin_lock lock;
    bool in_chain = false;              // this, mask, slots and block: written under both locks
    sync::atomic<std::size_t> count{0}; // tail or head; written under the lock, read by the other
    // The position at which the items or the room at hand end. Read and written under the lock, and
    // read by hints.
    sync::atomic<std::size_t> until{0};
    sync::atomic<std::size_t> asked_at{0}; // what count was when asked last
    look_distance looks;
    std::size_t mask = 0;
    T* slots = nullptr; // of a chain both are null before the first block
    item_block<T>* block = nullptr;

    T& slot(std::size_t position) noexcept { return slots[position & mask]; }

    std::size_t end_at_hand() const noexcept {
      // relaxed: the lock orders it, and a hint need not be ordered
      return until.load(std::memory_order_relaxed);
    }
    // Whether there is something at hand: in a ring all until `end`; in a chain no further than the
    // block that the side is in.
    bool look_at_hand(std::size_t position, std::size_t end) noexcept {
      if (in_chain && end - position > left_in_block(position))
        end = position + left_in_block(position);
      // relaxed: as in end_at_hand()
      until.store(end, std::memory_order_relaxed);
      return end != position;
    }
    std::size_t left_in_block(std::size_t position) const noexcept { return -position & mask; }

    std::size_t passed_since_last_asked() noexcept {
      // relaxed: a hint; threads that ask at the same time may both be told of the same items
      const std::size_t now = count.load(std::memory_order_relaxed);
      const std::size_t before = asked_at.load(std::memory_order_relaxed);
      asked_at.store(now, std::memory_order_relaxed);
      return now - before;
    }

    void enter(item_block<T>* next) noexcept {
      block = next;
      slots = next->slots();
    }

    // Makes sure that the next position is at hand. Under both locks.
    void add_at_hand(std::size_t position) noexcept {
      // relaxed: as in end_at_hand()
      if (end_at_hand() == position)
        until.store(position + 1, std::memory_order_relaxed);
    }

    // Goes on at `position`, with nothing at hand. Under both locks.
    void start_at(std::size_t position) noexcept {
      // relaxed: the locks order it, and a hint need not be ordered
      count.store(position, std::memory_order_relaxed);
      until.store(position, std::memory_order_relaxed);
    }
    void give_to(side& other) noexcept {
      // relaxed: the locks order it
      other.start_at(count.load(std::memory_order_relaxed));
      other.in_chain = std::exchange(in_chain, false);
      other.mask = mask;
      other.slots = std::exchange(slots, nullptr);
      other.block = std::exchange(block, nullptr);
    }
  };

  // relaxed: both locks are held
  std::size_t tail() const noexcept { return senders_.count.load(std::memory_order_relaxed); }
  std::size_t head() const noexcept { return receivers_.count.load(std::memory_order_relaxed); }

  bool begins_block(std::size_t position) const noexcept {
    return senders_.in_chain && senders_.left_in_block(position) == 0;
  }
  bool needs_free_block() const noexcept { return begins_block(tail()) && free_.empty(); }
  void leave_block() noexcept;
  // The most blocks in which capacity + 1 positions side by side can lie.
  std::size_t most_blocks() const noexcept { return (capacity_ - 1) / slots_of_chain + 2; }

  side senders_;
  side receivers_;
  // The members below are written under both locks, if at all.
  alignas(line_apart) std::size_t capacity_ = 0;
  std::size_t blocks_ = 0;             // of a chain: in use, and free
  sync::atomic<bool> was_long_{false}; // it had more than the usual number of blocks
  item_block<T>* first_ = nullptr;     // of a chain: where receivers enter it
  free_blocks<T> free_;
};

// --- implementation ---------------------------------------------------------

template <class T>
block_queue<T>::block_queue(std::size_t capacity) : capacity_(capacity) {
  if (capacity == 0)
    return;
  const std::size_t slots = is_chain(capacity) ? slots_of_chain : std::bit_ceil(capacity);
  senders_.mask = receivers_.mask = slots - 1;
  senders_.in_chain = receivers_.in_chain = is_chain(capacity);
  if (is_chain(capacity))
    return;
  senders_.enter(item_block<T>::make(slots));
  receivers_.enter(senders_.block);
}

template <class T>
block_queue<T>::~block_queue() {
  while (has_item())
    (void)take();
  if (receivers_.block != nullptr) // the senders' as well
    free_.push(receivers_.block);
}

template <class T>
void block_queue<T>::put(T&& item) noexcept {
  const std::size_t at = tail();
  if (begins_block(at)) {
    item_block<T>* const next = free_.pop();
    (senders_.block != nullptr ? senders_.block->next : first_) = next;
    senders_.enter(next);
  }
  senders_.add_at_hand(at);
  put_at_hand(std::move(item));
}

// Where the item is in the next block of a chain, a sender has entered that block before.
template <class T>
T block_queue<T>::take() noexcept {
  const std::size_t at = head();
  if (begins_block(at)) {
    item_block<T>* const left = receivers_.block;
    receivers_.enter(left != nullptr ? left->next : first_);
    if (left != nullptr)
      free_.push(left);
  }
  receivers_.add_at_hand(at);
  return take_at_hand();
}

template <class T>
void block_queue<T>::add(item_block<T>* block) noexcept {
  free_.push(block);
  ++blocks_;
  const bool stays = blocks_ == most_blocks(); // see surplus()
  if (stays || blocks_ > usual_blocks)
    was_long_.store(!stays, std::memory_order_relaxed); // relaxed: see may_leave_block()
}

template <class T>
free_blocks<T> block_queue<T>::surplus() noexcept {
  free_blocks<T> rest;
  if (blocks_ == 0 || blocks_ == most_blocks())
    return rest;
  if (may_leave_block() && !has_item() && receivers_.block != nullptr)
    leave_block();
  for (; free_.size() > 1; --blocks_)
    rest.push(free_.pop());
  return rest;
}

// Both sides are in the same block, and go on right before the next one.
template <class T>
void block_queue<T>::leave_block() noexcept {
  const std::size_t next = tail() + senders_.left_in_block(tail());
  free_.push(receivers_.block);
  for (side* const each : {&senders_, &receivers_}) {
    each->start_at(next);
    each->slots = nullptr;
    each->block = nullptr;
  }
  was_long_.store(false, std::memory_order_relaxed); // relaxed: see may_leave_block()
}

template <class T>
void block_queue<T>::move_into(block_queue& other) noexcept {
  senders_.give_to(other.senders_);
  receivers_.give_to(other.receivers_);
  senders_.start_at(tail());
  receivers_.start_at(tail());
  other.capacity_ = std::exchange(capacity_, 0);
  other.blocks_ = std::exchange(blocks_, 0);
  was_long_.store(false, std::memory_order_relaxed); // relaxed: see may_leave_block()
  other.first_ = std::exchange(first_, nullptr);
  other.free_ = std::move(free_);
}

} // namespace roost::inline v0::detail
