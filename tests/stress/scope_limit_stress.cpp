// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/memory.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/sanitized.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
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

TEST_CASE("a handle of a task in line is got while its place comes", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  for (int round = 0; round < rounds(1000); ++round) {
    random_numbers random(static_cast<std::uint64_t>(round));
    std::atomic<int> ran{0};
    std::atomic<int> stopped{0};
    const bool stops = random.one_in(3);
    roost::task_scope scope({.limit = 2, .covers_owner = false});
    scope.spawn([&, turns = random.below(300)] { // its end begins what is in line
      random_numbers own(static_cast<std::uint64_t>(turns));
      test::dither(own, turns + 1);
    });
    scope.spawn([&, turns = random.below(300)] {
      auto in_line = scope.spawn([&] { return ++ran; });
      random_numbers own(static_cast<std::uint64_t>(turns) + 1000);
      test::dither(own, turns + 1);
      try {
        if (in_line.get() != 1)
          ran += 100;
      } catch (const roost::stopped&) {
        ++stopped;
        throw;
      }
    });
    test::dither(random, 500);
    if (stops)
      scope.request_stop();
    scope.join();
    CHECK(scope.failures().empty());
    CHECK((stops || (ran == 1 && stopped == 0)));
    CHECK(ran <= 1);
  }
}

TEST_CASE("tasks that come while the last thread leaves are found", "[task_scope][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  random_numbers random(1);
  for (int round = 0; round < rounds(200); ++round) {
    const std::size_t limit = 1 + static_cast<std::size_t>(random.below(2));
    const std::size_t backlog = 1 + static_cast<std::size_t>(random.below(3));
    std::atomic<int> late{0};
    std::atomic<int> too_long{0};
    roost::task_scope scope({.limit = limit, .backlog = backlog});
    const auto spawn_some = [&](std::uint64_t stream) {
      random_numbers mine(stream);
      for (int i = 0; i < 30; ++i) {
        auto last = scope.spawn([] {});
        if (test::probe::queued(scope) > backlog)
          ++too_long;
        // Were it left in line with no thread to come for it, this would be for ever.
        if (mine.one_in(2) && !last.wait_for(1h))
          ++late;
        test::dither(mine, 60);
      }
    };
    {
      const std::jthread other([&] { spawn_some(static_cast<std::uint64_t>(round)); });
      spawn_some(static_cast<std::uint64_t>(round) + 1000);
    }
    scope.join();
    CHECK(late == 0);
    CHECK(too_long == 0);
  }
}

TEST_CASE("tasks begin in the order of their spawns while others end", "[task_scope][stress]") {
  const test::no_thread_left check;
  const int count = rounds(20'000);
  const auto backlog = GENERATE(as<std::size_t>(), 1, 5, 1024);
  int next = 0; // the tasks', one at a time
  int wrong = 0;
  {
    roost::task_scope scope({.limit = 1, .backlog = backlog});
    for (int i = 0; i < count; ++i)
      scope.spawn([&, i] { wrong += i == next++ ? 0 : 1; });
  }
  CHECK(next == count);
  CHECK(wrong == 0);
}

TEST_CASE("threads that come free race with tasks that need one", "[thread_pool][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  roost::task_scope scope;
  random_numbers random(1);
  for (int round = 0; round < rounds(2000); ++round) {
    // Were one of them to wait for another's thread, it would be for ever.
    roost::event meeting;
    std::atomic<int> missing{1 + random.below(4)};
    const int tasks = missing;
    for (int i = 0; i < tasks; ++i) {
      scope.spawn([&] {
        if (--missing == 0)
          meeting.set();
        meeting.wait();
      });
      test::dither(random, 100);
    }
    if (random.one_in(2)) {
      (void)scope.wait_for(1h);
    } else {
      meeting.wait();
      (void)scope.wait_for(1h); // what they use goes
    }
  }
  scope.join();
}

TEST_CASE("idle threads that exit race with jobs that come", "[thread_pool][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  struct counting_job final : roost::detail::job {
    std::atomic<int>* done = nullptr;
    void run_on_pool() noexcept override { ++*done; }
    void fail_on_pool(const std::exception_ptr&) noexcept override {} // none is offered
  };
  random_numbers random(1);
  std::atomic<int> done{0};
  std::vector<counting_job> jobs(4);
  for (counting_job& j : jobs)
    j.done = &done;
  for (int time = 0; time < 4; ++time) {
    roost::detail::thread_pool threads(std::chrono::microseconds(5 * time));
    for (int round = 0; round < rounds(500); ++round) {
      done = 0;
      for (counting_job& j : jobs) {
        threads.start(j);
        test::dither(random, 2000);
      }
      test::wait_until([&] { return done == static_cast<int>(jobs.size()); });
    }
    if (random.one_in(2))
      threads.dismiss_idle();
  }
}

TEST_CASE("a million tasks go through a scope with a limit in bounded memory",
          "[task_scope][stress]") {
  const test::no_thread_left check;
#ifdef ROOST_TEST_SANITIZED
  const int tasks = rounds(30'000);
#else
  const int tasks = rounds(1'000'000);
#endif
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = 2});
  const auto spawn = [&] {
    // relaxed: a count, read after the join
    scope.spawn([&] { ran.fetch_add(1, std::memory_order_relaxed); });
  };
  for (int i = 0; i < tasks / 10; ++i)
    spawn();
  const test::memory_growth growth;
  for (int i = tasks / 10; i < tasks; ++i)
    spawn();
  scope.join();
  CHECK(ran == tasks);
  if (!roost::detail::address_sanitized) // it keeps what is freed for a while
    CHECK(growth.kib() < test::noise_kib);
}
