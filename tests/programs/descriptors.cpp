// SPDX-License-Identifier: BSL-1.0
// Each way to wait for descriptors and signals, and waits with a time limit, in one small program:
// .ci/platforms.sh builds it also without what the headers take from Linux where that is.
#include "support/descriptors.hpp"

#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/expect.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <unistd.h>

using namespace std::chrono_literals;
using test::expect;

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  roost::signal_watch signals({SIGUSR1, SIGUSR2}); // before the first thread
  const test::two_ends a = test::a_pipe();
  const test::two_ends b = test::a_pipe();
  roost::event never;
  roost::event go_on;
  roost::task_scope scope({.name = "all"});

  expect(!never.wait_for(1ms), "a time limit ends a wait for an event");
  expect(!roost::wait_readable_for(a.near, 1ms), "a time limit ends a wait for a descriptor");
  scope.spawn("writes", [&] {
    go_on.wait();
    a.write();
  });
  go_on.set();
  roost::wait_readable(a.near);

  const std::size_t first = roost::select(
      roost::on_readable(b.near), roost::on_timeout(1ms, [] {}), roost::on_set(never, [] {}));
  expect(first == 1, "a timeout comes before a descriptor that is not ready");
  roost::selector both;
  both.add(roost::on_readable(b.near));
  const auto ready = both.add(roost::on_readable(a.near));
  expect(both.select() == ready, "the one that is ready");
  expect(a.read() == 'x', "it is read");
  const auto set = both.add(roost::on_set(never));
  scope.spawn("sets", [&] { never.set(); });
  expect(both.select() == set, "a thread ends a wait for descriptors");

  expect(::kill(::getpid(), SIGUSR1) == 0, "a signal is sent");
  expect(signals.wait() == SIGUSR1, "it comes");
  expect(!signals.wait_for(1ms), "and comes once");

  auto stopped = scope.spawn("is stopped", [&] { roost::wait_writable(b.near); });
  stopped.request_stop();
  auto waits = scope.spawn("waits for a signal", [&] { (void)signals.wait(); });
  waits.request_stop();
  scope.join();
  expect(to_text(roost::report_all()).size() > 0, "a report can be made");
  return test::exit_code();
}
