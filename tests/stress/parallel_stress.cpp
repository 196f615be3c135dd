// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/lockstep.hpp"
#include "support/no_thread_left.hpp"
#include "support/numbered_items.hpp"
#include "support/seed.hpp"
#include "support/visits.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using test::random_numbers;
using test::rounds;

namespace {

/// What one round is to do, drawn at random.
struct plan {
  plan(random_numbers& random, bool stop)
      : count(random.below(random.one_in(4) ? 2000 : 40)),
        options{.limit = static_cast<std::size_t>(random.below(5)), .chunks = !random.one_in(3)},
        bad(random.one_in(3) ? random.below(count + 1) : -1),
        stops(stop),
        waits(random.one_in(3)) {}

  int count;
  roost::parallel_options options;
  int bad;    // the element that fails; none if it is negative or the count
  bool stops; // a stop of the caller may come
  bool waits; // elements look for a stop, and some wait a little
};

/// The elements' work, and what came of it.
class work {
 public:
  work(const plan& p, std::uint64_t stream) : plan_(p), stream_(stream), seen_(p.count) {}

  int operator()(int number) {
    ++alive_;
    const test::at_exit leave([this] { --alive_; });
    seen_(number);
    random_numbers random(stream_ + static_cast<std::uint64_t>(number));
    if (plan_.waits) {
      test::dither(random, 50);
      roost::this_task::checkpoint();
      if (random.one_in(20)) {
        roost::event never;
        (void)never.wait_for(std::chrono::microseconds(random.below(50)));
      }
    }
    if (number == plan_.bad)
      throw std::runtime_error("planned");
    return number;
  }

  /// Empty if that is what may happen where `thrown` was thrown.
  std::string objection(const std::string& thrown) const {
    if (alive_ != 0)
      return "elements were still worked on";
    const bool fails = plan_.bad >= 0 && plan_.bad < plan_.count;
    if (thrown != "nothing" && !(thrown == "planned" && fails) &&
        !(thrown == "stopped" && plan_.stops))
      return "it threw what nobody planned: " + thrown;
    if (!seen_.none_twice())
      return "an element was visited more than once";
    if (thrown == "nothing" && !seen_.once_each())
      return "an element was left out";
    return {};
  }

 private:
  const plan& plan_;
  const std::uint64_t stream_;
  test::visits seen_;
  std::atomic<int> alive_{0};
};

/// Calls `go(range)` with the numbers below `count`, as a range of some kind.
template <class Go>
void with_some_range(int count, random_numbers& random, Go go) {
  const std::vector<int> all = test::numbers(0, count);
  switch (random.below(3)) {
  case 0:
    go(all);
    break;
  case 1:
    go(std::list<int>(all.begin(), all.end()));
    break;
  default: {
    auto ends = roost::make_channel<int>(static_cast<std::size_t>(random.below(3)));
    roost::task_scope scope({.exit = roost::on_exit::stop});
    scope.spawn([&all, tx = std::move(ends.tx)] {
      for (const int number : all) {
        if (!tx.send(number))
          return;
      }
    });
    go(ends.rx);
  }
  }
}

/// Calls `round(scope, random, stops)` many times, where a second thread may stop the scope.
template <class Round>
void with_stopper(int count, Round round) {
  test::lockstep step(2);
  roost::task_scope* shared = nullptr; // written before the threads meet
  const std::jthread stopper([&] {
    random_numbers mine(99);
    for (int i = 0; i < count; ++i) {
      step.meet();
      test::dither(mine, mine.one_in(2) ? 500 : 20'000);
      if (shared != nullptr)
        shared->request_stop("outside");
      step.meet(); // the scope is alive until then
    }
  });
  for (int i = 0; i < count; ++i) {
    random_numbers random(static_cast<std::uint64_t>(i) + 1000);
    const bool stops = random.one_in(2);
    roost::task_scope scope;
    const roost::outside_waker outside(scope);
    shared = stops ? &scope : nullptr;
    step.meet();
    const test::at_exit let_go([&] { step.meet(); });
    round(random, stops);
  }
}

} // namespace

TEST_CASE("for_each visits no element twice, and all if nothing ends it", "[for_each][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  int completed = 0;
  with_stopper(rounds(1500), [&](random_numbers& random, bool stops) {
    const plan p(random, stops);
    work w(p, random.next());
    const std::string thrown = test::thrown_by([&] {
      with_some_range(
          p.count, random, [&](const auto& range) { roost::for_each(range, w, p.options); });
    });
    CHECK(w.objection(thrown) == "");
    completed += thrown == "nothing" ? 1 : 0;
  });
  CHECK(completed > 0);
}

TEST_CASE("transform returns all results in order, or throws", "[transform][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  with_stopper(rounds(1500), [&](random_numbers& random, bool stops) {
    const plan p(random, stops);
    work w(p, random.next());
    const bool by_index = random.one_in(2);
    std::vector<int> results;
    const std::string thrown = test::thrown_by([&] {
      with_some_range(p.count, random, [&](const auto& range) {
        if (by_index) {
          struct bare {
            explicit bare(int n) : value(n) {}
            int value;
          };
          for (const bare& one : roost::transform(
                   range, [&](int n) { return bare(w(n)); }, p.options))
            results.push_back(one.value);
        } else {
          results = roost::transform(range, w, p.options);
        }
      });
    });
    CHECK(w.objection(thrown) == "");
    if (thrown == "nothing")
      CHECK(results == test::numbers(0, p.count));
  });
}

