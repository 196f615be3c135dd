// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"
#include "support/virtual_time.hpp"

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>

using namespace std::chrono_literals;

TEST_CASE("a shield stays where it was made", "[shield]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<roost::shield>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<roost::shield>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<roost::shield>); // the limit is mandatory
  STATIC_REQUIRE(std::is_constructible_v<roost::shield, std::chrono::milliseconds>);
  STATIC_REQUIRE(std::is_constructible_v<roost::shield, std::chrono::duration<double>>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::chrono::milliseconds, roost::shield>);
}

TEST_CASE("a shield hides a stop until it ends", "[shield]") {
  const test::no_thread_left check;
  roost::event set;
  set.set();
  auto ends = roost::make_channel<int>(1);
  roost::task_scope scope;
  scope.request_stop("enough");
  {
    const roost::shield s(1h);
    set.wait();
    CHECK(ends.tx.send(1));
    CHECK(ends.rx.receive().value() == 1);
    roost::this_task::checkpoint();
    roost::this_task::sleep_for(1ms);
    CHECK_FALSE(roost::this_task::stop_requested());
    CHECK(roost::this_task::cause().reason == roost::stop_reason::none);
    CHECK_FALSE(roost::this_task::stop_token().stop_requested());
  }
  CHECK(roost::this_task::stop_requested());
  CHECK(roost::this_task::cause().message == "enough");
  CHECK_THROWS_AS(set.wait(), roost::stopped);
}

TEST_CASE("a task that cleans up under a shield can still wait", "[shield]") {
  const test::no_thread_left check;
  roost::event never;
  auto log = roost::make_channel<std::string>();
  roost::task_scope scope({.covers_owner = false});
  scope.spawn([&] {
    try {
      never.wait();
    } catch (const roost::stopped&) {
      const roost::shield s(1h);
      (void)log.tx.send("worker stopped");
      throw;
    }
  });
  test::wait_until_blocked(scope, 1);
  scope.request_stop();
  CHECK(log.rx.receive().value() == "worker stopped");
  scope.join();
  CHECK(scope.failures().empty());
}

TEST_CASE("a stop that comes during a shield does not wake its wait", "[shield]") {
  const test::no_thread_left check;
  roost::event done;
  bool woken_by_event = false;
  roost::task_scope scope({.covers_owner = false});
  scope.spawn([&] {
    const roost::shield s(1h);
    done.wait();
    woken_by_event = true;
  });
  test::wait_until_waiting(done, 1);
  scope.request_stop();
  CHECK(test::waiting(done) == 1);
  done.set();
  scope.join();
  CHECK(woken_by_event);
}

TEST_CASE("a shield hides the deadline up to its limit", "[shield]") {
  const test::no_thread_left check;
  const auto soon = roost::clock::now() + 1h;
  const roost::task_scope scope({.deadline = soon});
  {
    const roost::shield s(10h);
    CHECK(roost::this_task::deadline() > soon + 8h);
  }
  {
    const roost::shield s(1ms); // hides nothing that is further away
    CHECK(roost::this_task::deadline() == soon);
  }
  CHECK(roost::this_task::deadline() == soon);
}

TEST_CASE("a deadline that passes during a shield comes after it", "[shield]") {
  const test::no_thread_left check;
  test::bubble([&] {
    roost::event never;
    roost::task_scope scope({.name = "late", .timeout = 1h});
    {
      const roost::shield s(3h);
      CHECK_FALSE(never.wait_for(2h));
      CHECK(scope.stop_requested());
      roost::this_task::checkpoint();
    }
    CHECK(test::thrown_by([] { roost::this_task::checkpoint(); }) ==
          "roost: the deadline of scope \"late\" passed");
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
  });
}

TEST_CASE("when its limit is over a shield lets the stop through", "[shield]") {
  const test::no_thread_left check;
  roost::event never;
  SECTION("that came before the shield") {
    test::bubble([&] {
      roost::task_scope scope;
      scope.request_stop("before");
      const auto start = roost::clock::now();
      const roost::shield s(1h);
      CHECK(test::thrown_by([&] { never.wait(); }) == "stopped");
      CHECK(roost::clock::now() - start == 1h);
      CHECK(roost::this_task::stop_requested());
      CHECK(roost::this_task::cause().message == "before");
      CHECK(test::thrown_by([] { roost::this_task::checkpoint(); }) == "stopped");
    });
  }
  SECTION("that comes during its time") {
    test::bubble([&] {
      roost::task_scope scope({.covers_owner = false});
      auto waits = scope.spawn([&] {
        const roost::shield s(1h);
        return test::thrown_by([&] { never.wait(); });
      });
      test::wait_until_waiting(never, 1);
      scope.request_stop();
      CHECK(waits.get() == "stopped");
    });
  }
  SECTION("that comes later") {
    test::bubble([&] {
      roost::task_scope scope({.covers_owner = false});
      auto waits = scope.spawn([&] {
        const roost::shield s(0ms);
        return test::thrown_by([&] { never.wait(); });
      });
      test::wait_until_waiting(never, 1);
      scope.request_stop();
      CHECK(waits.get() == "stopped");
    });
  }
  SECTION("as the failure it is for an owner") {
    test::bubble([&] {
      roost::task_scope scope;
      scope.spawn([] { throw std::runtime_error("boom"); });
      test::let_pass(1min);
      CHECK(scope.stop_requested());
      {
        const roost::shield s(1h);
        CHECK(test::thrown_by([&] { never.wait(); }) == "boom");
      }
      CHECK(test::thrown_by([&] { scope.join(); }) == "boom");
    });
  }
}

