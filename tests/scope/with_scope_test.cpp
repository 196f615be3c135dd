// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;

namespace {

struct fails {
  const char* what;
  void operator()() const { throw std::runtime_error(what); }
};

template <class Body>
using result_of = decltype(roost::with_scope(std::declval<Body>()));

} // namespace

TEST_CASE("with_scope returns the body's value after the join", "[with_scope]") {
  const test::no_thread_left check;
  STATIC_REQUIRE(std::is_void_v<result_of<void (*)(roost::task_scope&)>>);
  STATIC_REQUIRE(std::is_same_v<result_of<int& (*)(roost::task_scope&)>, int&>);
  STATIC_REQUIRE(std::is_same_v<result_of<int && (*)(roost::task_scope&)>, int&&>);
  STATIC_REQUIRE(std::is_same_v<result_of<const int& (*)(roost::task_scope&)>, const int&>);
  STATIC_REQUIRE(std::is_same_v<result_of<int (*)(roost::task_scope&)>, int>);

  std::atomic<int> ended{0};
  int object = 1;
  const auto spawn = [&](roost::task_scope& scope) {
    scope.spawn([&] {
      test::wait_until_joining(scope);
      ++ended;
    });
  };
  roost::with_scope(spawn);
  CHECK(ended == 1);
  const auto moved = roost::with_scope([&](roost::task_scope& scope) {
    spawn(scope);
    return std::make_unique<int>(2);
  });
  CHECK(*moved == 2);
  CHECK(ended == 2);
  int& reference = roost::with_scope([&](roost::task_scope&) -> int& { return object; });
  CHECK(&reference == &object);
  CHECK(roost::with_scope({.name = "named"}, [](roost::task_scope& scope) {
          return scope.spawn([] { return 3; }).get();
        }) == 3);
  const roost::scope_options options{.name = "kept"};
  CHECK(roost::with_scope(options, [](auto& scope) { return scope.stop_requested(); }) == false);
}

TEST_CASE("the body may be any callable and is called as what it is", "[with_scope]") {
  const test::no_thread_left check;
  struct counts {
    std::string movable; // so that a move is one
    int lvalue = 0;
    int operator()(roost::task_scope&) & { return ++lvalue; }
    int operator()(roost::task_scope&) && { return -1; }
  };
  counts body;
  CHECK(roost::with_scope(body) == 1);
  CHECK(roost::with_scope(body) == 2);
  CHECK(roost::with_scope(std::move(body)) == -1);
  const std::function<int(roost::task_scope&)> stored = [](roost::task_scope&) { return 4; };
  CHECK(roost::with_scope(stored) == 4);
  CHECK(roost::with_scope(
            [value = std::make_unique<int>(5)](roost::task_scope&) { return *value; }) == 5);
}

TEST_CASE("with_scope honours on_exit stop", "[with_scope]") {
  const test::no_thread_left check;
  roost::event never;
  roost::stop_reason reason{};
  const int value =
      roost::with_scope({.exit = roost::on_exit::stop}, [&](roost::task_scope& scope) {
        scope.spawn([&] {
          try {
            never.wait();
          } catch (const roost::stopped& s) {
            reason = s.cause().reason;
            throw;
          }
        });
        test::wait_until_blocked(scope, 1);
        return 1;
      });
  CHECK(value == 1);
  CHECK(reason == roost::stop_reason::scope_exit);
}

TEST_CASE("a failure of the body stops the tasks and is what is thrown", "[with_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  roost::event never;
  roost::stop_cause cause;
  const void* thrown = nullptr;
  const unsigned line = __LINE__ + 2;
  try {
    roost::with_scope({.name = "outer"}, [&](roost::task_scope& scope) {
      scope.spawn([&] {
        try {
          never.wait();
        } catch (const roost::stopped& s) {
          cause = s.cause();
          throw;
        }
      });
      test::wait_until_blocked(scope, 1);
      try {
        throw std::runtime_error("the body's");
      } catch (const std::runtime_error& e) {
        thrown = &e;
        throw;
      }
    });
    FAIL("it must throw");
  } catch (const std::runtime_error& e) {
    CHECK(&e == thrown);
  }
  CHECK(cause.reason == roost::stop_reason::failure);
  CHECK(cause.message == "the body's");
  CHECK(cause.where.line == line);
  CHECK(test::message_of(cause.error) == "the body's");
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a failure of a task is thrown instead of the body's value", "[with_scope]") {
  const test::no_thread_left check;
  CHECK(test::thrown_by([] {
          (void)roost::with_scope([](roost::task_scope& scope) {
            scope.spawn(fails{"the task's"});
            return 1;
          });
        }) == "the task's");
}

