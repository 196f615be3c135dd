// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct fails {
  const char* what;
  void operator()() const { throw std::runtime_error(what); }
};

// Its destructor throws, unless it was moved from.
struct throws_when_destroyed {
  bool armed = true;
  bool call_fails = false;
  throws_when_destroyed() = default;
  explicit throws_when_destroyed(bool f) : call_fails(f) {}
  throws_when_destroyed(throws_when_destroyed&& other) noexcept
      : armed(std::exchange(other.armed, false)),
        call_fails(other.call_fails) {}
  throws_when_destroyed& operator=(throws_when_destroyed&&) = delete;
  // NOLINTNEXTLINE(bugprone-exception-escape): what is under test
  ~throws_when_destroyed() noexcept(false) {
    if (armed)
      throw std::runtime_error("from the destructor");
  }
  std::shared_ptr<int> operator()() const {
    if (call_fails)
      throw std::runtime_error("from the call");
    return std::make_shared<int>(1);
  }
};

} // namespace

TEST_CASE("join rethrows the first failure unchanged", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  const void* thrown = nullptr;
  scope.spawn([&] {
    try {
      throw std::runtime_error("boom");
    } catch (const std::runtime_error& e) {
      thrown = &e;
      throw;
    }
  });
  try {
    scope.join();
    FAIL("join() must throw");
  } catch (const std::runtime_error& e) {
    CHECK(&e == thrown); // the very object
    CHECK(std::current_exception() == scope.failures().at(0).error);
  }
}

TEST_CASE("the destructor rethrows the first failure", "[task_scope]") {
  const test::no_thread_left check;
  const auto body = [] {
    roost::task_scope scope;
    scope.spawn(fails{"boom"});
  };
  CHECK(test::thrown_by(body) == "boom");
}

TEST_CASE("what a task throws need not be an exception class", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  scope.spawn([] { throw 7; });
  CHECK_THROWS_AS(scope.join(), int);
  CHECK(scope.cause().message == "an exception that is not a std::exception");
}

TEST_CASE("a failure stops the other tasks and tells them why", "[task_scope]") {
  const test::no_thread_left check;
  const int tasks = GENERATE(1, 2, 4);
  roost::event never;
  std::vector<roost::stop_cause> causes(static_cast<std::size_t>(tasks));
  roost::task_scope scope;
  for (auto& cause : causes) {
    scope.spawn([&cause, &never] {
      const test::at_exit note([&] { cause = roost::this_task::cause(); });
      never.wait();
    });
  }
  test::wait_until_blocked(scope, causes.size());
  scope.spawn("parser", fails{"bad syntax"});
  const unsigned line = __LINE__ - 1;
  CHECK(test::thrown_by([&] { scope.join(); }) == "bad syntax");
  for (const roost::stop_cause& cause : causes) {
    CHECK(cause.reason == roost::stop_reason::failure);
    CHECK(cause.message == "bad syntax");
    CHECK(cause.task == "parser");
    CHECK(cause.where.line == line);
    CHECK(test::message_of(cause.error) == "bad syntax");
  }
}

TEST_CASE("an error that the stop of a failure brings about comes second", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  roost::event never;
  {
    roost::task_scope scope;
    scope.spawn("second", [&] {
      try {
        never.wait();
      } catch (const roost::stopped&) {
        throw std::runtime_error("canceled");
      }
    });
    test::wait_until_blocked(scope, 1);
    scope.spawn("first", fails{"the root"});
    CHECK(test::thrown_by([&] { scope.join(); }) == "the root");
    const std::vector<roost::failure> all = scope.failures();
    REQUIRE(all.size() == 2);
    CHECK(all[0].task == "first");
    CHECK(all[1].task == "second");
    CHECK(test::message_of(all[1].error) == "canceled");
  }
  CHECK(test::unobserved_failures::messages().empty()); // failures() told of it
}

