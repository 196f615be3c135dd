// SPDX-License-Identifier: BSL-1.0

#include <roost/detail/testing/strategy.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

using roost::detail::choice_by;
using roost::detail::run_seed;
using roost::detail::run_seed_from;
using roost::detail::strategy;
using roost::detail::task_step;

namespace {

// A task of a toy: the objects of its steps one after another. It can go on from the start, or once
// its parent has taken so many steps.
struct toy_task {
  std::vector<std::uint32_t> objects;
  std::uint32_t parent = 0;
  std::size_t made_after = 0;
};
using toy = std::vector<toy_task>;

toy independent(std::vector<std::size_t> lengths) {
  toy tasks;
  for (std::uint32_t i = 0; i < lengths.size(); ++i)
    tasks.push_back({std::vector<std::uint32_t>(lengths[i], 1), i, 0});
  return tasks;
}

// Runs it: the digit of each task that takes a step.
std::string run(strategy& order, const toy& tasks) {
  std::string taken;
  std::vector<std::size_t> done(tasks.size());
  std::uint32_t made = 0;
  for (;;) {
    for (; made < tasks.size() && done[tasks[made].parent] >= tasks[made].made_after; ++made)
      order.made(made, tasks[made].parent);
    std::vector<task_step> runnable;
    for (std::uint32_t t = 0; t < made; ++t) {
      if (done[t] < tasks[t].objects.size())
        runnable.push_back({t, tasks[t].objects[done[t]]});
    }
    if (runnable.empty())
      return taken;
    const std::uint32_t next = runnable[order.pick(runnable)].task;
    ++done[next];
    taken += static_cast<char>('0' + next);
  }
}

std::string run(const run_seed& seed, const toy& tasks) {
  strategy order(seed);
  return run(order, tasks);
}

// How often each order comes up.
std::map<std::string, int> orders(run_seed seed, const toy& tasks, int runs) {
  std::map<std::string, int> counts;
  for (int i = 0; i < runs; ++i) {
    seed.number = static_cast<std::uint32_t>(i);
    ++counts[run(seed, tasks)];
  }
  return counts;
}

// Whether all of `wanted` orders come up about as often. The seeds are fixed, so it is no matter of
// luck; for the bound see the critical values of chi-square, of which this is above 99.99 %.
bool all_as_likely(const std::map<std::string, int>& counts, std::size_t wanted, int runs) {
  const double expected = static_cast<double>(runs) / static_cast<double>(wanted);
  double chi_square = 0;
  for (const auto& [order, count] : counts)
    chi_square += (count - expected) * (count - expected) / expected;
  chi_square += expected * static_cast<double>(wanted - counts.size());
  const auto freedom = static_cast<double>(wanted - 1);
  INFO(counts.size() << " of " << wanted << " orders, chi-square " << chi_square);
  return counts.size() == wanted && chi_square < 2 * freedom + 20;
}

constexpr int many_runs = 20'000;

} // namespace

TEST_CASE("by the work left, all orders are as likely", "[testing]") {
  CHECK(all_as_likely(
      orders(run_seed_from("urw-0-2.2.2"), independent({2, 2, 2}), many_runs), 90, many_runs));
  CHECK(all_as_likely(
      orders(run_seed_from("urw-0-1.6"), independent({1, 6}), many_runs), 7, many_runs));
}

TEST_CASE("by chance, they are not: a control of that check", "[testing]") {
  CHECK_FALSE(
      all_as_likely(orders(run_seed_from("walk-0"), independent({1, 6}), many_runs), 7, many_runs));
  CHECK_FALSE(all_as_likely(
      orders(run_seed_from("urw-0-6.1"), independent({1, 6}), many_runs), 7, many_runs));
}

TEST_CASE("by chance, the first step is anyone's", "[testing]") {
  std::map<char, int> firsts;
  for (const auto& [order, count] : orders(run_seed_from("walk-0"), independent({1, 1, 5}), 3000))
    firsts[order[0]] += count;
  for (const char task : {'0', '1', '2'}) {
    CHECK(firsts[task] > 900);
    CHECK(firsts[task] < 1100);
  }
}

TEST_CASE("by the work left, a task counts for those that it has still to make", "[testing]") {
  // Task 0 makes task 1 after its first step, and that makes task 2 after its first. So task 0
  // begins, and its second step lies anywhere among the three of the others, which have two orders.
  const toy tasks{{{1, 1}, 0, 0}, {{1, 1}, 0, 1}, {{1}, 1, 1}};
  CHECK(all_as_likely(orders(run_seed_from("urw-0-5.3.1"), tasks, many_runs), 8, many_runs));
  // Without the work of those that come, the first task's second step comes late too seldom.
  CHECK_FALSE(all_as_likely(orders(run_seed_from("urw-0-2.2.1"), tasks, many_runs), 8, many_runs));
}

TEST_CASE("by the work left at an object, the orders there are as likely, whatever is around",
          "[testing]") {
  // Object 1 is used twice by each; the second task does much else before.
  const toy tasks{{{1, 1}, 0, 0}, {{2, 2, 2, 2, 2, 2, 1, 2, 1}, 1, 0}};
  const auto at_object = [&](run_seed seed) {
    std::map<std::string, int> counts;
    for (int i = 0; i < many_runs; ++i) {
      seed.number = static_cast<std::uint32_t>(i);
      strategy order(seed);
      (void)run(order, tasks);
      std::string there;
      for (const task_step& s : order.record().steps) {
        if (s.object == 1)
          there += static_cast<char>('0' + s.task);
      }
      ++counts[there];
    }
    return counts;
  };
  CHECK(all_as_likely(at_object(run_seed_from("surw-0-1.2.2")), 6, many_runs));
  CHECK_FALSE(all_as_likely(at_object(run_seed_from("walk-0")), 6, many_runs));
  CHECK_FALSE(all_as_likely(at_object(run_seed_from("urw-0-2.9")), 6, many_runs));
}

