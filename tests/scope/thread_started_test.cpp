// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/probe.hpp"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// What scope_options::thread_started was called with, as the hook is a plain function.
class started {
 public:
  started() { all().clear(); }

  static void hook(std::string_view task) {
    const std::lock_guard guard(mutex());
    all().push_back({std::string(task), std::this_thread::get_id()});
  }
  static void other_hook(std::string_view task) { hook("other " + std::string(task)); }
  static void throwing_hook(std::string_view) { throw std::runtime_error("by the hook"); }

  /// In the order of their names.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const call& c : all())
      names.push_back(c.task);
    std::sort(names.begin(), names.end());
    return names;
  }
  std::thread::id thread_of(std::string_view task) const {
    for (const call& c : all()) {
      if (c.task == task)
        return c.thread;
    }
    return {};
  }

 private:
  struct call {
    std::string task;
    std::thread::id thread;
  };
  static std::vector<call>& all() { // read once the scope has ended
    static std::vector<call> calls;
    return calls;
  }
  static std::mutex& mutex() {
    static std::mutex m;
    return m;
  }
};

using names = std::vector<std::string>;

} // namespace

TEST_CASE("thread_started is called on a task's thread with its name, before its callable",
          "[thread_started]") {
  const started calls;
  std::thread::id where;
  bool called_before = false;
  {
    roost::task_scope scope({.thread_started = &started::hook});
    scope.spawn("parser", [&] {
      called_before = calls.names() == names{"parser"};
      where = std::this_thread::get_id();
    });
  }
  CHECK(called_before);
  CHECK(calls.thread_of("parser") == where);
}

TEST_CASE("thread_started is called for each task, also where one thread runs many",
          "[thread_started]") {
  const started calls;
  roost::event begin;
  roost::task_scope scope({.limit = 1, .thread_started = &started::hook});
  scope.spawn("a", [&] { begin.wait(); });
  scope.spawn("b", [] {});
  scope.spawn([] {});
  begin.set();
  scope.join();
  CHECK(calls.names() == names{"", "a", "b"});
}

TEST_CASE("thread_started is called inside the task", "[thread_started]") {
  static std::string name;
  roost::task_scope scope(
      {.thread_started = [](std::string_view) { name = roost::this_task::name(); }});
  scope.spawn("parser", [] {}).get();
  CHECK(name == "parser");
}

TEST_CASE("what thread_started throws is the task's failure", "[thread_started]") {
  bool ran = false;
  roost::task_scope scope({.thread_started = &started::throwing_hook});
  scope.spawn([&] { ran = true; });
  CHECK(test::thrown_by([&] { scope.join(); }) == "by the hook");
  CHECK_FALSE(ran);
}

TEST_CASE("a stop ends a wait in thread_started", "[thread_started]") {
  static roost::event never;
  roost::task_scope scope({.thread_started = [](std::string_view) { never.wait(); }});
  bool ran = false;
  auto task = scope.spawn([&] { ran = true; });
  test::wait_until_blocked(scope, 1);
  scope.request_stop();
  scope.join();
  CHECK_FALSE(ran);
}

TEST_CASE("thread_started is not called for a task that a stop drops", "[thread_started]") {
  const started calls;
  roost::event never;
  roost::task_scope scope({.limit = 1, .thread_started = &started::hook});
  scope.spawn("runs", [&] { never.wait(); });
  scope.spawn("is queued", [] {});
  test::wait_until_blocked(scope, 1);
  scope.request_stop();
  scope.join();
  CHECK(calls.names() == names{"runs"});
}

TEST_CASE("a scope inside has its outermost scope's thread_started, or its own",
          "[thread_started]") {
  const started calls;
  {
    roost::task_scope scope({.thread_started = &started::hook});
    roost::task_scope beside;
    beside.spawn("beside", [] {});
    scope.spawn("outer", [] {
      roost::task_scope inner;
      inner.spawn("inner", [] {
        roost::task_scope own({.thread_started = &started::other_hook});
        own.spawn("own", [] {
          roost::task_scope innermost;
          innermost.spawn("innermost", [] {});
        });
      });
    });
  }
  CHECK(calls.names() == names{"beside", "inner", "innermost", "other own", "outer"});
}

TEST_CASE("a background_scope, which has threads of its own, has no other's thread_started",
          "[thread_started]") {
  const started calls;
  roost::task_scope scope({.thread_started = &started::hook});
  scope.spawn("outer", [] {
    roost::background_scope service;
    service.spawn("service", [] {}).get();
  });
  scope.join();
  CHECK(calls.names() == names{"outer"});
}

TEST_CASE("thread_started is not called for a task that a thread runs inside a wait",
          "[thread_started]") {
  const started calls;
  roost::task_scope scope({.limit = 1, .thread_started = &started::hook});
  scope.spawn("asks", [&] {
    std::thread::id where;
    scope.spawn("is queued", [&] { where = std::this_thread::get_id(); }).get();
    if (where != std::this_thread::get_id())
      throw std::logic_error("it is to run in the get()");
  });
  scope.join();
  CHECK(calls.names() == names{"asks"});
}
