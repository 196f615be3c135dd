// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/random.hpp>
#include <roost/detail/base/view.hpp>
#include <roost/detail/testing/run_seed.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// A task that could go on, and a step: what it does from there to its next point of choice.
/// Tasks have the numbers 0, 1, 2, ... in the order in which a run makes them. So have objects,
/// from 1 on, in the order of their first use; 0 is none, or an unknown one.
struct task_step {
  std::uint32_t task = 0;
  std::uint32_t object = 0; // that the step begins with
};

/// What a run was: the way to its seed's path, and to estimates of what later runs have to do.
struct run_record {
  std::uint32_t number = run_seed().number; // of its seed: what roost itself chooses comes from it
  std::vector<task_step> steps;
  std::vector<std::uint32_t> parents; // of each task; its own number for those that have none

  run_seed path() const;
};

/// Chooses, for one run, the task that takes the next step.
///
///     strategy order(run_seed_from("urw-1f00d-40.3x12"));
///     order.made(0, 0);                                   // the first task
///     const std::size_t next = order.pick(runnable);      // at each step; they are sorted by task
///
/// - `chance`: all that could go on are equally likely.
/// - `work_left`: URW. A task comes next with a probability that grows with the steps left to it,
///   and those of the tasks that it has still to make. Where the estimates are exact and tasks wait
///   for nothing, all orders of the steps are equally likely: in a walk by chance, those in which a
///   long task ends last are not.
/// - `work_left_at_object`: SURW. So are the orders of the steps at one object, whatever is done
///   elsewhere: a task that is chosen by its steps left there goes first to that object, and all
///   the others wait with theirs until then.
/// - `priority`: PCT. The task of the highest priority goes on. All begin with one at random; at
///   `depth - 1` random steps, the task that takes the step gets a low one. It finds a fault that
///   needs `depth` steps in one order with a probability of at least
///   1 / (tasks * length^(depth-1)).
/// - `turn`: the next in the order of their numbers, after some steps in a row.
/// - `path`: as written. Where that cannot be, and behind its end, the first one.
///
/// The same seed gives the same choices for the same questions. Threads: none of its own, and one
/// at a time uses it. Cost: linear in what could go on; memory for each step.
///
/// Sources: Zhao, Wolff, Mathur, Roychoudhury 2025: Selectively Uniform Concurrency Testing;
/// Burckhardt, Kothari, Musuvathi, Nagarakatte 2010: A Randomized Scheduler with Probabilistic
/// Guarantees of Finding Bugs.
class strategy {
 public:
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  explicit strategy(run_seed seed);

  /// Takes memory for so many tasks and steps beforehand: a run that has no more of them takes
  /// none.
  void make_room(std::size_t tasks, std::size_t steps);

  /// To be called before a task is offered to pick() for the first time. May throw bad_alloc, and
  /// then has changed nothing.
  void made(std::uint32_t task, std::uint32_t parent);

  /// The index of the task that goes on. At least one must be runnable. May throw likewise.
  std::size_t pick(view<const task_step> runnable);

  const run_seed& seed() const noexcept { return seed_; }
  const run_record& record() const noexcept { return record_; }

  /// The first step at which the task of the path could not go on: then the run is another one.
  std::size_t left_path_at() const noexcept { return left_path_at_; }

 private:
  std::size_t choose(view<const task_step> runnable);
  std::size_t by_weight(view<const task_step> runnable, std::int64_t least);
  std::size_t towards_object(view<const task_step> runnable);
  std::size_t by_priority(view<const task_step> runnable);
  std::size_t in_turn(view<const task_step> runnable) const;
  std::size_t on_path(view<const task_step> runnable);
  std::size_t below(std::size_t n) noexcept {
    const std::uint64_t drawn = next_random(random_) % n;
    return static_cast<std::size_t>(drawn);
  }

  std::uint32_t planned(std::uint32_t task) const noexcept {
    return task < seed_.numbers.size() ? seed_.numbers[task] : 0;
  }

  run_seed seed_;
  run_record record_;
  std::uint64_t random_;

  std::vector<std::int64_t> left_;          // by task: the work that is left
  std::uint32_t bound_for_object_ = nobody; // the task whose step at the object comes next
  std::vector<std::int64_t> priorities_;    // by task
  std::vector<std::size_t> changes_;        // the steps after which one becomes low
  std::int64_t lowest_ = 0;
  std::uint32_t last_ = nobody;
  std::size_t in_a_row_ = 0; // steps of the last one
  std::size_t left_path_at_ = nowhere;

