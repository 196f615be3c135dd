// SPDX-License-Identifier: BSL-1.0
// One run in an order of steps, as its strategy sees it: which threads it makes, and when it ends.
#include <roost.hpp>
#include <roost/testing.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/told_texts.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using roost::detail::run_seed_from;
using roost::detail::strategy;

namespace {

/// Runs the body once, in the order that `order` chooses.
template <class F>
void run(strategy& order, F body) {
  roost::detail::bubble_watch watch(1h);
  roost::detail::run_bubble(
      {watch, &order, 100'000},
      [&](roost::task_scope& scope) { body(scope); },
      roost::site::current());
}

} // namespace

TEST_CASE("a scope that outlives its run does not ask for the order of its steps",
          "[testing][explore]") {
  strategy order(run_seed_from("walk-1"));
  test::gate runs;
  std::unique_ptr<roost::background_scope> kept;
  CHECK_THROWS_AS(run(order,
                      [&](roost::task_scope& scope) {
                        kept = std::make_unique<roost::background_scope>();
                        scope
                            .spawn([&] {
                              (void)kept->spawn([] {}); // its thread is idle at the end
                            })
                            .get();
                      }),
                  std::logic_error);
  const std::size_t steps = order.record().steps.size();
  const std::size_t threads = order.record().parents.size();
  for (int task = 0; task < 2; ++task) { // the second one needs a new thread
    kept->spawn([&] {
      roost::this_task::checkpoint();
      runs.pass();
      roost::this_task::checkpoint();
    });
  }
  runs.wait_for_arrivals(2);
  runs.open();
  kept.reset();
  CHECK(order.record().steps.size() == steps);
  CHECK(order.record().parents.size() == threads);
}

TEST_CASE("a task that still runs when its run ends goes on without a turn", "[testing][explore]") {
  strategy order(run_seed_from("turn-1000"));
  test::gate runs;
  std::unique_ptr<roost::background_scope> kept;
  CHECK_THROWS_AS(run(order,
                      [&](roost::task_scope&) {
                        kept = std::make_unique<roost::background_scope>();
                        kept->spawn([&] {
                          roost::this_task::checkpoint();
                          runs.pass();
                          for (int i = 0; i < 10; ++i)
                            roost::this_task::checkpoint();
                        });
                        // both wait for their turn until the run is over
                        kept->spawn([] { roost::this_task::checkpoint(); });
                      }),
                  std::logic_error);
  const std::size_t steps = order.record().steps.size();
  runs.open();
  kept.reset();
  CHECK(order.record().steps.size() == steps);
}

TEST_CASE("a scope of an earlier run may end in a later one, and after all", "[testing][explore]") {
  const test::told_texts sink;
  std::unique_ptr<roost::background_scope> kept;
  CHECK_THROWS_AS(roost::testing::explore({.seed = 1},
                                          [&] {
                                            // in the second run it destroys that of the first one
                                            kept = std::make_unique<roost::background_scope>();
                                            kept->spawn([] {}).get(); // its thread is idle then
                                          }),
                  roost::testing::explore_error);
  kept.reset();
}

TEST_CASE("the parent of a task is the one that has spawned it", "[testing][explore]") {
  strategy order(run_seed_from("turn-1000"));
  run(order, [](roost::task_scope& scope) {
    scope
        .spawn([&] {
          roost::event inner_is_there;
          scope.spawn([&] { inner_is_there.set(); });
          inner_is_there.wait();
        })
        .get();
  });
  CHECK(order.record().parents == std::vector<std::uint32_t>{0, 0, 1});
}

TEST_CASE("a leak_check in a run makes no step of its own", "[testing][explore]") {
  for (int i = 0; i < 2; ++i) { // the first one of the process was another one
    strategy order(run_seed_from("walk-1"));
    run(order, [](roost::task_scope&) { const roost::testing::leak_check check(1h); });
    CHECK(order.record().parents.size() == 1);
  }
}

TEST_CASE("the tasks of a run do not depend on the number of processors", "[testing][explore]") {
  strategy order(run_seed_from("walk-1"));
  int now = 0;
  int most = 0;
  run(order, [&](roost::task_scope&) {
    std::vector<int> elements(20);
    roost::for_each(elements, [&](int&) {
      most = std::max(most, ++now);
      roost::this_task::sleep_for(1s);
      --now;
    });
  });
  CHECK(most == 4);
}
