// SPDX-License-Identifier: BSL-1.0
// Mutexes where a process of its own is needed: for misuse after which nothing can be right any
// more, which writes one line with the remedy to stderr and calls std::terminate(); and for what
// the environment wants to be told.
#include <roost.hpp>

#include "support/errors.hpp"
#include "support/expect.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <optional>
#include <string>
#include <string_view>

using roost::mutex;
using test::expect;

namespace {

void destroyed_while_held() {
  std::optional<mutex> m(std::in_place, "m");
  m->lock();
  m.reset();
}

void held_at_the_end_of_a_task() {
  mutex m("m");
  roost::task_scope scope;
  scope.spawn([&] { m.lock(); });
}

mutex* of_sink = nullptr;
roost::event* told = nullptr;

// Runs inside the wait of the owner, with ROOST_STALL_MS. What it locks the owner does not hold: it
// is no circle that the owner waits for the task, and the task for this.
void locks_in_a_sink() {
  mutex m;
  mutex others;
  roost::event event;
  of_sink = &others;
  told = &event;
  roost::set_report_sink([](std::string_view) {
    if (told->is_set())
      return;
    const mutex::guard held(*of_sink);
    told->set();
    test::wait_until_waiting(*of_sink, 1);
  });
  test::gate locked;
  roost::task_scope scope;
  scope.spawn([&] {
    const mutex::guard held(m);
    locked.pass();
    event.wait();
    const mutex::guard other(others); // throws where this is taken for a circle
  });
  locked.wait_for_arrivals(1);
  locked.open();
  m.lock();
  m.unlock();
  scope.join();
  expect(event.is_set(), "the sink was called");
  roost::set_report_sink(nullptr);
}

bool is_told_that_it_waits_further_out() {
  const std::string says = test::thrown_by([] { of_sink->lock(); });
  return says.find("inside a wait of its thread for mutex \"m\"") != std::string::npos;
}

test::gate* to_call = nullptr;
test::gate* has_called = nullptr;
test::gate* to_unlock = nullptr;

// The wait that the sink is told of goes on only after the sink, and is served before it.
void locks_in_a_sink_what_its_thread_waits_for() {
  mutex m("m");
  roost::event event;
  test::gate call;
  test::gate called;
  test::gate unlock;
  of_sink = &m;
  told = &event;
  to_call = &call;
  has_called = &called;
  to_unlock = &unlock;
  roost::set_report_sink([](std::string_view) {
    if (told->is_set())
      return;
    told->set();
    expect(is_told_that_it_waits_further_out(), "while the owner waits for the mutex");
    test::wait_probe::put_off_hand_over(*of_sink);
    to_call->open();
    has_called->wait_for_arrivals(1);
    expect(is_told_that_it_waits_further_out(), "while the owner is called");
    expect(!of_sink->try_lock(), "it may try");
    has_called->open();
    to_unlock->open();
  });
  test::gate locked;
  roost::task_scope scope;
  scope.spawn([&] {
    m.lock();
    locked.pass();
    call.pass();
    m.unlock();
    expect(m.try_lock(), "the owner is called, and is in the sink");
    called.pass();
    unlock.pass();
    m.unlock();
  });
  locked.wait_for_arrivals(1);
  locked.open();
  m.lock();
  m.unlock();
  scope.join();
  expect(event.is_set(), "the sink was called");
  roost::set_report_sink(nullptr);
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  const std::string_view which = argc > 1 ? argv[1] : "";
  if (which == "destroyed")
    destroyed_while_held();
  else if (which == "left")
    held_at_the_end_of_a_task();
  else {
    locks_in_a_sink();
    locks_in_a_sink_what_its_thread_waits_for();
  }
  return test::exit_code();
}
