// SPDX-License-Identifier: BSL-1.0
// explore() finds faults that need one unlucky order, tells a seed that repeats them, and finds
// nothing where there is none.
#include <roost.hpp>
#include <roost/testing.hpp>

#include "support/catch.hpp"
#include "support/no_thread_left.hpp"
#include "support/told_texts.hpp"

#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace std::chrono_literals;
using roost::testing::explore;
using roost::testing::explore_error;
using roost::testing::explore_options;
using roost::testing::replay;

namespace {

void must(bool holds, const char* what) {
  if (!holds)
    throw std::logic_error(what);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct finding {
  std::string seed;
  std::string text;
  std::string told;
};

/// What explore() finds in `body`; nothing if it finds nothing.
template <class F>
std::optional<finding> find_in(F body, explore_options options = {.seed = 1}) {
  const test::told_texts sink;
  options.patience = 1h;
  try {
    explore(options, body);
  } catch (const explore_error& e) {
    REQUIRE(sink.all().size() == 1);
    return finding{e.seed(), e.what(), sink.all().front()};
  }
  CHECK(sink.all().empty());
  return std::nullopt;
}

/// Looks whether a key is there, and loads it if not: two tasks may both find that it is not.
class racy_cache {
 public:
  int get(const std::string& key) {
    {
      const roost::mutex::guard held(guards_);
      if (const auto found = values_.find(key); found != values_.end())
        return found->second;
    }
    ++loads_; // outside of the lock: it may take long
    const roost::mutex::guard held(guards_);
    return values_[key] = 42;
  }
  int loads() const { return loads_; }

 private:
  roost::mutex guards_{"cache"};
  std::map<std::string, int> values_;
  int loads_ = 0;
};

void use_racy_cache(roost::task_scope& scope) {
  racy_cache shared;
  std::vector<roost::task_handle<int>> all;
  for (int i = 0; i < 2; ++i)
    all.push_back(scope.spawn([&] { return shared.get("key"); }));
  for (auto& one : all)
    must(one.get() == 42, "another value");
  must(shared.loads() == 1, "loaded twice");
}

/// Of the environment; null: it has none.
void set_seed(const char* seed) {
#if defined(_WIN32)
  ::_putenv_s("ROOST_SEED", seed != nullptr ? seed : "");
#else
  if (seed != nullptr)
    ::setenv("ROOST_SEED", seed, 1);
  else
    ::unsetenv("ROOST_SEED");
#endif
}

} // namespace

TEST_CASE("explore finds a race in a cache, and its seed repeats it", "[testing][explore]") {
  const test::no_thread_left check;
  const auto found = find_in(use_racy_cache);
  REQUIRE(found);
  CHECK(contains(found->text, "failed: loaded twice"));
  CHECK(contains(found->text, "replay(body, \"" + found->seed + "\")"));
  CHECK(contains(found->text, "ROOST_SEED=" + found->seed));
  CHECK(contains(found->text, "its order: path-"));
  CHECK_FALSE(contains(found->text, "second run"));
  CHECK(found->told == found->text);
  for (int i = 0; i < 20; ++i)
    CHECK_THROWS_AS(replay(use_racy_cache, found->seed), std::logic_error);
}

TEST_CASE("an order without an unlucky switch finds nothing", "[testing][explore]") {
  CHECK_NOTHROW(replay(use_racy_cache, "turn-1000"));
}

TEST_CASE("the order alone repeats a failure, too", "[testing][explore]") {
  const auto found = find_in(use_racy_cache);
  REQUIRE(found);
  const std::size_t begin = found->text.find("path-");
  const std::string path = found->text.substr(begin, found->text.find('\n', begin) - begin);
  CHECK_THROWS_AS(replay(use_racy_cache, path), std::logic_error);
}

TEST_CASE("a seed gives the same steps each time", "[testing][explore]") {
  std::string log;
  const auto body = [&log](roost::task_scope& scope) {
    log.clear();
    auto [tx, rx] = roost::make_channel<int>(1);
    roost::semaphore two(2);
    for (int task = 0; task < 3; ++task) {
      scope.spawn([&, task, tx = tx] {
        for (int i = 0; i < 3; ++i) {
          const auto permit = two.acquire();
          log += static_cast<char>('a' + task);
          must(bool(tx.send(task)), "closed");
        }
      });
    }
    scope.spawn([&log, rx = std::move(rx)] {
      roost::ticker every(1s);
      for (int items = 0; items < 9;)
        roost::select(roost::on_tick(every, [&] { log += '.'; }),
                      roost::on_receive(rx, [&](auto item) {
                        log += static_cast<char>('A' + *item);
                        ++items;
                      }));
    });
    { const auto gone = std::move(tx); }
    scope.join();
  };
  std::vector<std::string> logs;
  for (const char* seed : {"walk-1", "walk-2", "pct3-7-60", "turn-1", "turn-3", "urw-5-20.10x4"}) {
    replay(body, seed);
    logs.push_back(log);
    for (int i = 0; i < 10; ++i) {
      replay(body, seed);
      CHECK(log == logs.back());
    }
  }
  CHECK(logs[0] != logs[1]);
}

TEST_CASE("explore finds the order in which two tasks lock each other out", "[testing][explore]") {
  const auto found = find_in([](roost::task_scope& scope) {
    roost::mutex a("a");
    roost::mutex b("b");
    const auto lock_both = [](roost::mutex& first, roost::mutex& second) {
      const roost::mutex::guard one(first);
      const roost::mutex::guard two(second);
    };
    scope.spawn("ab", [&] { lock_both(a, b); });
    scope.spawn("ba", [&] { lock_both(b, a); });
    scope.join();
  });
  REQUIRE(found);
  CHECK(contains(found->text, "it would wait for ever"));
  CHECK(contains(found->text, "mutex \"a\""));
}

TEST_CASE("explore finds tasks that wait for ever, and tells for what", "[testing][explore]") {
  const auto take_two = [](roost::task_scope& scope) {
    roost::semaphore forks(2);
    const auto eat = [&] {
      const auto left = forks.acquire();
      const auto right = forks.acquire();
    };
    scope.spawn("plato", eat);
    scope.spawn("kant", eat);
    scope.join();
  };
  const auto found = find_in(take_two);
  REQUIRE(found);
  CHECK(contains(found->text, "DEADLOCK"));
  CHECK(contains(found->text, "\"plato\""));
  CHECK_THROWS_AS(replay(take_two, found->seed), roost::deadlock_error);
}

TEST_CASE("explore finds an item that is lost between a look and a close", "[testing][explore]") {
  const auto found = find_in([](roost::task_scope& scope) {
    auto [tx, rx] = roost::make_channel<int>(4);
    auto sent = scope.spawn([tx = std::move(tx)] {
      // Wrong: it may be closed in between, and try_send() then says so.
      if (!tx.closed())
        (void)tx.try_send(1);
      return true;
    });
    auto received = scope.spawn([rx = std::move(rx)] {
      const bool was_open = !rx.closed();
      rx.close();
      const bool found_one = bool(rx.try_receive());
      return found_one || !was_open;
    });
    must(sent.get() && received.get(), "an item is lost");
  });
  REQUIRE(found);
  CHECK(contains(found->text, "an item is lost"));
}

TEST_CASE("explore finds what needs two unlucky switches in many steps", "[testing][explore]") {
  // The reader sees the first half of a change, and then the writer the reader's.
  const auto body = [](roost::task_scope& scope) {
    roost::mutex guards;
    int stage = 0;
    const auto step = [&](int from, int to) {
      const roost::mutex::guard held(guards);
      if (stage == from)
        stage = to;
    };
    scope.spawn([&] {
      for (int i = 0; i < 10; ++i)
        step(-1, 0);
      step(0, 1);
      step(2, 3);
      step(1, 0); // as a rule there is nothing in between
    });
    scope.spawn([&] {
      for (int i = 0; i < 10; ++i)
        step(-1, 0);
      step(1, 2);
    });
    scope.join();
    must(stage != 3, "two switches");
  };
  const auto found = find_in(body);
  REQUIRE(found);
  CHECK(contains(found->text, "two switches"));
}

TEST_CASE("explore finds nothing in what is right", "[testing][explore]") {
  const test::no_thread_left check;
  int runs = 0;
  const auto found = find_in([&runs](roost::task_scope& scope) {
    ++runs;
    roost::mutex guards("sum");
    int sum = 0;
    auto [tx, rx] = roost::make_channel<int>(2);
    for (int task = 0; task < 2; ++task) {
      scope.spawn([&, tx = tx] {
        for (int i = 0; i < 3; ++i)
          must(bool(tx.send(1)), "closed");
      });
      scope.spawn([&, rx = rx] {
        for (const int item : rx) {
          const roost::mutex::guard held(guards);
          sum += item;
        }
      });
    }
    { const auto gone = std::move(tx); }
    scope.join();
    must(sum == 6, "lost or doubled");
  });
  CHECK_FALSE(found);
  CHECK(runs == 1000);
}

TEST_CASE("the time of a run is virtual, and timeouts have their orders", "[testing][explore]") {
  int timeouts = 0;
  int items = 0;
  explore({.runs = 200, .seed = 1}, [&](roost::task_scope& scope) {
    const auto begin = roost::clock::now();
    auto [tx, rx] = roost::make_channel<int>(1);
    scope.spawn([tx = std::move(tx)] {
      roost::this_task::sleep_for(1h);
      (void)tx.try_send(1);
    });
    if (rx.receive_for(1h))
      ++items;
    else
      ++timeouts;
    scope.join();
    must(roost::clock::now() == begin + 1h, "another hour");
  });
  CHECK(timeouts + items == 200);
  CHECK(timeouts > 0);
  CHECK(items > 0);
}

TEST_CASE("scopes in tasks, forks and stops are explored", "[testing][explore]") {
  const auto found = find_in(
      [](roost::task_scope& scope) {
        auto outer = scope.spawn([] {
          auto [a, b] = roost::when_all([] { return 1; },
                                        [] {
                                          auto [c, d] = roost::when_all([] { return 2; }, //
                                                                        [] { return 3; });
                                          return c + d;
                                        });
          return a + b;
        });
        scope.spawn([] {
          try {
            roost::with_scope({.timeout = 1s}, [](roost::task_scope& timed) {
              timed.spawn([] { roost::event().wait(); });
              timed.spawn([] { roost::this_task::sleep_for(1h); });
            });
            must(false, "no timeout");
          } catch (const roost::timeout_error&) { // it has come
          }
        });
        must(outer.get() == 6, "another sum");
        const std::vector<int> numbers{1, 2, 3, 4, 5};
        const auto doubled = roost::transform(numbers, [](int i) { return 2 * i; }, {.limit = 2});
        must(doubled == std::vector<int>{2, 4, 6, 8, 10}, "another order");
      },
      {.runs = 300, .seed = 3});
  CHECK_FALSE(found);
}

TEST_CASE("a run that goes on for ever is stopped, and found", "[testing][explore]") {
  const auto found = find_in(
      [](roost::task_scope& scope) {
        roost::event never;
        scope.spawn("polls", [&] {
          while (!never.is_set())
            roost::this_task::checkpoint();
        });
        scope.join();
      },
      {.runs = 10, .seed = 1, .most_steps = 500});
  REQUIRE(found);
  CHECK(contains(found->text, "more than 500 steps"));
}

TEST_CASE("a replay takes the options of its exploration", "[testing][explore]") {
  const auto polls = [](roost::task_scope& scope) {
    const roost::event never;
    scope.spawn("polls", [&] {
      while (!never.is_set())
        roost::this_task::checkpoint();
    });
    scope.join();
  };
  const explore_options shorter{.runs = 10, .seed = 1, .most_steps = 300};
  const auto found = find_in(polls, shorter);
  REQUIRE(found);
  std::string again;
  try {
    replay(shorter, polls, found->seed);
  } catch (const std::runtime_error& e) {
    again = e.what();
  }
  CHECK(contains(again, "more than 300 steps"));
}

TEST_CASE("a task that polls does not keep the others from going on", "[testing][explore]") {
  const auto found = find_in(
      [](roost::task_scope& scope) {
        roost::event set;
        scope.spawn([&] {
          while (!set.is_set())
            roost::this_task::checkpoint();
        });
        scope.spawn([&] { set.set(); });
        scope.join();
      },
      {.runs = 200, .seed = 1});
  CHECK_FALSE(found);
}

TEST_CASE("what does not depend on the order alone is told", "[testing][explore]") {
  int runs = 0;
  const auto found = find_in([&runs](roost::task_scope& scope) {
    const int steps = ++runs; // which is left from run to run
    scope.spawn([steps] {
      for (int i = 0; i < steps; ++i)
        roost::this_task::checkpoint();
    });
    scope.join();
    must(steps != 5, "the fifth");
  });
  REQUIRE(found);
  CHECK(contains(found->text, "run 5 of 1000 failed: the fifth"));
  CHECK(contains(found->text, "but a second run with this seed did not fail"));
  CHECK(contains(found->text, "the body depends on something else"));
}

TEST_CASE("a path that cannot be followed is refused, and so is what is no seed",
          "[testing][explore]") {
  const auto body = [](roost::task_scope& scope) { scope.spawn([] {}); };
  CHECK_THROWS_AS(replay(body, "path-0.7x9"), std::runtime_error);
  CHECK_THROWS_AS(replay(body, "no seed"), std::invalid_argument);
  CHECK_NOTHROW(replay(body, "path-0"));
}

TEST_CASE("the environment's seed takes the place of all others", "[testing][explore]") {
  struct environment {
    explicit environment(const char* seed) { set_seed(seed); }
    ~environment() { set_seed(nullptr); }
  };
  int runs = 0;
  const auto body = [&runs](roost::task_scope& scope) {
    ++runs;
    scope.spawn([] { roost::this_task::checkpoint(); });
  };
  {
    const environment set("turn-1");
    explore(body);
    CHECK(runs == 1);
  }
  {
    const environment set("12345");
    explore({.runs = 7}, body);
    CHECK(runs == 8);
  }
  {
    const environment set("nonsense");
    CHECK_THROWS_AS(explore(body), std::invalid_argument);
  }
}
