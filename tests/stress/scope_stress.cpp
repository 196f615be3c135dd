// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

using test::random_numbers;
using test::rounds;

namespace {

/// A tree of tasks that do everything at random: end, fail, wait, stop their scope, open scopes
/// with and without deadlines, spawn siblings and children. Counts what must come out even.
class forest {
 public:
  explicit forest(std::uint64_t stream) : streams_(stream * 1'000'003) {}

  void grow(int depth) {
    random_numbers random(++streams_);
    const roost::scope_options options{
        .timeout = random.one_in(4)
                       ? roost::clock::duration(std::chrono::microseconds(random.below(2000)))
                       : roost::clock::duration::max(),
        .exit = random.one_in(3) ? roost::on_exit::stop : roost::on_exit::join,
        .errors = random.one_in(3) ? roost::on_error::collect : roost::on_error::fail_fast,
        .inherit = !random.one_in(8)};
    const std::exception_ptr error = test::exception_of([&] {
      if (random.one_in(2)) {
        roost::with_scope(options, [&](roost::task_scope& scope) { body(scope, random, depth); });
      } else {
        roost::task_scope scope(options);
        body(scope, random, depth);
      }
    });
    if (random.one_in(2) && error)
      std::rethrow_exception(error);
  }

  int started() const { return started_; }
  bool all_came_back() const { return alive_ == 0 && captures_.use_count() == 1; }

 private:
  void body(roost::task_scope& scope, random_numbers& random, int depth) {
    const int tasks = 1 + random.below(4);
    std::vector<roost::task_handle<int>> handles;
    for (int i = 0; i < tasks; ++i)
      handles.push_back(spawn(scope, depth));
    switch (random.below(8)) {
    case 0:
      scope.request_stop("the owner's");
      break;
    case 1:
      (void)handles.front().get();
      break;
    case 2:
      handles.clear();
      break;
    case 3:
      (void)scope.wait_for(std::chrono::microseconds(random.below(500)));
      break;
    case 4:
      scope.join();
      break;
    case 5:
      if (depth % 2 == 0)
        throw std::runtime_error("planned");
      break;
    default:
      break;
    }
  }

  roost::task_handle<int> spawn(roost::task_scope& scope, int depth) {
    return scope.spawn([this, &scope, depth, kept = captures_] {
      ++started_;
      ++alive_;
      struct leaving {
        std::atomic<int>& alive;
        ~leaving() { --alive; }
      } const at_end{alive_};
      random_numbers random(++streams_);
      for (int step = random.below(3); step >= 0; --step) {
        switch (random.below(10)) {
        case 0:
          throw std::runtime_error("planned");
        case 1:
          scope.request_stop("a task's");
          break;
        case 2:
        case 3:
          if (depth > 0)
            grow(depth - 1);
          break;
        case 4:
          if (depth > 0)
            (void)spawn(scope, depth - 1);
          break;
        case 5:
          roost::this_task::sleep_for(std::chrono::microseconds(random.below(300)));
          break;
        case 6: {
          roost::event never;
          (void)never.wait_for(std::chrono::microseconds(random.below(300)));
          break;
        }
        case 7: {
          const roost::shield s(std::chrono::microseconds(random.below(300)));
          roost::this_task::checkpoint();
          break;
        }
        case 8: {
          std::stop_source source;
          const roost::stop_when when(source.get_token());
          if (random.one_in(2))
            source.request_stop();
          roost::this_task::checkpoint();
          break;
        }
        default:
          roost::this_task::checkpoint();
        }
      }
      return depth;
    });
  }

  std::atomic<std::uint64_t> streams_;
  std::atomic<int> started_{0};
  std::atomic<int> alive_{0};
  std::shared_ptr<int> captures_ = std::make_shared<int>();
};

} // namespace

TEST_CASE("trees of tasks that fail and stop and time out come back whole",
          "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  int started = 0;
  for (int round = 0; round < rounds(200); ++round) {
    forest trees(static_cast<std::uint64_t>(round));
    (void)test::exception_of([&] { trees.grow(3); });
    started += trees.started();
    CHECK(trees.all_came_back());
    CHECK(roost::detail::this_thread.top == nullptr);
  }
  CHECK(started > rounds(200) / 2);
}

TEST_CASE("spawns from outside race with a stop and with the join", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const int count = rounds(200);
  for (int round = 0; round < count; ++round) {
    random_numbers random(static_cast<std::uint64_t>(round));
    std::atomic<int> ran{0};
    std::atomic<int> accepted{0};
    std::atomic<int> refused{0};
    std::atomic<int> other{0};
    auto captured = std::make_shared<int>();
    roost::task_scope scope;
    std::vector<std::jthread> spawners;
    for (int i = 0; i < 2; ++i) {
      spawners.emplace_back([&, i] {
        random_numbers mine(static_cast<std::uint64_t>(round * 10 + i));
        for (int n = 0; n < 4; ++n) {
          test::dither(mine, 300);
          try {
            scope.spawn([&ran, captured] { ++ran; });
            ++accepted;
          } catch (const roost::scope_closed&) {
            ++refused;
          } catch (...) {
            ++other;
          }
        }
      });
    }
    const bool stops = random.one_in(2);
    test::dither(random, 2000);
    if (stops)
      scope.request_stop();
    scope.join();
    const int ran_at_join = ran;
    spawners.clear();
    CHECK(ran == ran_at_join); // nothing runs after the join
    CHECK(accepted + refused == 8);
    CHECK(other == 0);
    CHECK((stops || ran == accepted));
    CHECK(ran <= accepted);
    CHECK(captured.use_count() == 1);
  }
}

TEST_CASE("the last task's end races with the destructor", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  random_numbers random(1);
  for (int round = 0; round < rounds(2000); ++round) {
    const int turns = random.below(400);
    auto captured = std::make_shared<int>(round);
    std::optional<roost::task_handle<std::shared_ptr<int>>> handle;
    {
      roost::task_scope scope;
      handle.emplace(scope.spawn([captured, turns] {
        random_numbers mine(static_cast<std::uint64_t>(turns));
        test::dither(mine, turns + 1);
        return captured;
      }));
      if (turns % 3 == 0)
        handle.reset();
      test::dither(random, 400);
    }
    CHECK(captured.use_count() == (handle ? 2 : 1));
    if (handle)
      CHECK(handle->get() == captured);
  }
}

TEST_CASE("results are got by tasks while they come and go", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  random_numbers random(1);
  for (int round = 0; round < rounds(100); ++round) {
    std::atomic<int> sum{0};
    std::atomic<int> failed{0};
    std::atomic<int> stopped{0};
    const bool stops = random.one_in(2);
    {
      roost::task_scope scope({.errors = roost::on_error::collect});
      for (int i = 0; i < 4; ++i) {
        auto handle = scope.spawn([i, turns = random.below(2000)]() -> int {
          random_numbers mine(static_cast<std::uint64_t>(turns));
          test::dither(mine, turns + 1);
          if (i == 3)
            throw std::runtime_error("planned");
          return 1;
        });
        scope.spawn([&, handle = std::move(handle)]() mutable {
          try {
            sum += handle.get();
          } catch (const std::runtime_error&) {
            ++failed;
          } catch (const roost::stopped&) {
            ++stopped;
          }
        });
      }
      test::dither(random, 2000);
      if (stops)
        scope.request_stop();
      (void)test::exception_of([&] { scope.join(); });
    }
    if (!stops) {
      CHECK(sum == 3);
      CHECK(failed == 1);
    }
    CHECK(sum + failed + stopped <= 4);
  }
}
