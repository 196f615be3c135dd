// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Whatever limits, stops and failures meet, each callable runs at most once and is destroyed once.

using test::random_numbers;
using test::rounds;

namespace {

/// What became of one callable, in the end.
struct fate {
  std::atomic<int> ran{0};
  std::atomic<int> destroyed{0};
};

/// Lies in a callable and notes when that is destroyed, wherever it has been moved.
class tag {
 public:
  explicit tag(std::shared_ptr<fate> f) noexcept : fate_(std::move(f)) {}
  tag(tag&&) noexcept = default;
  tag& operator=(tag&&) = delete;
  ~tag() {
    if (fate_)
      ++fate_->destroyed;
  }
  void run() const noexcept { ++fate_->ran; }

 private:
  std::shared_ptr<fate> fate_;
};

/// All callables of a test.
class register_of_fates {
 public:
  tag add() {
    auto f = std::make_shared<fate>();
    const std::lock_guard lock(mutex_);
    all_.push_back(f);
    return tag(std::move(f));
  }

  /// Only when all scopes are gone.
  std::string faults() const {
    std::string text;
    for (std::size_t i = 0; i < all_.size() && text.size() < 200; ++i) {
      const fate& f = *all_[i];
      if (f.destroyed != 1 || f.ran > 1) {
        text += "callable " + std::to_string(i) + ": ran " + std::to_string(f.ran) +
                ", destroyed " + std::to_string(f.destroyed) + "; ";
      }
    }
    return text;
  }
  int ran() const {
    int count = 0;
    for (const auto& f : all_)
      count += f->ran;
    return count;
  }
  int all() const { return static_cast<int>(all_.size()); }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<fate>> all_; // guarded by mutex_
};

/// Counts the tasks of one scope that run, and notes when they were too many. A task that waits
/// for another one of its scope is not counted meanwhile: that one may run in its place.
class head_count {
 public:
  explicit head_count(std::size_t limit) noexcept : limit_(static_cast<int>(limit)) {}

  class place {
   public:
    explicit place(head_count& of) noexcept : of_(of) { of_.enter(); }
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() { --of_.inside_; }

   private:
    head_count& of_;
  };

  class absence {
   public:
    explicit absence(head_count& of) noexcept : of_(of) { --of_.inside_; }
    absence(const absence&) = delete;
    absence& operator=(const absence&) = delete;
    ~absence() { of_.enter(); }

   private:
    head_count& of_;
  };

  int too_many() const noexcept { return too_many_; }

 private:
  void enter() noexcept {
    if (++inside_ > limit_)
      ++too_many_;
  }

  const int limit_;
  std::atomic<int> inside_{0};
  std::atomic<int> too_many_{0};
};

/// Trees of tasks in scopes with limits, that do everything at random: spawn siblings and wait for
/// them, open scopes further in, fail, stop.
class limited_forest {
 public:
  explicit limited_forest(std::uint64_t stream) : streams_(stream * 1'000'003) {}

  void grow(int depth) {
    random_numbers random(++streams_);
    const std::size_t limit = 1 + static_cast<std::size_t>(random.below(3));
    const roost::scope_options options{
        .limit = limit,
        .backlog = static_cast<std::size_t>(random.below(4)),
        .timeout = random.one_in(8)
                       ? roost::clock::duration(std::chrono::microseconds(random.below(1000)))
                       : roost::clock::duration::max(),
        .exit = random.one_in(4) ? roost::on_exit::stop : roost::on_exit::join,
        .errors = random.one_in(2) ? roost::on_error::collect : roost::on_error::fail_fast};
    head_count heads(limit);
    const std::exception_ptr error = test::exception_of([&] {
      roost::task_scope scope(options);
      const int tasks = 1 + random.below(6);
      for (int i = 0; i < tasks; ++i) {
        auto handle = spawn(scope, heads, depth);
        if (random.one_in(6))
          (void)handle.get();
      }
      if (random.one_in(6))
        scope.request_stop("the owner's");
      if (random.one_in(6))
        throw std::runtime_error("planned");
      if (random.one_in(2))
        scope.join();
    });
    too_many_ += heads.too_many();
    if (error && random.one_in(2))
      std::rethrow_exception(error);
  }

