// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

// A stop ends some tasks before others hear of it. What the first leave behind, a closed channel
// or an empty wait group, must not pass for a normal end with the others.

using namespace std::chrono_literals;

namespace {

/// Calls a function when it is first moved: between the look for a stop and the first try of what
/// sends it.
struct hooked {
  explicit hooked(std::function<void()> f) : hook(std::move(f)) {}
  hooked(hooked&& other) noexcept : hook(std::exchange(other.hook, nullptr)) {
    if (hook)
      std::exchange(hook, nullptr)();
  }
  hooked& operator=(hooked&&) noexcept = default;
  hooked(const hooked&) = delete;
  hooked& operator=(const hooked&) = delete;
  ~hooked() = default;

  std::function<void()> hook;
};

/// A case of a wait in which nothing ever happens: calls a function when all cases are linked, and
/// no stop finds the thread so far.
class hooked_case final : public roost::detail::operation {
 public:
  explicit hooked_case(std::function<void()> f)
      : operation({}, nullptr, nullptr),
        hook_(std::move(f)) {}

  bool try_locked() noexcept override { return false; }
  void conclude(roost::detail::wait_state) noexcept override {}
  roost::clock::time_point due() const noexcept override {
    hook_();
    return roost::detail::no_deadline;
  }

 private:
  std::function<void()> hook_;
};

struct two_scopes_inside {
  explicit two_scopes_inside(std::size_t limit_of_other = roost::unlimited) {
    around
        .spawn([&] {
          one.emplace(roost::scope_options{.covers_owner = false});
          other.emplace(roost::scope_options{.limit = limit_of_other, .covers_owner = false});
        })
        .get();
  }

  roost::task_scope around{{.covers_owner = false}};
  std::optional<roost::task_scope> one;
  std::optional<roost::task_scope> other;
};

/// Callables of tasks that look at their tokens until these are stopped, and wait in no call that a
/// stop could wake.
class pollers {
 public:
  auto task() {
    return [this](const std::stop_token& token) {
      begun_.pass();
      while (!token.stop_requested())
        std::this_thread::yield();
    };
  }

  void wait_until_begun(int count) {
    begun_.open();
    begun_.wait_for_arrivals(count);
  }

 private:
  test::gate begun_;
};

} // namespace

TEST_CASE("a stop that comes while a send begins goes before the close that it finds",
          "[channel][stop]") {
  const auto policy = GENERATE(roost::overflow::block, roost::overflow::drop_newest);
  auto ch = roost::make_channel<hooked>(1, policy);
  roost::task_scope scope;
  hooked item([&] {
    scope.request_stop();
    ch.rx.close();
  });
  CHECK(test::thrown_by([&] { (void)ch.tx.send(std::move(item)); }) == "stopped");
}

TEST_CASE("a stop that comes while a send to a broadcast begins goes before its close",
          "[broadcast][stop]") {
  const roost::broadcast<hooked> tx(1);
  roost::task_scope scope;
  hooked item([&] {
    scope.request_stop();
    tx.close();
  });
  CHECK(test::thrown_by([&] { (void)tx.send(std::move(item)); }) == "stopped");
}

TEST_CASE("a stop that comes while a select begins goes before what lasts", "[select][stop]") {
  auto full = roost::make_channel<hooked>();
  auto ch = roost::make_channel<int>(1);
  roost::event event;
  const roost::broadcast<int> tx(1);
  const auto rx = tx.subscribe();
  roost::barrier phases(1);
  roost::task_scope scope;
  bool happened = false;
  hooked item([&] {
    scope.request_stop();
    ch.tx.close();
    event.set();
    tx.close();
  });
  const auto sends = [&] { return roost::on_send(full.tx, std::move(item), [](auto) {}); };
  SECTION("a close") {
    CHECK(test::thrown_by([&] {
            roost::select(sends(), roost::on_receive(ch.rx, [&](auto) { happened = true; }));
          }) == "stopped");
  }
  SECTION("an event") {
    CHECK(test::thrown_by([&] {
            roost::select(sends(), roost::on_set(event, [&] { happened = true; }));
          }) == "stopped");
  }
  SECTION("the close of a broadcast") {
    CHECK(test::thrown_by([&] {
            roost::select(sends(), roost::on_receive(rx, [&](auto) { happened = true; }));
          }) == "stopped");
  }
  SECTION("the end of a phase") {
    const auto over = phases.arrive();
    CHECK(test::thrown_by([&] {
            roost::select(sends(), roost::on_phase_end(phases, over, [&] { happened = true; }));
          }) == "stopped");
  }
  SECTION("but not before an item") {
    REQUIRE(ch.tx.send(7));
    CHECK(test::thrown_by([&] {
            roost::select(sends(),
                          roost::on_receive(ch.rx, [&](auto r) { happened = r.value() == 7; }));
          }) == "nothing");
    CHECK(happened);
    return;
  }
  CHECK_FALSE(happened);
}

