// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/short_text.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/site.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

namespace roost::inline v0::detail {

/// One sighting as it is kept.
struct trace_entry {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): of the characters `length` are there
  explicit trace_entry(const sighting& s) noexcept
      : at(s.at),
        by(s.by),
        wake(s.wake),
        task(s.task),
        scope(s.scope),
        operation(s.operation),
        where(s.where),
        kind(s.kind),
        how(s.how),
        length(static_cast<std::uint8_t>(
            cut_off(s.text, characters.size()).copy(characters.data(), characters.size()))) {}

  std::string_view text() const noexcept { return {characters.data(), length}; }

  clock::time_point at;
  actor by;
  wake_note wake;
  std::uint64_t task;
  std::uint64_t scope;
  const char* operation;
  site where;
  std::array<char, 45> characters; // of the text, which is cut off there
  sighting_kind kind;
  std::uint8_t how;
  std::uint8_t length;
};

/// What a log holds at one moment: all that was told from its begin until then, in order; or until
/// it was full, and then it says how much is missing.
struct trace_entries {
  clock::time_point begin;
  clock::time_point end;
  std::vector<const trace_entry*> all; // the log's
  std::uint64_t dropped = 0;
};

/// Keeps what it is told in memory that its constructor takes, until that is full. Each shard fills
/// a block of entries and then takes the next one, so that threads seldom write to the same line.
///
/// INVARIANT: an entry of a block is constant once the block's fill counts it. So entries are read
/// while others are written, and without a lock.
///
/// Entries later than the first that found no place are left out of so_far(): a thread may still
/// have had a place for its own, but a story with gaps is none.
class trace_log final : public observer {
 public:
  explicit trace_log(std::size_t most);
  ~trace_log() { end(); }
  trace_log(const trace_log&) = delete;
  trace_log& operator=(const trace_log&) = delete;

  /// Once only; its owner's alone.
  void end() noexcept;

  ROOST_BODY void see(const sighting& what, std::size_t shard) noexcept override;
  trace_entries so_far() const;
  std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed); // relaxed: a number alone
  }

 private:
  struct alignas(trace_entry) room_of_entry {
    std::array<std::byte, sizeof(trace_entry)> bytes;
  };
  struct alignas(64) block_of_shard { // guarded by the shard's lock
    std::size_t next = 0;
    std::size_t end = 0;
  };
  struct alignas(64) fill_of_block {
    sync::atomic<std::size_t> entries{0}; // written under the lock of the shard that took the block
  };

  const trace_entry& entry(std::size_t place) const noexcept {
    return *std::launder(reinterpret_cast<const trace_entry*>(memory_[place].bytes.data()));
  }
  // Zeroed: so the system gives it now.
  static std::unique_ptr<room_of_entry[]> room_for(std::size_t most);
  bool find_place(block_of_shard& in) noexcept;
  void drop(clock::time_point at) noexcept;

  const std::size_t block_size_;
  const std::size_t blocks_;
  const std::unique_ptr<room_of_entry[]> memory_;
  const std::unique_ptr<fill_of_block[]> fills_;
  const clock::time_point begin_ = sync::now(); // the memory is there by now
  clock::time_point end_ = no_deadline;         // the owner's; when it was ended
  std::array<block_of_shard, observer_shards> places_{};
  sync::atomic<std::size_t> taken_{0}; // blocks; may be more than there are
  sync::atomic<std::uint64_t> dropped_{0};
  sync::atomic<clock::rep> first_drop_{no_deadline.time_since_epoch().count()}; // the earliest
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY std::unique_ptr<trace_log::room_of_entry[]> trace_log::room_for(std::size_t most) {
  if (most > static_cast<std::size_t>(-1) / sizeof(room_of_entry)) // a sanitizer would abort
    throw std::bad_alloc();
  return std::make_unique<room_of_entry[]>(most);
}

ROOST_COLD_BODY trace_log::trace_log(std::size_t most)
    : block_size_(std::clamp<std::size_t>(most / 1024, 1, 64)),
      blocks_(most / block_size_),
      memory_(room_for(most)),
      fills_(std::make_unique<fill_of_block[]>(blocks_)) {
  add_observer(*this);
}

ROOST_COLD_BODY void trace_log::end() noexcept {
  if (!linked())
    return;
  remove_observer(*this);
  end_ = sync::now() + clock::duration(1); // after all of this moment, if time stands still
}

ROOST_BODY bool trace_log::find_place(block_of_shard& in) noexcept {
  // relaxed: once there was no place, none is looked for; others may still look in vain
  if (dropped_.load(std::memory_order_relaxed) != 0)
    return false;
  if (in.next != in.end)
    return true;
  // relaxed: only the numbers differ
  const std::size_t block = taken_.fetch_add(1, std::memory_order_relaxed);
  if (block >= blocks_)
    return false;
  in.next = block * block_size_;
  in.end = in.next + block_size_;
  return true;
}

ROOST_COLD_BODY void trace_log::drop(clock::time_point at) noexcept {
  // relaxed, all: so_far() reads them after await_observers(), whose locks come after the one held
  // here; find_place() and dropped() read a number alone, which may be old
  const clock::rep time = at.time_since_epoch().count();
  clock::rep first = first_drop_.load(std::memory_order_relaxed);
  while (time < first &&
         !first_drop_.compare_exchange_weak(first, time, std::memory_order_relaxed)) {
  }
  dropped_.fetch_add(1, std::memory_order_relaxed); // relaxed: as above
}

ROOST_BODY void trace_log::see(const sighting& what, std::size_t shard) noexcept {
  if (what.at < begin_) // by the clock outside of this bubble
    return;
  block_of_shard& in = places_[shard];
  if (!find_place(in)) {
    drop(what.at);
    return;
  }
  const std::size_t place = in.next++;
  ::new (memory_[place].bytes.data()) trace_entry(what);
  // release: publishes the entry; pairs with acquire in so_far()
  fills_[place / block_size_].entries.store(place % block_size_ + 1, std::memory_order_release);
}

ROOST_COLD_BODY trace_entries trace_log::so_far() const {
  // What was ended is read in any time: that of a bubble may be over by now.
  trace_entries found{begin_, end_ != no_deadline ? end_ : sync::now(), {}, 0};
  await_observers(); // what is older is there now
  // relaxed, here and below: those locks order them
  const clock::time_point first_drop{clock::duration(first_drop_.load(std::memory_order_relaxed))};
  found.end = earlier(found.end, first_drop);
  found.dropped = dropped_.load(std::memory_order_relaxed);         // relaxed: likewise
  const std::size_t taken = taken_.load(std::memory_order_relaxed); // relaxed: likewise
  for (std::size_t block = 0; block < std::min(taken, blocks_); ++block) {
    // acquire: sees the entries; pairs with release in see()
    const std::size_t filled = fills_[block].entries.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < filled; ++i) {
      const trace_entry& e = entry(block * block_size_ + i);
      if (e.at < found.end)
        found.all.push_back(&e);
      else if (e.at >= first_drop)
        ++found.dropped;
    }
  }
  // What a thread does stays in its order: its shard takes the blocks in theirs.
  std::sort(found.all.begin(), found.all.end(), [](const trace_entry* a, const trace_entry* b) {
    return a->at != b->at ? a->at < b->at : std::less<>()(a, b);
  });
  return found;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
