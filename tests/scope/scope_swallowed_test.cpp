// SPDX-License-Identifier: BSL-1.0
// Code in the middle, a library's fallback say, swallows what a wait of the scope's owner throws.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct fails {
  const char* what;
  void operator()() const { throw std::runtime_error(what); }
};

// A library's fallback around some wait.
int load(const std::function<void()>& wait) {
  try {
    wait();
    return 1;
  } catch (const std::exception&) {
    return -1;
  }
}

int load() {
  return load([] { roost::this_task::sleep_for(1h); });
}

void forget_all() {
  try {
    roost::this_task::sleep_for(1h);
  } catch (...) { // NOLINT(bugprone-empty-catch): what is under test
  }
}

} // namespace

TEST_CASE("a fallback in the body of a with_scope does not get a failure of its tasks",
          "[with_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto errors = GENERATE(roost::on_error::fail_fast, roost::on_error::collect);
  const bool stopped_first = errors == roost::on_error::fail_fast;
  int loaded = 0;
  const auto run = [&] {
    return roost::with_scope({.errors = errors}, [&](roost::task_scope& scope) {
      scope.spawn("reader", fails{"disk full"});
      test::wait_until([&] { return scope.failures().size() == 1; });
      if (stopped_first)
        loaded = load();
      return loaded;
    });
  };
  CHECK(test::thrown_by(run) ==
        (stopped_first ? "disk full" : "1 task failed: \"reader\": disk full"));
  CHECK(loaded == 0); // the wait threw `stopped`, which ended the body
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a body that swallows what its waits throw does not make a failure vanish",
          "[with_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  SECTION("a task's") {
    CHECK(test::thrown_by([] {
            return roost::with_scope([](roost::task_scope& scope) {
              scope.spawn(fails{"disk full"});
              forget_all();
              return 1;
            });
          }) == "disk full");
  }
  SECTION("the deadline") {
    CHECK(test::thrown_by([] {
            return roost::with_scope({.name = "quick", .timeout = 5ms}, [](roost::task_scope&) {
              forget_all();
              return 1;
            });
          }) == "roost: the deadline of scope \"quick\" passed");
  }
  SECTION("and then goes on to wait") {
    CHECK(test::thrown_by([] {
            roost::with_scope([](roost::task_scope& scope) {
              scope.spawn(fails{"disk full"});
              forget_all();
              roost::this_task::sleep_for(1h);
            });
          }) == "disk full");
  }
  SECTION("and then fails in another way") {
    CHECK(test::thrown_by([] {
            roost::with_scope([](roost::task_scope& scope) {
              scope.spawn(fails{"disk full"});
              forget_all();
              throw std::runtime_error("nothing loaded");
            });
          }) == "disk full");
    CHECK(test::unobserved_failures::messages() == "nothing loaded;");
  }
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a fallback in the block of a task_scope does not make a failure vanish",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const bool by_join = GENERATE(false, true);
  int loaded = 0;
  const auto run = [&] {
    roost::task_scope scope;
    scope.spawn(fails{"disk full"});
    loaded = load();
    if (by_join)
      scope.join();
  };
  CHECK(test::thrown_by(run) == "disk full");
  CHECK(loaded == -1);
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a fallback in the block of a task_scope does not make a deadline vanish",
          "[task_scope]") {
  const test::no_thread_left check;
  const bool by_join = GENERATE(false, true);
  int loaded = 0;
  const auto run = [&] {
    roost::task_scope scope({.name = "quick", .timeout = 5ms});
    loaded = load();
    if (by_join)
      scope.join();
  };
  CHECK(test::thrown_by(run) == "roost: the deadline of scope \"quick\" passed");
  CHECK(loaded == -1);
}

TEST_CASE("no kind of wait takes a failure of another task", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  roost::event never;
  roost::wait_group group;
  group.add();
  roost::semaphore none(1);
  const auto taken = none.acquire();
  auto ends = roost::make_channel<int>();
  const std::vector<std::function<void(roost::task_scope&)>> waits = {
      [&](auto&) { never.wait(); },
      [&](auto&) { (void)never.wait_for(1h); },
      [&](auto&) { group.wait(); },
      [&](auto&) { (void)none.acquire(); },
      [&](auto&) { (void)ends.rx.receive(); },
      [&](auto&) { roost::this_task::checkpoint(); },
      [&](auto&) { roost::select(roost::on_set(never)); },
      [&](auto&) {
        roost::selector cases;
        cases.add(roost::on_set(never));
        cases.select();
      },
      [&](auto& scope) { scope.spawn([] { return 1; }).get(); },
      [&](auto& scope) { (void)scope.spawn([] {}).wait_for(1h); },
      [&](auto&) { roost::when_all([&] { never.wait(); }, [] {}); },
      [&](auto&) { (void)roost::when_any([&] { never.wait(); }); },
      [&](auto&) {
        roost::for_each(std::vector{1, 2}, [&](int) { never.wait(); });
      },
      [&](auto&) { (void)roost::transform(std::vector{1}, [](int i) { return i; }); },
      [&](auto&) {
        const roost::task_scope inner;
        never.wait();
      },
      [&](auto&) {
        roost::task_scope inner;
        inner.spawn([&] { never.wait(); });
        inner.join();
      },
      [&](auto&) { roost::with_scope([&](auto&) { never.wait(); }); },
  };
  for (const auto& wait : waits) {
    INFO("wait " << &wait - waits.data());
    int loaded = 0;
    const auto run = [&] {
      roost::task_scope scope;
      scope.spawn(fails{"disk full"});
      test::wait_until([&] { return scope.stop_requested(); });
      loaded = load([&] { wait(scope); });
      CHECK(test::thrown_by([&] { wait(scope); }) == "stopped");
    };
    CHECK(test::thrown_by(run) == "disk full");
    CHECK(loaded == -1);
  }
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a failure that was swallowed goes to the hook where the block is left by `stopped`",
          "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto run = [] {
    roost::task_scope scope;
    scope.spawn(fails{"disk full"});
    (void)load();
    roost::this_task::sleep_for(1h);
  };
  CHECK(test::thrown_by(run) == "stopped");
  CHECK(test::unobserved_failures::messages() == "disk full;");
}

