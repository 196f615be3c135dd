// SPDX-License-Identifier: BSL-1.0
// What holds the time of a bubble up, or the turn in explore(), is told, whatever else waits.
#include <roost.hpp>
#include <roost/testing.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/told_texts.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using roost::clock;
using roost::testing::bubble;
using roost::testing::explore;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The first line of a text.
std::string headline(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

/// The part of a text between two others.
std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t begin = text.find(before);
  if (begin == std::string::npos)
    return {};
  const std::size_t end = text.find(after, begin + before.size());
  return text.substr(begin + before.size(), end - begin - before.size());
}

/// As code that does not know roost waits for another thread.
class std_event {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_set_; });
  }
  void set() {
    {
      const std::lock_guard lock(mutex_);
      is_set_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ = false;
};

} // namespace

TEST_CASE("the task that holds the time up is named", "[testing][bubble]") {
  const test::told_texts sink;
  test::gate held;
  bubble({.patience = 20ms}, [&](roost::task_scope& scope) {
    scope.spawn("holds", [&] { held.pass(); });
    scope.spawn("waits", [&] { roost::this_task::sleep_for(1h); });
    scope.spawn("opens", [&] {
      sink.wait_for(1); // which holds it up as well
      held.open();
    });
    CHECK_FALSE(roost::event().wait_for(2h));
  });
  REQUIRE(sink.all().size() == 1);
  const std::string text = sink.all().front();
  CHECK(contains(text, "TIME-HELD-UP"));
  CHECK(contains(text, "\"holds\""));
  CHECK(contains(text, "\"opens\""));
  CHECK_FALSE(contains(text, "\"waits\" is"));
  CHECK(contains(text, " are outside roost"));
  CHECK(contains(text, "blocked"));
}

TEST_CASE("a call of another library holds the time up, and is named", "[testing][bubble]") {
  const test::told_texts sink;
  bubble({.patience = 20ms}, [&](roost::task_scope& scope) {
    scope.spawn([&] {
      const roost::blocking_region r("a call to the database");
      sink.wait_for(1);
    });
    const auto begin = clock::now();
    roost::this_task::sleep_for(1h);
    CHECK(clock::now() == begin + 1h);
  });
  REQUIRE(sink.all().size() == 1);
  CHECK(contains(sink.all().front(), "may wake one of its tasks: a blocking_region"));
  CHECK(contains(sink.all().front(), "a call to the database"));
}

TEST_CASE("a task in a call of another library is named where nobody waits for the time",
          "[testing][bubble]") {
  const test::no_thread_left check;
  std_event later;
  const test::told_texts sink([&] { later.set(); });
  bubble({.patience = 20ms}, [&](roost::task_scope& scope) {
    scope.spawn("legacy", [&] { later.wait(); });
    scope.join(); // without a time limit
  });
  REQUIRE(sink.all().size() == 1);
  const std::string text = sink.all().front();
  INFO(text);
  CHECK(contains(headline(text), "TIME-HELD-UP: for "));
  CHECK(contains(headline(text), ", as \"legacy\" is outside roost"));
  CHECK(contains(text, "outside roost, thread "));
  CHECK_FALSE(contains(text, "replay"));
}

TEST_CASE("tasks that all wait in calls of another library are named, and so is the body",
          "[testing][bubble]") {
  std_event later;
  std::promise<int> value;
  const test::told_texts sink([&] { later.set(); });
  bubble({.patience = 20ms}, [&](roost::task_scope& scope) {
    scope.spawn("maker", [&] {
      later.wait();
      value.set_value(1);
    });
    CHECK(value.get_future().get() == 1);
  });
  REQUIRE(sink.all().size() == 1);
  CHECK(contains(headline(sink.all().front()), "as its body, \"maker\" are outside roost"));
}

TEST_CASE("a loop until a later time is told that none passes", "[testing][bubble]") {
  std::atomic<bool> gives_up{false};
  const test::told_texts sink([&] { gives_up = true; });
  const auto poll = [&] {
    const auto end = clock::now() + 1s;
    while (clock::now() < end && !gives_up)
      roost::this_task::checkpoint();
  };
  bubble({.patience = 20ms}, poll); // alone
  REQUIRE(sink.all().size() == 1);
  CHECK(contains(headline(sink.all().front()), "as its body is outside roost"));
  CHECK(contains(headline(sink.all().front()), "sleep where it waits for the clock"));
  gives_up = false;
  bubble({.patience = 20ms}, [&](roost::task_scope& scope) { scope.spawn("polls", poll).get(); });
  REQUIRE(sink.all().size() == 2);
  CHECK(contains(headline(sink.all().back()), "as \"polls\" is outside roost"));
}

