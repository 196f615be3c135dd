// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/scope_options.hpp>

#include <cstddef>

namespace roost::inline v0::detail {

/// How many tasks of a scope run, which are queued, and which spawns wait for a place in the queue.
/// The scope's lock guards it.
///
///     a waiting spawn --let_in()--> queued --take_first()--> running --ended()--> gone
///
/// INVARIANT, until a stop: a task is queued only while the limit is reached, or where the system
/// has refused a thread for it (scope_state::leave_to_others); a spawn waits for a place only while
/// the queue is full. So a worker whose task has ended takes the next one of the queue, and a
/// thread that takes a task out of the queue lets the next spawn in.
class run_queue {
 public:
  run_queue(std::size_t limit, std::size_t backlog) noexcept : limit_(limit), backlog_(backlog) {}

  bool limited() const noexcept { return limit_ != unlimited; }
  std::size_t limit() const noexcept { return limit_; }
  std::size_t backlog() const noexcept { return backlog_; }
  bool may_run() const noexcept { return running_ < limit_; }
  std::size_t running() const noexcept { return running_; }

  /// How many run, and those that the limit does not count.
  std::size_t counted() const noexcept { return running_ + uncounted_; }

  /// True if nothing is counted and nothing is queued.
  bool idle() const noexcept { return counted() == 0 && tasks_.empty(); }

  /// How many have begun to run: the same number twice says that nothing has moved.
  std::size_t begun() const noexcept { return begun_; }

  /// A task begins, in a place of its own.
  void begin() noexcept {
    ++running_;
    ++begun_;
  }

  /// A task begins in the place of another one that has ended.
  void begin_in_place() noexcept { ++begun_; }

  /// The last task in a place has ended.
  void ended() noexcept { --running_; }

  /// The same for a task that the limit does not count: it runs inside the wait of another task, or
  /// leaves the queue without a run.
  void begin_uncounted() noexcept {
    ++uncounted_;
    ++begun_;
  }
  void ended_uncounted() noexcept { --uncounted_; }

  /// How many more tasks may be queued. None while a spawn waits for that.
  std::size_t places() const noexcept {
    return spawns_.empty() && length_ < backlog_ ? backlog_ - length_ : 0;
  }

  void push_back(task& t) noexcept {
    t.is_queued = true;
    tasks_.push_back(t);
    ++length_;
  }

  /// Takes over `count` tasks that were queued elsewhere.
  void append(intrusive_list<context>& tasks, std::size_t count) noexcept {
    tasks_.append(tasks);
    length_ += count;
  }

  /// Takes the first task, or that of the first spawn that waits; null if there is neither. Spawns
  /// that need not wait any more are put into `woken`.
  task* take_first(claimed_list& woken) noexcept;

  /// Takes a task that is queued.
  void take(task& t, claimed_list& woken) noexcept;

  std::size_t length() const noexcept { return length_; }
  task* front() const noexcept { return static_cast<task*>(tasks_.front()); }
  static task* next(const task& t) noexcept {
    return static_cast<task*>(intrusive_list<context>::next(t));
  }

  /// Spawns that wait for a place. The slot of a node is the task.
  wait_list& spawns() noexcept { return spawns_; }
  const wait_list& spawns() const noexcept { return spawns_; }

 private:
  task* take_from_spawn(claimed_list& woken) noexcept;
  void let_in(claimed_list& woken) noexcept;

  std::size_t running_ = 0;
  std::size_t begun_ = 0;
  intrusive_list<context> tasks_; // the queue
  std::size_t length_ = 0;        // of it
  const std::size_t limit_;
  const std::size_t backlog_;
  std::size_t uncounted_ = 0;
  wait_list spawns_;
};

// --- implementation ---------------------------------------------------------

inline task* run_queue::take_first(claimed_list& woken) noexcept {
  task* const first = front();
  if (first == nullptr)
    return take_from_spawn(woken);
  take(*first, woken);
  return first;
}

inline void run_queue::take(task& t, claimed_list& woken) noexcept {
  t.is_queued = false;
  tasks_.erase(t);
  --length_;
  let_in(woken);
}

inline task* run_queue::take_from_spawn(claimed_list& woken) noexcept {
  const wait_node* const first = spawns_.claim_first();
  if (first == nullptr)
    return nullptr;
  woken.push(*first->record);
  return static_cast<task*>(first->slot);
}

inline void run_queue::let_in(claimed_list& woken) noexcept {
  while (!spawns_.empty() && length_ < backlog_) {
    task* const t = take_from_spawn(woken);
    if (t == nullptr)
      return;
    push_back(*t);
  }
}

} // namespace roost::inline v0::detail
