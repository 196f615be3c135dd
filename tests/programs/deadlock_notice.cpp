// SPDX-License-Identifier: BSL-1.0
// What roost says by itself where nothing in an outermost scope can go on. It tells nothing while
// the process has another thread, so this is a program of its own. Run with "told", where the sink
// is what makes things go on again; with "silent"; or with "random".
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#define ROOST_TEST_HAS_ANOTHER_THREAD 1 // ThreadSanitizer starts one
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROOST_TEST_HAS_ANOTHER_THREAD 1
#endif
#endif

using namespace std::chrono_literals;
using test::expect;

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

void expect_deadlock(const told& t, const char* scope, roost::site where = roost::site::current()) {
  const std::string begins = std::string("roost: DEADLOCK: nothing in scope \"") + scope +
                             "\" can go on: its tasks and its owner wait, and the process has no "
                             "other thread\n";
  expect(t.text().starts_with(begins), t.text() + "  is to begin with " + begins, where);
  expect(t.count() == 1, "it is told once", where);
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
  expect_deadlock(t, "fan-in");
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
  expect_deadlock(t, "app");
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

void compute_for(std::chrono::milliseconds time) {
  const auto end = roost::clock::now() + time;
  test::wait_until([&] { return roost::clock::now() > end; });
}

void nothing_is_told_while_something_can_go_on() {
  roost::event event;
  roost::event never;
  expect_silence("a task computes", [&](roost::task_scope& scope) {
    scope.spawn([&] { event.wait(); });
    scope.spawn([&] {
      compute_for(50ms);
      event.set();
    });
  });
  expect_silence("a wait has a deadline", [&](roost::task_scope& scope) {
    scope.spawn([&] { (void)never.wait_for(50ms); });
  });
  expect_silence("the owner's wait has a deadline", [&](roost::task_scope& scope) {
    auto handle = scope.spawn([&] { (void)never.wait_for(100ms); });
    expect(!scope.wait_for(50ms), "the task waits for longer");
  });
  expect_silence("a select has a timer", [&](roost::task_scope& scope) {
    scope.spawn(
        [&] { roost::select(roost::on_set(never, [] {}), roost::on_timeout(50ms, [] {})); });
  });
  expect_silence("a scope inside has a deadline", [&](roost::task_scope& scope) {
    scope.spawn([&] {
      try {
        roost::with_scope({.timeout = 50ms},
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
        compute_for(50ms);
      }
      over.set();
    });
    scope.join();
  });
  expect_silence("a scope does not cover its owner", [&](roost::task_scope& scope) {
    roost::event over;
    roost::background_scope other;
    other.spawn([&] {
      compute_for(50ms);
      over.set();
    });
    scope.spawn([&] { over.wait(); });
    scope.join();
  });
  expect_silence("there is a thread outside", [&](roost::task_scope& scope) {
    roost::event over;
    const std::jthread outside([&] {
      compute_for(50ms);
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
    expect(t.count() == 0, "the scope has a deadline: " + t.text());
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

/// Tasks in a ring hand tokens on, each some hundred times, through channels of random capacities,
/// with waits, nested scopes and locks in between. Without a token nothing can go on.
void ring(std::mt19937_64& random, bool has_token) {
  const auto up_to = [&](std::size_t n) { return static_cast<std::size_t>(random() % (n + 1)); };
  const std::size_t count = 2 + up_to(4);
  const std::size_t turns = 20 + up_to(100);
  std::vector<roost::channel_ends<int>> channels;
  for (std::size_t i = 0; i < count; ++i)
    channels.push_back(roost::make_channel<int>(up_to(2)));
  roost::semaphore permits(1 + up_to(2));
  const told t([&] {
    for (const auto& c : channels)
      c.tx.close();
  });
  roost::task_scope scope({.name = "ring", .limit = count, .stall_after = 1ms});
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t kind = up_to(3);
    scope.spawn([&, i, kind] {
      const auto& from = channels[i].rx;
      const auto& to = channels[(i + 1) % count].tx;
      for (std::size_t turn = 0; turn < turns; ++turn) {
        const auto token = from.receive();
        if (!token)
          return;
        if (kind == 1)
          (void)permits.acquire();
        if (kind == 2)
          roost::with_scope([&](roost::task_scope& inner) {
            inner.spawn([&] { compute_for(turn % 16 == 0 ? 2ms : 0ms); });
          });
        if (kind == 3 && turn % 8 == 0)
          roost::this_task::sleep_for(1ms);
        if (i + 1 == count && turn + 1 == turns)
          break; // the token stays here
        (void)to.send(*token);
      }
    });
  }
  if (has_token)
    (void)channels[0].tx.send(1);
  scope.join();
  expect(t.count() == (has_token ? 0 : 1), t.text());
}

void random_programs(bool also_dead) {
  const char* const wanted = std::getenv("ROOST_SEED"); // NOLINT(concurrency-mt-unsafe)
  const std::uint64_t seed = wanted != nullptr ? std::stoull(wanted) : std::random_device{}();
  std::printf("ROOST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    ring(random, true);
    if (also_dead)
      ring(random, false);
  }
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  const std::string_view mode = argc == 2 ? argv[1] : "";
#if defined(ROOST_TEST_HAS_ANOTHER_THREAD)
  const bool may_tell = false;
#else
  const bool may_tell = true;
#endif
  if (mode == "told") {
    if (!may_tell) {
      std::puts("not here: there is always another thread");
      return 0;
    }
    tasks_that_wait_for_each_other();
    an_owner_that_holds_a_sender_itself();
    a_get_of_a_task_that_is_blocked();
    a_scope_inside_a_task();
    a_layer_on_the_owners_thread();
    once_for_a_scope();
  } else if (mode == "silent") {
    nothing_is_told_while_something_can_go_on();
  } else if (mode == "random") {
    random_programs(may_tell);
  } else {
    expect(false, "run with one of the modes");
  }
  return test::exit_code();
}
