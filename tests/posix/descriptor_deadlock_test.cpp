// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/probe.hpp"
#include "support/told_texts.hpp"

#include <chrono>
#include <csignal>
#include <thread>
#include <unistd.h>

// A wait for the system is no deadlock: what is outside of the program may end it.

using namespace std::chrono_literals;

TEST_CASE("a wait for a descriptor or a signal is no deadlock", "[posix][deadlock]") {
  const test::two_ends ends = test::a_pipe();
  roost::signal_watch signals({SIGUSR1});
  roost::event served;
  const int kind = GENERATE(0, 1, 2, 3);
  const bool by_owner = GENERATE(false, true);
  const auto wait = [&] {
    switch (kind) {
    case 0:
      roost::wait_readable(ends.near);
      break;
    case 1:
      roost::select(roost::on_readable(ends.near), roost::on_set(served));
      break;
    case 2: {
      roost::selector all;
      all.add(roost::on_readable(ends.near));
      all.select();
      break;
    }
    default:
      signals.wait();
    }
    served.set();
  };
  const test::told_texts told;
  // The owner looks every millisecond, and so does whatever thread is the last to block.
  roost::task_scope scope({.stall_after = 1ms, .on_deadlock = roost::on_deadlock::stop});
  scope.spawn([&] { served.wait(); });
  if (!by_owner)
    scope.spawn(wait);
  const std::jthread outside([&] {
    roost::this_task::sleep_for(20ms);
    ends.write();
    (void)::kill(::getpid(), SIGUSR1);
  });
  if (by_owner)
    wait();
  CHECK_NOTHROW(scope.join());
  CHECK(told.all().empty());
  if (kind != 3)
    CHECK(signals.wait() == SIGUSR1);
}