TEST_CASE("a hold is told again once time has passed", "[testing][bubble]") {
  std::atomic<int> told{0};
  const test::told_texts sink([&] { ++told; });
  bubble({.patience = 10ms}, [&] {
    for (int holds = 1; holds <= 2; ++holds) {
      while (told < holds) {
      }
      roost::this_task::sleep_for(1h);
    }
  });
  CHECK(sink.all().size() >= 2);
}

TEST_CASE("nothing is told while tasks wake each other, or time passes", "[testing][bubble]") {
  constexpr auto patience = 100ms;
  const test::told_texts sink;
  clock::duration longest_step{}; // the system may let none of us go on for a while
  bubble({.patience = patience}, [&](roost::task_scope& scope) {
    auto there = roost::make_channel<int>();
    auto back = roost::make_channel<int>();
    scope.spawn([items = std::move(there.rx), answers = std::move(back.tx)] {
      for (const int i : items)
        (void)answers.send(i);
    });
    const auto begin = std::chrono::steady_clock::now();
    for (auto last = begin; last < begin + 5 * patience;) {
      if (!there.tx.send(1) || !back.rx.receive())
        throw std::logic_error("no answer");
      const auto now = std::chrono::steady_clock::now();
      longest_step = std::max(longest_step, now - last);
      last = now;
    }
  });
  bubble({.patience = patience}, [&] {
    const auto begin = std::chrono::steady_clock::now();
    for (auto last = begin; last < begin + 3 * patience;) {
      roost::this_task::sleep_for(1s);
      const auto now = std::chrono::steady_clock::now();
      longest_step = std::max(longest_step, now - last);
      last = now;
    }
  });
  if (longest_step < patience)
    CHECK(sink.all().empty());
}

TEST_CASE("what is known to be outside is not told where nobody waits for the time",
          "[testing][bubble]") {
  using std::chrono::steady_clock;
  constexpr auto patience = 30ms;
  const test::told_texts sink;
  const auto before = steady_clock::now();
  auto begin = before;
  auto end = before;
  bubble({.patience = patience}, [&] {
    const roost::blocking_region r("a call to the database");
    begin = steady_clock::now();
    for (end = begin; end < begin + 5 * patience;)
      end = steady_clock::now();
  });
  const auto after = steady_clock::now();
  if (begin - before < patience && after - end < patience) // else the system let none of us go on
    CHECK(sink.all().empty());
}

TEST_CASE("explore tells which task has the turn and does not give it, and how to repeat that",
          "[testing][explore]") {
  std_event* later = nullptr; // of the run
  const auto body = [&later](roost::task_scope& scope) {
    scope.spawn("legacy", [&] { later->wait(); });
    scope.spawn("good", [] { roost::this_task::checkpoint(); });
    scope.spawn("also good", [] { roost::this_task::checkpoint(); });
    scope.join();
  };
  const auto told_by = [&](auto run) {
    std_event of_run;
    later = &of_run;
    const test::told_texts sink([&] { of_run.set(); });
    run();
    REQUIRE(sink.all().size() == 1);
    return sink.all().front();
  };
  const std::string told =
      told_by([&] { explore({.runs = 1, .seed = 5, .patience = 20ms}, body); });
  INFO(told);
  CHECK(contains(headline(told), "as \"legacy\" is outside roost"));
  CHECK(contains(told, "ROOST_SEED=turn-"));
  const std::string seed = between(told, "replay(body, \"", "\"");
  const std::string path = between(told, "its order so far: ", "\n");
  for (const std::string& order : {seed, path}) {
    const std::string again =
        told_by([&] { roost::testing::replay({.patience = 20ms}, body, order); });
    CHECK(contains(headline(again), "as \"legacy\" is outside roost"));
    CHECK(between(again, "its order so far: ", "\n") == path);
  }
}

TEST_CASE("explore tells of a task that nobody waits for by a time", "[testing][explore]") {
  std_event later;
  const test::told_texts sink([&] { later.set(); });
  explore({.runs = 1, .seed = 5, .patience = 20ms}, [&] { later.wait(); });
  REQUIRE(sink.all().size() == 1);
  CHECK(contains(headline(sink.all().front()), "as its body is outside roost"));
  CHECK(contains(sink.all().front(), "replay(body, \"turn-"));
}
