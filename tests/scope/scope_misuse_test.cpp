// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

using namespace std::chrono_literals;

namespace {

template <class F>
std::error_code error_code_of(F f) {
  try {
    f();
  } catch (const std::system_error& e) {
    return e.code();
  }
  return {};
}

const auto deadlock = std::make_error_code(std::errc::resource_deadlock_would_occur);

} // namespace

TEST_CASE("a task that waits for its own scope gets an error instead of a deadlock",
          "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  std::error_code join;
  std::error_code wait;
  std::string says;
  scope.spawn([&] {
    join = error_code_of([&] { scope.join(); });
    wait = error_code_of([&] { (void)scope.wait_for(0ms); });
    says = test::thrown_by([&] { scope.join(); });
  });
  scope.join();
  CHECK(join == deadlock);
  CHECK(wait == deadlock);
  CHECK(says.find("a task cannot wait for the scope that it is in") != std::string::npos);
}

TEST_CASE("so does a task further in", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  std::error_code from_nested_owner;
  std::error_code from_nested_task;
  std::error_code from_detached_scope;
  scope.spawn([&] {
    roost::task_scope nested;
    from_nested_owner = error_code_of([&] { (void)scope.wait_for(0ms); });
    nested.spawn([&] { from_nested_task = error_code_of([&] { (void)scope.wait_for(0ms); }); });
    roost::task_scope on_its_own({.inherit = false});
    on_its_own.spawn([&] { from_detached_scope = error_code_of([&] { scope.join(); }); });
  });
  scope.join();
  CHECK(from_nested_owner == deadlock);
  CHECK(from_nested_task == deadlock);
  CHECK(from_detached_scope == deadlock);
}

TEST_CASE("a task that gets its own result gets an error instead of a deadlock", "[task_handle]") {
  const test::no_thread_left check;
  std::optional<roost::task_handle<int>> self;
  test::gate gate;
  std::error_code get;
  std::error_code wait;
  std::error_code from_nested;
  roost::task_scope scope;
  self.emplace(scope.spawn([&] {
    gate.pass();
    get = error_code_of([&] { (void)self->get(); });
    wait = error_code_of([&] { (void)self->wait_for(0ms); });
    roost::task_scope nested;
    nested.spawn([&] { from_nested = error_code_of([&] { (void)self->get(); }); });
    return 5;
  }));
  gate.open();
  CHECK(self->get() == 5);
  CHECK(get == deadlock);
  CHECK(wait == deadlock);
  CHECK(from_nested == deadlock);
}

TEST_CASE("a task that runs in the get() of another one cannot wait for that one",
          "[task_handle]") {
  const test::no_thread_left check;
  std::optional<roost::task_handle<void>> outer;
  std::optional<roost::task_handle<void>> inner;
  test::gate gate;
  std::error_code get;
  std::error_code join;
  roost::task_scope scope({.limit = 1});
  outer.emplace(scope.spawn([&] {
    gate.pass();
    inner->get(); // runs it here
  }));
  inner.emplace(scope.spawn([&] {
    get = error_code_of([&] { outer->get(); });
    join = error_code_of([&] { scope.join(); });
  }));
  gate.open();
  outer->get();
  CHECK(get == deadlock);
  CHECK(join == deadlock);
}

TEST_CASE("a task in a scope that another task has made, and need not end, may end that task's",
          "[background_scope]") {
  const test::no_thread_left check;
  std::optional<roost::task_handle<void>> making;
  std::optional<roost::background_scope> maker;
  std::optional<roost::background_scope> made;
  test::gate gate;
  std::error_code get;
  bool is_over = false;
  maker.emplace();
  making.emplace(maker->spawn([&] {
    made.emplace();
    made->spawn([&] {
      gate.pass();
      get = error_code_of([&] { making->get(); });
      is_over = maker->wait_for(1h);
      maker.reset();
    });
  }));
  CHECK(maker->wait_for(1h));
  gate.open();
  made->join();
  CHECK(get == std::error_code());
  CHECK(is_over);
  CHECK_FALSE(maker.has_value());
}

TEST_CASE("a task may wait for a sibling and for a task of a nested scope", "[task_handle]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto sibling = scope.spawn([] { return 1; });
  auto sum = scope.spawn([&] {
    roost::task_scope nested;
    auto child = nested.spawn([] { return 2; });
    return sibling.get() + child.get();
  });
  CHECK(sum.get() == 3);
}

TEST_CASE("spawn after join throws scope_closed and destroys the callable", "[task_scope]") {
  const test::no_thread_left check;
  auto captured = std::make_shared<int>();
  roost::task_scope scope({.name = "done"});
  scope.join();
  const std::string says = test::thrown_by([&] { scope.spawn([captured] {}); });
  CHECK(says.find("was joined and takes no more tasks") != std::string::npos);
  CHECK(captured.use_count() == 1);
  CHECK_FALSE(scope.request_stop());
  CHECK_FALSE(scope.stop_requested());
}

TEST_CASE("spawn on a closed scope from another thread throws as well", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  scope.join();
  std::string says;
  std::jthread([&] { says = test::thrown_by([&] { scope.spawn([] {}); }); }).join();
  CHECK(says.find("roost::task_scope::spawn") == 0);
}

TEST_CASE("a thread that did not make the scope cannot join it", "[task_scope]") {
  const test::no_thread_left check;
  roost::event never;
  roost::task_scope scope;
  scope.spawn([&] { never.wait(); });
  std::string join;
  bool idle = true;
  std::jthread([&] {
    join = test::thrown_by([&] { scope.join(); });
    idle = scope.wait_for(0ms);
  }).join();
  CHECK(join.find("a scope is joined by the thread that made it") != std::string::npos);
  CHECK_FALSE(idle); // it may wait
  CHECK(scope.spawn([] { return 1; }).get() == 1);
  scope.request_stop();
}

TEST_CASE("a join on another thread after the end is harmless", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  scope.join();
  std::string says;
  std::jthread([&] { says = test::thrown_by([&] { scope.join(); }); }).join();
  CHECK(says == "nothing");
}