TEST_CASE("a stop that comes while a wait looks goes before what it finds", "[event][stop]") {
  const int comes_at_look = GENERATE(1, 2);
  roost::task_scope scope;
  roost::detail::wait_queue queue;
  int looks = 0;
  CHECK(test::thrown_by([&] {
          queue.wait({}, roost::detail::no_deadline, [&] {
            if (++looks != comes_at_look)
              return false;
            scope.request_stop();
            return true;
          });
        }) == "stopped");
}

TEST_CASE("a stop has reached all scopes inside before any callback runs", "[task_scope][stop]") {
  const test::no_thread_left check;
  two_scopes_inside scopes;
  int told = 0;
  {
    const auto tell = [&] {
      told += scopes.one->stop_requested() && scopes.other->stop_requested() ? 1 : 0;
    };
    const std::stop_callback first(scopes.one->get_stop_token(), tell);
    const std::stop_callback second(scopes.other->get_stop_token(), tell);
    const std::stop_callback last(scopes.around.get_stop_token(), tell);
    scopes.around.request_stop();
  }
  CHECK(told == 3);
}

TEST_CASE("a wait that a stop comes too early to find does not take its effect for a result",
          "[task_scope][stop]") {
  const test::no_thread_left check;
  using roost::detail::operation;
  roost::detail::wait_queue queue;
  bool is_set = false;
  roost::task_scope scope;
  const auto other = scope.spawn([&] {
    const test::at_exit set([&] { queue.wake_all_if([&] { return is_set = true; }); });
    roost::event().wait();
  });
  test::wait_until_blocked(scope, 1);
  const auto ready = [&] { return is_set; };
  roost::detail::wait_queue::wait_operation<decltype(ready)> waits(queue, ready);
  hooked_case stops([&] {
    scope.request_stop();
    test::wait_until([&] { return other.ready(); });
  });
  const std::array<operation*, 2> cases{&stops, &waits};
  const roost::detail::operation_list all(cases);
  const auto first =
      roost::detail::wait_for_first(all, all, {"wait", {}, {}}, roost::detail::no_deadline);
  CHECK(is_set);
  CHECK(first.which == nullptr);
  CHECK(first.end == roost::detail::wait_state::stopped);
}

TEST_CASE("a callback of a stop may stop and wait for another scope that it is on its way to",
          "[task_scope][stop]") {
  const test::no_thread_left check;
  pollers all;
  two_scopes_inside scopes;
  const auto poll_inside = [&] {
    roost::with_scope([&](roost::task_scope& inner) { inner.spawn(all.task()); });
  };
  // A task that has a handle has a token of its own.
  const auto one = scopes.one->spawn(all.task());
  const auto other = scopes.other->spawn(all.task());
  scopes.one->spawn(poll_inside);
  scopes.other->spawn(poll_inside);
  all.wait_until_begun(4);
  int idle = 0;
  {
    const auto end = [&](roost::task_scope& scope) {
      scope.request_stop();
      idle += scope.wait_for(1h) ? 1 : 0;
    };
    const std::stop_callback first(scopes.one->get_stop_token(), [&] { end(*scopes.other); });
    const std::stop_callback second(scopes.other->get_stop_token(), [&] { end(*scopes.one); });
    scopes.around.request_stop();
  }
  CHECK(idle == 2);
}

TEST_CASE("a callback of a stop may stop and wait for a task that it is on its way to",
          "[task_handle][stop]") {
  const test::no_thread_left check;
  pollers all;
  two_scopes_inside scopes;
  auto task = scopes.around.spawn(all.task());
  all.wait_until_begun(1);
  bool stopped_alone = true;
  bool ended = false;
  {
    const std::stop_callback end(scopes.one->get_stop_token(), [&] {
      stopped_alone = task.request_stop();
      ended = task.wait_for(1h);
    });
    scopes.around.request_stop();
  }
  CHECK_FALSE(stopped_alone);
  CHECK(ended);
}

TEST_CASE("a callback of a stop may stop and wait for a queued task that it is on its way to",
          "[task_handle][stop]") {
  const test::no_thread_left check;
  test::gate busy;
  two_scopes_inside scopes(1);
  scopes.other->spawn([&] { busy.pass(); });
  busy.wait_for_arrivals(1); // a task that had not begun would be dropped, and then the queue
  auto queued = scopes.other->spawn([] {});
  bool ended = false;
  {
    const std::stop_callback end(scopes.one->get_stop_token(), [&] {
      queued.request_stop();
      ended = queued.wait_for(1h);
      busy.open();
    });
    scopes.around.request_stop();
  }
  CHECK(ended);
}