TEST_CASE("a stop that a shield hides is over with the scope that was stopped", "[shield]") {
  const test::no_thread_left check;
  roost::event never;
  SECTION("no other stop comes") {
    test::bubble([&] {
      roost::task_scope scope;
      scope.spawn([] { throw std::runtime_error("boom"); });
      const roost::shield s(1h);
      CHECK(test::thrown_by([&] { scope.join(); }) == "boom");
      CHECK_FALSE(never.wait_for(2h));
    });
  }
  SECTION("one comes from further out, and has the same limit") {
    test::bubble([&] {
      roost::task_scope around;
      const auto start = roost::clock::now();
      roost::task_scope scope;
      scope.spawn([] { throw std::runtime_error("boom"); });
      const roost::shield s(1h);
      CHECK(test::thrown_by([&] { scope.join(); }) == "boom");
      around.request_stop("enough");
      CHECK(test::thrown_by([&] { never.wait(); }) == "stopped");
      CHECK(roost::clock::now() - start == 1h);
      CHECK(roost::this_task::cause().message == "enough");
    });
  }
  SECTION("one comes from further out after the limit") {
    test::bubble([&] {
      roost::task_scope around;
      roost::task_scope scope;
      scope.spawn([] { throw std::runtime_error("boom"); });
      const roost::shield s(1h);
      CHECK(test::thrown_by([&] { scope.join(); }) == "boom");
      CHECK_FALSE(never.wait_for(2h));
      around.request_stop("enough");
      CHECK(test::thrown_by([&] { never.wait(); }) == "stopped");
    });
  }
}

TEST_CASE("a limit in the past hides nothing", "[shield]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  scope.request_stop();
  const roost::shield s(-1h);
  CHECK(roost::this_task::stop_requested());
  CHECK_THROWS_AS(roost::this_task::checkpoint(), roost::stopped);
}

TEST_CASE("the greatest limit hides a stop for as long as the shield lives", "[shield]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  roost::task_scope scope;
  scope.request_stop();
  const roost::shield s(roost::clock::duration::max());
  CHECK_NOTHROW(roost::this_task::checkpoint());
  CHECK(roost::this_task::deadline() == roost::clock::time_point::max());
  CHECK(test::threads_back_to(before)); // nobody keeps the time
}

TEST_CASE("a shield reaches the scopes made under it", "[shield]") {
  const test::no_thread_left check;
  roost::task_scope outer;
  outer.request_stop();
  const roost::shield s(1h);
  roost::task_scope inner;
  CHECK_FALSE(inner.stop_requested());
  auto done = inner.spawn([] {
    roost::this_task::checkpoint();
    return 1;
  });
  CHECK(done.get() == 1);
  inner.join();
}

TEST_CASE("a shield does not hide the stop of a scope made under it", "[shield]") {
  const test::no_thread_left check;
  const roost::task_scope outer;
  const roost::shield s(1h);
  roost::task_scope inner;
  inner.request_stop();
  CHECK_THROWS_AS(roost::this_task::checkpoint(), roost::stopped);
}

TEST_CASE("shields nest and each has its own limit", "[shield]") {
  const test::no_thread_left check;
  test::bubble([&] {
    roost::event never;
    roost::task_scope scope;
    scope.request_stop();
    const roost::shield outer(1h);
    {
      const roost::shield inner(3h);
      CHECK_FALSE(never.wait_for(2h)); // the outer limit passes meanwhile
      CHECK_NOTHROW(roost::this_task::checkpoint());
    }
    CHECK_THROWS_AS(never.wait(), roost::stopped);
  });
}

TEST_CASE("a shield hides the token of a stop_when around it", "[shield]") {
  const test::no_thread_left check;
  std::stop_source source;
  const roost::stop_when when(source.get_token());
  source.request_stop();
  {
    const roost::shield s(1h);
    CHECK_NOTHROW(roost::this_task::checkpoint());
    const roost::stop_when again(source.get_token());
    CHECK_THROWS_AS(roost::this_task::checkpoint(), roost::stopped); // not that of one inside
  }
  CHECK_THROWS_AS(roost::this_task::checkpoint(), roost::stopped);
}

TEST_CASE("a shield on a plain thread does nothing", "[shield]") {
  const test::no_thread_left check;
  const roost::shield s(1h);
  CHECK_NOTHROW(roost::this_task::checkpoint());
  roost::task_scope scope;
  scope.request_stop();
  CHECK_THROWS_AS(roost::this_task::checkpoint(), roost::stopped);
}

TEST_CASE("a shield on a thread whose scopes have no deadline starts and ends its own timekeeper",
          "[shield]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  roost::event never;
  roost::task_scope scope;
  scope.request_stop();
  {
    const roost::shield s(5ms);
    CHECK_THROWS_AS(never.wait(), roost::stopped);
  }
  scope.join();
  CHECK(test::threads_back_to(before));
}

TEST_CASE("a scope under a shield outside of scopes leaves no thread", "[shield]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  std::stop_source outside;
  const roost::stop_when s(outside.get_token());
  const roost::shield hidden(1h);
  {
    roost::task_scope scope;
    scope.spawn([] {});
  }
  CHECK(test::threads_back_to(before));
}
