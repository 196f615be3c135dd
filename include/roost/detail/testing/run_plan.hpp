// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/random.hpp>
#include <roost/detail/testing/run_seed.hpp>
#include <roost/detail/testing/strategy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace roost::inline v0::detail {

/// The seeds of successive runs: the first goes in turn, and then all strategies follow in
/// rotation, with estimates from the runs that are over.
///
///     run_plan plan(20211);
///     for (...) {
///       strategy order(plan.next());
///       ...
///       plan.learn(order.record());
///     }
///
/// The same number gives the same seeds, as long as the runs are the same. Threads: one at a time.
class run_plan {
 public:
  explicit run_plan(std::uint64_t number) noexcept : random_(number) {}

  run_seed next();

  /// Only seeds that go by the work left, or by priorities of that depth.
  run_seed next_by_work_left();
  run_seed next_by_priority(std::uint32_t depth);

  /// What the last run was. One that failed need not be told.
  void learn(const run_record& run);

 private:
  std::uint32_t draw() noexcept { return static_cast<std::uint32_t>(next_random(random_) >> 32); }
  static std::vector<std::uint32_t>
  work_by_task(const run_record& run, bool at_all_objects, std::uint32_t object);
  static std::vector<std::uint32_t> shared_objects(const run_record& run);

  std::uint64_t random_;
  std::size_t runs_ = 0;
  run_record last_;
  std::vector<std::uint32_t> work_; // by task, with all that it makes: the most of all runs
  std::uint32_t length_ = 0;        // of the longest run

  static constexpr std::size_t most_numbers = 100; // in a seed; later tasks have no estimate
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY run_seed run_plan::next() {
  run_seed seed;
  const std::size_t run = runs_++;
  if (run == 0) { // the simplest one, which tells how much there is to do
    seed.by = choice_by::turn;
    return seed;
  }
  switch (run % 8) {
  case 1:
    return next_by_priority(2);
  case 2:
  case 6:
    return next_by_work_left();
  case 4:
    return next_by_priority(3);
  case 5:
  case 7: {
    const std::vector<std::uint32_t> objects = shared_objects(last_);
    seed.number = draw();
    if (objects.empty())
      return seed; // by chance
    seed.by = choice_by::work_left_at_object;
    seed.object = objects[draw() % objects.size()];
    seed.numbers = work_by_task(last_, false, seed.object);
    return seed;
  }
  case 0:
    if (run % 16 != 0)
      return next_by_priority(4);
    seed.by = choice_by::turn; // 2, 3, 4, ... steps in a row
    seed.number = static_cast<std::uint32_t>(run / 16 + 1);
    return seed;
  default:
    seed.number = draw();
    return seed; // by chance
  }
}

ROOST_COLD_BODY run_seed run_plan::next_by_work_left() {
  run_seed seed;
  seed.by = choice_by::work_left;
  seed.number = draw();
  seed.numbers = work_;
  return seed;
}

ROOST_COLD_BODY run_seed run_plan::next_by_priority(std::uint32_t depth) {
  run_seed seed;
  seed.by = choice_by::priority;
  seed.number = draw();
  seed.depth = depth;
  seed.length = std::max(length_, std::uint32_t{1});
  return seed;
}

ROOST_COLD_BODY void run_plan::learn(const run_record& run) {
  last_ = run;
  length_ = std::max(length_, static_cast<std::uint32_t>(run.steps.size()));
  const std::vector<std::uint32_t> work = work_by_task(run, true, 0);
  work_.resize(std::max(work_.size(), work.size()));
  for (std::size_t t = 0; t < work.size(); ++t)
    work_[t] = std::max(work_[t], work[t]);
}

// The steps of each task and of all that it has made, directly or not.
ROOST_COLD_BODY std::vector<std::uint32_t>
run_plan::work_by_task(const run_record& run, bool at_all_objects, std::uint32_t object) {
  std::vector<std::uint32_t> work(run.parents.size());
  for (const task_step& s : run.steps)
    work[s.task] += at_all_objects || s.object == object ? 1 : 0;
  for (std::size_t t = work.size(); t-- > 0;) { // a parent has the smaller number
    if (run.parents[t] < t)
      work[run.parents[t]] += work[t];
  }
  if (work.size() > most_numbers)
    work.resize(most_numbers);
  return work;
}

// The objects that more than one task used, each once.
ROOST_COLD_BODY std::vector<std::uint32_t> run_plan::shared_objects(const run_record& run) {
  constexpr auto nobody = static_cast<std::uint32_t>(-1);
  std::vector<std::uint32_t> user; // by object; the first task there
  std::vector<std::uint32_t> shared;
  for (const task_step& s : run.steps) {
    if (s.object >= user.size())
      user.resize(s.object + std::size_t{1}, nobody);
    if (user[s.object] == nobody)
      user[s.object] = s.task;
    else if (s.object != 0 && user[s.object] != s.task)
      shared.push_back(s.object);
  }
  std::sort(shared.begin(), shared.end());
  shared.erase(std::unique(shared.begin(), shared.end()), shared.end());
  return shared;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
