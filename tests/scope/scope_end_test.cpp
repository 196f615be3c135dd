// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

namespace {

/// A result that does something when it is destroyed, unless it was moved from.
template <class F>
class result_that {
 public:
  explicit result_that(F f) : f_(std::move(f)) {}
  result_that(result_that&& other) noexcept : f_(std::exchange(other.f_, std::nullopt)) {}
  result_that& operator=(result_that&&) = delete;
  ~result_that() {
    if (f_)
      (*f_)();
  }

 private:
  std::optional<F> f_;
};

} // namespace

TEST_CASE("a scope left normally waits for its tasks without stopping them", "[task_scope]") {
  const test::no_thread_left check;
  bool stopped = true;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      test::wait_until_joining(scope);
      stopped = roost::this_task::stop_requested();
    });
  }
  CHECK_FALSE(stopped);
}

// So a for_each does not hand out several of its elements at a time where they make scopes.
TEST_CASE("the end of a scope counts as a call that may block, also where nothing runs any more",
          "[task_scope]") {
  const test::no_thread_left check;
  std::size_t before = 0;
  {
    roost::task_scope scope;
    before = roost::detail::this_thread.waits;
  }
  CHECK(roost::detail::this_thread.waits != before);
}

TEST_CASE("on_exit stop asks the tasks to stop and then waits", "[task_scope]") {
  const test::no_thread_left check;
  const int tasks = GENERATE(1, 2, 4);
  roost::event never;
  std::atomic<int> ended{0};
  roost::stop_cause cause;
  {
    roost::task_scope scope({.name = "service", .exit = roost::on_exit::stop});
    for (int i = 0; i < tasks; ++i) {
      scope.spawn([&] {
        const test::at_exit count([&] { ++ended; });
        never.wait();
      });
    }
    auto told = scope.spawn([&] {
      try {
        never.wait();
      } catch (const roost::stopped& s) {
        cause = s.cause();
        throw;
      }
    });
    test::wait_until_blocked(scope, static_cast<std::size_t>(tasks) + 1);
  }
  CHECK(ended == tasks);
  CHECK(cause.reason == roost::stop_reason::scope_exit);
}

TEST_CASE("on_exit stop does not touch what join awaits", "[task_scope]") {
  const test::no_thread_left check;
  bool stopped = true;
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn([&] {
    test::wait_until_joining(scope);
    stopped = roost::this_task::stop_requested();
  });
  scope.join();
  CHECK_FALSE(stopped);
}

TEST_CASE("a scope left by an exception stops its tasks and waits for them", "[task_scope]") {
  const test::no_thread_left check;
  const auto exit = GENERATE(roost::on_exit::join, roost::on_exit::stop);
  roost::event never;
  roost::stop_reason reason{};
  bool ended = false;
  const auto body = [&] {
    roost::task_scope scope({.exit = exit});
    scope.spawn([&] {
      const test::at_exit note([&] {
        reason = roost::this_task::cause().reason;
        ended = true;
      });
      never.wait();
    });
    test::wait_until_blocked(scope, 1);
    throw std::runtime_error("the body's own");
  };
  CHECK(test::thrown_by(body) == "the body's own");
  CHECK(ended);
  CHECK(reason == roost::stop_reason::scope_exit);
}

TEST_CASE("a scope inside a destructor that runs because of an exception ends normally",
          "[task_scope]") {
  const test::no_thread_left check;
  bool stopped = true;
  std::string thrown;
  const auto clean_up = [&] {
    thrown = test::thrown_by([&] {
      roost::task_scope scope;
      scope.spawn([&] {
        test::wait_until_joining(scope);
        stopped = roost::this_task::stop_requested();
        throw std::runtime_error("while cleaning up");
      });
    });
  };
  const std::string outer = test::thrown_by([&] {
    const test::at_exit guard(clean_up);
    throw std::runtime_error("the first");
  });
  CHECK(outer == "the first");
  CHECK_FALSE(stopped);
  CHECK(thrown == "while cleaning up");
}

TEST_CASE("a scope inside a catch block ends normally", "[task_scope]") {
  const test::no_thread_left check;
  bool stopped = true;
  try {
    throw std::runtime_error("handled");
  } catch (const std::runtime_error&) {
    roost::task_scope scope;
    scope.spawn([&] {
      test::wait_until_joining(scope);
      stopped = roost::this_task::stop_requested();
    });
  }
  CHECK_FALSE(stopped);
}

TEST_CASE("a scope member is stopped when the constructor of a later member throws",
          "[task_scope]") {
  struct throws {
    throws() { throw std::runtime_error("a later member"); }
  };
  struct server {
    bool& ended;
    test::gate runs;
    roost::event never;
    roost::task_scope scope;
    bool started;
    throws later;

    explicit server(bool& e) : ended(e), started(start()) {}
    bool start() {
      scope.spawn([this] {
        const test::at_exit note([this] { ended = true; });
        runs.open();
        never.wait();
      });
      runs.pass();
      return true;
    }
  };
  const test::no_thread_left check;
  bool ended = false;
  CHECK(test::thrown_by([&] { const server object(ended); }) == "a later member");
  CHECK(ended);
}

