// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using permit = roost::semaphore::permit;
using roost::semaphore;
using test::outcome_of;
using test::seen;

namespace {

struct acquire_form {
  const char* name;
  std::optional<permit> (*acquire)(semaphore&, std::size_t n);
};

const acquire_form forms[] = {
    {"acquire", [](semaphore& s, std::size_t n) { return std::optional(s.acquire(n)); }},
    {"acquire_for", [](semaphore& s, std::size_t n) { return s.acquire_for(1h, n); }},
    {"acquire_until",
     [](semaphore& s, std::size_t n) { return s.acquire_until(roost::clock::now() + 1h, n); }},
};

// The order in which threads came.
class arrivals {
 public:
  void add(int who) {
    const std::lock_guard lock(mutex_);
    order_.push_back(who);
  }
  std::vector<int> order() const {
    const std::lock_guard lock(mutex_);
    return order_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<int> order_; // guarded by mutex_
};

} // namespace

TEST_CASE("a semaphore stays where it is and its permits can only be moved", "[semaphore]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<semaphore>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<semaphore>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::size_t, semaphore>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<permit>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<permit>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<permit>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<permit>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<permit>);
  STATIC_REQUIRE(std::is_nothrow_destructible_v<permit>);
}

TEST_CASE("permits are taken and given back in any order", "[semaphore]") {
  semaphore s(3);
  CHECK(s.permits() == 3);
  CHECK(s.available() == 3);
  std::optional first = s.acquire();
  std::optional second = s.acquire(2);
  CHECK(first->count() == 1);
  CHECK(second->count() == 2);
  CHECK(s.available() == 0);
  CHECK_FALSE(s.try_acquire());
  first.reset();
  CHECK(s.available() == 1);
  CHECK_FALSE(s.try_acquire(2));
  CHECK(s.try_acquire(1));
  CHECK(s.available() == 1);
  second.reset();
  CHECK(s.available() == 3);
  CHECK(s.permits() == 3);
}

TEST_CASE("a semaphore without permits and a wish for more than there are are refused",
          "[semaphore]") {
  CHECK_THROWS_AS(semaphore(0), std::invalid_argument);
  CHECK_THROWS_AS(semaphore(static_cast<std::size_t>(-1)), std::invalid_argument);
  semaphore s(2);
  CHECK_THROWS_AS(s.try_acquire(3), std::invalid_argument);
  for (const auto& form : forms) {
    CAPTURE(form.name);
    CHECK_THROWS_AS(form.acquire(s, 3), std::invalid_argument);
    CHECK_THROWS_AS(form.acquire(s, static_cast<std::size_t>(-1)), std::invalid_argument);
  }
  CHECK(s.available() == 2);
  CHECK(s.acquire(2).count() == 2);
}

TEST_CASE("zero permits are there at once unless others wait", "[semaphore]") {
  semaphore s(1);
  const auto all = s.acquire();
  CHECK(s.acquire(0).count() == 0);
  CHECK(s.try_acquire(0));
  CHECK(s.acquire_for(0s, 0));
  CHECK(s.available() == 0);
}

TEST_CASE("a permit is given back once wherever it moved and whenever it was released",
          "[semaphore]") {
  semaphore s(4);
  {
    auto p = s.acquire(2);
    permit moved = std::move(p);
    CHECK(p.count() == 0); // NOLINT(bugprone-use-after-move): it says that it is empty
    CHECK(moved.count() == 2);
    p.release();
    CHECK(s.available() == 2);
    moved.release();
    CHECK(moved.count() == 0);
    CHECK(s.available() == 4);
    moved.release();
    CHECK(s.available() == 4);
  }
  CHECK(s.available() == 4);

  auto a = s.acquire(1);
  auto b = s.acquire(2);
  a = std::move(b); // what a had is given back
  CHECK(a.count() == 2);
  CHECK(s.available() == 2);
  permit& same = a;
  a = std::move(same);
  CHECK(a.count() == 2);
  CHECK(s.available() == 2);

  semaphore other(5);
  {
    auto c = other.acquire(5);
    c.swap(a);
    CHECK(c.count() == 2);
  }
  CHECK(s.available() == 4);
  CHECK(other.available() == 0);
  a.release();
  CHECK(other.available() == 5);
}

TEST_CASE("a permit is also given back by an exception", "[semaphore]") {
  semaphore s(2);
  try {
    const auto p = s.acquire(2);
    throw std::runtime_error("left early");
  } catch (const std::runtime_error&) {
  }
  CHECK(s.available() == 2);
  {
    roost::task_scope scope({.errors = roost::on_error::collect});
    for (int i = 0; i < 3; ++i) {
      scope.spawn([&] {
        const auto p = s.acquire();
        throw std::runtime_error("failed with a permit");
      });
    }
    CHECK_THROWS_AS(scope.join(), roost::exception_list);
  }
  CHECK(s.available() == 2);
}

TEST_CASE("a permit may be given back by another thread", "[semaphore]") {
  semaphore s(1);
  roost::task_scope scope;
  auto p = s.acquire();
  auto waits = scope.spawn([&] { return s.acquire().count(); });
  test::wait_until_waiting(s, 1);
  scope.spawn([mine = std::move(p)]() mutable { mine.release(); });
  CHECK(waits.get() == 1);
}

TEST_CASE("an acquire waits until enough permits are back", "[semaphore]") {
  const auto& form = forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  semaphore s(3);
  auto a = s.acquire();
  auto b = s.acquire();
  int written_before = 0;
  roost::task_scope scope;
  auto got = scope.spawn([&] {
    const auto p = form.acquire(s, 3);
    return p ? written_before : -1;
  });
  test::wait_until_waiting(s, 1);
  a.release();
  CHECK(test::waiting(s) == 1);
  written_before = 9;
  b.release();
  CHECK(got.get() == 9);
  CHECK(s.available() == 3);
}

TEST_CASE("no more than the permits are ever in", "[semaphore]") {
  const test::no_thread_left check;
  const std::size_t permits = GENERATE(as<std::size_t>(), 1, 3);
  semaphore s(permits);
  std::atomic<std::size_t> inside = 0;
  std::atomic<std::size_t> most = 0;
  std::atomic<int> done = 0;
  {
    roost::task_scope scope;
    for (int task = 0; task < 6; ++task) {
      scope.spawn([&] {
        for (int turn = 0; turn < 100; ++turn) {
          const auto p = s.acquire();
          const std::size_t now = ++inside;
          std::size_t before = most;
          while (before < now && !most.compare_exchange_weak(before, now)) {
          }
          ++done;
          --inside;
        }
      });
    }
  }
  CHECK(most <= permits);
  CHECK(done == 600);
  CHECK(s.available() == permits);
}

TEST_CASE("as many as there are permits can be in at once", "[semaphore]") {
  semaphore s(3);
  test::gate inside;
  roost::task_scope scope;
  for (int task = 0; task < 5; ++task) {
    scope.spawn([&] {
      const auto p = s.acquire();
      inside.pass();
    });
  }
  inside.wait_for_arrivals(3);
  test::wait_until_waiting(s, 2);
  CHECK(s.available() == 0);
  inside.open();
  scope.join();
  CHECK(s.available() == 3);
}

TEST_CASE("those who wait for permits are served in the order they came", "[semaphore]") {
  semaphore s(1);
  arrivals served;
  auto p = s.acquire();
  {
    roost::task_scope scope;
    for (int i = 0; i < 5; ++i) {
      const auto& form = forms[i % 3];
      scope.spawn([&, i] {
        const auto mine = form.acquire(s, 1);
        served.add(i);
      });
      test::wait_until_waiting(s, static_cast<std::size_t>(i) + 1);
    }
    p.release();
  }
  CHECK(served.order() == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("one that wants many permits is not overtaken by those that want few", "[semaphore]") {
  semaphore s(4);
  arrivals served;
  auto held = s.acquire();
  {
    roost::task_scope scope;
    scope.spawn([&] {
      const auto mine = s.acquire(4);
      served.add(4);
    });
    test::wait_until_waiting(s, 1);
    // Three are free, but the first waiter wants a fourth.
    CHECK(s.available() == 3);
    CHECK_FALSE(s.try_acquire());
    CHECK_FALSE(s.try_acquire(0));
    CHECK_FALSE(s.acquire_for(1ms));
    CHECK_FALSE(s.acquire_for(0ns));
    scope.spawn([&] {
      const auto mine = s.acquire();
      served.add(1);
    });
    test::wait_until_waiting(s, 2);
    CHECK(s.available() == 3);
    held.release();
  }
  CHECK(served.order() == std::vector<int>{4, 1});
  CHECK(s.available() == 4);
}

TEST_CASE("one release serves all who fit at once", "[semaphore]") {
  semaphore s(6);
  auto held = s.acquire(6);
  test::gate inside;
  std::atomic<std::size_t> got = 0;
  roost::task_scope scope;
  std::size_t blocked = 0;
  for (const std::size_t wanted : {1U, 2U, 3U, 1U}) {
    scope.spawn([&, wanted] {
      const auto mine = s.acquire(wanted);
      got += mine.count();
      inside.pass();
    });
    test::wait_until_waiting(s, ++blocked);
  }
  held.release();
  inside.wait_for_arrivals(3);
  CHECK(got == 6); // the fourth is the last and does not fit
  CHECK(test::waiting(s) == 1);
  inside.open();
}
