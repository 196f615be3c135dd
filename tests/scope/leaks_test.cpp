// SPDX-License-Identifier: BSL-1.0
// Shapes that leak a thread in other libraries: here the thread is always back at the end.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

TEST_CASE("the check for threads notices one that is left", "[leaks]") {
  const std::size_t before = test::count_threads();
  if (!test::can_count_threads())
    return;
  test::gate gate;
  {
    const std::jthread left([&] { gate.pass(); });
    gate.wait_for_arrivals(1);
    CHECK(test::count_threads() == before + 1);
    CHECK_FALSE(test::threads_back_to(before, 20ms));
    gate.open();
  }
  CHECK(test::threads_back_to(before));
}

TEST_CASE("a sender whose receiver returned early is told that the channel is closed", "[leaks]") {
  const test::no_thread_left check;
  auto ends = roost::make_channel<int>();
  roost::channel_status status{};
  {
    roost::task_scope scope;
    scope.spawn([tx = std::move(ends.tx), &status] { status = tx.send(1).status(); });
    scope.spawn([rx = std::move(ends.rx)] {}); // never receives
  }
  CHECK(status == roost::channel_status::closed);
}

TEST_CASE("a sender whose receiver is kept alive is woken by the scope's stop", "[leaks]") {
  const test::no_thread_left check;
  auto ends = roost::make_channel<int>();
  std::string thrown;
  {
    roost::task_scope scope({.exit = roost::on_exit::stop});
    scope.spawn([&] {
      thrown = test::thrown_by([&] { (void)ends.tx.send(1); });
      roost::this_task::checkpoint();
    });
    test::wait_until_blocked(scope, 1);
  } // the owner holds the receiver and never receives
  CHECK(thrown == "stopped");
}

TEST_CASE("a caller that gives up after a timeout has stopped and joined the worker", "[leaks]") {
  const test::no_thread_left check;
  auto ends = roost::make_channel<int>();
  std::atomic<bool> running{false};
  const auto ask = [&]() -> int {
    return roost::with_scope({.timeout = 10ms}, [&](roost::task_scope& scope) {
      scope.spawn([&] {
        running = true;
        try {
          roost::this_task::sleep_for(1h); // a slow server
          (void)ends.tx.send(1);
        } catch (...) {
          running = false;
          throw;
        }
      });
      return ends.rx.receive().value();
    });
  };
  CHECK_THROWS_AS(ask(), roost::timeout_error);
  CHECK_FALSE(running);
}

TEST_CASE("when the first answer is taken the others who would answer end", "[leaks]") {
  const test::no_thread_left check;
  const int mirrors = GENERATE(1, 2, 4);
  std::atomic<int> closed{0};
  int answer = -1;
  {
    roost::task_scope scope;
    auto ends = roost::make_channel<int>();
    for (int i = 0; i < mirrors; ++i) {
      scope.spawn([tx = ends.tx, i, &closed] {
        closed += tx.send(i).status() == roost::channel_status::closed ? 1 : 0;
      });
    }
    answer = ends.rx.receive().value();
  } // the only receiver goes first
  CHECK(answer >= 0);
  CHECK(closed == mirrors - 1);
}

TEST_CASE("the second of two sends for one receive ends with the receiver", "[leaks]") {
  const test::no_thread_left check;
  roost::channel_status first{};
  roost::channel_status second{};
  {
    roost::task_scope scope;
    auto ends = roost::make_channel<int>();
    scope.spawn([tx = std::move(ends.tx), &first, &second] {
      first = tx.send(1).status();
      second = tx.send(2).status();
    });
    CHECK(ends.rx.receive().value() == 1);
  }
  CHECK(first == roost::channel_status::success);
  CHECK(second == roost::channel_status::closed);
}

TEST_CASE("a loop over a channel ends when its last sender goes", "[leaks]") {
  const test::no_thread_left check;
  const int workers = GENERATE(1, 2, 4);
  int sum = 0;
  {
    roost::task_scope scope;
    auto ends = roost::make_channel<int>();
    for (int i = 0; i < workers; ++i)
      scope.spawn([tx = ends.tx] { (void)tx.send(1); });
    ends.tx = std::move(roost::make_channel<int>().tx); // this end goes, nobody calls close()
    for (const int i : ends.rx)
      sum += i;
  }
  CHECK(sum == workers);
}

TEST_CASE("a worker that holds a sender of the channel that it loops over is woken by the stop",
          "[leaks]") {
  const test::no_thread_left check;
  auto ends = roost::make_channel<int>(1);
  roost::task_scope scope;
  auto worker = scope.spawn([own = ends.tx, rx = ends.rx] {
    for (const int i : rx)
      (void)own.send(i);
  });
  test::wait_until_blocked(scope, 1);
  scope.request_stop();
  scope.join();
  CHECK(test::thrown_by([&] { worker.get(); }) == "stopped");
}

