// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <stop_token>

// Each wait for the system, against each source of a stop.

using namespace std::chrono_literals;

namespace {

struct waited_for {
  test::two_ends ends = test::a_pipe();
  test::two_ends full = test::a_socketpair();
  roost::signal_watch signals{SIGUSR1};
  roost::channel_ends<int> channel = roost::make_channel<int>();

  waited_for() { test::fill(full.far); }
};

using wait = void (*)(waited_for&);
const wait all_waits[] = {
    [](waited_for& w) { roost::wait_readable(w.ends.near); },
    [](waited_for& w) { roost::wait_writable(w.full.far); },
    [](waited_for& w) { (void)roost::wait_readable_for(w.ends.near, 1h); },
    [](waited_for& w) { w.signals.wait(); },
    [](waited_for& w) { (void)w.signals.wait_for(1h); },
    [](waited_for& w) {
      roost::select(roost::on_readable(w.ends.near),
                    roost::on_receive(w.channel.rx, [](auto) {}),
                    roost::on_signal(w.signals, [](int) {}),
                    roost::on_timeout(1h));
    },
    [](waited_for& w) {
      roost::selector all;
      all.add(roost::on_readable(w.ends.near));
      all.add(roost::on_writable(w.full.far));
      all.add(roost::on_receive(w.channel.rx, [](auto) {}));
      all.add(roost::on_signal(w.signals, [](int) {}));
      all.add(roost::on_timeout(1h));
      all.select();
    },
};

} // namespace

TEST_CASE("every wait for the system throws when its task is stopped", "[posix][stop]") {
  const wait wait_for = all_waits[GENERATE(range(0, 7))];
  waited_for w;
  SECTION("before it waits") {
    roost::task_scope scope;
    scope.request_stop();
    w.ends.write(); // it goes before what is ready
    CHECK_THROWS_AS(wait_for(w), roost::stopped);
  }
  SECTION("by request_stop") {
    roost::task_scope scope;
    auto task = scope.spawn([&] { wait_for(w); });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
    CHECK_THROWS_AS(task.get(), roost::stopped);
  }
  SECTION("alone") {
    roost::task_scope scope;
    auto task = scope.spawn([&] { wait_for(w); });
    test::wait_until_blocked(scope, 1);
    task.request_stop();
    CHECK_THROWS_AS(task.get(), roost::stopped);
    CHECK_FALSE(scope.stop_requested());
  }
  SECTION("by the failure of a sibling") {
    roost::event blocked;
    roost::task_scope scope;
    scope.spawn([&] {
      blocked.wait();
      throw std::runtime_error("the sibling's");
    });
    auto task = scope.spawn([&] { wait_for(w); });
    test::wait_until_blocked(scope, 2);
    blocked.set();
    CHECK_THROWS_AS(scope.join(), std::runtime_error);
    CHECK_THROWS_AS(task.get(), roost::stopped);
  }
  SECTION("by the deadline of its scope") {
    roost::task_scope scope({.timeout = 10ms});
    auto task = scope.spawn([&] { wait_for(w); });
    CHECK_THROWS_AS(scope.join(), roost::timeout_error);
    CHECK_THROWS_AS(task.get(), roost::stopped);
  }
  SECTION("by the stop of a scope further out") {
    roost::task_scope scope;
    scope.spawn([&] {
      roost::task_scope inner;
      inner.spawn([&] { wait_for(w); });
      inner.join();
    });
    auto ready = [&] { return roost::to_text(scope.report()).find("1 task") != std::string::npos; };
    test::wait_until(ready);
    scope.request_stop();
    scope.join();
  }
  SECTION("by a token from outside") {
    std::stop_source source;
    roost::task_scope scope;
    auto task = scope.spawn([&] {
      const roost::stop_when outside(source.get_token());
      wait_for(w);
    });
    test::wait_until_blocked(scope, 1);
    source.request_stop();
    CHECK_THROWS_AS(task.get(), roost::stopped);
  }
  SECTION("as the owner of the scope that stops") {
    roost::task_scope scope;
    scope.spawn([&] {
      test::wait_until_owner_blocked(scope);
      scope.request_stop();
    });
    CHECK_THROWS_AS(wait_for(w), roost::stopped);
  }
}

TEST_CASE("a shield hides a stop from a wait for a descriptor, for its time", "[posix][stop]") {
  const test::two_ends ends = test::a_pipe();
  char got = 0;
  bool stopped_in_the_end = false;
  roost::event both;
  roost::task_scope scope;
  scope.spawn([&] {
    both.wait();
    const roost::shield hidden(1h);
    scope.request_stop();
    roost::wait_readable(ends.near);
    got = ends.read();
  });
  scope.spawn([&] {
    const roost::shield hidden(5ms);
    both.set();
    try {
      roost::signal_watch({SIGUSR1}).wait();
    } catch (const roost::stopped&) {
      stopped_in_the_end = true;
    }
    ends.write('s');
  });
  scope.join();
  CHECK(got == 's');
  CHECK(stopped_in_the_end);
}

TEST_CASE("a wait that a stop ends takes nothing from the descriptor", "[posix][stop]") {
  const test::two_ends ends = test::a_pipe();
  roost::task_scope scope;
  auto task = scope.spawn([&] { roost::wait_readable(ends.near); });
  test::wait_until_blocked(scope, 1);
  scope.request_stop();
  ends.write('k');
  scope.join();
  CHECK(ends.read() == 'k');
}
