// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

// Signals as something to wait for.

using namespace std::chrono_literals;
using roost::on_signal;
using roost::signal_watch;

namespace {

void send(int signal) {
  test::checked(::kill(::getpid(), signal), "kill");
}

} // namespace

TEST_CASE("a signal ends a wait for it, and is then taken", "[posix][signal]") {
  signal_watch signals({SIGUSR1, SIGUSR2});
  CHECK_FALSE(signals.wait_for(0s));
  SECTION("before the wait") {
    send(SIGUSR1);
    CHECK(signals.wait() == SIGUSR1);
  }
  SECTION("while it waits") {
    roost::task_scope scope;
    auto waiter = scope.spawn([&] { return signals.wait(); });
    test::wait_until_blocked(scope, 1);
    send(SIGUSR2);
    CHECK(waiter.get() == SIGUSR2);
  }
  SECTION("two of them") {
    send(SIGUSR2);
    send(SIGUSR1);
    send(SIGUSR1); // the system makes one of these
    CHECK(signals.wait() + signals.wait() == SIGUSR1 + SIGUSR2);
  }
  CHECK_FALSE(signals.wait_for(1ms));
}

TEST_CASE("each of several watches gets each signal, once", "[posix][signal]") {
  signal_watch a({SIGUSR1});
  signal_watch b({SIGUSR1, SIGUSR2});
  signal_watch c({SIGUSR2});
  SECTION("none waits") {
    send(SIGUSR1);
    CHECK(a.wait() == SIGUSR1);
    CHECK(b.wait() == SIGUSR1);
  }
  SECTION("all wait") {
    roost::task_scope scope;
    std::vector<roost::task_handle<int>> waiters;
    for (int i = 0; i < 2; ++i) {
      waiters.push_back(scope.spawn([&] { return a.wait(); }));
      test::wait_until_blocked(scope, waiters.size());
      waiters.push_back(scope.spawn([&] { return b.wait(); }));
      test::wait_until_blocked(scope, waiters.size());
    }
    send(SIGUSR1);
    CHECK(waiters[0].get() == SIGUSR1); // in the order in which they came
    CHECK(waiters[1].get() == SIGUSR1);
    send(SIGUSR1);
    CHECK(waiters[2].get() == SIGUSR1);
    CHECK(waiters[3].get() == SIGUSR1);
  }
  CHECK_FALSE(a.wait_for(0s));
  CHECK_FALSE(b.wait_for(0s));
  CHECK_FALSE(c.wait_for(0s));
}

TEST_CASE("a signal is a case beside descriptors and channels", "[posix][signal]") {
  signal_watch signals({SIGUSR1});
  const test::two_ends ends = test::a_pipe();
  auto ch = roost::make_channel<int>();
  int got = 0;
  const auto take = [&](int signal) { got = signal; };
  SECTION("in a select") {
    roost::task_scope scope;
    scope.spawn([&] {
      roost::select(roost::on_readable(ends.near),
                    on_signal(signals, take),
                    roost::on_receive(ch.rx, [](auto) {}));
    });
    test::wait_until_blocked(scope, 1);
    send(SIGUSR1);
    scope.join();
    CHECK(got == SIGUSR1);
    CHECK(roost::select(on_signal(signals, take), roost::otherwise()) == 1);
    send(SIGUSR1);
    CHECK(roost::select(on_signal(signals, take), roost::otherwise()) == 0);
  }
  SECTION("in a selector") {
    signal_watch others({SIGUSR1});
    roost::selector all;
    const std::size_t first = all.add(on_signal(signals, take));
    all.add(roost::on_readable(ends.near));
    const std::size_t last = all.add(on_signal(others, take));
    send(SIGUSR1);
    CHECK(all.select() + all.select() == first + last);
    CHECK_FALSE(all.try_select());
    CHECK(all.size() == 3);
  }
}

TEST_CASE("a stop loses no signal", "[posix][signal]") {
  signal_watch signals({SIGUSR1});
  {
    roost::task_scope scope;
    scope.spawn([&] { signals.wait(); });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
    send(SIGUSR1);
  }
  CHECK(signals.wait_for(0s) == SIGUSR1);
}

TEST_CASE("a watch that nobody asks keeps signals for later, and others go on", "[posix][signal]") {
  signal_watch idle({SIGUSR1});
  {
    signal_watch busy({SIGUSR1});
    for (int i = 0; i < 3; ++i) {
      send(SIGUSR1);
      CHECK(busy.wait() == SIGUSR1);
    }
  }
  CHECK(idle.wait() == SIGUSR1);
  CHECK_FALSE(idle.wait_for(0s));
}

TEST_CASE("a watch refuses what is no signal, and what cannot be blocked", "[posix][signal]") {
  CHECK_THROWS_AS(signal_watch({}), std::invalid_argument);
  CHECK_THROWS_AS(signal_watch({SIGKILL}), std::invalid_argument);
  CHECK_THROWS_AS(signal_watch({SIGUSR1, SIGSTOP}), std::invalid_argument);
  CHECK_THROWS_AS(signal_watch({-1}), std::invalid_argument);
  CHECK_THROWS_AS(signal_watch({0}), std::invalid_argument);
  CHECK_THROWS_AS(signal_watch({1000}), std::invalid_argument);
}

TEST_CASE("a child process watches its own signals", "[posix][signal]") {
  signal_watch signals({SIGUSR1});
  const pid_t child = test::checked(::fork(), "fork");
  if (child == 0) {
    send(SIGUSR1);
    ::_exit(signals.wait_for(1h) == SIGUSR1 ? 0 : 1);
  }
  int status = 0;
  test::checked(::waitpid(child, &status, 0), "waitpid");
  CHECK(status == 0);
  CHECK_FALSE(signals.wait_for(0s));
}

TEST_CASE("a report says for which signals a task waits", "[posix][signal][report]") {
  signal_watch signals({SIGUSR1, SIGUSR2});
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("signals", [&] { signals.wait(); });
  test::wait_until_blocked(scope, 1);
  const roost::report r = scope.report();
  CHECK(test::call_in(r, "signals").operation == "signal_watch::wait");
  CHECK(test::call_in(r, "signals").waits_for.front().kind == "signal");
  CHECK(test::call_in(r, "signals").detail ==
        std::to_string(SIGUSR1) + ", " + std::to_string(SIGUSR2));
}
