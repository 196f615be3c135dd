// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/scope_options.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace roost::inline v0::detail {

/// How many tasks of a scope run, which are in line for that, and which spawns wait for a place in
/// the line. The scope's lock guards it, but for the end of the line.
///
///     a waiting spawn --let_in()--> the line --take_first()--> running --left()--> gone
///
/// INVARIANT, until a stop: a task is in line only while as many run as may; a spawn waits for a
/// place only while the line is full. So a thread whose task ends takes the next in line, and a
/// thread that takes a task from the line lets the next spawn in.
///
/// Those that came last are in a list of their own, the door, with a lock of its own: while it is
/// open, spawns put their tasks there and leave the scope's lock to those that end tasks. These
/// take over all that stand in the door at once, when nobody else is left in line. So the two sides
/// meet once for many tasks, and not for each.
///
/// INVARIANT: the door is open only while as many run as may, the scope is not stopped, and nobody
/// waits for a place. No more come by it than the line has places for: as many as it had when it
/// was last looked at under both locks. A spawn that goes by the scope's lock shuts it first, and
/// reopens it if it took a place and others may follow. A thread that stops running tasks shuts it,
/// and then takes what came by it, before it counts itself down. So a spawn comes before that, and
/// its task is found, or finds the door shut, and goes by the scope's lock. Order of locks: the
/// scope's, then the door's.
class task_line {
 public:
  task_line(std::size_t limit, std::size_t backlog) noexcept : limit_(limit), backlog_(backlog) {}

  bool limited() const noexcept { return limit_ != unlimited; }
  std::size_t running() const noexcept { return running_; }
  bool idle() const noexcept { return running_ == 0 && aside_ == 0 && tasks_.empty(); }

  bool may_run() const noexcept { return running_ < limit_; }

  /// Shuts the door: the caller is about to take the place, or to wait for one, and no spawn is to
  /// come in between.
  bool has_place() noexcept {
    spawns_.drop_leaving();
    shut_door();
    return length_ < backlog_ && spawns_.empty();
  }

  /// Not counting those that a stop or a deadline has taken out.
  bool spawn_waits() noexcept {
    spawns_.drop_leaving();
    return !spawns_.empty();
  }

  /// How many have begun to run: the same number twice says that nothing has moved.
  std::size_t begun() const noexcept { return begun_; }

  void begin() noexcept {
    ++running_;
    ++begun_;
  }

  /// The door is shut.
  void left() noexcept { --running_; }

  /// One begins in the place of another that has left.
  void begin_in_place() noexcept { ++begun_; }

  /// The same for what the limit does not count: it runs inside the wait of another task, or is on
  /// its way from the line to nowhere.
  void begin_aside() noexcept {
    ++aside_;
    ++begun_;
  }
  void left_aside() noexcept { --aside_; }

  /// Puts `t` into the line if the door is open and there is a place: then nothing else is to be
  /// done. The caller need not hold the scope's lock.
  enum class entry { in_line, full, shut };
  entry enter_by_door(task& t) noexcept;

  /// Puts it there in any case, and opens the door for the next ones if it may be open.
  void push_back(task& t) noexcept;

  /// A hint, needs no lock: a task has come by the door.
  bool someone_came() const noexcept {
    // relaxed: a hint; the thread looks again under the locks
    return door_.count.load(std::memory_order_relaxed) != 0;
  }
  /// A hint like that: the door is open.
  bool may_come_by_door() const noexcept {
    return door_.open.load(std::memory_order_relaxed); // relaxed: likewise
  }

  /// From now on all come by push_back(), until that opens it again.
  void shut_door() noexcept;

  /// Null if nobody is in line, or waits for a place. Spawns that need not wait any more are put
  /// into `woken`.
  task* take_first(claimed_list& woken) noexcept;
  void take(task& t, claimed_list& woken) noexcept;

  /// Null if nobody is in line.
  task* front() noexcept;
  static const task* next(const task& t) noexcept {
    return static_cast<const task*>(intrusive_list<context>::next(t));
  }

  /// How many are in line. Afterwards nobody stands in the door: next() finds all.
  std::size_t length() noexcept {
    clear_door();
    return length_;
  }

