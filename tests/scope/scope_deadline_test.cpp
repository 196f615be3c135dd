// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/threads.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

TEST_CASE("a timeout ends the waits of the tasks and join throws timeout_error", "[task_scope]") {
  const test::no_thread_left check;
  const int tasks = GENERATE(1, 2, 4);
  test::bubble([&] {
    roost::event never;
    std::atomic<int> started{0};
    roost::stop_cause cause;
    const auto start = roost::clock::now();
    const unsigned line = __LINE__ + 1;
    roost::task_scope scope({.name = "fetch", .timeout = 1h});
    for (int i = 0; i < tasks; ++i) {
      scope.spawn([&, i] {
        ++started;
        try {
          never.wait();
        } catch (const roost::stopped& s) {
          if (i == 0)
            cause = s.cause();
          throw;
        }
      });
    }
    CHECK(test::thrown_by([&] { scope.join(); }) ==
          "roost: the deadline of scope \"fetch\" passed");
    CHECK(roost::clock::now() - start == 1h);
    CHECK(scope.failures().empty());
    CHECK(started == tasks);
    CHECK(cause.reason == roost::stop_reason::deadline);
    CHECK(cause.message == "the deadline of scope \"fetch\" passed");
    CHECK(cause.where.line == line);
  });
}

TEST_CASE("the name of a scope is copied", "[task_scope]") {
  const test::no_thread_left check;
  const auto body = [] {
    const roost::task_scope scope(
        {.name = std::string("a temporary that is longer than a short string"), .timeout = 0ms});
    roost::this_task::checkpoint();
  };
  CHECK(test::thrown_by(body) ==
        "roost: the deadline of scope \"a temporary that is longer than a short string\" passed");
}

TEST_CASE("a deadline that cuts the owner's wait is thrown by the end all the same",
          "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  SECTION("with a task that it also ends") {
    test::bubble([&] {
      roost::task_scope scope({.deadline = roost::clock::now() + 1h});
      scope.spawn([&] { never.wait(); });
      CHECK_THROWS_AS(never.wait(), roost::timeout_error);
      CHECK_THROWS_AS(never.wait(), roost::stopped);
      CHECK_THROWS_AS(scope.join(), roost::timeout_error);
      CHECK(test::thrown_by([&] { scope.join(); }) == "nothing");
    });
  }
  SECTION("without any task") {
    const auto body = [&] {
      const roost::task_scope scope({.deadline = roost::clock::now() + 1h});
      CHECK_THROWS_AS(roost::this_task::sleep_for(2h), roost::timeout_error);
    };
    test::bubble([&] { CHECK_THROWS_AS(body(), roost::timeout_error); });
  }
}

TEST_CASE("a deadline that passes after all tasks have ended throws nothing", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::task_scope scope({.timeout = 1h});
    auto result = scope.spawn([] { return 1; });
    CHECK(scope.wait_for(1min));
    CHECK_FALSE(scope.stop_requested());
    test::let_pass(2h);
    CHECK(scope.stop_requested());
    CHECK(test::thrown_by([&] { scope.join(); }) == "nothing");
    CHECK(result.get() == 1);
  });
}

TEST_CASE("a deadline that passes in an unused scope throws nothing", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::task_scope scope({.timeout = 1h});
    test::let_pass(2h);
    CHECK(scope.cause().reason == roost::stop_reason::deadline);
    CHECK(test::thrown_by([&] { scope.join(); }) == "nothing");
  });
}

TEST_CASE("a task that ends normally after the deadline was cut short all the same",
          "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::task_scope scope({.timeout = 1h});
    auto result = scope.spawn([] {
      test::let_pass(1h + 5s);
      return 1;
    });
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
    CHECK(result.get() == 1); // what it did is not lost
  });
}