TEST_CASE("when_any has one answer or all failures, and nobody left", "[when_any][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  enum class kind { succeeds, fails, waits };
  int answers = 0;
  with_stopper(rounds(1500), [&](random_numbers& random, bool stops) {
    std::atomic<int> alive{0};
    std::vector<kind> kinds;
    std::vector<std::function<std::size_t()>> calls;
    const auto add = [&](kind k) {
      kinds.push_back(k);
      calls.emplace_back([&alive, k, index = calls.size(), stream = random.next()] {
        ++alive;
        const test::at_exit leave([&] { --alive; });
        random_numbers mine(stream);
        test::dither(mine, 500);
        if (k == kind::fails)
          throw std::runtime_error("planned");
        if (k == kind::waits)
          roost::event().wait();
        return index;
      });
    };
    const bool one_succeeds = random.one_in(2);
    for (int others = random.below(4); others >= 0; --others)
      add(random.one_in(2) && (one_succeeds || stops) ? kind::waits : kind::fails);
    if (one_succeeds) {
      add(kind::succeeds);
      std::swap(calls.front(), calls.back());
      add(kind::succeeds);
    }
    try {
      const auto [place, result] = roost::when_any(calls);
      CHECK(one_succeeds);
      CHECK(kinds.at(result) == kind::succeeds);
      CHECK(place < calls.size());
      ++answers;
    } catch (const roost::exception_list& list) {
      CHECK_FALSE(one_succeeds);
      CHECK(list.failures().size() == calls.size());
    } catch (const roost::stopped&) {
      CHECK(stops);
    }
    CHECK(alive == 0);
  });
  CHECK(answers > 0);
}

TEST_CASE("trees of when_all and when_any come back whole", "[when_all][stress]") {
  ROOST_TEST_SHOW_SEED();
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  int completed = 0;
  with_stopper(rounds(250), [&](random_numbers& random, bool stops) {
    std::atomic<int> alive{0};
    std::atomic<std::uint64_t> streams{random.next()};
    const bool fails = random.one_in(2);
    std::function<int(int)> grow = [&](int depth) -> int {
      ++alive;
      const test::at_exit leave([&] { --alive; });
      random_numbers mine(++streams);
      test::dither(mine, 200);
      if (fails && mine.one_in(12))
        throw std::runtime_error("planned");
      if (depth == 0)
        return 1;
      const auto branch = [&] { return grow(depth - 1); };
      if (mine.one_in(3))
        return std::visit([](int size) { return size; }, roost::when_any(branch, branch));
      const auto [left, right] = roost::when_all(branch, branch);
      return left + right;
    };
    try {
      const int size = grow(4);
      CHECK((size >= 1 && size <= 16));
      ++completed;
    } catch (const roost::stopped&) {
      CHECK(stops);
    } catch (const std::exception&) { // the failure, or a list of such
      CHECK(fails);
    }
    CHECK(alive == 0);
  });
  CHECK(completed > 0);
}
