// SPDX-License-Identifier: BSL-1.0

#include <roost/detail/testing/run_plan.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

using roost::detail::choice_by;
using roost::detail::run_plan;
using roost::detail::run_record;
using roost::detail::run_seed;

namespace {

// Task 0 makes 1 and 2; 1 makes 3. Objects 1 and 2 have one user each, 3 has two.
run_record small_run() {
  run_record run;
  run.parents = {0, 0, 0, 1};
  run.steps = {{0, 1}, {0, 1}, {1, 2}, {1, 3}, {3, 3}, {2, 0}, {3, 0}};
  return run;
}

std::vector<std::string> seeds(std::uint64_t number, std::size_t count) {
  run_plan plan(number);
  std::vector<std::string> texts;
  while (texts.size() < count) {
    texts.push_back(to_text(plan.next()));
    plan.learn(small_run());
  }
  return texts;
}

} // namespace

TEST_CASE("a plan begins in turn, and comes to all strategies", "[testing]") {
  const std::vector<std::string> texts = seeds(1, 17);
  CHECK(texts[0] == "turn-1");
  std::set<std::string> kinds;
  for (const std::string& t : texts)
    kinds.insert(t.substr(0, t.find('-')));
  CHECK(kinds == std::set<std::string>{"turn", "walk", "urw", "surw", "pct2", "pct3", "pct4"});
}

TEST_CASE("the seeds of a plan carry what the runs before have told", "[testing]") {
  run_plan plan(1);
  (void)plan.next();
  plan.learn(small_run());
  for (int i = 0; i < 40; ++i) {
    const run_seed seed = plan.next();
    if (seed.by == choice_by::work_left)
      CHECK(seed.numbers == std::vector<std::uint32_t>{7, 4, 1, 2}); // with those that each makes
    if (seed.by == choice_by::priority)
      CHECK(seed.length == 7);
    if (seed.by == choice_by::work_left_at_object) {
      CHECK(seed.object == 3); // the only one for which the order of tasks matters
      CHECK(seed.numbers == std::vector<std::uint32_t>{2, 2, 0, 1});
    }
  }
}

TEST_CASE("the same number gives the same plan, another one another", "[testing]") {
  CHECK(seeds(5, 100) == seeds(5, 100));
  CHECK(seeds(5, 100) != seeds(6, 100));
}

TEST_CASE("a plan has no seed twice", "[testing]") {
  const std::vector<std::string> texts = seeds(5, 2000);
  CHECK(std::set<std::string>(texts.begin(), texts.end()).size() == texts.size());
}

TEST_CASE("a plan that has learned nothing has seeds all the same", "[testing]") {
  run_plan plan(1);
  for (int i = 0; i < 40; ++i)
    CHECK(to_text(roost::detail::run_seed_from(to_text(plan.next()))).size() > 5);
}

TEST_CASE("the seeds of a run of many tasks stay of a size that can be copied", "[testing]") {
  run_record run;
  for (std::uint32_t t = 0; t < 5000; ++t) {
    run.parents.push_back(t);
    run.steps.insert(run.steps.end(), t % 7 + 1, {t, 1});
  }
  run_plan plan(1);
  plan.learn(run);
  for (int i = 0; i < 16; ++i)
    CHECK(to_text(plan.next()).size() < 400);
}
