// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/busy_scope.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/throws_when_destroyed.hpp"
#include "support/virtual_time.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// A stop or a deadline ends the spawns that wait for a place, and drops the tasks in the queue.

using namespace std::chrono_literals;
using test::captured;
using test::full_scope;

namespace {

roost::stop_reason reason_of(roost::task_handle<void>& handle) {
  try {
    handle.get();
  } catch (const roost::stopped& s) {
    return s.cause().reason;
  }
  return roost::stop_reason::none;
}

/// Calls a function when the last of its copies goes, unless that was moved from.
template <class F>
std::shared_ptr<void> at_destruction(F f) {
  return std::shared_ptr<void>(nullptr, [f](void*) { f(); });
}

} // namespace

TEST_CASE("a stop of the scope ends the spawns that wait", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1, 2);
  full_scope full({.backlog = backlog});
  std::atomic<bool> ran{false};
  const captured mine = std::make_shared<int>();

  SECTION("a thread outside gets a handle, from which it learns of the stop") {
    roost::stop_reason reason{};
    std::string thrown;
    {
      const std::jthread outside([&] {
        thrown = test::thrown_by([&] {
          auto handle = full.scope.spawn([&ran, mine] { ran = true; });
          reason = reason_of(handle);
        });
      });
      test::wait_until_spawns_wait(full.scope, 1);
      full.scope.request_stop();
    }
    CHECK(thrown == "nothing");
    CHECK(reason == roost::stop_reason::requested);
    full.busy.open();
    full.scope.join();
  }
  SECTION("a task of another scope gets such a handle, too") {
    roost::stop_reason reason{};
    roost::task_scope others({.inherit = false, .covers_owner = false});
    others.spawn([&] {
      auto handle = full.scope.spawn([&ran, mine] { ran = true; });
      reason = reason_of(handle);
    });
    test::wait_until_spawns_wait(full.scope, 1);
    full.scope.request_stop();
    others.join();
    CHECK(reason == roost::stop_reason::requested);
    full.busy.open();
  }
  SECTION("the owner's throws stopped") {
    const std::jthread stopper([&] {
      test::wait_until_owner_blocked(full.scope);
      full.scope.request_stop("enough");
      full.busy.open();
    });
    CHECK(test::thrown_by([&] { full.scope.spawn([&ran, mine] { ran = true; }); }) == "stopped");
    full.scope.join(); // a request is no failure
  }
  SECTION("the owner's throws the failure that caused it, and so does the join") {
    full.fails = true;
    const std::jthread opener([&] {
      test::wait_until_owner_blocked(full.scope);
      full.busy.open();
    });
    CHECK(test::thrown_by([&] { full.scope.spawn([&ran, mine] { ran = true; }); }) ==
          "the busy one's");
    CHECK(test::thrown_by([&] { full.scope.join(); }) == "the busy one's");
    CHECK(full.scope.failures().size() == 1);
  }
  CHECK_FALSE(ran);
  CHECK(mine.use_count() == 1);
  CHECK(full.ran == 0);
  CHECK(full.callables.use_count() == 1);
}

TEST_CASE("a failure that ended the owner's spawn is thrown by the destructor all the same",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  std::string in_spawn;
  test::gate fail;
  const std::string at_end = test::thrown_by([&] {
    std::optional<std::jthread> opener; // joined after the scope
    roost::task_scope scope({.limit = 1, .backlog = 0});
    scope.spawn([&] {
      fail.pass();
      throw std::runtime_error("a sibling's");
    });
    opener.emplace([&] {
      test::wait_until_owner_blocked(scope);
      fail.open();
    });
    in_spawn = test::thrown_by([&] { scope.spawn([] {}); });
    opener->join();
  });
  CHECK(in_spawn == "a sibling's");
  CHECK(at_end == "a sibling's");
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("the scope's deadline ends the owner's spawn by timeout_error", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1, 2);
  test::bubble([&] {
    std::atomic<int> ran{0};
    const captured callables = std::make_shared<int>();
    std::vector<roost::task_handle<void>> queued;
    std::exception_ptr thrown;
    roost::event never;
    const auto start = roost::clock::now();
    const std::exception_ptr at_end = test::exception_of([&] {
      roost::task_scope scope({.limit = 1, .backlog = backlog, .timeout = 5s});
      scope.spawn([&] { never.wait(); });
      for (std::size_t i = 0; i < backlog; ++i)
        queued.push_back(scope.spawn([&, callables] { ++ran; }));
      thrown = test::exception_of([&] { scope.spawn([&, callables] { ++ran; }); });
      CHECK(roost::clock::now() == start + 5s);
    });
    REQUIRE(thrown != nullptr);
    CHECK_THROWS_AS(std::rethrow_exception(thrown), roost::timeout_error);
    REQUIRE(at_end != nullptr);
    CHECK_THROWS_AS(std::rethrow_exception(at_end), roost::timeout_error);
    CHECK(ran == 0);
    CHECK(callables.use_count() == 1);
    for (auto& handle : queued)
      CHECK(reason_of(handle) == roost::stop_reason::deadline);
  });
}

