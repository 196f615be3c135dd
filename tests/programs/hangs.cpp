// SPDX-License-Identifier: BSL-1.0
// Programs that hang, as people write them, and what is told of them: it is to be enough to find
// the cause. Run with the name of one, with ROOST_STALL_MS=100 as one does to look for a hang.
#include <roost.hpp>

#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/leak_rows.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using test::at_line;
using test::expect;
using test::expect_told;
using test::standstill_of;
using test::told_texts;

namespace {

void the_owner_forgot_to_close() {
  auto jobs = roost::make_channel<int>(4, "jobs");
  const told_texts told([&] { jobs.tx.close(); });
  {
    roost::task_scope scope({.name = "pool"});
    const unsigned receives = __LINE__ + 3;
    for (int i = 0; i < 2; ++i) {
      scope.spawn("worker", [rx = jobs.rx] {
        for (const int job : rx)
          (void)job;
      });
    }
    for (int i = 0; i < 3; ++i)
      (void)jobs.tx.send(i);
    test::wait_until([&] { return jobs.tx.size() == 0; });
    test::wait_until_waiting(jobs.rx, 2); // so none of them is on its way to an item
    test::wait_until_blocked(scope, 2);
    scope.join();
    expect_told(told,
                standstill_of("pool"),
                {"owner: blocked ",
                 "in task_scope::join on \"pool\"",
                 "\"worker\" x2 #",
                 "in receiver::receive on \"jobs\" (0/4, 1 sender) at " + at_line(receives),
                 "hint: channel \"jobs\" stays open, as 1 sender is left: close() it"});
  }
}

void two_that_wait_for_each_other() {
  auto a = roost::make_channel<int>(0, "a");
  auto b = roost::make_channel<int>(0, "b");
  const told_texts told([&] {
    a.tx.close();
    b.tx.close();
  });
  roost::task_scope scope({.name = "cross"});
  const unsigned left = __LINE__ + 2;
  scope.spawn("left", [rx = a.rx, tx = b.tx] {
    if (const auto value = rx.receive())
      (void)tx.send(*value);
  });
  scope.spawn("right", [rx = b.rx, tx = a.tx] {
    if (const auto value = rx.receive())
      (void)tx.send(*value);
  });
  test::wait_until_blocked(scope, 2);
  scope.join();
  expect_told(told,
              standstill_of("cross"),
              {"\"left\" #",
               "in receiver::receive on \"a\" (capacity 0, 2 senders) at " + at_line(left),
               "\"right\" #",
               "in receiver::receive on \"b\" (capacity 0, 2 senders) at " + at_line(left + 4)});
}

// The process has no means to know what a std::mutex waits for: the line before it is the trail.
void locks_in_two_orders() {
  std::timed_mutex m;
  std::timed_mutex n;
  roost::event both_have_one;
  roost::event rescue;
  std::atomic<int> at_second{0};
  const told_texts told([&] { rescue.set(); });
  roost::task_scope scope({.name = "bank"});
  const auto lock_both = [&](std::timed_mutex& first, std::timed_mutex& second) {
    const std::lock_guard one(first);
    both_have_one.wait();
    ++at_second;
    while (!rescue.is_set() && !second.try_lock_for(1ms)) {
    }
  };
  const unsigned waits = __LINE__ - 5;
  scope.spawn("a to b", [&] { lock_both(m, n); });
  scope.spawn("b to a", [&] { lock_both(n, m); });
  test::wait_until_asleep(scope, "a to b"); // both have their first lock
  test::wait_until_asleep(scope, "b to a");
  both_have_one.set();
  test::wait_until([&] { return at_second == 2; });
  scope.join();
  expect_told(told,
              "RUNNING: scope \"bank\" has 2 tasks, of which 2 are outside roost: in code that "
              "computes, or in a call that roost does not know\n",
              {"\"a to b\" #",
               "\"b to a\" #",
               ": outside roost, thread ",
               ", last blocked at " + at_line(waits) + "\n"});
}

void a_deadline_and_a_foreign_sleep() {
  test::gate sleep; // an hour of the system's, but for the rescue
  const told_texts told([&] { sleep.open(); });
  const unsigned spawned = __LINE__ + 4;
  // A deadline that comes before the task begins drops it.
  for (auto timeout = 20ms; sleep.arrivals() == 0; timeout *= 4) {
    roost::task_scope scope({.name = "app", .timeout = timeout});
    scope.spawn("sleeper", [&] { sleep.pass(); });
    // Not in a wait of roost: that would be told of, if the deadline or the thread is late.
    test::wait_until([&] {
      const bool is_dropped = scope.report().scopes.front().running == 0;
      return scope.stop_requested() && (is_dropped || sleep.arrivals() == 1);
    });
    expect(test::thrown_by([&] { scope.join(); }) == "roost: the deadline of scope \"app\" passed",
           "the deadline is told");
  }
  const unsigned joins = __LINE__ - 3;
  expect_told(told,
              "STOP-IGNORED: scope \"app\" was asked to stop ",
              {" ago, and still has 1 task\n",
               "; stopped ",
               "(deadline: the deadline of scope \"app\" passed)",
               "in task_scope::join on \"app\" at " + at_line(joins),
               "\"sleeper\" #",
               ", spawned at " + at_line(spawned),
               ": outside roost, thread "});
}

void the_owner_leaves_its_loop_early() {
  auto numbers = roost::make_channel<int>(0, "numbers");
  const told_texts told([&] { numbers.rx.close(); });
  roost::task_scope scope({.name = "gen"});
  const unsigned sends = __LINE__ + 2;
  scope.spawn("generator", [tx = std::move(numbers.tx)] {
    for (int i = 0; tx.send(i); ++i) {
    }
  });
  test::wait_until_asleep(scope, "generator");
  for (const int number : numbers.rx) {
    test::wait_until_asleep(scope, "generator"); // or the owner's next wait may be told of
    if (number == 3)
      break;
  }
  scope.join();
  expect_told(told,
              standstill_of("gen"),
              {"\"generator\" #",
               "in sender::send on \"numbers\" (capacity 0, 1 receiver) at " + at_line(sends),
               "hint: channel \"numbers\" stays open, as 1 receiver is left: close() it",
               "hint: if tasks are to wait until a stop"});
}

void the_owner_receives_and_holds_a_sender() {
  auto results = roost::make_channel<int>(0, "results");
  const told_texts told([&] { results.tx.close(); });
  roost::task_scope scope({.name = "fan-in"});
  for (int i = 0; i < 3; ++i)
    scope.spawn("worker", [tx = results.tx, i] { (void)tx.send(i); });
  test::wait_until_blocked(scope, 3);
  int left = 3;
  const unsigned receives = __LINE__ + 1;
  for (const int result : results.rx) {
    (void)result;
    if (--left == 0) // a worker that has still to end would be told of, too
      test::wait_until([&] { return scope.report().scopes.front().running == 0; });
  }
  expect_told(told,
              standstill_of("fan-in"),
              {"owner: blocked ",
               "in receiver::receive on \"results\" (capacity 0, 1 sender) at " + at_line(receives),
               "hint: channel \"results\" stays open, as 1 sender is left: close() it"});
}

void the_owner_asks_a_task_that_waits() {
  auto c = roost::make_channel<int>(0, "c");
  const told_texts told([&] { c.tx.close(); });
  roost::task_scope scope({.name = "app"});
  const unsigned receives = __LINE__ + 1;
  auto task = scope.spawn("worker", [rx = c.rx] { return rx.receive().has_value(); });
  test::wait_until_blocked(scope, 1);
  expect(!task.get(), "the rescue closes it");
  expect_told(told,
              standstill_of("app"),
              {"owner: blocked ",
               "in task_handle::get on \"worker\" (task #",
               "in receiver::receive on \"c\" (capacity 0, 1 sender) at " + at_line(receives),
               "hint: channel \"c\" stays open"});
}

void many_that_wait_for_the_same() {
  roost::event never;
  const told_texts told([&] { never.set(); });
  roost::task_scope scope({.name = "many"});
  const unsigned waits = __LINE__ + 2;
  for (int i = 0; i < 100; ++i)
    scope.spawn([&] { never.wait(); });
  test::wait_until_blocked(scope, 100);
  scope.join();
  expect_told(told,
              standstill_of("many"),
              {"(unnamed) x100 #", "in event::wait (not set) at " + at_line(waits) + "\n"});
}

void the_owner_waits_behind_a_stop() {
  roost::event never;
  const told_texts told([&] { never.set(); });
  roost::task_scope scope({.name = "stopped"});
  scope.request_stop();
  const roost::shield clean_up(1h);
  const unsigned waits = __LINE__ + 1;
  never.wait();
  expect_told(told,
              "STOP-IGNORED: scope \"stopped\" was asked to stop ",
              {" ago, and its owner still waits\n",
               "owner: blocked ",
               "in event::wait (not set) at " + at_line(waits)});
}

constexpr test::leak_row rows[] = {
    {"open_channel", the_owner_forgot_to_close, nullptr},
    {"cross", two_that_wait_for_each_other, nullptr},
    {"two_locks", locks_in_two_orders, nullptr},
    {"foreign_sleep", a_deadline_and_a_foreign_sleep, nullptr},
    {"left_early", the_owner_leaves_its_loop_early, nullptr},
    {"own_sender", the_owner_receives_and_holds_a_sender, nullptr},
    {"get", the_owner_asks_a_task_that_waits, nullptr},
    {"many", many_that_wait_for_the_same, nullptr},
    {"shielded", the_owner_waits_behind_a_stop, nullptr},
};

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  return test::run_leak_row(rows, argc, argv);
}