TEST_CASE("thread_locals of the tasks are destroyed when join returns", "[task_scope]") {
  const test::no_thread_left check;
  const int tasks = GENERATE(1, 2, 4);
  static std::atomic<int> made;
  static std::atomic<int> destroyed;
  struct noted {
    noted() { ++made; }
    noted(const noted&) = delete;
    noted& operator=(const noted&) = delete;
    ~noted() { ++destroyed; }
    int used = 0;
  };
  made = 0;
  destroyed = 0;
  roost::task_scope scope;
  for (int i = 0; i < tasks; ++i) {
    scope.spawn([] {
      thread_local noted local;
      ++local.used;
    });
  }
  scope.join();
  CHECK(made >= 1); // one a thread, and one that is idle takes the next task
  CHECK(destroyed == made);
}

TEST_CASE("the destructor of a thread_local may use a scope of its own",
          "[task_scope][thread_exit]") {
  const test::no_thread_left check;
  static std::atomic<int> result;
  struct uses_a_scope {
    int used = 0;
    uses_a_scope() = default;
    uses_a_scope(const uses_a_scope&) = delete;
    uses_a_scope& operator=(const uses_a_scope&) = delete;
    ~uses_a_scope() {
      roost::event ready;
      roost::task_scope scope({.timeout = std::chrono::hours(1)});
      scope.spawn([&] { ready.set(); });
      ready.wait();
      result = scope.spawn([] { return 5; }).get();
    }
  };
  result = 0;
  roost::task_scope scope;
  scope.spawn([] {
    thread_local uses_a_scope local;
    ++local.used;
  });
  scope.join();
  CHECK(result == 5);
}

TEST_CASE("captures and unclaimed results are destroyed when join returns", "[task_scope]") {
  const test::no_thread_left check;
  auto captured = std::make_shared<int>();
  auto returned = std::make_shared<int>();
  roost::task_scope scope;
  for (int i = 0; i < 4; ++i)
    (void)scope.spawn([captured, returned] { return returned; });
  scope.join();
  CHECK(captured.use_count() == 1);
  CHECK(returned.use_count() == 1);
}

TEST_CASE("a failing task stops the scope before its captures are destroyed", "[task_scope]") {
  const test::no_thread_left check;
  bool stopped = false;
  std::size_t failures = 0;
  roost::task_scope scope;
  std::shared_ptr<void> capture(nullptr, [&](void*) {
    stopped = scope.stop_requested();
    failures = scope.failures().size();
  });
  scope.spawn([capture = std::move(capture)] { throw std::runtime_error("failed"); });
  CHECK(test::thrown_by([&] { scope.join(); }) == "failed");
  CHECK(stopped);
  CHECK(failures == 1);
}

TEST_CASE("an unclaimed result may use what was declared before the scope", "[task_scope]") {
  const test::no_thread_left check;
  std::string log;
  auto ends = roost::make_channel<int>(1);
  {
    roost::task_scope scope;
    (void)scope.spawn([&] {
      return result_that([&] {
        log += "destroyed";
        if (!ends.tx.send(1))
          log += " unsent";
      });
    });
  }
  CHECK(log == "destroyed");
  CHECK(ends.rx.receive().value() == 1);
}

TEST_CASE("a stop wakes a destructor of an unclaimed result", "[task_scope]") {
  const test::no_thread_left check;
  bool woken = false;
  std::string name;
  roost::event never;
  {
    test::gate dropped; // the handle, so that the task is the one to destroy the result
    roost::task_scope scope;
    (void)scope.spawn("with a slow result", [&] {
      dropped.pass();
      return result_that([&] {
        name = roost::this_task::name();
        try {
          woken = !never.wait_for(1h) && false;
        } catch (const roost::stopped&) {
          woken = true;
        }
      });
    });
    dropped.open();
    test::wait_until_waiting(never, 1);
    scope.request_stop();
  }
  CHECK(woken);
  CHECK(name == "with a slow result");
}

TEST_CASE("a result's destructor that would join its own scope gets an error instead",
          "[task_scope]") {
  const test::no_thread_left check;
  std::error_code code;
  {
    test::gate dropped; // the handle, so that the task is the one to destroy the result
    roost::task_scope scope;
    (void)scope.spawn([&] {
      dropped.pass();
      return result_that([&] {
        try {
          (void)scope.wait_for(0ms);
        } catch (const std::system_error& e) {
          code = e.code();
        }
      });
    });
    dropped.open();
  }
  CHECK(code == std::errc::resource_deadlock_would_occur);
}