TEST_CASE("a stop of what is around ends the owner's spawn", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope outer;
  roost::stop_reason reason{};
  outer.spawn([&] {
    roost::event never;
    roost::task_scope inner({.limit = 1, .backlog = 0});
    inner.spawn([&] { never.wait(); });
    try {
      inner.spawn([] {});
    } catch (const roost::stopped& s) {
      reason = s.cause().reason;
      throw;
    }
  });
  test::wait_until([&] { return test::scope_probe::blocked_tasks(outer) == 1; });
  outer.request_stop();
  outer.join();
  CHECK(reason == roost::stop_reason::requested); // it is the outer one's
}

TEST_CASE("a stop of the caller alone ends its waiting spawn and destroys the callable",
          "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1);
  full_scope full({.backlog = backlog});
  std::string thrown;
  bool gone = false;
  std::atomic<int> ran{0};
  const auto spawn = [&] {
    captured mine = std::make_shared<int>();
    const std::weak_ptr<int> observer = mine;
    thrown = test::thrown_by([&] { full.scope.spawn([&ran, mine = std::move(mine)] { ++ran; }); });
    gone = observer.expired();
  };
  roost::task_scope callers({.inherit = false, .covers_owner = false});
  SECTION("by its scope") {
    callers.spawn(spawn);
    test::wait_until_spawns_wait(full.scope, 1);
    callers.request_stop();
  }
  SECTION("by a token") {
    std::stop_source source;
    callers.spawn([&] {
      const roost::stop_when when(source.get_token());
      spawn();
    });
    test::wait_until_spawns_wait(full.scope, 1);
    source.request_stop();
  }
  SECTION("before it has to wait") {
    callers.spawn([&] {
      callers.request_stop();
      spawn();
    });
  }
  callers.join();
  CHECK(thrown == "stopped");
  CHECK(gone);
  CHECK_FALSE(full.scope.stop_requested());
  CHECK(test::scope_probe::waiting_spawns(full.scope) == 0);
  full.busy.open();
  full.scope.join();
  CHECK(ran == 0);
  CHECK(full.ran == static_cast<int>(backlog));
}

TEST_CASE("a caller that was stopped still spawns where there is a place", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<int> ran{0};
  roost::task_scope pool({.limit = 1, .backlog = 1});
  roost::task_scope callers({.inherit = false, .covers_owner = false});
  callers.spawn([&] {
    callers.request_stop();
    pool.spawn([&] { ++ran; });
  });
  callers.join();
  pool.join();
  CHECK(ran == 1);
}

TEST_CASE("under a shield a spawn waits on", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<int> ran{0};
  full_scope full({.backlog = 1});
  roost::task_scope callers({.inherit = false, .covers_owner = false});
  auto shielded = callers.spawn([&] {
    const roost::shield s(1h);
    full.scope.spawn([&] { ++ran; });
  });
  test::wait_until_spawns_wait(full.scope, 1);
  callers.request_stop();
  CHECK_FALSE(shielded.wait_for(1ms));
  full.busy.open();
  callers.join();
  full.scope.join();
  CHECK(ran == 1);
}

TEST_CASE("a stop drops those in the queue and their handles go on at once", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 1, 2, 5);
  full_scope full({.backlog = backlog});
  full.scope.request_stop("enough");
  for (auto& handle : full.queued)
    CHECK(handle.ready()); // although the busy one still runs
  CHECK(full.callables.use_count() == 1);
  full.busy.open();
  full.scope.join();
  CHECK(full.ran == 0);
  for (auto& handle : full.queued)
    CHECK(reason_of(handle) == roost::stop_reason::requested);
}

TEST_CASE("none in the queue begins once the scope is stopped, even while the stop is being told",
          "[task_scope]") {
  const test::no_thread_left check;
  test::gate in_callback;
  full_scope full({.backlog = 3});
  const std::stop_callback callback(full.scope.get_stop_token(), [&] { in_callback.pass(); });
  const std::jthread stopper([&] { full.scope.request_stop(); });
  in_callback.wait_for_arrivals(1);
  full.busy.open(); // the task that ends drops the others
  test::wait_until([&] {
    return std::all_of(
        full.queued.begin(), full.queued.end(), [](const auto& h) { return h.ready(); });
  });
  CHECK(full.ran == 0);
  CHECK(full.callables.use_count() == 1);
  in_callback.open();
  full.scope.join();
}