TEST_CASE("a body that ends by stopped gives way to the failure behind it", "[with_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  roost::event never;
  SECTION("of a wait") {
    CHECK(test::thrown_by([&] {
            roost::with_scope([&](roost::task_scope& scope) {
              scope.spawn(fails{"the task's"});
              never.wait();
            });
          }) == "the task's");
  }
  SECTION("of a wait in a scope further in") {
    CHECK(test::thrown_by([&] {
            roost::with_scope([&](roost::task_scope& scope) {
              scope.spawn(fails{"the task's"});
              const roost::task_scope nested;
              never.wait();
            });
          }) == "the task's");
  }
  SECTION("the body handled the failure and then waited on") {
    CHECK(test::thrown_by([&] {
            roost::with_scope([&](roost::task_scope& scope) {
              auto failing = scope.spawn(fails{"the task's"});
              CHECK(test::thrown_by([&] { failing.get(); }) == "the task's");
              never.wait();
            });
          }) == "the task's");
  }
  SECTION("the deadline is behind it") {
    CHECK(test::thrown_by([&] {
            roost::with_scope({.name = "quick", .timeout = 5ms}, [&](roost::task_scope&) {
              roost::with_scope(
                  [&](roost::task_scope& nested) { nested.spawn([&] { never.wait(); }); });
            });
          }) == "roost: the deadline of scope \"quick\" passed");
  }
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a body that handled a failure may end normally", "[with_scope]") {
  const test::no_thread_left check;
  const int value = roost::with_scope([](roost::task_scope& scope) {
    auto handle = scope.spawn([]() -> int { throw std::runtime_error("handled"); });
    return test::thrown_by([&] { (void)handle.get(); }) == "handled" ? 1 : 0;
  });
  CHECK(value == 1);
}

TEST_CASE("of two failures the first in time is thrown and the other goes to the hook",
          "[with_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  SECTION("the task was first") {
    const unsigned line = __LINE__ + 2;
    const auto run = [&] {
      roost::with_scope({.name = "outer"}, [&](roost::task_scope& scope) {
        scope.spawn(fails{"the task's"});
        test::wait_until([&] { return scope.stop_requested(); });
        throw std::runtime_error("the body's");
      });
    };
    CHECK(test::thrown_by(run) == "the task's");
    const auto lost = test::unobserved_failures::take();
    REQUIRE(lost.size() == 1);
    CHECK(test::message_of(lost[0].error) == "the body's");
    CHECK(lost[0].task == "outer");
    CHECK(lost[0].where.line == line);
  }
  SECTION("the body was first") {
    CHECK(test::thrown_by([&] {
            roost::with_scope([&](roost::task_scope& scope) {
              scope.spawn([&] {
                test::wait_until([&] { return scope.stop_requested(); });
                throw std::runtime_error("the task's");
              });
              test::wait_until([&] { return test::scope_probe::started_tasks(scope) == 1; });
              throw std::runtime_error("the body's");
            });
          }) == "the body's");
    CHECK(test::unobserved_failures::messages() == "the task's;");
  }
}

TEST_CASE("under collect the body's failure is in the list", "[with_scope]") {
  const test::no_thread_left check;
  const roost::scope_options collect{.name = "all", .errors = roost::on_error::collect};
  SECTION("alone") {
    CHECK(test::thrown_by([&] {
            roost::with_scope(collect,
                              [](roost::task_scope&) { throw std::runtime_error("the body's"); });
          }) == "1 task failed: \"all\": the body's");
  }
  SECTION("with those of tasks") {
    CHECK(test::thrown_by([&] {
            roost::with_scope(collect, [](roost::task_scope& scope) {
              scope.spawn("task", fails{"the task's"});
              CHECK(scope.wait_for(1h));
              throw std::runtime_error("the body's");
            });
          }) == "2 tasks failed: \"task\": the task's; \"all\": the body's");
  }
}

TEST_CASE("a failure that passes through the body is thrown unchanged", "[with_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  SECTION("from get") {
    CHECK(test::thrown_by([] {
            roost::with_scope([](roost::task_scope& scope) {
              return scope.spawn([]() -> int { throw std::runtime_error("boom"); }).get();
            });
          }) == "boom");
  }
  SECTION("from the body's own join") {
    CHECK(test::thrown_by([] {
            roost::with_scope([](roost::task_scope& scope) {
              scope.spawn(fails{"boom"});
              scope.join();
            });
          }) == "boom");
  }
  SECTION("from a join under collect") {
    CHECK(test::thrown_by([] {
            roost::with_scope({.errors = roost::on_error::collect}, [](roost::task_scope& scope) {
              scope.spawn("a", fails{"boom"});
              scope.join();
            });
          }) == "1 task failed: \"a\": boom");
  }
  SECTION("from get under collect it is in the list") {
    CHECK(test::thrown_by([] {
            roost::with_scope({.errors = roost::on_error::collect}, [](roost::task_scope& scope) {
              auto handle = scope.spawn("a", fails{"boom"});
              handle.get();
            });
          }) == "1 task failed: \"a\": boom");
  }
  SECTION("from a wait that the deadline cut") {
    const std::string line = __FILE__ ":" + std::to_string(__LINE__ + 2);
    const auto run = [] {
      roost::with_scope({.timeout = 5ms},
                        [](roost::task_scope&) { roost::this_task::sleep_for(1h); });
    };
    CHECK(test::thrown_by(run) ==
          "roost: the deadline of scope (unnamed), made at " + line + ", passed");
  }
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("after a plain request the body's value is returned", "[with_scope]") {
  const test::no_thread_left check;
  const int value = roost::with_scope([](roost::task_scope& scope) {
    scope.spawn([] { roost::event().wait(); });
    scope.request_stop("enough");
    return 1;
  });
  CHECK(value == 1);
}