TEST_CASE("a task that fails after a plain stop is a failure", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  roost::task_scope scope;
  scope.spawn([&] {
    try {
      never.wait();
    } catch (const roost::stopped&) {
      throw std::runtime_error("while cleaning up");
    }
  });
  test::wait_until_blocked(scope, 1);
  scope.request_stop("enough");
  CHECK(test::thrown_by([&] { scope.join(); }) == "while cleaning up");
  CHECK(scope.cause().reason == roost::stop_reason::requested);
}

TEST_CASE("collect lets all tasks run to their end and throws a list", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.errors = roost::on_error::collect});
  auto value = scope.spawn([&] {
    test::wait_until([&] { return scope.failures().size() == 2; });
    return roost::this_task::stop_requested() ? 0 : 1;
  });
  scope.spawn("a", fails{"first"});
  test::wait_until([&] { return scope.failures().size() == 1; });
  scope.spawn("b", fails{"second"});
  CHECK(scope.wait_for(1h));
  CHECK_FALSE(scope.stop_requested());
  try {
    scope.join();
    FAIL("join() must throw");
  } catch (const roost::exception_list& list) {
    REQUIRE(list.failures().size() == 2);
    CHECK(list.failures()[0].task == "a");
    CHECK(list.failures()[1].task == "b");
    CHECK(std::string(list.what()) == "2 tasks failed: \"a\": first; \"b\": second");
  }
  CHECK(value.get() == 1);
}

TEST_CASE("collect throws a list even for one failure", "[task_scope]") {
  const test::no_thread_left check;
  const auto body = [] {
    roost::task_scope scope({.errors = roost::on_error::collect});
    scope.spawn(fails{"alone"});
  };
  CHECK_THROWS_AS(body(), roost::exception_list);
}

TEST_CASE("collect throws nothing when nothing failed", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.errors = roost::on_error::collect});
  scope.spawn([] {});
  scope.join();
  CHECK(scope.failures().empty());
}

TEST_CASE("on_failure gets the failures and then they concern nobody else", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto errors = GENERATE(roost::on_error::fail_fast, roost::on_error::collect);
  std::mutex mutex;
  std::vector<roost::failure> handled;
  std::vector<std::thread::id> threads;
  std::vector<std::thread::id> failed_on;
  {
    roost::task_scope scope({.errors = errors, .on_failure = [&](const roost::failure& f) {
                               const std::lock_guard lock(mutex);
                               handled.push_back(f);
                               threads.push_back(std::this_thread::get_id());
                             }});
    for (int i = 0; i < 2; ++i) {
      scope.spawn("worker", [&] {
        {
          const std::lock_guard lock(mutex);
          failed_on.push_back(std::this_thread::get_id());
        }
        throw std::runtime_error("handled");
      });
      CHECK(scope.wait_for(1h)); // one after the other
    }
    auto handle = scope.spawn([]() -> int { throw std::runtime_error("got"); });
    CHECK(test::thrown_by([&] { (void)handle.get(); }) == "got");
    CHECK_FALSE(scope.stop_requested());
    CHECK(scope.failures().empty());
    scope.join();
  }
  REQUIRE(handled.size() == 3);
  CHECK(handled[0].task == "worker");
  CHECK(test::message_of(handled[1].error) == "handled");
  threads.pop_back();
  CHECK(threads == failed_on);
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("when on_failure throws the failure is the scope's after all", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto errors = GENERATE(roost::on_error::fail_fast, roost::on_error::collect);
  roost::task_scope scope({.errors = errors, .on_failure = [](const roost::failure&) {
                             throw std::runtime_error("no way to handle it");
                           }});
  scope.spawn("worker", fails{"boom"});
  const std::exception_ptr error = test::exception_of([&] { scope.join(); });
  CHECK(scope.stop_requested() == (errors == roost::on_error::fail_fast));
  REQUIRE(scope.failures().size() == 1);
  CHECK(scope.failures()[0].task == "worker");
  CHECK(test::message_of(scope.failures()[0].error) == "boom");
  CHECK(test::message_of(error) ==
        (errors == roost::on_error::fail_fast ? "boom" : "1 task failed: \"worker\": boom"));
  CHECK(test::unobserved_failures::messages() == "no way to handle it;");
}

TEST_CASE("a callable whose destructor throws is a failed task", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  roost::task_scope scope;
  SECTION("after it returned") {
    auto handle = scope.spawn("worker", throws_when_destroyed());
    CHECK(test::thrown_by([&] { scope.join(); }) == "from the destructor");
    CHECK(test::thrown_by([&] { (void)handle.get(); }) == "from the destructor");
    CHECK(test::unobserved_failures::messages().empty());
  }
  SECTION("after it threw the hook gets the second") {
    (void)scope.spawn("worker", throws_when_destroyed(true));
    CHECK(test::thrown_by([&] { scope.join(); }) == "from the call");
    const std::vector<roost::failure> lost = test::unobserved_failures::take();
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].task == "worker");
    CHECK(test::message_of(lost[0].error) == "from the destructor");
  }
  SECTION("when it is dropped because of a stop spawn throws it") {
    scope.request_stop();
    CHECK(test::thrown_by([&] { (void)scope.spawn(throws_when_destroyed()); }) ==
          "from the destructor");
    CHECK(scope.failures().empty());
  }
  SECTION("when it is refused because of a join spawn throws it") {
    scope.join();
    CHECK(test::thrown_by([&] { (void)scope.spawn(throws_when_destroyed()); }) ==
          "from the destructor");
  }
}