TEST_CASE("the destructors of dropped callables may use the scope", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<int> destroyed{0};
  std::atomic<int> ran{0};
  std::atomic<int> refused{0};
  test::gate busy;
  const auto stops = GENERATE(0, 1, 2);
  INFO("stopped by " << stops);
  roost::task_scope scope({.limit = 1, .errors = roost::on_error::fail_fast});
  scope.spawn([&] {
    busy.pass();
    if (stops == 1)
      throw std::runtime_error("fails");
    if (stops == 2)
      scope.request_stop("a task's");
  });
  for (int i = 0; i < 4; ++i) {
    scope.spawn([&, kept = at_destruction([&] {
                      ++destroyed;
                      (void)scope.failures();
                      (void)scope.cause();
                      (void)scope.try_spawn([&] { ++ran; });
                      refused += scope.request_stop("again") ? 0 : 1;
                      auto late = scope.spawn([&] { ++ran; });
                      refused += late.ready() ? 1 : 0;
                    })] { ++ran; });
  }
  if (stops == 0)
    scope.request_stop("the owner's");
  busy.open();
  CHECK(test::thrown_by([&] { scope.join(); }) == (stops == 1 ? "fails" : "nothing"));
  CHECK(destroyed == 4);
  CHECK(refused == 8);
  CHECK(ran == 0);
}

TEST_CASE("the destructors of dropped callables may block", "[task_scope]") {
  const test::no_thread_left check;
  test::gate busy;
  test::gate in_destructor;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] { busy.pass(); });
  busy.wait_for_arrivals(1);
  auto first = scope.spawn([kept = at_destruction([&] { in_destructor.pass(); })] {});
  auto second = scope.spawn([] {});
  const std::jthread stopper([&] { scope.request_stop(); });
  in_destructor.wait_for_arrivals(1);
  CHECK_FALSE(first.ready()); // not before its captures are gone
  CHECK(scope.failures().empty());
  CHECK_FALSE(scope.wait_for(1ms)); // finds and drops the second
  CHECK(second.ready());
  busy.open();
  in_destructor.open();
  scope.join();
  CHECK(first.ready());
}

TEST_CASE("a dropped callable whose destructor throws is a failure", "[task_scope]") {
  const test::no_thread_left check;
  test::gate busy;
  roost::task_scope scope({.limit = 1});
  scope.spawn([&] { busy.pass(); });
  busy.wait_for_arrivals(1);
  auto throws = scope.spawn("throws", test::throws_when_destroyed());
  auto other = scope.spawn([] {});
  scope.request_stop();
  CHECK(scope.failures().size() == 1);
  CHECK(scope.failures().front().task == "throws");
  busy.open();
  CHECK(test::thrown_by([&] { scope.join(); }) == "from the destructor");
  CHECK(test::thrown_by([&] { throws.get(); }) == "from the destructor");
  CHECK(test::thrown_by([&] { other.get(); }) == "stopped");
}

TEST_CASE("a spawn that a stop ends throws what its callable's destructor throws", "[task_scope]") {
  const test::no_thread_left check;
  std::string thrown;
  full_scope full({.backlog = 1});
  {
    const std::jthread outside([&] {
      thrown = test::thrown_by([&] { full.scope.spawn(test::throws_when_destroyed()); });
    });
    test::wait_until_spawns_wait(full.scope, 1);
    full.scope.request_stop();
  }
  CHECK(thrown == "from the destructor");
  CHECK(full.scope.failures().empty());
  full.busy.open();
}

TEST_CASE("a deadline drops those in the queue even while the one that runs is deaf",
          "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    int ran = 0;
    const captured callables = std::make_shared<int>();
    const auto start = roost::clock::now();
    roost::task_scope scope({.limit = 1, .backlog = 3, .timeout = 1h});
    scope.spawn("deaf", [] { test::let_pass(1h + 5s); });
    std::vector<roost::task_handle<void>> queued;
    for (int i = 0; i < 3; ++i)
      queued.push_back(scope.spawn([&ran, callables] { ++ran; }));
    {
      const roost::shield from_deadline(2h);
      for (auto& handle : queued)
        CHECK(handle.wait_for(2h));
    }
    CHECK(roost::clock::now() == start + 1h);
    CHECK(callables.use_count() == 1);
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
    CHECK(roost::clock::now() == start + 1h + 5s);
    CHECK(ran == 0);
  });
}

TEST_CASE("a deadline may drop a callable that owns a scope", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([&] {
    struct connection {
      roost::task_scope scope{{.covers_owner = false}};
    };
    const roost::task_scope around;
    auto owned = std::make_unique<connection>();
    roost::event never;
    const std::string ended = test::thrown_by([&] {
      roost::task_scope scope({.limit = 1, .timeout = 1h});
      scope.spawn([&] { never.wait(); });
      scope.spawn([owned = std::move(owned)] {});
      scope.join();
    });
    CHECK(ended.find("the deadline of scope") != std::string::npos);
  });
}