TEST_CASE("after join the owner's waits are those of the enclosing task", "[task_scope]") {
  const test::no_thread_left check;
  auto ends = roost::make_channel<int>(3);
  SECTION("of a plain thread, which nobody stops") {
    roost::task_scope scope;
    scope.spawn([&] {
      for (int i = 0; i < 3; ++i)
        (void)ends.tx.send(i);
    });
    CHECK(scope.wait_for(1h));
    scope.request_stop();
    CHECK_THROWS_AS(ends.rx.receive(), roost::stopped);
    scope.join();
    CHECK(ends.rx.receive().value() == 0);
    CHECK_FALSE(roost::this_task::stop_requested());
    CHECK_FALSE(roost::this_task::stop_token().stop_possible());
  }
  SECTION("of the scope around it") {
    roost::task_scope outer({.name = "outer"});
    roost::task_scope inner;
    inner.request_stop();
    inner.join();
    CHECK_FALSE(roost::this_task::stop_requested());
    CHECK(roost::this_task::stop_token() == outer.get_stop_token());
    outer.request_stop("outer stop");
    CHECK_THROWS_AS(ends.rx.receive(), roost::stopped);
    CHECK(roost::this_task::cause().message == "outer stop");
  }
}

TEST_CASE("scopes of one thread may end in any order", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope outer({.name = "outer"});
  std::optional<roost::task_scope> first;
  std::optional<roost::task_scope> second;
  first.emplace(roost::scope_options{.name = "first"});
  second.emplace(roost::scope_options{.name = "second"});
  CHECK(roost::this_task::stop_token() == second->get_stop_token());
  CHECK(second->spawn([] { return 1; }).get() == 1);

  first.reset(); // the one around
  CHECK(roost::this_task::stop_token() == second->get_stop_token());
  CHECK(second->spawn([] { return 2; }).get() == 2);
  CHECK(second->wait_for(1h));

  SECTION("the one that outlives is linked to what was around the other") {
    outer.request_stop("outer");
    CHECK(second->stop_requested());
    CHECK(second->cause().message == "outer");
    CHECK(roost::this_task::stop_requested());
  }
  SECTION("the one that outlives may stop alone") {
    second->request_stop();
    CHECK(roost::this_task::stop_requested());
    CHECK_FALSE(outer.stop_requested());
  }
  second.reset();
  CHECK(roost::this_task::stop_token() == outer.get_stop_token());
}

TEST_CASE("a scope that outlives the one around it keeps its deadline", "[task_scope]") {
  const test::no_thread_left check;
  test::bubble([] {
    const auto start = roost::clock::now();
    std::optional<roost::task_scope> around;
    around.emplace(roost::scope_options{.deadline = start + 1h});
    roost::event never;
    const std::string thrown = test::thrown_by([&] {
      roost::task_scope scope({.name = "own", .deadline = start + 2h});
      around.reset();
      CHECK_FALSE(scope.stop_requested());
      (void)never.wait_for(3h);
    });
    CHECK(thrown == "roost: the deadline of scope \"own\" passed");
    CHECK(roost::clock::now() == start + 2h);
  });
}

TEST_CASE("a scope that does not cover its owner may be ended by another thread", "[task_scope]") {
  const test::no_thread_left check;
  auto scope = std::make_unique<roost::task_scope>(
      roost::scope_options{.name = "member", .covers_owner = false});
  roost::event never;
  bool stopped = false;
  scope->spawn([&] {
    const test::at_exit note([&] { stopped = roost::this_task::stop_requested(); });
    never.wait();
  });
  test::wait_until_blocked(*scope, 1);
  scope->request_stop();
  CHECK_FALSE(roost::this_task::stop_requested()); // its stop is not this thread's
  CHECK_FALSE(never.wait_for(0ms));

  std::string thrown;
  SECTION("by its destructor") {
    std::jthread([&] { thrown = test::thrown_by([&] { scope.reset(); }); }).join();
    CHECK(thrown == "nothing");
  }
  SECTION("by join, which throws there what failed") {
    scope = std::make_unique<roost::task_scope>(roost::scope_options{.covers_owner = false});
    scope->spawn([] { throw std::runtime_error("failed"); });
    std::jthread([&] { thrown = test::thrown_by([&] { scope->join(); }); }).join();
    CHECK(thrown == "failed");
    CHECK(test::thrown_by([&] { scope.reset(); }) == "nothing");
  }
  SECTION("by a destructor that runs because of an exception") {
    std::jthread([&] {
      thrown = test::thrown_by([&] {
        const std::unique_ptr<roost::task_scope> moved = std::move(scope);
        throw std::runtime_error("elsewhere");
      });
    }).join();
    CHECK(thrown == "elsewhere");
  }
  CHECK((thrown == "failed" || stopped));
}

TEST_CASE("a handle and an exception may outlive their scope", "[task_scope]") {
  const test::no_thread_left check;
  std::optional<roost::task_handle<std::string>> handle;
  std::exception_ptr error;
  {
    roost::task_scope scope({.errors = roost::on_error::collect});
    handle.emplace(scope.spawn([] { return std::string("a result that outlives its scope"); }));
    scope.spawn([] { throw std::runtime_error("an error that outlives its scope"); });
    error = test::exception_of([&] { scope.join(); });
  }
  CHECK(handle->ready());
  CHECK(handle->get() == "a result that outlives its scope");
  CHECK(test::message_of(error) == "1 task failed: (unnamed): an error that outlives its scope");
}
