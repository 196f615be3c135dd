// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/enough_time.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/throws_when_destroyed.hpp"

#include <algorithm>
#include <array>
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
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// Held by callables: its count tells how many of them are left.
using captured = std::shared_ptr<int>;

/// A scope that runs one task at a time. One runs until it is let go, and the backlog is full.
class full_scope {
 public:
  explicit full_scope(roost::scope_options options = {}) : scope(limited(options)) {
    const auto first = scope.spawn("busy", [this] {
      busy.pass();
      if (fails)
        throw std::runtime_error("the busy one's");
    });
    test::wait_until([&] { return busy.arrivals() == 1 || first.ready(); }); // or its deadline came
    for (std::size_t i = 0; i < options.backlog; ++i)
      in_line.push_back(scope.spawn("in line", [this, c = callables] { ++ran; }));
  }

  test::gate busy;
  std::atomic<bool> fails{false};
  std::atomic<int> ran{0};
  captured callables = std::make_shared<int>();
  std::vector<roost::task_handle<void>> in_line;
  roost::task_scope scope;

 private:
  static roost::scope_options limited(roost::scope_options options) {
    options.limit = 1;
    return options;
  }
};

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

TEST_CASE("a spawn from outside waits for a place in the line and no longer", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1, 2);
  std::array<test::gate, 4> gates;
  std::atomic<bool> is_in{false};
  roost::task_scope scope({.limit = 1, .backlog = backlog});
  const auto spawn = [&](std::size_t i) { scope.spawn([&gates, i] { gates[i].pass(); }); };
  for (std::size_t i = 0; i <= backlog; ++i)
    spawn(i);
  CHECK(test::probe::queued(scope) == backlog);
  {
    const std::jthread outside([&] {
      spawn(backlog + 1);
      is_in = true;
    });
    test::wait_until_spawns_wait(scope, 1);
    CHECK_FALSE(is_in);
    gates[0].open();
  } // it has a place although the others do not end
  CHECK(is_in);
  gates[1].wait_for_arrivals(1);
  CHECK(test::probe::queued(scope) == backlog);
  CHECK(test::probe::waiting_spawns(scope) == 0);
  for (test::gate& g : gates)
    g.open();
  scope.join();
}

TEST_CASE("the owner's spawn waits as well", "[task_scope]") {
  const test::no_thread_left check;
  full_scope full({.backlog = GENERATE(as<std::size_t>(), 0, 1, 2)});
  const std::jthread opener([&] {
    test::wait_until_owner_blocked(full.scope);
    full.busy.open();
  });
  CHECK(full.scope.spawn([] { return 1; }).get() == 1);
  CHECK(full.ran == static_cast<int>(full.in_line.size()));
}

TEST_CASE("a place that a waiting task takes from the line is free as well", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<bool> is_in{false};
  std::optional<roost::task_handle<void>> first;
  test::gate go;
  roost::task_scope scope({.limit = 1, .backlog = 1});
  auto busy = scope.spawn([&] {
    go.pass();
    first->get(); // runs it here
    test::wait_until([&] { return is_in.load(); });
  });
  first = scope.spawn([] {});
  {
    const std::jthread outside([&] {
      scope.spawn([] {});
      is_in = true;
    });
    test::wait_until_spawns_wait(scope, 1);
    go.open();
  }
  busy.get();
}

TEST_CASE("spawns that wait get in first come first served", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1, 3);
  std::vector<int> order;
  full_scope full({.backlog = backlog});
  std::vector<std::jthread> spawners;
  for (int i = 0; i < 6; ++i) {
    spawners.emplace_back([&, i] { full.scope.spawn([&order, i] { order.push_back(i); }); });
    test::wait_until_spawns_wait(full.scope, static_cast<std::size_t>(i) + 1);
  }
  full.busy.open();
  spawners.clear();
  full.scope.join();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a spawn that waits for long keeps its turn", "[task_scope]") {
  const test::no_thread_left check;
  std::vector<std::string> order;
  full_scope full({.backlog = 1, .stall_after = 1ms}); // after which it looks around
  const auto spawn = [&](std::string name) {
    return std::jthread([&full, &order, name] {
      full.scope.spawn(name, [&order] { order.emplace_back(roost::this_task::name()); });
    });
  };
  const auto end = roost::clock::now() + 50ms;
  {
    const std::jthread first = spawn("first");
    test::wait_until_spawns_wait(full.scope, 1);
    const std::jthread second = spawn("second");
    test::wait_until_spawns_wait(full.scope, 2);
    test::wait_until([&] {
      return test::probe::first_waiting_spawn(full.scope) != "first" || roost::clock::now() > end;
    });
    CHECK(test::probe::first_waiting_spawn(full.scope) == "first");
    full.busy.open();
  }
  full.scope.join();
  CHECK(order == std::vector<std::string>{"first", "second"});
}

