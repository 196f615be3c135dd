// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "stress/random/runner.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// Programs made at random: see random/program.hpp for what they are, and random/oracles.hpp for
// what must hold of each.

using test::random::kind;
using test::random::observations;
using test::random::patience;

namespace {

/// What an oracle is to notice, done to what was seen of a program that is right.
struct control {
  std::string_view oracle;
  void (*spoil)(observations&);
};

constexpr std::array controls{
    control{"no item is lost or doubled", [](observations& o) { o.items[0].accepted.add(); }},
    control{"no item is lost or doubled", [](observations& o) { o.items[0].received.add(); }},
    control{"no item is lost or doubled", [](observations& o) { o.items[0].received.add(-1); }},
    control{"items come in the order of their sender",
            [](observations& o) { o.out_of_order.add(); }},
    control{"a send tells what became of its item", [](observations& o) { o.torn_items.add(); }},
    control{"nothing is alive", [](observations& o) { o.items_alive.add(); }},
    control{"nothing is alive", [](observations& o) { o.callables_alive.add(); }},
    control{"nothing is alive", [](observations& o) { o.tasks_alive = 1; }},
    control{"nothing is alive", [](observations& o) { o.threads_blocked = 1; }},
    control{"each failure is told once", [](observations& o) { o.failures[0].hooked.add(); }},
    control{"each failure is told once",
            [](observations& o) { o.failures[0].thrown_by_end.add(-1); }},
    control{"limits are kept", [](observations& o) { o.scopes[0].most.raise_to(3); }},
    control{"limits are kept", [](observations& o) { o.too_many_permits.add(); }},
    control{"limits are kept", [](observations& o) { o.not_exclusive.add(); }},
    control{"no task is lost or doubled", [](observations& o) { o.scopes[0].begun.add(); }},
    control{"no task is lost or doubled", [](observations& o) { o.scopes[0].begun.add(-1); }},
    control{"no task is lost or doubled", [](observations& o) { o.scopes[0].running.add(); }},
    control{"no task is lost or doubled", [](observations& o) { o.scopes[0].is_over = false; }},
    control{"results are right", [](observations& o) { o.wrong_results.add(); }},
    control{"news are complete and in order", [](observations& o) { o.news_missed.add(); }},
    control{"news are complete and in order", [](observations& o) { o.went_backwards.add(); }},
    control{"a barrier waits for all", [](observations& o) { o.passed.add(); }},
    control{"permits, mutexes and tokens are back", [](observations& o) { --o.permits_back; }},
    control{"permits, mutexes and tokens are back",
            [](observations& o) { o.mutexes_are_free = false; }},
    control{"permits, mutexes and tokens are back",
            [](observations& o) { o.groups_are_empty = false; }},
    control{"permits, mutexes and tokens are back", [](observations& o) { o.left_waiting = 1; }},
    control{"threads are back", [](observations& o) { o.threads_more = 1; }},
};

/// A task sends an item that the body receives, and another one fails, in a scope with a limit of 2
/// that goes on all the same.
test::random::program right_program() {
  test::random::program p;
  p.shared.channels[0].capacity = 1;
  p.root.what = kind::scope;
  p.root.rules.limit = 2;
  p.root.rules.errors = roost::on_error::collect;
  for (const kind what : {kind::receive, kind::send, kind::fail}) {
    test::random::node child;
    child.what = what;
    child.number = 1 + static_cast<int>(p.root.children.size());
    child.patient = patience::endless;
    p.root.children.push_back(child);
  }
  return p;
}

} // namespace

TEST_CASE("each oracle of programs made at random notices what it is for", "[random][stress]") {
  const test::random::program p = right_program();
  test::random::watchman by;
  CHECK(by.judge(p) == "");
  for (const control& c : controls) {
    const auto seen = std::make_unique<observations>();
    by.run(p, *seen, [](const auto& f) { f(); });
    c.spoil(*seen);
    const std::string told = test::random::judge(*seen);
    CHECK(told.starts_with("not so: " + std::string(c.oracle)));
    CHECK(std::count(told.begin(), told.end(), '\n') == 1);
  }
  for (const test::random::oracle& o : test::random::oracles) {
    INFO(o.name);
    CHECK(std::any_of(
        controls.begin(), controls.end(), [&](const control& c) { return c.oracle == o.name; }));
  }
}

TEST_CASE("programs made at random keep what roost promises", "[random][stress]") {
  CHECK(test::random::judge_seeds(test::seed(), test::rounds(3000)) == "");
}

TEST_CASE("programs made at random do all that there is to do", "[random][stress]") {
  ROOST_TEST_SHOW_SEED();
  using namespace test::random;
  std::array<int, kind_names.size()> nodes{};
  int received = 0;
  int dropped = 0;
  int kept = 0;
  int thrown = 0;
  int handled = 0;
  int hooked = 0;
  int shown = 0;
  int full = 0;
  int cut = 0;
  int not_cut = 0;
  int unbegun = 0;
  int passed = 0;
  const auto verdicts_before = roost::stats().verdicts;
  watchman by;
  for (std::uint64_t seed = test::seed(); seed < test::seed() + 500; ++seed) {
    const program p = make_program(seed);
    const auto seen = std::make_unique<observations>();
    by.run(p, *seen, [](const auto& f) { f(); });
    for_each_node(p.root, [&](const node& n) { ++nodes.at(static_cast<std::size_t>(n.what)); });
    for (const item_fate& i : seen->items) {
      received += i.received.get();
      dropped += i.dropped.get();
      kept += i.kept.get();
    }
    for (const failure_fate& f : seen->failures) {
      thrown += f.thrown_by_end.get();
      handled += f.handled.get();
      hooked += f.hooked.get();
      shown += f.shown.get();
    }
    for (const scope_fate& s : seen->scopes) {
      full += s.limit != 0 && s.most.get() == s.limit ? 1 : 0;
      cut += s.is_cut ? 1 : 0;
      not_cut += s.is_over && !s.is_cut ? 1 : 0;
      unbegun += s.spawned.get() - s.begun.get();
    }
    passed += seen->passed.get();
  }
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    INFO(kind_names[k]);
    CHECK(nodes[k] > 0);
  }
  CHECK(received > 0);
  CHECK(dropped > 0);
  CHECK(kept > 0);
  CHECK(thrown > 0);
  CHECK(handled > 0);
  CHECK(hooked > 0);
  CHECK(shown > 0);
  CHECK(full > 0);
  CHECK(cut > 0);
  CHECK(not_cut > 0);
  CHECK(unbegun > 0);
  CHECK(passed > 0);
  CHECK(roost::stats().verdicts > verdicts_before);
}