  int too_many() const { return too_many_; }
  int wrong_results() const { return wrong_results_; }
  const register_of_fates& fates() const { return fates_; }

 private:
  roost::task_handle<int> spawn(roost::task_scope& scope, head_count& heads, int depth) {
    return scope.spawn([this, &scope, &heads, depth, mine = fates_.add()] {
      mine.run();
      const head_count::place place(heads);
      random_numbers random(++streams_);
      const auto wait = [&](roost::task_handle<int>& handle) {
        const head_count::absence absence(heads);
        if (handle.get() != depth - 1)
          ++wrong_results_;
      };
      for (int step = random.below(3); step >= 0; --step) {
        switch (random.below(9)) {
        case 0:
          if (random.one_in(3))
            throw std::runtime_error("planned");
          break;
        case 1:
          if (random.one_in(3))
            scope.request_stop("a task's");
          break;
        case 2:
          if (depth > 0)
            grow(depth - 1);
          break;
        case 3:
        case 4:
          if (depth > 0) {
            auto first = spawn(scope, heads, depth - 1);
            auto second = spawn(scope, heads, depth - 1);
            wait(second);
            if (random.one_in(2))
              wait(first);
          }
          break;
        case 5:
          if (depth > 0)
            (void)spawn(scope, heads, depth - 1);
          break;
        case 6: {
          roost::event never;
          (void)never.wait_for(std::chrono::microseconds(random.below(100)));
          break;
        }
        case 7: {
          const roost::shield s(std::chrono::microseconds(random.below(100)));
          if (depth > 0) {
            auto sibling = spawn(scope, heads, depth - 1);
            wait(sibling);
          }
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
  std::atomic<int> too_many_{0};
  std::atomic<int> wrong_results_{0};
  register_of_fates fates_;
};

/// What each of the spawns of a thread outside came to.
struct outside_results {
  std::atomic<int> values{0};
  std::atomic<int> stopped{0};
  std::atomic<int> refused{0};
  std::atomic<int> other{0};
  int all() const { return values + stopped + refused + other; }

  template <class Spawn>
  void note(Spawn spawn) {
    try {
      auto handle = spawn();
      handle.get();
      ++values;
    } catch (const roost::stopped&) {
      ++stopped;
    } catch (const roost::scope_closed&) {
      ++refused;
    } catch (...) {
      ++other;
    }
  }
};

} // namespace

TEST_CASE("trees of tasks under limits keep to them and come back whole", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  const int count = rounds(1000);
  int ran = 0;
  int dropped = 0;
  for (int round = 0; round < count; ++round) {
    INFO("round " << round);
    limited_forest trees(static_cast<std::uint64_t>(round));
    (void)test::exception_of([&] { trees.grow(3); });
    CHECK(trees.too_many() == 0);
    CHECK(trees.wrong_results() == 0);
    CHECK(trees.fates().faults().empty());
    CHECK(roost::detail::this_thread.top == nullptr);
    CHECK(roost::detail::this_thread.task == nullptr);
    ran += trees.fates().ran();
    dropped += trees.fates().all() - trees.fates().ran();
  }
  CHECK(ran > count);
  CHECK((dropped > 0 || count < 100));
}

TEST_CASE("spawns that wait race with what ends the scope", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  for (int round = 0; round < rounds(400); ++round) {
    random_numbers random(static_cast<std::uint64_t>(round));
    register_of_fates fates;
    outside_results results;
    constexpr int spawners = 3;
    constexpr int each = 6;
    const int how = random.below(4); // 0: a stop, 1: a failure, 2: the deadline, 3: nothing
    const auto timeout = std::chrono::microseconds(random.below(300));
    const std::size_t limit = 1 + static_cast<std::size_t>(random.below(2));
    head_count heads(limit);
    {
      roost::task_scope scope(
          {.limit = limit,
           .backlog = static_cast<std::size_t>(random.below(3)),
           .timeout = how == 2 ? roost::clock::duration(timeout) : roost::clock::duration::max(),
           .covers_owner = false});
      std::vector<std::jthread> threads;
      for (int s = 0; s < spawners; ++s) {
        threads.emplace_back([&, s] {
          random_numbers mine(static_cast<std::uint64_t>(round * 10 + s));
          for (int i = 0; i < each; ++i) {
            const bool fails = how == 1 && i == 3 && s == 0;
            results.note([&] {
              return scope.spawn([&heads, fails, mark = fates.add(), turns = mine.below(300)] {
                mark.run();
                const head_count::place place(heads);
                random_numbers own(static_cast<std::uint64_t>(turns));
                test::dither(own, turns + 1);
                if (fails)
                  throw std::runtime_error("planned");
              });
            });
          }
        });
      }
      test::dither(random, 3000);
      if (how == 0)
        scope.request_stop();
      threads.clear(); // none of them may be left waiting
      (void)test::exception_of([&] { scope.join(); });
    }
    CHECK(results.all() == spawners * each);
    CHECK(results.refused == 0);
    CHECK(results.other == (how == 1 ? 1 : 0));
    CHECK((how != 3 || results.values == spawners * each));
    CHECK(heads.too_many() == 0);
    CHECK(fates.faults().empty());
    CHECK(fates.ran() >= results.values + results.other);
  }
}

TEST_CASE("callers that are stopped while their spawn waits race with places that come free",
          "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  for (int round = 0; round < rounds(300); ++round) {
    random_numbers random(static_cast<std::uint64_t>(round));
    register_of_fates fates;
    std::atomic<int> spawned{0};
    std::atomic<int> given_up{0};
    {
      roost::task_scope pool({.limit = 1, .backlog = static_cast<std::size_t>(random.below(2))});
      const auto spawn = [&](random_numbers& mine) {
        pool.spawn([mark = fates.add(), turns = mine.below(200)] {
          mark.run();
          random_numbers own(static_cast<std::uint64_t>(turns));
          test::dither(own, turns + 1);
        });
        ++spawned;
      };
      {
        const std::jthread patient([&] { // is not left behind by those that give up
          random_numbers mine(static_cast<std::uint64_t>(round) * 7 + 1);
          for (int i = 0; i < 8; ++i)
            spawn(mine);
        });
        roost::task_scope callers({.inherit = false, .covers_owner = false});
        for (std::uint64_t c = 0; c < 3; ++c) {
          callers.spawn([&, c] {
            random_numbers mine(static_cast<std::uint64_t>(round) * 7 + 2 + c);
            try {
              for (;;)
                spawn(mine);
            } catch (const roost::stopped&) {
              ++given_up;
              throw;
            }
          });
        }
        test::dither(random, 20'000);
        callers.request_stop();
      }
      pool.join();
    }
    CHECK(fates.ran() == spawned);
    CHECK(fates.all() == spawned + given_up);
    CHECK(given_up <= 3);
    CHECK(fates.faults().empty());
  }
}

TEST_CASE("siblings are spawned while the owner joins a scope with a limit",
          "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  for (int round = 0; round < rounds(400); ++round) {
    random_numbers random(static_cast<std::uint64_t>(round));
    register_of_fates fates;
    const std::size_t limit = 1 + static_cast<std::size_t>(random.below(3));
    head_count heads(limit);
    const int depth = 1 + random.below(4);
    const int stop_at = random.one_in(3) ? random.below(depth + 1) : -1;
    {
      roost::task_scope scope({.limit = limit, .backlog = 1});
      struct recursion {
        roost::task_scope& scope;
        register_of_fates& fates;
        head_count& heads;
        int stop_at;
        void spawn(int left) {
          scope.spawn([this, left, mark = fates.add()] {
            mark.run();
            const head_count::place place(heads);
            if (left == stop_at)
              scope.request_stop();
            for (int i = 0; left > 0 && i < 2; ++i)
              spawn(left - 1);
          });
        }
      } tasks{scope, fates, heads, stop_at};
      tasks.spawn(depth);
      scope.join();
    }
    CHECK(heads.too_many() == 0);
    CHECK(fates.faults().empty());
    CHECK((stop_at >= 0 || fates.ran() == (2 << depth) - 1));
  }
}