TEST_CASE("a waiting spawn that gives up does not hold up those behind it", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1);
  full_scope full({.backlog = backlog});
  roost::task_scope callers({.inherit = false, .covers_owner = false});
  std::atomic<int> ran{0};
  captured given_up = std::make_shared<int>();
  auto gives_up = callers.spawn([&] { full.scope.spawn([&ran, given_up] { ran += 100; }); });
  test::wait_until_spawns_wait(full.scope, 1);
  {
    const std::jthread behind([&] { full.scope.spawn([&] { ++ran; }); });
    test::wait_until_spawns_wait(full.scope, 2);
    callers.request_stop();
    CHECK(test::thrown_by([&] { gives_up.get(); }) == "stopped");
    CHECK(test::probe::waiting_spawns(full.scope) == 1);
    full.busy.open();
  }
  full.scope.join();
  CHECK(ran == 1);
  CHECK(given_up.use_count() == 1);
}

TEST_CASE("a spawn that waits while the owner joins gets in", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1);
  std::atomic<int> ran{0};
  full_scope full({.backlog = backlog});
  std::vector<std::jthread> spawners;
  for (int i = 0; i < 3; ++i)
    spawners.emplace_back([&] { full.scope.spawn([&] { ++ran; }); });
  test::wait_until_spawns_wait(full.scope, 3);
  const std::jthread opener([&] {
    test::wait_until_joining(full.scope);
    full.busy.open();
  });
  full.scope.join();
  CHECK(ran == 3);
}

TEST_CASE("a spawn by a task of the scope never waits", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1);
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = 1, .backlog = backlog});
  std::size_t in_line = 0;
  const auto spawn_ten = [&] {
    for (int i = 0; i < 10; ++i)
      scope.spawn([&] { ++ran; });
    in_line = test::probe::queued(scope);
  };
  SECTION("itself") {
    scope.spawn(spawn_ten).get();
  }
  SECTION("as the owner of a nested scope") {
    scope
        .spawn([&] {
          const roost::task_scope inner;
          spawn_ten();
        })
        .get();
  }
  SECTION("by a task of a nested scope") {
    scope
        .spawn([&] {
          roost::task_scope inner;
          inner.spawn([&] {
            roost::task_scope innermost({.limit = 1, .inherit = false});
            innermost.spawn(spawn_ten).get();
          });
        })
        .get();
  }
  SECTION("inside the wait of another") {
    scope.spawn([&] { scope.spawn(spawn_ten).get(); }).get();
  }
  CHECK(in_line == 10);
  scope.join();
  CHECK(ran == 10);
}