TEST_CASE("a worker whose stop nobody remembers ends with its scope", "[leaks]") {
  const test::no_thread_left check;
  class service {
   public:
    service() {
      scope_.spawn("service", [this] {
        for (const int job : jobs_.rx)
          done_ += job;
      });
    }
    void add(int job) { (void)jobs_.tx.send(job); }
    // no stop(), no close(): the members are enough

   private:
    roost::channel_ends<int> jobs_ = roost::make_channel<int>(1);
    std::atomic<int> done_{0};
    roost::task_scope scope_{{.exit = roost::on_exit::stop, .covers_owner = false}};
  };
  service s;
  s.add(1);
  s.add(2);
  SUCCEED();
}

TEST_CASE("a channel without a partner is closed and not waited for", "[leaks]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto receives = scope.spawn([] {
    const roost::receiver<int> rx = roost::make_channel<int>().rx;
    return rx.receive().status();
  });
  auto sends = scope.spawn([] {
    const roost::sender<int> tx = roost::make_channel<int>().tx;
    return tx.send(1).status();
  });
  CHECK(receives.get() == roost::channel_status::closed);
  CHECK(sends.get() == roost::channel_status::closed);
}

TEST_CASE("a channel and a wait_group that wait for each other are woken by the stop", "[leaks]") {
  const test::no_thread_left check;
  roost::wait_group group;
  auto ends = roost::make_channel<int>();
  std::atomic<int> woken{0};
  {
    roost::task_scope scope;
    scope.spawn([&] {
      const auto counted = group.enter();
      woken += test::thrown_by([&] { (void)ends.tx.send(1); }) == "stopped" ? 1 : 0;
    });
    scope.spawn([&] {
      const auto counted = group.enter();
      woken += test::thrown_by([&] { group.wait(); }) == "stopped" ? 1 : 0;
    });
    test::wait_until_blocked(scope, 2);
    CHECK_FALSE(scope.wait_for(0ms));
    scope.request_stop();
  }
  CHECK(woken == 2);
  CHECK(group.wait_for(0ms)); // the tokens are back
}

TEST_CASE("a count is given back by whatever way a task ends", "[leaks]") {
  const test::no_thread_left check;
  roost::wait_group batch;
  roost::task_scope scope({.errors = roost::on_error::collect});
  batch.spawn(scope, [] {});
  batch.spawn(scope, [] { throw std::runtime_error("failed"); });
  scope.spawn([counted = batch.enter()] {});
  batch.wait();
  CHECK(scope.wait_for(1h));
  scope.request_stop();
  batch.spawn(scope, [] {}); // never runs
  CHECK_THROWS_AS(scope.join(), roost::exception_list);
  CHECK(batch.wait_for(0ms));
}

TEST_CASE("to wait inside the loop that spawns does not wait for what is not spawned yet",
          "[leaks]") {
  const test::no_thread_left check;
  std::atomic<int> done{0};
  roost::wait_group batch;
  roost::task_scope scope;
  for (int i = 0; i < 4; ++i) {
    batch.spawn(scope, [&] { ++done; });
    batch.wait();
    CHECK(done == i + 1);
  }
}

namespace {

// Functions in the middle pass no context, and know none.
void innermost(roost::event& never) {
  never.wait();
}
void middle(roost::event& never) {
  innermost(never);
}

} // namespace

TEST_CASE("a stop reaches code that was handed no context", "[leaks]") {
  const test::no_thread_left check;
  roost::event never;
  roost::task_scope scope;
  auto direct = scope.spawn([&] { middle(never); });
  auto nested = scope.spawn([&] {
    roost::task_scope inner;
    inner.spawn([&] { middle(never); });
  });
  test::wait_until_waiting(never, 2);
  scope.request_stop();
  scope.join();
  CHECK(test::thrown_by([&] { direct.get(); }) == "stopped");
  CHECK(test::thrown_by([&] { nested.get(); }) == "stopped");
}

TEST_CASE("a task that ignores the stop is waited for and not abandoned", "[leaks]") {
  const test::no_thread_left check;
  test::gate gate; // roost knows nothing of it
  std::atomic<bool> ended{false};
  std::jthread releases;
  {
    roost::task_scope scope({.exit = roost::on_exit::stop});
    scope.spawn([&] {
      gate.pass();
      ended = true;
    });
    gate.wait_for_arrivals(1);
    releases = std::jthread([&] {
      test::wait_until_joining(scope);
      gate.open();
    });
  }
  CHECK(ended);
}

TEST_CASE("to join from inside the own tree is an error and no deadlock", "[leaks]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  std::atomic<int> refused{0};
  scope.spawn([&] {
    try {
      scope.join();
    } catch (const std::system_error& e) {
      refused += e.code() == std::errc::resource_deadlock_would_occur ? 1 : 0;
    }
  });
  scope.join();
  CHECK(refused == 1);
}