TEST_CASE("a deadline in the past stops the scope before it starts", "[task_scope]") {
  const test::no_thread_left check;
  const roost::scope_options options =
      GENERATE(roost::scope_options{.deadline = roost::clock::now() - 1h},
               roost::scope_options{.deadline = roost::clock::time_point::min()},
               roost::scope_options{.timeout = 0ms},
               roost::scope_options{.timeout = -1h},
               roost::scope_options{.timeout = roost::clock::duration::min()});
  bool ran = false;
  roost::task_scope scope(options);
  CHECK(scope.stop_requested());
  SECTION("what is spawned does not run, and that is a timeout") {
    auto dropped = scope.spawn([&] { ran = true; });
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
    CHECK_FALSE(ran);
    CHECK_THROWS_AS(dropped.get(), roost::stopped);
  }
  SECTION("nothing is spawned, and there is no timeout") {
    CHECK(test::thrown_by([&] { scope.join(); }) == "nothing");
  }
  SECTION("the owner's first wait throws it") {
    CHECK_THROWS_AS(roost::this_task::checkpoint(), roost::timeout_error);
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
  }
}

TEST_CASE("the greatest deadlines are none", "[task_scope]") {
  const test::no_thread_left check;
  const std::size_t before = test::count_threads();
  const roost::scope_options options =
      GENERATE(roost::scope_options{.deadline = roost::clock::time_point::max()},
               roost::scope_options{.timeout = roost::clock::duration::max()},
               roost::scope_options{.timeout = std::chrono::hours(24 * 365 * 200)});
  roost::task_scope scope(options);
  CHECK_FALSE(scope.stop_requested());
  CHECK(roost::this_task::deadline() == roost::clock::time_point::max());
  CHECK(scope.spawn([] { return 1; }).get() == 1);
  // The task's, which is idle if it has not gone yet; none keeps the time.
  CHECK(test::count_threads() <= before + 1);
}

TEST_CASE("the earlier of timeout and deadline counts", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    const auto soon = roost::clock::now() + 1h;
    {
      const roost::task_scope scope({.timeout = 2h, .deadline = soon});
      CHECK(roost::this_task::deadline() == soon);
    }
    const roost::task_scope scope({.timeout = 1h, .deadline = soon + 1h});
    CHECK(roost::this_task::deadline() == soon);
  });
}

TEST_CASE("a nested scope has the earliest deadline of all around it", "[task_scope]") {
  const test::no_thread_left check;
  const auto outer_deadline = roost::clock::now() + 1h;
  const auto now = [] { return roost::this_task::deadline(); };
  roost::task_scope outer({.deadline = outer_deadline});
  {
    roost::task_scope inner({.deadline = outer_deadline + 1h});
    CHECK(now() == outer_deadline);
    CHECK(inner.spawn(now).get() == outer_deadline);
  }
  {
    roost::task_scope inner({.deadline = outer_deadline - 1min});
    CHECK(now() == outer_deadline - 1min);
    CHECK(inner.spawn(now).get() == outer_deadline - 1min);
  }
  {
    roost::task_scope inner({.inherit = false});
    CHECK(now() == roost::clock::time_point::max());
    CHECK(inner.spawn(now).get() == roost::clock::time_point::max());
  }
  CHECK(now() == outer_deadline);
}

TEST_CASE("a timeout inside a longer one is the inner scope's", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::event never;
    roost::task_scope outer({.name = "outer", .timeout = 2h});
    auto inner_error = outer.spawn([&] {
      return test::thrown_by([&] {
        roost::task_scope inner({.name = "inner", .timeout = 1h});
        inner.spawn([&] { never.wait(); });
      });
    });
    CHECK(inner_error.get() == "roost: the deadline of scope \"inner\" passed");
    CHECK_FALSE(outer.stop_requested());
    outer.join();
  });
}