TEST_CASE("a spawn from outside waits until the line is below the backlog again", "[task_scope]") {
  const test::no_thread_left check;
  std::vector<int> order;
  std::atomic<std::size_t> longest{0};
  test::gate filled;
  roost::task_scope scope({.limit = 1, .backlog = 2});
  scope.spawn([&] {
    for (int i = 0; i < 8; ++i)
      scope.spawn([&order, i] { order.push_back(i); });
    filled.pass();
  });
  filled.wait_for_arrivals(1);
  CHECK(test::probe::queued(scope) == 8);
  {
    const std::jthread outside([&] {
      for (int i = 8; i < 12; ++i) {
        scope.spawn([&order, i] { order.push_back(i); });
        longest = std::max(longest.load(), test::probe::queued(scope));
      }
    });
    test::wait_until_spawns_wait(scope, 1);
    filled.open();
  }
  scope.join();
  CHECK(longest <= 2);
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

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
  test::with_enough_time([&](std::chrono::milliseconds timeout) {
    std::atomic<bool> waited{false};
    std::atomic<int> ran{0};
    const captured callables = std::make_shared<int>();
    std::vector<roost::task_handle<void>> in_line;
    std::exception_ptr thrown;
    roost::event never;
    const std::exception_ptr at_end = test::exception_of([&] {
      roost::task_scope scope({.limit = 1, .backlog = backlog, .timeout = timeout});
      scope.spawn([&] { never.wait(); });
      for (std::size_t i = 0; i < backlog; ++i)
        in_line.push_back(scope.spawn([&, callables] { ++ran; }));
      const std::jthread observer([&] {
        test::wait_until(
            [&] { return (waited = test::probe::owner_blocked(scope)) || scope.stop_requested(); });
      });
      thrown = test::exception_of([&] { scope.spawn([&, callables] { ++ran; }); });
    });
    if (!waited || thrown == nullptr)
      return false;
    CHECK_THROWS_AS(std::rethrow_exception(thrown), roost::timeout_error);
    REQUIRE(at_end != nullptr);
    CHECK_THROWS_AS(std::rethrow_exception(at_end), roost::timeout_error);
    CHECK(ran == 0);
    CHECK(callables.use_count() == 1);
    for (auto& handle : in_line)
      CHECK(reason_of(handle) == roost::stop_reason::deadline);
    return true;
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
  test::wait_until([&] { return test::probe::blocked_tasks(outer) == 1; });
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
  CHECK(test::probe::waiting_spawns(full.scope) == 0);
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

TEST_CASE("a stop drops those in line and their handles go on at once", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 1, 2, 5);
  full_scope full({.backlog = backlog});
  full.scope.request_stop("enough");
  for (auto& handle : full.in_line)
    CHECK(handle.ready()); // although the busy one still runs
  CHECK(full.callables.use_count() == 1);
  full.busy.open();
  full.scope.join();
  CHECK(full.ran == 0);
  for (auto& handle : full.in_line)
    CHECK(reason_of(handle) == roost::stop_reason::requested);
}

TEST_CASE("none in line begins once the scope is stopped, even while the stop is being told",
          "[task_scope]") {
  const test::no_thread_left check;
  test::gate in_callback;
  full_scope full({.backlog = 3});
  const std::stop_callback callback(full.scope.get_stop_token(), [&] { in_callback.pass(); });
  const std::jthread stopper([&] { full.scope.request_stop(); });
  in_callback.wait_for_arrivals(1);
  full.busy.open(); // whoever ends drops the others
  test::wait_until([&] {
    return std::all_of(
        full.in_line.begin(), full.in_line.end(), [](const auto& h) { return h.ready(); });
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

TEST_CASE("a deadline drops those in line even while the one that runs is deaf", "[task_scope]") {
  const test::no_thread_left check;
  test::with_enough_time([&](std::chrono::milliseconds timeout) {
    std::optional<full_scope> full;
    full.emplace(roost::scope_options{.backlog = 3, .timeout = timeout});
    const bool in_time = test::probe::queued(full->scope) == 3;
    for (auto& handle : full->in_line) {
      std::jthread outside([&] { (void)handle.wait_for(1h); });
    }
    CHECK(full->callables.use_count() == 1);
    CHECK(full->ran == 0);
    full->busy.open();
    const std::exception_ptr thrown = test::exception_of([&] { full->scope.join(); });
    REQUIRE(thrown != nullptr);
    CHECK_THROWS_AS(std::rethrow_exception(thrown), roost::timeout_error);
    return in_time;
  });
}

TEST_CASE("try_spawn spawns where that does not wait", "[task_scope]") {
  STATIC_REQUIRE(
      std::is_same_v<decltype(std::declval<roost::task_scope&>().try_spawn([] { return 1; })),
                     std::optional<roost::task_handle<int>>>);
  const test::no_thread_left check;
  std::atomic<int> ran{0};
  SECTION("without a limit always") {
    roost::task_scope scope;
    CHECK(scope.try_spawn("named", [] { return std::string(roost::this_task::name()); })
              .value()
              .get() == "named");
    test::gate all;
    for (int i = 0; i < 20; ++i)
      CHECK(scope.try_spawn([&] { all.pass(); }));
    all.wait_for_arrivals(20);
    all.open();
    scope.join();
  }
  SECTION("below the limit, and while there are places in the line") {
    test::gate busy;
    roost::task_scope scope({.limit = 2, .backlog = 3});
    for (int i = 0; i < 2; ++i)
      CHECK(scope.try_spawn([&] { busy.pass(); }));
    for (int i = 0; i < 3; ++i)
      CHECK(scope.try_spawn([&] { ++ran; }));
    CHECK_FALSE(scope.try_spawn([&] { ran += 100; }));
    busy.open();
    scope.join();
    CHECK(ran == 3);
  }
  SECTION("by a task of the scope always") {
    roost::task_scope scope({.limit = 1, .backlog = 0});
    scope.spawn([&] {
      for (int i = 0; i < 5; ++i)
        (void)scope.try_spawn([&] { ++ran; });
      roost::task_scope inner;
      inner.spawn([&] { (void)scope.try_spawn([&] { ++ran; }); });
    });
    scope.join();
    CHECK(ran == 6);
  }
}

TEST_CASE("try_spawn leaves the callable untouched where it would wait", "[task_scope]") {
  struct owner_of_a_number {
    std::unique_ptr<int> number = std::make_unique<int>(4);
    int operator()() const { return *number; }
  };
  const test::no_thread_left check;
  const std::size_t backlog = GENERATE(as<std::size_t>(), 0, 1, 2);
  full_scope full({.backlog = backlog});
  owner_of_a_number callable;
  CHECK_FALSE(full.scope.try_spawn(std::move(callable)));
  CHECK_FALSE(full.scope.try_spawn("named", std::move(callable)));
  // NOLINTNEXTLINE(bugprone-use-after-move): what is under test
  REQUIRE(callable.number != nullptr);
  CHECK(test::probe::queued(full.scope) == backlog);
  SECTION("and after a stop") {
    full.scope.request_stop();
    CHECK_FALSE(full.scope.try_spawn(std::move(callable)));
    full.busy.open();
    full.scope.join();
    CHECK(callable.number != nullptr);
  }
  SECTION("and spawns it later") {
    full.busy.open();
    CHECK(full.scope.wait_for(1h));
    auto handle = full.scope.try_spawn(std::move(callable));
    REQUIRE(handle.has_value());
    CHECK(handle->get() == 4);
  }
}

TEST_CASE("try_spawn does not jump the queue of the spawns that wait", "[task_scope]") {
  const test::no_thread_left check;
  full_scope full({.backlog = 1});
  {
    const std::jthread outside([&] { full.scope.spawn([&] { ++full.ran; }); });
    test::wait_until_spawns_wait(full.scope, 1);
    CHECK_FALSE(full.scope.try_spawn([&] { full.ran += 100; }));
    full.busy.open();
  }
  full.scope.join();
  CHECK(full.ran == 2);
}

TEST_CASE("try_spawn is refused by a scope that was stopped or joined", "[task_scope]") {
  const test::no_thread_left check;
  const auto value = std::make_unique<int>(1);
  roost::task_scope scope;
  scope.request_stop();
  CHECK_FALSE(scope.try_spawn([&] { return *value; }));
  CHECK(scope.failures().empty());
  scope.join();
  CHECK_THROWS_AS(scope.try_spawn([] {}), roost::scope_closed);
  roost::task_scope limited({.limit = 1, .backlog = 0});
  limited.join();
  CHECK_THROWS_AS(limited.try_spawn([] {}), roost::scope_closed);
  CHECK_THROWS_AS(limited.spawn([] {}), roost::scope_closed);
}

TEST_CASE("try_spawn does not heed a stop of the caller", "[task_scope]") {
  const test::no_thread_left check;
  std::atomic<int> ran{0};
  roost::task_scope pool({.limit = 1, .backlog = 0});
  roost::task_scope callers({.inherit = false, .covers_owner = false});
  auto spawned = callers.spawn([&] {
    callers.request_stop();
    return pool.try_spawn([&] { ++ran; }).has_value();
  });
  CHECK(spawned.get());
  pool.join();
  CHECK(ran == 1);
}

TEST_CASE("a deadline may drop a callable that owns a scope", "[task_scope]") {
  const test::no_thread_left check;
  struct connection {
    roost::task_scope scope{{.covers_owner = false}};
  };
  const roost::task_scope around;
  auto owned = std::make_unique<connection>();
  roost::event never;
  const std::string ended = test::thrown_by([&] {
    roost::task_scope scope({.limit = 1, .timeout = 20ms});
    scope.spawn([&] { never.wait(); });
    scope.spawn([owned = std::move(owned)] {});
    scope.join();
  });
  CHECK(ended.find("the deadline of scope") != std::string::npos);
}

TEST_CASE("an exception whose destructor spawns does not wait for its own thread", "[task_scope]") {
  const test::no_thread_left check;
  test::gate gate;
  std::atomic<int> ran{0};
  std::jthread outside;
  {
    roost::task_scope scope({.limit = 1, .backlog = 0, .on_failure = [](const roost::failure&) {}});
    const auto spawns = [&](const int*) { scope.spawn([&] { ++ran; }); };
    scope.spawn([&] {
      gate.pass();
      throw std::shared_ptr<const int>(nullptr, spawns);
    });
    gate.wait_for_arrivals(1);
    outside = std::jthread([&] { scope.spawn([&] { ++ran; }); });
    test::wait_until_spawns_wait(scope, 1);
    gate.open();
    test::wait_until([&] { return ran == 2; });
  }
  CHECK(ran == 2);
}
