// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/thread_exit.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace roost::inline v0::detail {

/// What is counted for stats().
enum class counted : std::uint8_t { spawned, finished, slept, woken, stopped, verdicts };

/// Numbers of the whole program that only grow, except where discount() takes something back. Most
/// threads have a row of them to themselves, so that counting costs a load and a store. In the end
/// a thread gives its row back, and another one goes on counting there. Threads that come when all
/// rows are taken share the last one, by locked additions.
///
/// Threads: any. Nothing is allocated or destroyed, so threads may count even while the program's
/// statics are being destroyed.
class tallies {
 public:
  static constexpr std::size_t kinds = 6;
  static constexpr std::size_t own_rows = 256;

  struct alignas(64) row {
    std::array<sync::atomic<std::uint64_t>, kinds> numbers{}; // written by the thread that has it
  };

  /// One table in the whole program, also where shared libraries hide their symbols.
  [[gnu::visibility("default")]] static tallies& instance() noexcept {
    static constinit tallies all;
    return all;
  }

  /// A row for the calling thread; null if none is free.
  row* take() noexcept;
  void give_back(const row& r) noexcept;

  /// For threads without a row, and for events that are seldom.
  void add_to_shared(counted what, std::uint64_t more) noexcept {
    // release: as in count()
    of(rows_.back(), what).fetch_add(more, std::memory_order_release);
  }

  /// The sum over all rows.
  std::uint64_t sum(counted what) noexcept;

  static sync::atomic<std::uint64_t>& of(row& r, counted what) noexcept {
    return r.numbers[static_cast<std::size_t>(what)];
  }

 private:
  static constexpr std::size_t in_word = 64;

  std::array<row, own_rows + 1> rows_{};
  // A bit is set while a thread has the row.
  std::array<sync::atomic<std::uint64_t>, own_rows / in_word> taken_{};
};

/// Counts slowly: takes a row first, if there is one.
void count_without_row(counted what, std::uint64_t more) noexcept;

// --- implementation ---------------------------------------------------------

struct thread_tally {
  tallies::row* own = nullptr;
  bool gone = false; // the thread's locals are being destroyed
};
[[gnu::visibility("default")]] inline constinit thread_local thread_tally this_tally;

inline void count(counted what, std::uint64_t more = 1) noexcept {
  tallies::row* const own = this_tally.own;
  if (own == nullptr) [[unlikely]] {
    count_without_row(what, more);
    return;
  }
  sync::atomic<std::uint64_t>& number = tallies::of(*own, what);
  // relaxed: no other thread writes it. release: a task that is counted as finished was counted as
  // spawned before, and a reader that sums the finished ones first sees that; pairs with acquire in
  // sum()
  number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_release);
}

/// Takes back one that was counted.
inline void discount(counted what) noexcept {
  count(what, static_cast<std::uint64_t>(-1));
}

/// Counts an event that is seldom, maybe under locks.
inline void count_seldom(counted what) noexcept {
  tallies::instance().add_to_shared(what, 1);
}

#if ROOST_HAS_BODIES

ROOST_COLD_BODY tallies::row* tallies::take() noexcept {
  for (std::size_t word = 0; word < taken_.size(); ++word) {
    // relaxed: a guess, which the exchange below checks
    std::uint64_t bits = taken_[word].load(std::memory_order_relaxed);
    while (bits != ~std::uint64_t{0}) {
      const auto first = static_cast<std::size_t>(std::countr_one(bits));
      // acquire: sees what the last thread has counted there; pairs with release in give_back().
      // relaxed on failure: as above.
      if (taken_[word].compare_exchange_weak(bits,
                                             bits | (std::uint64_t{1} << first),
                                             std::memory_order_acquire,
                                             std::memory_order_relaxed))
        return &rows_[word * in_word + first];
    }
  }
  return nullptr;
}

ROOST_COLD_BODY void tallies::give_back(const row& r) noexcept {
  const auto place = static_cast<std::size_t>(&r - rows_.data());
  // release: publishes what was counted; pairs with acquire in take()
  taken_[place / in_word].fetch_and(~(std::uint64_t{1} << place % in_word),
                                    std::memory_order_release);
}

ROOST_COLD_BODY std::uint64_t tallies::sum(counted what) noexcept {
  std::uint64_t all = 0;
  for (row& r : rows_)
    all += of(r, what).load(std::memory_order_acquire); // acquire: see count()
  return all;
}

// Destructors of other locals of the thread may run later and count as well.
ROOST_COLD_BODY void give_row_back(tallies::row& own) noexcept {
  this_tally = {.own = nullptr, .gone = true};
  tallies::instance().give_back(own);
}

ROOST_COLD_BODY void count_without_row(counted what, std::uint64_t more) noexcept {
  tallies& all = tallies::instance();
  if (!this_tally.gone)
    this_tally.own = all.take();
  if (this_tally.own == nullptr) {
    all.add_to_shared(what, more);
    return;
  }
  sync::at_thread_exit<&give_row_back>(*this_tally.own);
  count(what, more);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