TEST_CASE("a timeout inside a shorter one is the outer scope's", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::event never;
    roost::stop_cause leaf;
    std::string inner_error;
    roost::task_scope outer({.name = "outer", .timeout = 1h});
    outer.spawn([&] {
      inner_error = test::thrown_by([&] {
        roost::task_scope inner({.name = "inner", .timeout = 2h});
        inner.spawn([&] {
          const test::at_exit note([&] { leaf = roost::this_task::cause(); });
          never.wait();
        });
      });
    });
    CHECK(test::thrown_by([&] { outer.join(); }) ==
          "roost: the deadline of scope \"outer\" passed");
    CHECK(inner_error == "stopped"); // cut short from outside: no timeout of its own
    CHECK(leaf.reason == roost::stop_reason::parent);
    CHECK(leaf.message == "the deadline of scope \"outer\" passed");
  });
}

TEST_CASE("a wait inside nested scopes of one thread throws the timeout of the outer one",
          "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  SECTION("a wait of the owner of both") {
    const auto body = [&] {
      const roost::task_scope outer({.name = "outer", .timeout = 1h});
      const roost::task_scope inner;
      never.wait();
    };
    test::bubble(
        [&] { CHECK(test::thrown_by(body) == "roost: the deadline of scope \"outer\" passed"); });
  }
  SECTION("the end of the inner one, whose work was cut short") {
    const auto body = [&] {
      const roost::task_scope outer({.name = "outer", .timeout = 1h});
      roost::task_scope inner;
      inner.spawn([&] { never.wait(); });
      inner.join();
    };
    test::bubble(
        [&] { CHECK(test::thrown_by(body) == "roost: the deadline of scope \"outer\" passed"); });
  }
}

TEST_CASE("a stop that came before the deadline is no timeout", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::event never;
    roost::task_scope scope({.timeout = 1h});
    scope.spawn([&] { never.wait(); });
    CHECK(scope.request_stop("enough"));
    test::let_pass(2h);
    CHECK(test::thrown_by([&] { scope.join(); }) == "nothing");
  });
}

TEST_CASE("of a failure and a later deadline the failure is thrown", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::task_scope scope({.timeout = 1h});
    scope.spawn([] { throw std::runtime_error("failed"); });
    test::let_pass(2h);
    CHECK(scope.cause().reason == roost::stop_reason::failure);
    CHECK(test::thrown_by([&] { scope.join(); }) == "failed");
  });
}

TEST_CASE("of a deadline and a later failure the deadline is thrown and the failure not lost",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  test::bubble([] {
    const auto body = [] {
      roost::task_scope scope({.timeout = 1h});
      scope.spawn([] {
        test::let_pass(1h + 5s);
        throw std::runtime_error("failed later");
      });
    };
    CHECK_THROWS_AS(body(), roost::timeout_error);
  });
  CHECK(test::unobserved_failures::messages() == "failed later;");
}

TEST_CASE("collect puts a timeout into the list of failures", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::event never;
    roost::task_scope scope({.timeout = 1h, .errors = roost::on_error::collect});
    const std::string line = __FILE__ ":" + std::to_string(__LINE__ - 1);
    scope.spawn([&] { never.wait(); });
    scope.spawn("bad", [] { throw std::runtime_error("failed"); });
    std::string failed;
    try {
      scope.join();
    } catch (const roost::exception_list& list) {
      for (const roost::failure& f : list.failures())
        failed += f.task + ": " + test::message_of(f.error) + ";";
    }
    CHECK(failed == "bad: failed;the deadline: roost: the deadline of scope (unnamed), made at " +
                        line + ", passed;");
  });
}

TEST_CASE("collect throws a timeout alone where nothing failed", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::event never;
    roost::task_scope scope({.timeout = 1h, .errors = roost::on_error::collect});
    scope.spawn([&] { never.wait(); });
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
  });
}

TEST_CASE("a task that ignores its stop is waited for beyond the deadline", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    roost::task_scope scope({.timeout = 1h});
    scope.spawn([] { test::let_pass(1h + 5s); });
    const auto time = test::time_of([&] { CHECK_THROWS_AS(scope.join(), roost::timeout_error); });
    CHECK(time == 1h + 5s);
  });
}
