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
#include <vector>

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

/// Calls `is_right(patience)` with more and more patience until it returns true. The system may
/// keep any thread from going on for longer than a short patience, and then another one holds the
/// time up, or has not begun so far.
template <class IsRight>
void try_with_more_patience(IsRight is_right) {
  for (auto patience = 20ms; !is_right(patience) && patience < 5s; patience *= 2) {
  }
}

std::string first_of(const test::told_texts& sink) {
  REQUIRE_FALSE(sink.all().empty());
  return sink.all().front();
}

/// Checks the first text that `told_with(patience)` returns, given enough patience.
template <class ToldWith, class IsRight>
void check_told(ToldWith told_with, IsRight is_right) {
  std::string text;
  try_with_more_patience([&](clock::duration patience) {
    text = told_with(patience);
    return is_right(text);
  });
  INFO(text);
  CHECK(is_right(text));
}

/// The same where the first line is to have `part`.
template <class ToldWith>
void check_told(ToldWith told_with, const char* part) {
  check_told(told_with, [&](const std::string& text) { return contains(headline(text), part); });
}

} // namespace

TEST_CASE("the task that holds the time up is named", "[testing][bubble]") {
  const auto told_with = [](clock::duration patience) {
    test::gate held;
    const test::told_texts sink;
    bubble({.patience = patience}, [&](roost::task_scope& scope) {
      scope.spawn("holds", [&] { held.pass(); });
      scope.spawn("waits", [&] { roost::this_task::sleep_for(1h); });
      scope.spawn("opens", [&] {
        sink.wait_for(1); // which holds it up as well
        held.open();
      });
      CHECK_FALSE(roost::event().wait_for(2h));
    });
    return first_of(sink);
  };
  check_told(told_with, [](const std::string& text) {
    const std::string first = headline(text);
    const bool names_both = contains(first, "as \"holds\", \"opens\" are outside roost") ||
                            contains(first, "as \"opens\", \"holds\" are outside roost");
    return contains(first, "TIME-HELD-UP") && names_both && contains(text, "blocked");
  });
}

TEST_CASE("a call of another library holds the time up, and is named", "[testing][bubble]") {
  const auto told_with = [](clock::duration patience) {
    const test::told_texts sink;
    bubble({.patience = patience}, [&](roost::task_scope& scope) {
      scope.spawn([&] {
        const roost::blocking_region r("a call to the database");
        sink.wait_for(1);
      });
      const auto begin = clock::now();
      roost::this_task::sleep_for(1h);
      CHECK(clock::now() == begin + 1h);
    });
    return first_of(sink);
  };
  check_told(told_with, [](const std::string& text) {
    return contains(headline(text), "may wake one of its tasks: a blocking_region") &&
           contains(text, "a call to the database");
  });
}

TEST_CASE("a task in a call of another library is named where nobody waits for the time",
          "[testing][bubble]") {
  const test::no_thread_left check;
  const auto told_with = [](clock::duration patience) {
    std_event later;
    const test::told_texts sink([&] { later.set(); });
    bubble({.patience = patience}, [&](roost::task_scope& scope) {
      scope.spawn("legacy", [&] { later.wait(); });
      scope.join(); // without a time limit
    });
    return first_of(sink);
  };
  check_told(told_with, [](const std::string& text) {
    return contains(headline(text), "TIME-HELD-UP: for ") &&
           contains(headline(text), ", as \"legacy\" is outside roost") &&
           contains(text, "outside roost, thread ") && !contains(text, "replay");
  });
}

TEST_CASE("tasks that all wait in calls of another library are named, and so is the body",
          "[testing][bubble]") {
  const auto told_with = [](clock::duration patience) {
    std_event later;
    std::promise<int> value;
    const test::told_texts sink([&] { later.set(); });
    bubble({.patience = patience}, [&](roost::task_scope& scope) {
      scope.spawn("maker", [&] {
        later.wait();
        value.set_value(1);
      });
      CHECK(value.get_future().get() == 1);
    });
    return first_of(sink);
  };
  check_told(told_with, "as its body, \"maker\" are outside roost");
}

