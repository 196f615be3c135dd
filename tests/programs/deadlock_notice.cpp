// SPDX-License-Identifier: BSL-1.0
// What roost says by itself where nothing in a root scope can go on. It says something else while
// the process has another thread, so this is a program of its own. Run with "told", where the sink
// is what makes things go on again; with "silent"; or with "random".
#include <roost.hpp>

#include "support/another_thread.hpp"
#include "support/expect.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"
#include "support/token_ring.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <random>
#include <semaphore>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::expect;
using test::has_another_thread;

namespace {

/// What was told while it lives. Each text calls `then`.
class told {
 public:
  explicit told(std::function<void()> then = [] {}) {
    texts().clear();
    action() = std::move(then);
    roost::set_report_sink([](std::string_view text) {
      texts().emplace_back(text);
      action()();
    });
  }
  told(const told&) = delete;
  told& operator=(const told&) = delete;
  ~told() { roost::set_report_sink(nullptr); }

  std::size_t count() const { return texts().size(); }
  std::string text() const { return texts().empty() ? "" : texts().front(); }
  bool has(std::string_view words) const { return text().find(words) != std::string::npos; }

 private:
  // Only the owner of the one outermost scope calls the sink.
  static std::vector<std::string>& texts() {
    static std::vector<std::string> all;
    return all;
  }
  static std::function<void()>& action() {
    static std::function<void()> then;
    return then;
  }
};

void expect_told(const told& t,
                 const char* scope,
                 bool is_certain,
                 const char* waits = "its tasks and its owner wait",
                 roost::site where = roost::site::current()) {
  const std::string name = std::string("nothing in scope \"") + scope + "\" ";
  const std::string begins =
      "roost: " + (is_certain ? "DEADLOCK: " + name + "can go on: " + waits +
                                    ", and the process has no other thread\n"
                              : "IDLE-UNTIL-STOP: " + name + "goes on by itself: " + waits +
                                    ", and for nothing that another thread has used so far\n");
  expect(t.text().starts_with(begins), t.text() + "  is to begin with " + begins, where);
  expect(t.count() == 1, "it is told once", where);
}

void expect_deadlock(const told& t,
                     const char* scope,
                     const char* waits = "its tasks and its owner wait",
                     roost::site where = roost::site::current()) {
  expect_told(t, scope, !has_another_thread, waits, where);
}

void tasks_that_wait_for_each_other() {
  auto a = roost::make_channel<int>(0, "a");
  auto b = roost::make_channel<int>(0, "b");
  const told t([&] {
    a.tx.close();
    b.tx.close();
  });
  roost::task_scope scope({.name = "cross", .stall_after = 20ms});
  scope.spawn("left", [rx = a.rx, tx = b.tx] {
    if (const auto v = rx.receive())
      (void)tx.send(*v);
  });
  scope.spawn("right", [rx = b.rx, tx = a.tx] {
    if (const auto v = rx.receive())
      (void)tx.send(*v);
  });
  scope.join();
  expect_deadlock(t, "cross");
  expect(t.has("owner: blocked") && t.has("in task_scope::join"), t.text());
  expect(t.has("\"left\"") && t.has("in receiver::receive on \"a\""), t.text());
  expect(t.has("\"right\"") && t.has("in receiver::receive on \"b\""), t.text());
}

void an_owner_that_holds_a_sender_itself() {
  auto results = roost::make_channel<int>(0, "results");
  const told t([&] { results.tx.close(); });
  roost::task_scope scope({.name = "fan-in", .stall_after = 20ms});
  for (int i = 0; i < 3; ++i)
    scope.spawn("worker", [out = results.tx, i] { (void)out.send(i); });
  int received = 0;
  for (const int i : results.rx)
    received += 1 + 0 * i;
  expect(received == 3, "all are received before");
  expect_deadlock(t, "fan-in", "it has no task, and its owner waits");
  expect(t.has("owner: blocked") &&
             t.has("in receiver::receive on \"results\" (capacity 0, 1 sender)"),
         t.text());
}

void a_get_of_a_task_that_is_blocked() {
  roost::event never;
  const told t([&] { never.set(); });
  roost::task_scope scope({.name = "app", .stall_after = 20ms});
  auto handle = scope.spawn("worker", [&] { never.wait(); });
  handle.get();
  expect_deadlock(t, "app");
}

void a_scope_inside_a_task() {
  roost::event never;
  roost::semaphore permits(1);
  const told t([&] { never.set(); });
  roost::task_scope scope({.name = "outer", .stall_after = 20ms});
  scope.spawn("parent", [&] {
    roost::task_scope inner({.name = "inner", .limit = 1});
    inner.spawn("child", [&] {
      const auto one = permits.acquire();
      never.wait();
    });
    inner.spawn("is queued", [] {});
    inner.join();
  });
  scope.spawn("chooses", [&] { roost::select(roost::on_set(never, [] {})); });
  scope.join();
  expect_deadlock(t, "outer");
  expect(t.has("scope \"inner\"") && t.has("\"child\""), t.text());
}

void a_layer_on_the_owners_thread() {
  roost::event never;
  const told t([&] { never.set(); });
  roost::task_scope scope({.name = "app", .stall_after = 20ms});
  const roost::shield s(1h); // hides no stop, so its time does not come
  roost::task_scope inner;
  never.wait();
  expect_deadlock(t, "app", "it has no task, and its owner waits");
}

void a_wait_of_the_owner_in_a_scope_inside() {
  roost::event never;
  const told t([&] { never.set(); });
  roost::task_scope scope({.name = "app", .stall_after = 10ms});
  roost::task_scope inner;
  inner.spawn([&] { never.wait(); });
  inner.join();
  expect_deadlock(t, "app");
}

void a_callable_that_the_owner_runs_itself() {
  roost::event never;
  const told t([&] { never.set(); });
  roost::task_scope scope({.name = "app", .stall_after = 10ms});
  roost::when_all([&] { never.wait(); }, [&] { never.wait(); });
  expect_deadlock(t, "app");
}

void after_a_scope_of_its_own_in_such_a_callable() {
  roost::event never;
  const told t([&] { never.set(); });
  roost::task_scope scope({.name = "app", .stall_after = 10ms});
  roost::when_all([] {}, [] { const roost::task_scope own({.inherit = false}); });
  never.wait();
  expect_deadlock(t, "app", "it has no task, and its owner waits");
}

void beside_an_object_that_was_stopped() {
  roost::event never;
  const told t([&] { never.set(); });
  roost::task_scope scope({.name = "app", .stall_after = 10ms});
  roost::background_scope object;
  object.request_stop();
  never.wait();
  expect_deadlock(t, "app", "it has no task, and its owner waits");
}

void a_scope_that_has_outlived_the_one_around() {
  roost::event never;
  const told t([&] { never.set(); });
  std::optional<roost::task_scope> around;
  around.emplace();
  roost::task_scope scope({.name = "app", .stall_after = 20ms});
  around.reset();
  never.wait();
  expect_deadlock(t, "app", "it has no task, and its owner waits");
}

void a_scope_that_has_outlived_the_token_around() {
  roost::event never;
  const told t([&] { never.set(); });
  const std::stop_source source;
  std::optional<roost::stop_when> around(std::in_place, source.get_token());
  roost::task_scope scope({.name = "app", .stall_after = 20ms});
  around.reset();
  never.wait();
  expect_deadlock(t, "app", "it has no task, and its owner waits");
}

void the_outer_of_two_that_have_outlived_the_token_around() {
  roost::event never;
  const told t([&] { never.set(); });
  const std::stop_source source;
  std::optional<roost::stop_when> around(std::in_place, source.get_token());
  roost::task_scope scope({.name = "app", .stall_after = 20ms});
  const roost::task_scope inner({.inherit = false, .stall_after = 1h});
  around.reset();
  never.wait();
  expect_deadlock(t, "app", "it has no task, and its owner waits");
}

void an_object_that_has_outlived_the_token_around() {
  roost::event never;
  const told t([&] { never.set(); });
  const std::stop_source source;
  std::optional<roost::background_scope> object;
  roost::task_scope scope({.name = "app", .stall_after = 20ms});
  {
    const roost::stop_when around(source.get_token());
    object.emplace();
  }
  never.wait();
  expect(t.count() == 1, "what cannot stop it any more does not count");
  object.reset();
}

void a_thread_outside_that_has_used_nothing() {
  roost::event never;
  std::binary_semaphore over(0);
  std::thread outside([&] { over.acquire(); });
  const told t([&] { never.set(); });
  {
    roost::task_scope scope({.name = "app", .stall_after = 10ms});
    scope.spawn("waits", [&] { never.wait(); });
  }
  over.release();
  outside.join();
  expect_told(t, "app", false);
}

void once_for_a_scope() {
  roost::event first;
  roost::event second;
  int told_so_far = 0;
  const told t([&] { ++told_so_far == 1 ? first.set() : second.set(); });
  roost::task_scope scope({.name = "app", .stall_after = 10ms});
  first.wait();
  expect(!second.wait_for(60ms), "a deadline ends it");
  expect(t.count() == 1, "it is told once");
}

// --- where something may still go on ----------------------------------------------------------

template <class Body>
void expect_silence(const char* what, const Body& body) {
  const told t;
  roost::task_scope scope({.name = "goes on", .stall_after = 2ms});
  body(scope);
  try {
    scope.join();
  } catch (const roost::timeout_error&) { // one of them is about that
  }
  expect(t.count() == 0, std::string(what) + ": " + t.text());
}

void nothing_is_told_while_something_can_go_on() {
  roost::event event;
  roost::event never;
  expect_silence("a task computes", [&](roost::task_scope& scope) {
    scope.spawn([&] { event.wait(); });
    scope.spawn([&] {
      test::compute_for(50ms);
      event.set();
    });
  });
  expect_silence("a task computes in the get() of another one", [&](roost::task_scope& scope) {
    scope.spawn([] {
      roost::task_scope inner({.limit = 1});
      inner.spawn([&inner] {
        auto handle = inner.spawn([] { test::compute_for(50ms); });
        handle.get();
      });
    });
  });
  expect_silence("a wait has a deadline", [&](roost::task_scope& scope) {
    scope.spawn([&] { (void)never.wait_for(50ms); });
  });
  expect_silence("the owner's wait has a deadline", [&](roost::task_scope& scope) {
    roost::event over;
    scope.spawn([&] { over.wait(); });
    expect(!scope.wait_for(50ms), "the task waits for longer");
    over.set();
    scope.join();
  });
  expect_silence("a select has a timer", [&](roost::task_scope& scope) {
    scope.spawn(
        [&] { roost::select(roost::on_set(never, [] {}), roost::on_timeout(50ms, [] {})); });
  });
  expect_silence("a scope inside has a deadline", [&](roost::task_scope& scope) {
    scope.spawn([&] {
      try {
        roost::with_scope({.timeout = 50ms, .stall_after = 1h},
                          [&](roost::task_scope& inner) { inner.spawn([&] { never.wait(); }); });
      } catch (const roost::timeout_error&) { // as it is to
      }
    });
  });
  expect_silence("a blocking_region may end", [&](roost::task_scope& scope) {
    roost::event over;
    scope.spawn([&] { over.wait(); });
    auto foreign = scope.spawn([&] {
      {
        const roost::blocking_region region("read(fd 7)");
        test::compute_for(50ms);
      }
      over.set();
    });
    scope.join();
  });
  expect_silence("a scope does not cover its owner", [&](roost::task_scope& scope) {
    roost::event over;
    roost::background_scope other;
    other.spawn([&] {
      test::compute_for(50ms);
      over.set();
    });
    scope.spawn([&] { over.wait(); });
    scope.join();
  });
  expect_silence("a thread outside has woken a waiter there", [&](roost::task_scope& scope) {
    auto items = roost::make_channel<int>(0);
    const std::jthread outside([&items] {
      for (int i = 0; i < 2; ++i) {
        test::wait_until_waiting(items.rx, 1);
        test::compute_for(i * 50ms);
        (void)items.tx.send(i);
      }
    });
    std::jthread([rx = items.rx] { (void)rx.receive(); }).join();
    scope.spawn([rx = items.rx] { (void)rx.receive(); });
    scope.join();
  });
  expect_silence("a thread outside has waited there", [&](roost::task_scope& scope) {
    auto requests = roost::make_channel<int>(0);
    const std::jthread outside([&requests] {
      while (requests.rx.receive())
        test::compute_for(50ms);
    });
    test::wait_until_waiting(requests.rx, 1);
    scope.spawn([tx = requests.tx] {
      (void)tx.send(1);
      (void)tx.send(2);
    });
    scope.join();
    requests.tx.close();
  });
  expect_silence("there is an outside_waker", [&](roost::task_scope& scope) {
    roost::event over;
    const std::jthread outside([&over, waker = roost::outside_waker(scope)] {
      test::compute_for(50ms);
      over.set();
    });
    scope.spawn([&] { over.wait(); });
    scope.join();
  });
  {
    const told t;
    roost::task_scope scope({.timeout = 50ms, .stall_after = 2ms});
    scope.spawn([&] { never.wait(); });
    try {
      scope.join();
      expect(false, "the deadline is told");
    } catch (const roost::timeout_error&) { // it is
    }
    // Then the task is stopped, which its thread may be late to see.
    expect(t.count() == 0 || t.has("STOP-IGNORED"), "the scope has a deadline: " + t.text());
  }
  {
    const told t;
    roost::event over;
    roost::task_scope scope({.stall_after = roost::clock::duration::max()});
    scope.spawn([&] { (void)over.wait_for(50ms); });
    scope.join();
    expect(t.count() == 0, "stall_after silences it: " + t.text());
  }
}

// --- programs made at random ---------------------------------------------------------------------

void random_programs() {
  std::mt19937_64 random(test::seed_of_program());
  for (int round = 0; round < 60; ++round) {
    for (const std::size_t hops : {test::token_ring::for_ever, std::size_t{0}}) {
      const test::token_ring ring(random);
      const told t([&] { ring.close(); });
      ring.run({.name = "ring", .stall_after = 1ms}, hops);
      expect(t.count() == (hops != 0 ? 0 : 1), t.text());
    }
  }
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  const std::string_view mode = argc == 2 ? argv[1] : "";
  if (mode == "told") {
    const std::size_t at_start = test::count_threads();
    for (const auto deadlock : {tasks_that_wait_for_each_other,
                                an_owner_that_holds_a_sender_itself,
                                a_get_of_a_task_that_is_blocked,
                                a_scope_inside_a_task,
                                a_layer_on_the_owners_thread,
                                a_wait_of_the_owner_in_a_scope_inside,
                                a_callable_that_the_owner_runs_itself,
                                after_a_scope_of_its_own_in_such_a_callable,
                                beside_an_object_that_was_stopped,
                                a_scope_that_has_outlived_the_one_around,
                                a_scope_that_has_outlived_the_token_around,
                                the_outer_of_two_that_have_outlived_the_token_around,
                                an_object_that_has_outlived_the_token_around,
                                a_thread_outside_that_has_used_nothing,
                                once_for_a_scope}) {
      deadlock();
      expect(test::threads_back_to(at_start), "no thread is left for the next one to see");
    }
  } else if (mode == "silent") {
    nothing_is_told_while_something_can_go_on();
  } else if (mode == "random") {
    random_programs();
  } else {
    expect(false, "run with one of the modes");
  }
  return test::exit_code();
}