TEST_CASE("a with_scope without a result returns when its own request_stop has ended its body",
          "[with_scope]") {
  const test::no_thread_left check;
  roost::event never;
  bool went_on = false;
  SECTION("from the body") {
    roost::with_scope([&](roost::task_scope& scope) {
      scope.request_stop("enough");
      roost::this_task::checkpoint();
      went_on = true;
    });
  }
  SECTION("from a task, as a signal does") {
    roost::with_scope([&](roost::task_scope& scope) {
      scope.spawn("signal", [&] {
        test::wait_until_owner_blocked(scope);
        scope.request_stop("SIGTERM");
      });
      never.wait();
      went_on = true;
    });
  }
  SECTION("in a wait of a scope further in") {
    roost::with_scope([&](roost::task_scope& scope) {
      roost::with_scope([&](roost::task_scope& inner) {
        inner.spawn([&] { never.wait(); });
        test::wait_until_blocked(inner, 1);
        scope.request_stop("enough");
        never.wait();
        went_on = true;
      });
      went_on = true;
    });
  }
  SECTION("where there is a result it throws stopped, for it has none to return") {
    CHECK(test::thrown_by([&] {
            return roost::with_scope([&](roost::task_scope& scope) {
              scope.request_stop("enough");
              never.wait();
              return went_on = true;
            });
          }) == "stopped");
  }
  SECTION("where a task has failed meanwhile it throws that") {
    CHECK(test::thrown_by([&] {
            roost::with_scope([&](roost::task_scope& scope) {
              scope.spawn([&] {
                try {
                  never.wait();
                } catch (const roost::stopped&) {
                  throw std::runtime_error("while cleaning up");
                }
              });
              test::wait_until_blocked(scope, 1);
              scope.request_stop("enough");
              never.wait();
            });
          }) == "while cleaning up");
  }
  SECTION("where a stop_when has ended the body it throws stopped") {
    std::stop_source source;
    source.request_stop();
    CHECK(test::thrown_by([&] {
            roost::with_scope([&](roost::task_scope& scope) {
              const roost::stop_when when(source.get_token());
              scope.request_stop("enough");
              never.wait();
            });
          }) == "stopped");
  }
  CHECK_FALSE(went_on);
}

TEST_CASE("a request to stop what is around a with_scope passes through it as stopped",
          "[with_scope]") {
  const test::no_thread_left check;
  bool went_on = false;
  const auto body = [&] {
    roost::task_scope around;
    around.request_stop("SIGTERM");
    roost::with_scope([](roost::task_scope&) { roost::this_task::checkpoint(); });
    went_on = true;
  };
  CHECK(test::thrown_by(body) == "stopped");
  CHECK_FALSE(went_on);
}

TEST_CASE("a stop that is not the scope's own passes through the body as stopped", "[with_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto errors = GENERATE(roost::on_error::fail_fast, roost::on_error::collect);
  roost::event never;
  roost::task_scope outer;
  SECTION("of the enclosing task while the body waits") {
    outer.spawn(
        [&] { roost::with_scope({.errors = errors}, [&](roost::task_scope&) { never.wait(); }); });
    test::wait_until_waiting(never, 1);
    outer.request_stop();
  }
  SECTION("of the enclosing task after the body has joined") {
    outer.spawn([&] {
      roost::with_scope({.errors = errors}, [&](roost::task_scope& scope) {
        scope.join();
        never.wait();
      });
    });
    test::wait_until_waiting(never, 1);
    outer.request_stop();
  }
  SECTION("of a stop_when in the body") {
    outer.spawn([&] {
      roost::with_scope({.errors = errors}, [&](roost::task_scope& scope) {
        scope.spawn([&] { never.wait(); });
        std::stop_source source;
        const roost::stop_when when(source.get_token());
        source.request_stop();
        never.wait();
      });
    });
  }
  outer.join(); // the task was stopped: no failure
  CHECK(outer.failures().empty());
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("with_scope nests", "[with_scope]") {
  const test::no_thread_left check;
  const int sum = roost::with_scope([](roost::task_scope& outer) {
    auto left = outer.spawn([] {
      return roost::with_scope([](roost::task_scope& inner) {
        auto one = inner.spawn([] { return 1; });
        auto two = inner.spawn([] { return 2; });
        return one.get() + two.get();
      });
    });
    const int right = roost::with_scope(
        [](roost::task_scope& inner) { return inner.spawn([] { return 4; }).get(); });
    return left.get() + right;
  });
  CHECK(sum == 7);
}

TEST_CASE("what the caller moves into the body outlives the tasks", "[with_scope]") {
  const test::no_thread_left check;
  auto data = std::make_unique<std::string>("owned by the body's closure");
  const std::string copy =
      roost::with_scope([data = std::move(data)](roost::task_scope& scope) mutable {
        return scope.spawn([&data] { return *data; }).get();
      });
  CHECK(copy == "owned by the body's closure");
}
