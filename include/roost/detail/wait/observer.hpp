// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/thread_number.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/site.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

// How observers, such as a trace_recorder, are told what tasks and threads do.
//
//     is_observed()     one relaxed load, where something is about to be told. It is asked where a
//                       task is spawned, begins and ends, where a thread has spun and goes to
//                       sleep, where a waiter is completed, a scope begins, ends, stops, a task
//                       fails; and nowhere else
//     tell(sighting)    hands it to all observers, under the lock of the calling thread's shard
//
// INVARIANT: an observer is called under the lock of one shard, and is added and removed under the
// locks of all. So no observer is called after remove_observer() has returned, whatever threads do
// meanwhile: a call that had begun holds the lock of its shard until it is over, and one that
// begins later finds the list without the observer, which may be destroyed then. is_observed() is
// only a hint.
//
// Order of locks: a shard's lock comes after all others, as a stop is told under a scope's.

namespace roost::inline v0::detail {

/// One that acts: a task, or a thread that runs none.
struct actor {
  static constexpr std::uint64_t keeps_time = std::uint64_t{1} << 63U; // in `thread`

  std::uint64_t task = 0;   // 0: none
  std::uint64_t thread = 0; // where, as the system knows it; and whether it is a timekeeper
};

/// What has woken a sleeper, and when.
struct wake_note {
  actor by;
  clock::time_point at{}; // the clock's epoch: it is not known
};

enum class sighting_kind : std::uint8_t {
  spawn,         // of `task` in `scope`: text is its name, where the line
  refusal,       // `task`, which was told of as spawned, could not be and is gone
  task_begin,    // of `task` in `scope`; text and where as above
  task_end,      // of `task`; how: a task::outcome
  sleep_begin,   // in a wait: operation, text is the object's name, where the line
  sleep_end,     // wake tells what ended it, if known; how: a wait_state
  foreign_begin, // of a blocking_region: text and where as it was given
  foreign_end,
  scope_begin, // of `scope`: text is its name, where the line
  scope_end,
  stop,    // of `scope`, or of `task` alone; how: the stop_reason, text its message, where the line
  failure, // of `task`, or of the body of `scope`; text is the message
};

/// One thing that observers are told. Whatever it refers to exists only during the call, except
/// `operation` and `where`, which are literals.
struct sighting {
  sighting_kind kind{};
  std::uint8_t how = 0;
  std::uint64_t task = 0;
  std::uint64_t scope = 0;
  std::string_view text = {};
  const char* operation = "";
  site where = {};
  wake_note wake = {};
  // Set by tell():
  actor by = {};
  clock::time_point at = {};
};

/// How many shards there are: so many threads can tell at a time.
inline constexpr std::size_t observer_shards = 64;

/// Is told what tasks and threads do. See the top of this file.
///
/// Threads: see() is called on the thread that does it, maybe under locks of roost and always under
/// that of `shard`; in one shard `at` never decreases. It must neither wait, allocate, throw nor
/// call roost, and should take no longer than some dozen instructions.
class observer : public list_node<observer> {
 public:
  virtual void see(const sighting& what, std::size_t shard) noexcept = 0;

 protected:
  ~observer() = default;
};

/// `o` is told everything that is told between the return of add_observer() and the call of
/// remove_observer(); so it may be told an end whose begin it was not told. Both wait for calls of
/// observers that are under way.
void add_observer(observer& o) noexcept;
void remove_observer(observer& o) noexcept;

/// Returns once observers have been told everything whose `at` is earlier than this call.
void await_observers() noexcept;

/// Sets `by` and `at`, and tells it.
void tell(sighting what) noexcept;

/// A note that the calling thread wakes another one now.
wake_note this_wake() noexcept;

// --- implementation ---------------------------------------------------------

// How many observers there are; written under the locks of all shards. One count in the whole
// program, also where shared libraries hide their symbols.
[[gnu::visibility("default")]] inline constinit sync::atomic<std::uint32_t> observer_count{0};

[[gnu::always_inline]] inline bool is_observed() noexcept {
  // relaxed: a hint; the list is looked at under a lock
  return observer_count.load(std::memory_order_relaxed) != 0;
}

/// The calling thread, and the task that runs there. Between two tasks the first one still counts:
/// what the thread does then, it does for that task.
[[gnu::visibility("default")]] inline constinit thread_local actor this_actor;

struct observers {
  struct alignas(64) shard {
    spin_lock lock;
  };
  class all_shards;

  std::array<shard, observer_shards> shards;
  intrusive_list<observer> list; // written under the locks of all shards, read under any

  [[gnu::visibility("default")]] static observers& instance() noexcept {
    static constinit observers all;
    return all;
  }

  /// Threads take the shards in turn.
  [[gnu::visibility("default")]] static std::size_t shard_of_this_thread() noexcept {
    static constinit sync::atomic<std::size_t> taken{0};
    static constinit thread_local std::size_t own = 0; // 0: none so far
    // relaxed: only the numbers differ
    if (own == 0)
      own = taken.fetch_add(1, std::memory_order_relaxed) + 1;
    return own % observer_shards;
  }
};

class observers::all_shards {
 public:
  explicit all_shards(observers& all) noexcept : all_(all) {
    for (shard& s : all_.shards)
      s.lock.lock();
  }
  ~all_shards() {
    for (shard& s : all_.shards)
      s.lock.unlock();
  }
  all_shards(const all_shards&) = delete;
  all_shards& operator=(const all_shards&) = delete;

 private:
  observers& all_;
};

#if ROOST_HAS_BODIES

ROOST_COLD_BODY void add_observer(observer& o) noexcept {
  observers& all = observers::instance();
  const observers::all_shards locked(all);
  all.list.push_back(o);
  observer_count.fetch_add(1, std::memory_order_relaxed); // relaxed: see is_observed()
}

ROOST_COLD_BODY void remove_observer(observer& o) noexcept {
  observers& all = observers::instance();
  const observers::all_shards locked(all);
  all.list.erase(o);
  observer_count.fetch_sub(1, std::memory_order_relaxed); // relaxed: see is_observed()
}

ROOST_COLD_BODY void await_observers() noexcept {
  for (observers::shard& s : observers::instance().shards)
    const std::lock_guard guard(s.lock);
}

ROOST_BODY const actor& known_actor() noexcept {
  if (this_actor.thread == 0)
    this_actor.thread = sync::thread_number();
  return this_actor;
}

// The time is read under the lock: so all that is older than a call of await_observers() has been
// told when that returns.
ROOST_COLD_BODY void tell(sighting what) noexcept {
  observers& all = observers::instance();
  what.by = known_actor();
  const std::size_t shard = observers::shard_of_this_thread();
  const std::lock_guard guard(all.shards[shard].lock);
  what.at = sync::now();
  for (observer* o = all.list.front(); o != nullptr; o = all.list.next(*o))
    o->see(what, shard);
}

ROOST_BODY wake_note this_wake() noexcept {
  return {known_actor(), sync::now()};
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