  /// Spawns that wait for a place. The slot of a node is the task.
  wait_list& spawns() noexcept { return spawns_; }

 private:
  friend struct probe;

  struct doorway {
    spin_lock lock;                     // guards the others
    sync::atomic<bool> open{false};     // written under the lock
    std::size_t places = 0;             // how many more may come
    sync::atomic<std::size_t> count{0}; // of tasks; written under the lock
    intrusive_list<context> tasks;
  };

  void clear_door() noexcept;
  void take_over() noexcept; // holds the door's lock
  void remove(task& t, claimed_list& woken) noexcept;
  void let_in(claimed_list& woken) noexcept;
  std::size_t places() const noexcept { return length_ < backlog_ ? backlog_ - length_ : 0; }

  task* take_from_spawn(claimed_list& woken) noexcept {
    const wait_node* const first = spawns_.claim_first();
    if (first == nullptr)
      return nullptr;
    woken.push(*first->record);
    return static_cast<task*>(first->slot);
  }

  // What is written for each task that ends; then a cache line's length of what seldom is; then
  // what is written for each that is spawned. To align them instead would cost more, because
  // general allocators are slow with aligned and with large objects.
  std::size_t running_ = 0;
  std::size_t begun_ = 0;
  intrusive_list<context> tasks_; // but for those in the door
  std::size_t length_ = 0;        // likewise
  bool door_is_open_ = false;     // the same as in the door, to be read without its lock
  const std::size_t limit_;
  const std::size_t backlog_;
  std::size_t aside_ = 0;
  wait_list spawns_;
  [[maybe_unused]] std::array<std::byte, 24> gap_{};
  doorway door_;
};

// --- implementation ---------------------------------------------------------

inline task_line::entry task_line::enter_by_door(task& t) noexcept {
  if (!limited())
    return entry::shut;
  const std::lock_guard guard(door_.lock);
  if (!may_come_by_door())
    return entry::shut;
  if (door_.places == 0)
    return entry::full;
  --door_.places;
  // relaxed, here and below: a hint for threads that do not hold the lock
  door_.count.store(door_.count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  t.in_line = true;
  door_.tasks.push_back(t);
  return entry::in_line;
}

inline void task_line::push_back(task& t) noexcept {
  shut_door(); // those that came by it are first
  t.in_line = true;
  tasks_.push_back(t);
  ++length_;
  if (may_run() || !spawns_.empty())
    return;
  const std::lock_guard guard(door_.lock);
  door_is_open_ = true;
  door_.open.store(true, std::memory_order_relaxed); // relaxed: a hint, as count is
  door_.places = places();
}

inline void task_line::take_over() noexcept {
  tasks_.append(door_.tasks);
  // relaxed: as in enter_by_door()
  length_ += door_.count.exchange(0, std::memory_order_relaxed);
}

inline void task_line::clear_door() noexcept {
  if (!door_is_open_)
    return;
  const std::lock_guard guard(door_.lock);
  take_over();
  door_.places = places();
}

inline void task_line::shut_door() noexcept {
  if (!door_is_open_)
    return;
  const std::lock_guard guard(door_.lock);
  take_over();
  door_is_open_ = false;
  door_.open.store(false, std::memory_order_relaxed); // relaxed: likewise
}

inline task* task_line::front() noexcept {
  if (tasks_.empty())
    clear_door();
  return static_cast<task*>(tasks_.front());
}

inline task* task_line::take_first(claimed_list& woken) noexcept {
  task* const first = front();
  if (first == nullptr)
    return take_from_spawn(woken);
  remove(*first, woken);
  return first;
}

inline void task_line::take(task& t, claimed_list& woken) noexcept {
  clear_door();
  remove(t, woken);
}

inline void task_line::remove(task& t, claimed_list& woken) noexcept {
  t.in_line = false;
  tasks_.erase(t);
  --length_;
  let_in(woken);
}

// While some wait the door is shut, and length_ counts all.
inline void task_line::let_in(claimed_list& woken) noexcept {
  while (!spawns_.empty() && length_ < backlog_) {
    task* const t = take_from_spawn(woken);
    if (t == nullptr)
      return;
    push_back(*t);
  }
}

} // namespace roost::inline v0::detail
