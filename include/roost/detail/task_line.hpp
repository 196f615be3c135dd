// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/context.hpp>
#include <roost/detail/intrusive_list.hpp>
#include <roost/detail/task.hpp>
#include <roost/detail/wait_record.hpp>
#include <roost/scope_options.hpp>

#include <cstddef>
#include <stdexcept>

namespace roost::inline v0::detail {

/// How many tasks of a scope run, who is in line for that, and who waits for a place in the line.
/// The scope's lock guards it.
///
///     a waiting spawn --let_in()--> the line --take_first()--> running --left()--> gone
///
/// INVARIANT, until a stop: someone is in line only while as many run as may; someone waits for a
/// place only while the line is full. So whoever ends takes the next in line, and whoever takes one
/// from the line lets the next in.
class task_line {
 public:
  task_line(std::size_t limit, std::size_t backlog) : limit_(limit), backlog_(backlog) {
    if (limit == 0) {
      throw std::invalid_argument(
          "roost::task_scope: with a limit of 0 no task would ever run; leave it out to set none");
    }
  }

  bool limited() const noexcept { return limit_ != unlimited; }
  std::size_t running() const noexcept { return running_; }
  bool idle() const noexcept { return running_ == 0 && aside_ == 0 && tasks_.empty(); }

  bool may_run() const noexcept { return running_ < limit_; }
  bool has_place() noexcept {
    spawns_.drop_leaving();
    return length_ < backlog_ && spawns_.empty();
  }

  /// How many have begun to run: who sees the same number twice sees that nothing has moved.
  std::size_t begun() const noexcept { return begun_; }

  void begin() noexcept {
    ++running_;
    ++begun_;
  }
  void left() noexcept { --running_; }

  /// The same for what the limit does not count: it runs inside the wait of another task, or is on
  /// its way from the line to nowhere.
  void begin_aside() noexcept {
    ++aside_;
    ++begun_;
  }
  void left_aside() noexcept { --aside_; }

  void push_back(task& t) noexcept {
    t.in_line = true;
    tasks_.push_back(t);
    ++length_;
  }

  /// Null if nobody is in line, or waits for a place. Spawns that need not wait any more are put
  /// into `woken`.
  task* take_first(claimed_list& woken) noexcept {
    task* const first = front();
    if (first != nullptr)
      take(*first, woken);
    return first != nullptr ? first : take_from_spawn(woken);
  }
  void take(task& t, claimed_list& woken) noexcept {
    t.in_line = false;
    tasks_.erase(t);
    --length_;
    let_in(woken);
  }

  task* front() const noexcept { return static_cast<task*>(tasks_.front()); }
  static const task* next(const task& t) noexcept {
    return static_cast<const task*>(intrusive_list<context>::next(t));
  }
  std::size_t length() const noexcept { return length_; }

  /// Spawns that wait for a place. The slot of a node is the task.
  wait_list& spawns() noexcept { return spawns_; }

 private:
  friend struct probe;

  void let_in(claimed_list& woken) noexcept {
    while (length_ < backlog_) {
      task* const t = take_from_spawn(woken);
      if (t == nullptr)
        return;
      push_back(*t);
    }
  }

  task* take_from_spawn(claimed_list& woken) noexcept {
    const wait_node* const first = spawns_.claim_first();
    if (first == nullptr)
      return nullptr;
    woken.push(*first->record);
    return static_cast<task*>(first->slot);
  }

  const std::size_t limit_;
  const std::size_t backlog_;
  std::size_t running_ = 0;
  std::size_t aside_ = 0;
  std::size_t begun_ = 0;
  intrusive_list<context> tasks_;
  std::size_t length_ = 0;
  wait_list spawns_;
};

} // namespace roost::inline v0::detail