TEST_CASE("a callback of a stop may stop what is around, and wait for what it is on its way to",
          "[task_scope][stop]") {
  const test::no_thread_left check;
  pollers all;
  two_scopes_inside scopes;
  // The task has a token of its own, which comes after that of the scope inside.
  roost::task_scope& scope = *scopes.one;
  std::optional<roost::task_scope> inside;
  scope.spawn([&] { inside.emplace(roost::scope_options{.covers_owner = false}); }).get();
  const auto task = scope.spawn(all.task());
  all.wait_until_begun(1);
  bool idle = false;
  {
    const std::stop_callback end(inside->get_stop_token(), [&] {
      scopes.around.request_stop();
      idle = scope.wait_for(1h);
    });
    scope.request_stop();
  }
  CHECK(idle);
  inside.reset();
}

TEST_CASE("the limit of a shield passes while a callback of the stop waits for what it shields",
          "[shield][stop]") {
  const test::no_thread_left check;
  two_scopes_inside scopes;
  roost::event never;
  scopes.other->spawn([&] {
    const roost::shield limited(20ms);
    never.wait();
  });
  test::wait_until_blocked(*scopes.other, 1);
  bool idle = false;
  {
    const std::stop_callback end(scopes.one->get_stop_token(), [&] {
      scopes.other->request_stop();
      idle = scopes.other->wait_for(1h);
    });
    scopes.around.request_stop();
  }
  CHECK(idle);
}

TEST_CASE("what a scope's failure handler owns goes with the scope, though a stop is being told",
          "[task_scope][stop]") {
  const test::no_thread_left check;
  test::gate in_callback;
  std::weak_ptr<int> owned;
  bool gone = false;
  roost::task_scope around({.covers_owner = false});
  std::optional<roost::task_scope> before;
  std::optional<roost::task_scope> after;
  const auto make = [&](std::optional<roost::task_scope>& scope) {
    around.spawn([&] { scope.emplace(roost::scope_options{.covers_owner = false}); }).get();
  };
  make(before);
  auto task = around.spawn([&] {
    const test::at_exit look([&] { gone = owned.expired(); });
    auto kept = std::make_shared<int>(1);
    owned = kept;
    roost::task_scope inner({.on_failure = [kept = std::move(kept)](const roost::failure&) {}});
    roost::event().wait();
  });
  test::wait_until_blocked(around, 1);
  make(after);
  {
    const auto hold_up = [&] { in_callback.pass(); };
    const std::stop_callback first(before->get_stop_token(), hold_up);
    const std::stop_callback last(after->get_stop_token(), hold_up);
    const std::jthread stopper([&] { around.request_stop(); });
    in_callback.wait_for_arrivals(1);
    test::wait_until([&] { return task.ready(); });
    CHECK(gone);
    in_callback.open();
  }
  before.reset();
  after.reset();
}

TEST_CASE("a stop that meets another one counts on all that the other is to mark",
          "[task_scope][stop]") {
  const test::no_thread_left check;
  for (int round = 0; round < 10; ++round) {
    auto ch = roost::make_channel<int>(1);
    std::atomic<bool> committed{false};
    std::atomic<bool> is_up{false};
    roost::task_scope around({.covers_owner = false});
    std::optional<roost::task_scope> inner;
    std::optional<roost::task_scope> innermost;
    std::deque<roost::task_scope> others; // that take long to mark
    around.spawn([tx = std::move(ch.tx)] { roost::event().wait(); });
    around.spawn([&] { inner.emplace(roost::scope_options{.covers_owner = false}); }).get();
    inner
        ->spawn([&] {
          innermost.emplace(roost::scope_options{.covers_owner = false});
          for (int i = 0; i < 1000; ++i)
            others.emplace_back(roost::scope_options{.covers_owner = false});
        })
        .get();
    innermost->spawn([&] {
      for (const int item : ch.rx)
        (void)item;
      roost::this_task::checkpoint();
      committed = true;
    });
    test::wait_until_waiting(ch.rx, 1);
    {
      const std::jthread stopper([&] {
        is_up = true;
        while (!inner->stop_requested()) {
        }
        around.request_stop();
      });
      test::wait_until([&] { return is_up.load(); });
      inner->request_stop();
    }
    innermost->join();
    CHECK_FALSE(committed);
    others.clear();
    innermost.reset();
    inner.reset();
  }
}