  static constexpr std::uint32_t nobody = static_cast<std::uint32_t>(-1);
  // A task that spins until another one goes on must not keep that from it by its priority.
  static constexpr std::size_t most_in_a_row = 500;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// Makes room for so many at least, and for twice as many as there was before.
template <class T>
void make_room_in(std::vector<T>& some, std::size_t size) {
  if (size > some.capacity())
    some.reserve(std::max(size, 2 * some.capacity()));
}

ROOST_COLD_BODY run_seed run_record::path() const {
  run_seed seed;
  seed.by = choice_by::path;
  seed.number = number;
  seed.numbers.reserve(steps.size());
  for (const task_step& s : steps)
    seed.numbers.push_back(s.task);
  return seed;
}

ROOST_COLD_BODY strategy::strategy(run_seed seed) : seed_(std::move(seed)), random_(seed_.number) {
  record_.number = seed_.number;
  if (seed_.by == choice_by::priority) {
    for (std::uint32_t i = 1; i < seed_.depth; ++i)
      changes_.push_back(below(std::max(seed_.length, std::uint32_t{1})));
  }
}

ROOST_COLD_BODY void strategy::make_room(std::size_t tasks, std::size_t steps) {
  left_.reserve(tasks);
  priorities_.reserve(tasks);
  record_.parents.reserve(tasks);
  record_.steps.reserve(steps);
}

ROOST_COLD_BODY void strategy::made(std::uint32_t task, std::uint32_t parent) {
  const std::size_t tasks = task + std::size_t{1};
  make_room_in(left_, tasks);
  make_room_in(record_.parents, tasks);
  make_room_in(priorities_, tasks);
  while (left_.size() <= task) { // those between are made soon
    const auto next = static_cast<std::uint32_t>(left_.size());
    left_.push_back(planned(next));
    record_.parents.push_back(next);
    // Drawn from the task's number alone: when the task is made does not matter. Above all low
    // ones.
    std::uint64_t drawn = (std::uint64_t{seed_.number} << 32) + next;
    priorities_.push_back(static_cast<std::int64_t>((next_random(drawn) >> 2) + (1U << 16)));
  }
  record_.parents[task] = parent;
  if (parent != task)
    left_[parent] -= planned(task); // from now on that is the task's own work
}

ROOST_COLD_BODY std::size_t strategy::pick(view<const task_step> runnable) {
  for (const task_step& s : runnable) {
    if (s.task >= left_.size())
      made(s.task, s.task);
  }
  make_room_in(record_.steps, record_.steps.size() + 1); // before anything changes
  const std::size_t which = choose(runnable);
  const task_step taken = runnable[which];
  in_a_row_ = taken.task == last_ ? in_a_row_ + 1 : 1;
  last_ = taken.task;
  if (seed_.by != choice_by::work_left_at_object || taken.object == seed_.object)
    --left_[taken.task];
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    if (changes_[i] == record_.steps.size())
      priorities_[taken.task] = static_cast<std::int64_t>(i);
  }
  record_.steps.push_back(taken);
  return which;
}

ROOST_COLD_BODY std::size_t strategy::choose(view<const task_step> runnable) {
  switch (seed_.by) {
  case choice_by::work_left:
    return by_weight(runnable, 1);
  case choice_by::work_left_at_object:
    return towards_object(runnable);
  case choice_by::priority:
    return by_priority(runnable);
  case choice_by::turn:
    return in_turn(runnable);
  case choice_by::path:
    return on_path(runnable);
  default:
    return below(runnable.size());
  }
}

// By the work left; a task that has done more than was planned counts as `least`.
ROOST_COLD_BODY std::size_t strategy::by_weight(view<const task_step> runnable,
                                                std::int64_t least) {
  const auto weight = [&](const task_step& s) {
    return static_cast<std::size_t>(std::max(left_[s.task], least));
  };
  std::size_t all = 0;
  for (const task_step& s : runnable)
    all += weight(s);
  if (all == 0)
    return below(runnable.size());
  std::size_t drawn = below(all);
  std::size_t i = 0;
  for (; drawn >= weight(runnable[i]); ++i)
    drawn -= weight(runnable[i]);
  return i;
}

ROOST_COLD_BODY std::size_t strategy::towards_object(view<const task_step> runnable) {
  const auto is_bound = [&](const task_step& s) { return s.task == bound_for_object_; };
  // No task is bound, or the one that is waits; or it spins until one goes on that waits for it.
  if (std::none_of(runnable.begin(), runnable.end(), is_bound) || in_a_row_ >= most_in_a_row)
    bound_for_object_ = runnable[by_weight(runnable, 0)].task;
  const auto may_go = [&](const task_step& s) { return is_bound(s) || s.object != seed_.object; };
  std::size_t drawn =
      below(static_cast<std::size_t>(std::count_if(runnable.begin(), runnable.end(), may_go)));
  std::size_t i = 0;
  while (!may_go(runnable[i]) || drawn-- != 0)
    ++i;
  if (is_bound(runnable[i]) && runnable[i].object == seed_.object)
    bound_for_object_ = nobody;
  return i;
}

ROOST_COLD_BODY std::size_t strategy::by_priority(view<const task_step> runnable) {
  if (in_a_row_ >= most_in_a_row && runnable.size() > 1) {
    priorities_[last_] = --lowest_;
    in_a_row_ = 0;
  }
  const auto is_lower = [&](const task_step& a, const task_step& b) {
    return priorities_[a.task] < priorities_[b.task];
  };
  return static_cast<std::size_t>(std::max_element(runnable.begin(), runnable.end(), is_lower) -
                                  runnable.begin());
}

ROOST_COLD_BODY std::size_t strategy::in_turn(view<const task_step> runnable) const {
  const bool stays = in_a_row_ < seed_.number;
  for (std::size_t i = 0; i < runnable.size(); ++i) {
    if (last_ != nobody && (stays ? runnable[i].task >= last_ : runnable[i].task > last_))
      return i;
  }
  return 0;
}

ROOST_COLD_BODY std::size_t strategy::on_path(view<const task_step> runnable) {
  const std::size_t at = record_.steps.size();
  if (at >= seed_.numbers.size())
    return 0;
  for (std::size_t i = 0; i < runnable.size(); ++i) {
    if (runnable[i].task == seed_.numbers[at])
      return i;
  }
  left_path_at_ = std::min(left_path_at_, at);
  return 0;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
