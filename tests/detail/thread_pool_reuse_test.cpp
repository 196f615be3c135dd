// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

// The next task on the thread of one that has ended. In a bubble idle threads do not exit after a
// while: they are still there, whatever the machine does meanwhile.

using namespace std::chrono_literals;

namespace {

std::thread::id id_here() {
  return std::this_thread::get_id();
}

/// What a task finds of roost's own state on its thread.
struct surroundings {
  std::thread::id thread;
  std::string name;
  bool stopped = false;
  bool checkpoint_passed = false;
  roost::stop_reason reason{};
  roost::clock::time_point deadline;
  std::stop_token token;
  std::size_t layers = 0; // what is stacked on this thread, the task itself included

  static surroundings here() {
    surroundings s;
    s.thread = id_here();
    s.name = roost::this_task::name();
    s.stopped = roost::this_task::stop_requested();
    s.checkpoint_passed =
        test::thrown_by([] { roost::this_task::checkpoint(); }) == std::string("nothing");
    s.reason = roost::this_task::cause().reason;
    s.deadline = roost::this_task::deadline();
    s.token = roost::this_task::stop_token();
    for (auto* c = roost::detail::this_thread.top; c != nullptr; c = c->outer())
      ++s.layers;
    return s;
  }
};

} // namespace

TEST_CASE("the next task runs on the thread of one that has ended", "[thread_pool]") {
  const test::no_thread_left check;
  test::bubble([&] {
    roost::task_scope scope;
    const std::thread::id first = scope.spawn(id_here).get();
    CHECK(first != id_here());
    for (int i = 0; i < 100; ++i) {
      test::wait_until_idle(scope, 1);
      CHECK(scope.spawn(id_here).get() == first);
    }
  });
}

TEST_CASE("a task that fails leaves its thread to the next one", "[thread_pool]") {
  const test::no_thread_left check;
  test::bubble([&] {
    roost::task_scope scope({.on_failure = [](const roost::failure&) {}});
    std::thread::id first;
    scope.spawn([&] {
      first = id_here();
      throw std::runtime_error("fails");
    });
    test::wait_until_idle(scope, 1);
    CHECK(scope.spawn(id_here).get() == first);
  });
}

TEST_CASE("a nested scope borrows threads of the outermost one and gives them back",
          "[thread_pool]") {
  const test::no_thread_left check;
  test::bubble([&] {
    roost::task_scope outer;
    const std::thread::id first = outer.spawn(id_here).get();
    test::wait_until_idle(outer, 1);
    SECTION("made by the same owner") {
      {
        roost::task_scope inner;
        CHECK(inner.spawn(id_here).get() == first);
      }
      test::wait_until_idle(outer, 1);
      CHECK(outer.spawn(id_here).get() == first);
    }
    SECTION("made by a task") {
      std::thread::id of_inner;
      outer
          .spawn([&] { // takes that thread
            roost::task_scope inner;
            of_inner = inner.spawn(id_here).get();
          })
          .get();
      test::wait_until_idle(outer, 2);
      test::gate together;
      auto one = outer.spawn([&] {
        together.pass();
        return id_here();
      });
      auto other = outer.spawn([&] {
        together.pass();
        return id_here();
      });
      together.wait_for_arrivals(2);
      together.open();
      CHECK(std::set{one.get(), other.get()} == std::set{first, of_inner});
    }
    SECTION("that does not inherit") {
      roost::task_scope inner({.inherit = false});
      CHECK(inner.spawn(id_here).get() == first);
    }
  });
}

TEST_CASE("a task finds nothing of the one before on its thread", "[thread_pool]") {
  const test::no_thread_left check;
  const test::unobserved_failures quiet;
  test::bubble([&] {
    roost::task_scope scope({.on_failure = [](const roost::failure&) {}});
    std::thread::id thread;

    const auto then_by_task = [&](auto before) {
      scope.spawn("the one before", [&thread, before] {
        thread = id_here();
        before();
      });
    };
    SECTION("a nested scope was stopped") {
      then_by_task([] {
        roost::task_scope inner({.timeout = 1h});
        inner.request_stop("the inner one's");
      });
    }
    SECTION("a nested scope has stopped its task there") {
      roost::event never;
      roost::task_scope inner({.name = "inner", .timeout = 1h});
      inner.spawn("stopped", [&] {
        thread = id_here();
        never.wait();
      });
      test::wait_until_blocked(inner, 1);
      inner.request_stop();
      inner.join();
    }
    SECTION("a nested scope's task was not even begun") {
      roost::task_scope inner;
      thread = inner.spawn(id_here).get();
      inner.request_stop();
      inner.spawn([] {});
      inner.join();
    }
    SECTION("a stop_when has ended it") {
      std::stop_source source;
      source.request_stop();
      then_by_task([source] {
        const roost::stop_when when(source.get_token());
        roost::this_task::checkpoint();
      });
    }
    SECTION("it had a shield") {
      then_by_task([] {
        const roost::shield s(1h);
        roost::this_task::checkpoint();
      });
    }
    SECTION("it failed under a shield in a scope with a deadline") {
      then_by_task([] {
        const roost::task_scope inner({.timeout = 1h});
        const roost::shield s(1h);
        throw std::runtime_error("fails");
      });
    }
    SECTION("it was in a scope with a limit") {
      test::gate both_are_there;
      roost::task_scope inner({.limit = 1});
      inner.spawn("first", [&] {
        both_are_there.pass();
        thread = id_here();
      });
      auto second = inner.spawn("second", [&] { return thread == id_here(); });
      both_are_there.open();
      CHECK(second.get());
      inner.join();
    }

    test::wait_until_idle(scope, 1);
    const surroundings found = scope.spawn(surroundings::here).get();
    CHECK(found.thread == thread);
    CHECK(found.name.empty());
    CHECK_FALSE(found.stopped);
    CHECK(found.checkpoint_passed);
    CHECK(found.reason == roost::stop_reason::none);
    CHECK(found.deadline == roost::clock::time_point::max());
    CHECK_FALSE(found.token.stop_requested());
    scope.request_stop();
    CHECK_FALSE(found.token.stop_requested()); // the task has ended
    CHECK(found.layers == 1);
  });
}

TEST_CASE("a stop of a scope does not reach a task of another one on the same thread",
          "[thread_pool]") {
  const test::no_thread_left check;
  test::bubble([&] {
    roost::event go;
    roost::task_scope scope;
    auto first = std::make_unique<roost::task_scope>();
    const std::thread::id thread = first->spawn(id_here).get();
    test::wait_until_idle(scope, 1);
    auto second = scope.spawn([&] {
      go.wait();
      return id_here();
    });
    test::wait_until_blocked(scope, 1);
    first->request_stop();
    first.reset();
    CHECK(test::scope_probe::blocked_tasks(scope) == 1);
    go.set();
    CHECK(second.get() == thread);
  });
}