TEST_CASE("a failure that leaves the block is not lost by waits on its way", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  SECTION("in a destructor") {
    struct waits_at_its_end {
      ~waits_at_its_end() { forget_all(); }
    };
    const auto run = [] {
      roost::task_scope scope;
      const waits_at_its_end local;
      scope.spawn(fails{"disk full"});
      roost::this_task::sleep_for(1h);
    };
    CHECK(test::thrown_by(run) == "disk full");
  }
  SECTION("in a handler that throws it on") {
    const auto run = [] {
      roost::task_scope scope;
      scope.spawn(fails{"disk full"});
      try {
        roost::this_task::sleep_for(1h);
      } catch (const std::exception&) {
        forget_all();
        throw;
      }
    };
    CHECK(test::thrown_by(run) == "disk full");
  }
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("a failure of the scope around is not taken by a scope inside", "[task_scope]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  SECTION("of a with_scope in a with_scope") {
    CHECK(test::thrown_by([] {
            roost::with_scope([](roost::task_scope& outer) {
              outer.spawn(fails{"disk full"});
              (void)load([] { roost::with_scope([](roost::task_scope&) { (void)load(); }); });
              FAIL("`stopped` is to pass");
            });
          }) == "disk full");
  }
  SECTION("of a task_scope in a with_scope") {
    CHECK(test::thrown_by([] {
            roost::with_scope([](roost::task_scope& outer) {
              outer.spawn(fails{"disk full"});
              (void)load([] {
                const roost::task_scope inner;
                (void)load();
              });
              FAIL("`stopped` is to pass");
            });
          }) == "disk full");
  }
  SECTION("of a with_scope in the block of a task_scope") {
    bool inner_went_on = false;
    const auto run = [&] {
      roost::task_scope outer;
      outer.spawn(fails{"disk full"});
      CHECK(load([&] {
              roost::with_scope([&](roost::task_scope&) {
                (void)load();
                inner_went_on = true;
              });
            }) == -1); // its end is the block's first wait
    };
    CHECK(test::thrown_by(run) == "disk full");
    CHECK_FALSE(inner_went_on);
  }
  CHECK(test::unobserved_failures::messages().empty());
}

TEST_CASE("the owner that asks for a task's result takes its failure", "[task_handle]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const bool while_it_waits = GENERATE(false, true);
  const auto failing = [&](roost::task_scope& scope) {
    auto handle = scope.spawn([&, while_it_waits]() -> int {
      if (while_it_waits)
        test::wait_until_owner_blocked(scope);
      throw std::runtime_error("handled");
    });
    if (!while_it_waits)
      test::wait_until([&] { return scope.stop_requested(); });
    return handle;
  };
  SECTION("in a with_scope") {
    const int value = roost::with_scope([&](roost::task_scope& scope) {
      auto handle = failing(scope);
      return test::thrown_by([&] { (void)handle.get(); }) == "handled" ? 1 : 0;
    });
    CHECK(value == 1);
  }
  SECTION("in the block of a task_scope, also after a wait has thrown it") {
    const auto run = [&] {
      roost::task_scope scope;
      auto handle = failing(scope);
      if (!while_it_waits)
        CHECK(load() == -1);
      CHECK(test::thrown_by([&] { (void)handle.get(); }) == "handled");
      CHECK(test::thrown_by([&] {
              (void)handle.get();
            }).find("the result was got before; keep it") != std::string::npos);
    };
    CHECK(test::thrown_by(run) == "nothing");
  }
  SECTION("inside a scope further in") {
    const auto run = [&] {
      roost::task_scope scope;
      auto handle = failing(scope);
      const roost::task_scope inner;
      CHECK(test::thrown_by([&] { (void)handle.get(); }) == "handled");
    };
    if (while_it_waits)
      return; // the owner's wait is then the inner scope's
    CHECK(test::thrown_by(run) == "nothing");
  }
  CHECK(test::unobserved_failures::messages().empty());
}
