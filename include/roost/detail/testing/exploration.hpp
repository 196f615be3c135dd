// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/stall_text.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/testing/bubble_body.hpp>
#include <roost/detail/testing/bubble_run.hpp>
#include <roost/detail/testing/bubble_watch.hpp>
#include <roost/detail/testing/run_plan.hpp>
#include <roost/detail/testing/run_seed.hpp>
#include <roost/detail/testing/strategy.hpp>
#include <roost/failure.hpp>
#include <roost/site.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

// Runs of one body in many orders; see testing.hpp.

namespace roost::inline v0::detail {

template <class F>
bubble_body body_to_explore(F& body);

/// As testing::explore_options.
struct exploration_rules {
  std::size_t runs;
  std::uint64_t seed;
  std::size_t most_steps;
  bubble_watch& watch; // one for all runs
};

void run_exploration(const exploration_rules& rules, const bubble_body& body, const site& where);

/// An explore_error, which testing.hpp declares.
[[noreturn]] void throw_explore_error(const std::string& text,
                                      const std::string& seed,
                                      const std::exception_ptr& error);

void run_again(const exploration_rules& rules,
               const bubble_body& body,
               std::string_view seed,
               const site& where);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// One run: what it threw, if anything, and what it was.
struct explored_run {
  std::exception_ptr error;
  run_record record;
  std::size_t left_path_at = strategy::nowhere;
};

ROOST_COLD_BODY explored_run run_in_order(const run_seed& seed,
                                          const exploration_rules& rules,
                                          const bubble_body& body,
                                          const site& where) {
  strategy order(seed);
  explored_run run;
  try {
    run_bubble({rules.watch, &order, rules.most_steps}, body, where);
  } catch (...) {
    run.error = std::current_exception();
  }
  run.record = order.record();
  run.left_path_at = order.left_path_at();
  return run;
}

/// The first step at which two runs differ; strategy::nowhere if they do not.
ROOST_COLD_BODY std::size_t first_difference(const run_record& a, const run_record& b) {
  const auto is_same = [](const task_step& x, const task_step& y) { return x.task == y.task; };
  const auto [in_a, in_b] =
      std::mismatch(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(), is_same);
  return in_a == a.steps.end() && in_b == b.steps.end()
             ? strategy::nowhere
             : static_cast<std::size_t>(in_a - a.steps.begin());
}

/// True if `again` has failed, too, and in the order of `found`.
ROOST_COLD_BODY bool is_same_run(const explored_run& found, const explored_run& again) {
  return again.error != nullptr &&
         first_difference(found.record, again.record) == strategy::nowhere;
}

/// Tells of a run that has failed, and throws the explore_error. The seed is run once more, to see
/// whether it suffices to fail again. If not, the path may: it does not depend on which object has
/// the address of an earlier one.
[[noreturn]] ROOST_COLD_BODY void throw_found(const run_seed& seed,
                                              const explored_run& found,
                                              std::size_t number,
                                              const exploration_rules& rules,
                                              const bubble_body& body,
                                              const site& where) {
  const run_seed path = found.record.path();
  std::string told = to_text(seed);
  const explored_run again = run_in_order(seed, rules, body, where);
  bool repeats = is_same_run(found, again);
  if (!repeats && is_same_run(found, run_in_order(path, rules, body, where))) {
    told = to_text(path);
    repeats = true;
  }
  std::string text = joined({"roost::testing::explore at ",
                             where,
                             ": run ",
                             number,
                             " of ",
                             rules.runs,
                             " failed: ",
                             message_of(found.error),
                             "\n  run it again by replay(body, \"",
                             told,
                             "\"), or by ROOST_SEED=",
                             told,
                             "\n  its order: ",
                             to_short_text(path),
                             "\n"});
  if (!repeats) {
    const std::size_t differs = first_difference(found.record, again.record);
    append(text,
           {"  but a second run with this seed ",
            again.error == nullptr ? "did not fail" : "went another way",
            ", from step ",
            differs != strategy::nowhere ? differs : again.record.steps.size(),
            " on: the body depends on something else, such as random numbers, addresses, a real "
            "clock, threads that are not roost's, or what an earlier run has left\n"});
  }
  sink_of_reports.load()(text);
  throw_explore_error(text, told, found.error);
}

/// A path that could not be followed says nothing of the body.
ROOST_COLD_BODY void
require_path_kept(const explored_run& run, std::string_view function, const site& where) {
  if (run.left_path_at == strategy::nowhere)
    return;
  throw std::runtime_error(
      joined({"roost::testing::",
              function,
              " at ",
              where,
              ": at step ",
              run.left_path_at,
              " the task that comes next in the path cannot go on: the body is another one than "
              "that of the path, or depends on something else than the order"}));
}

ROOST_COLD_BODY std::uint64_t number_for_runs(std::uint64_t wanted) {
  return wanted != 0 ? wanted
                     : static_cast<std::uint64_t>(sync::system_now().time_since_epoch().count());
}

ROOST_COLD_BODY void
run_exploration(const exploration_rules& rules, const bubble_body& body, const site& where) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): safe unless the program changes its environment
  const char* const set = std::getenv("ROOST_SEED");
  const std::string_view from_environment = set != nullptr ? set : "";
  const bool is_number = from_environment.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number) {
    const run_seed only = run_seed_from(from_environment);
    const explored_run run = run_in_order(only, rules, body, where);
    require_path_kept(run, "explore", where);
    if (run.error != nullptr)
      throw_found(only, run, 1, rules, body, where);
    return;
  }
  const std::uint64_t given =
      from_environment.empty() ? rules.seed : std::strtoull(set, nullptr, 10);
  run_plan plan(number_for_runs(given));
  for (std::size_t number = 1; number <= rules.runs; ++number) {
    const run_seed seed = plan.next();
    const explored_run run = run_in_order(seed, rules, body, where);
    if (run.error != nullptr)
      throw_found(seed, run, number, rules, body, where);
    plan.learn(run.record);
  }
}

ROOST_COLD_BODY void run_again(const exploration_rules& rules,
                               const bubble_body& body,
                               std::string_view seed,
                               const site& where) {
  const run_seed only = run_seed_from(seed);
  const explored_run run = run_in_order(only, rules, body, where);
  require_path_kept(run, "replay", where);
  if (run.error != nullptr)
    std::rethrow_exception(run.error);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