TEST_CASE("a task on its way to an object that has to wait there keeps nobody from going on",
          "[testing]") {
  strategy order(run_seed_from("surw-1-1.9.1"));
  order.made(0, 0);
  order.made(1, 1);
  const std::vector<task_step> both{{0, 2}, {1, 1}};
  (void)order.pick(both); // most likely task 0, which is on its way to the object
  const std::vector<task_step> other{{1, 1}};
  CHECK(order.pick(other) == 0);
}

TEST_CASE("priorities find a fault of depth d as often as they promise", "[testing]") {
  struct fault {
    toy tasks;
    std::string order; // the steps that must come in this order, as "task step" each
    std::uint32_t depth;
  };
  // The position of a task's step in a run.
  const auto position = [](const std::string& taken, char task, char step) {
    std::size_t at = 0;
    for (int left = step - '0';; ++at) {
      if (taken[at] == task && left-- == 0)
        return at;
    }
  };
  const auto f = GENERATE_COPY(fault{independent({6, 6}), "0010", 1},   // 0 begins
                               fault{independent({6, 6}), "021003", 2}, // 1 between two steps of 0
                               fault{independent({5, 5, 5}), "02102003", 3}, // and 2 after it
                               fault{independent({5, 5}), "0112021304", 4});
  double found = 0;
  run_seed seed = run_seed_from("pct1-0-0");
  seed.depth = f.depth;
  for (const toy_task& t : f.tasks)
    seed.length += static_cast<std::uint32_t>(t.objects.size());
  --seed.length;
  for (int i = 0; i < many_runs; ++i) {
    seed.number = static_cast<std::uint32_t>(i);
    const std::string taken = run(seed, f.tasks);
    bool in_order = true;
    for (std::size_t s = 0; s + 3 < f.order.size(); s += 2)
      in_order = in_order && position(taken, f.order[s], f.order[s + 1]) <
                                 position(taken, f.order[s + 2], f.order[s + 3]);
    found += in_order ? 1 : 0;
  }
  double promised = 1.0 / static_cast<double>(f.tasks.size());
  for (std::uint32_t i = 1; i < f.depth; ++i)
    promised /= seed.length;
  INFO(f.order << ": " << found / many_runs << ", promised " << promised);
  CHECK(found / many_runs >= promised);
}

TEST_CASE("with depth 1, a task that goes on goes on to its end", "[testing]") {
  const std::map<std::string, int> counts =
      orders(run_seed_from("pct1-0-9"), independent({3, 3, 3}), 6000);
  CHECK(all_as_likely(counts, 6, 6000)); // the orders of three tasks
}

TEST_CASE("a task that spins does not keep the others from going on by its priority", "[testing]") {
  strategy order(run_seed_from("pct2-1-100"));
  bool other_went_on = false;
  std::uint32_t spins = 0;
  for (int i = 0; i < 2000 && !other_went_on; ++i) {
    const std::vector<task_step> both{{0}, {1}};
    const std::size_t went_on = order.pick(both);
    spins = i == 0 ? static_cast<std::uint32_t>(went_on) : spins;
    other_went_on = went_on != spins;
  }
  CHECK(other_went_on);
}

TEST_CASE("in turn, each takes its steps in a row", "[testing]") {
  CHECK(run(run_seed_from("turn-1"), independent({3, 1, 2})) == "012020");
  CHECK(run(run_seed_from("turn-2"), independent({3, 1, 2})) == "001220");
  CHECK(run(run_seed_from("turn-9"), independent({3, 1, 2})) == "000122");
}

TEST_CASE("a path is taken as it is written, and where it ends the first task goes on",
          "[testing]") {
  strategy order(run_seed_from("path-2.0.2x2"));
  CHECK(run(order, independent({2, 1, 3})) == "202201");
  CHECK(order.left_path_at() == strategy::nowhere);
}

TEST_CASE("a path that the tasks do not take says where they leave it", "[testing]") {
  strategy order(run_seed_from("path-2.2.2.2.1.1"));
  CHECK(run(order, independent({2, 1, 3})) == "222010"); // not 2: it has ended; then 1; not 1
  CHECK(order.left_path_at() == 3);
}

TEST_CASE("the same seed gives the same order, and its path gives it again", "[testing]") {
  const auto text =
      GENERATE(as<std::string>{}, "walk-7", "urw-7-4.3x5", "surw-7-1.4.3x5", "pct3-7-20", "turn-2");
  const toy tasks = independent({4, 5, 5, 5});
  strategy first(run_seed_from(text));
  const std::string taken = run(first, tasks);
  CHECK(run(run_seed_from(text), tasks) == taken);
  CHECK(run(run_seed_from(to_text(first.record().path())), tasks) == taken);
}

TEST_CASE("another number gives another order", "[testing]") {
  const auto text =
      GENERATE(as<std::string>{}, "walk-0", "urw-0-4.3x5", "surw-0-1.4.3x5", "pct3-0-20");
  CHECK(orders(run_seed_from(text), independent({4, 5, 5, 5}), 100).size() > 50);
}