TEST_CASE("a loop until a later time is told that none passes", "[testing][bubble]") {
  std::atomic<bool> gives_up{false};
  const auto poll = [&] {
    const auto end = clock::now() + 1s;
    while (clock::now() < end && !gives_up)
      roost::this_task::checkpoint();
  };
  const auto told_by = [&](auto body) {
    return [&gives_up, body](clock::duration patience) {
      gives_up = false;
      const test::told_texts sink([&] { gives_up = true; });
      bubble({.patience = patience}, body);
      return first_of(sink);
    };
  };
  check_told(told_by(poll), // alone
             "as its body is outside roost: in code that computes, or in a call that roost does "
             "not know; let it wait in a call of roost, and sleep where it waits for the clock");
  check_told(told_by([&](roost::task_scope& scope) { scope.spawn("polls", poll).get(); }),
             "as \"polls\" is outside roost");
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
  using std::chrono::steady_clock;
  constexpr auto patience = 100ms;
  const test::told_texts sink;
  auto last = steady_clock::now();
  clock::duration longest_step{}; // the system may let none of us go on for a while
  const auto step = [&] {
    const auto now = steady_clock::now();
    longest_step = std::max(longest_step, now - last);
    last = now;
  };
  bubble({.patience = patience}, [&](roost::task_scope& scope) {
    auto there = roost::make_channel<int>();
    auto back = roost::make_channel<int>();
    scope.spawn([items = std::move(there.rx), answers = std::move(back.tx)] {
      for (const int i : items)
        (void)answers.send(i);
    });
    for (const auto end = last + 5 * patience; last < end; step()) {
      if (!there.tx.send(1) || !back.rx.receive())
        throw std::logic_error("no answer");
    }
  });
  step();
  bubble({.patience = patience}, [&] {
    for (const auto end = last + 3 * patience; last < end; step())
      roost::this_task::sleep_for(1s);
  });
  step();
  if (2 * longest_step < patience) // a hold lies in two of them if the clock is read in its middle
    CHECK(sink.all().empty());
}

TEST_CASE("what is known to be outside is not told where nobody waits for the time",
          "[testing][bubble]") {
  using std::chrono::steady_clock;
  constexpr auto patience = 30ms;
  const test::told_texts sink;
  bubble({.patience = patience}, [&] {
    const roost::blocking_region r("a call to the database");
    const auto end = steady_clock::now() + 5 * patience;
    while (steady_clock::now() < end) {
    }
  });
  for (const std::string& told : sink.all()) // of the time before or after, if it was held up there
    CHECK_FALSE(contains(told, "a call to the database"));
}

TEST_CASE("explore tells which task has the turn and does not give it, and how to repeat that",
          "[testing][explore]") {
  const auto told_by = [](auto run) {
    std_event later;
    const test::told_texts sink([&] { later.set(); });
    run([&later](roost::task_scope& scope) {
      scope.spawn("legacy", [&] { later.wait(); });
      scope.spawn("good", [] { roost::this_task::checkpoint(); });
      scope.spawn("also good", [] { roost::this_task::checkpoint(); });
      scope.join();
    });
    return first_of(sink);
  };
  const auto names_legacy = [](const std::string& text) {
    return contains(headline(text), "as \"legacy\" is outside roost");
  };
  const auto path_in = [](const std::string& text) {
    return between(text, "its order so far: ", "\n");
  };
  std::string told;
  std::vector<std::string> again; // by its seed, and by its path
  try_with_more_patience([&](clock::duration patience) {
    told = told_by(
        [&](const auto& body) { explore({.runs = 1, .seed = 5, .patience = patience}, body); });
    again.clear();
    if (!names_legacy(told))
      return false;
    for (const std::string& order : {between(told, "replay(body, \"", "\""), path_in(told)}) {
      again.push_back(told_by(
          [&](const auto& body) { roost::testing::replay({.patience = patience}, body, order); }));
    }
    return std::all_of(again.begin(), again.end(), [&](const std::string& text) {
      return names_legacy(text) && path_in(text) == path_in(told);
    });
  });
  INFO(told);
  CHECK(names_legacy(told));
  CHECK(contains(told, "ROOST_SEED=turn-"));
  REQUIRE(again.size() == 2);
  for (const std::string& text : again) {
    CHECK(names_legacy(text));
    CHECK(path_in(text) == path_in(told));
  }
}

TEST_CASE("explore tells of a task that nobody waits for by a time", "[testing][explore]") {
  const auto told_with = [](clock::duration patience) {
    std_event later;
    const test::told_texts sink([&] { later.set(); });
    explore({.runs = 1, .seed = 5, .patience = patience}, [&] { later.wait(); });
    return first_of(sink);
  };
  check_told(told_with, [](const std::string& text) {
    return contains(headline(text), "as its body is outside roost") &&
           contains(text, "replay(body, \"turn-");
  });
}