TEST_CASE("a result that cannot be stored is a failed task", "[task_scope]") {
  struct throws_when_moved {
    bool first = true;
    throws_when_moved() = default;
    // NOLINTNEXTLINE(performance-noexcept-move-constructor,bugprone-exception-escape): under test
    throws_when_moved(throws_when_moved&&) noexcept(false) {
      throw std::runtime_error("the result's move");
    }
    throws_when_moved& operator=(throws_when_moved&&) = delete;
    ~throws_when_moved() = default;
  };
  const test::no_thread_left check;
  roost::task_scope scope;
  auto handle = scope.spawn([] { return throws_when_moved(); });
  CHECK(test::thrown_by([&] { (void)handle.get(); }) == "the result's move");
  CHECK(test::thrown_by([&] { scope.join(); }) == "nothing"); // told by get()
}

TEST_CASE("one exception may be rethrown on two threads", "[task_scope]") {
  const test::no_thread_left check;
  const void* by_sibling = nullptr;
  const void* by_owner = nullptr;
  roost::task_scope scope({.errors = roost::on_error::collect});
  auto failing = scope.spawn([]() -> int { throw std::runtime_error("boom"); });
  auto sibling = scope.spawn([&] {
    try {
      (void)failing.get();
    } catch (const std::runtime_error& e) {
      by_sibling = &e;
    }
  });
  sibling.get();
  try {
    scope.join();
    FAIL("a sibling's get() is not the owner's");
  } catch (const roost::exception_list& list) {
    try {
      std::rethrow_exception(list.failures().at(0).error);
    } catch (const std::runtime_error& e) {
      by_owner = &e;
    }
  }
  CHECK(by_owner != nullptr);
  CHECK(by_owner == by_sibling);
}

TEST_CASE("stopped that escapes a task which nobody stopped is a failure", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  {
    roost::task_scope other({.inherit = false, .covers_owner = false});
    other.request_stop("the other one");
    auto dropped = other.spawn([] { return 1; });
    scope.spawn("reader", [dropped = std::move(dropped)]() mutable { (void)dropped.get(); });
    CHECK(scope.wait_for(1h));
  }
  REQUIRE(scope.failures().size() == 1);
  CHECK(scope.failures()[0].task == "reader");
  CHECK(scope.cause().reason == roost::stop_reason::failure);
  try {
    scope.join();
    FAIL("join() must throw");
  } catch (const roost::stopped& s) {
    CHECK(s.cause().message == "the other one");
  }
}
