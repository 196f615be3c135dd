// SPDX-License-Identifier: BSL-1.0
// Each allocation and each creation of a thread fails in turn, on whatever thread, while threads
// wait for descriptors and signals: an exception comes out or it goes well, no signal and no
// descriptor is lost, and what they have waited for comes to the next wait.
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/descriptors.hpp"
#include "support/expect.hpp"
#include "support/faults.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;
using roost::on_readable;
using roost::on_set;
using roost::on_signal;
using roost::on_timeout;
using roost::on_writable;
using test::attack;
using test::expect;
using test::expect_refusal_or_nothing;
using test::expect_usable;

namespace {

// --- wakers and descriptors ------------------------------------------------------------

/// What the threads that have ended have slept in, and left for others.
void drop_wakers() {
  using roost::detail::waker;
  while (!test::wait_probe::is_pool_empty<waker>())
    delete &roost::detail::pool_of<waker>::instance().take();
}

int open_descriptors() {
  constexpr int more_than_ever = 256;
  int count = 0;
  for (int number = 0; number < more_than_ever; ++number)
    count += ::fcntl(number, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

/// Calls `f()` on a thread that has to make its waker, as all threads do that it starts.
template <class F>
void with_new_wakers(F f) {
  drop_wakers();
  const int before = open_descriptors();
  std::thread(f).join();
  drop_wakers();
  expect(open_descriptors() == before, "no descriptor is lost");
}

/// Calls `wait()` while things fail, in the scope's owner. A task calls `wake()` when that sleeps
/// or has thrown.
template <class Wait, class Wake>
std::exception_ptr attack_and_wake(roost::task_scope& scope, Wait wait, Wake wake) {
  std::atomic<bool> over{false};
  test::gate begun;
  begun.open();
  auto waker = scope.spawn([&] {
    begun.pass();
    test::wait_until([&] { return over || test::scope_probe::owner_blocked(scope); });
    wake();
  });
  begun.wait_for_arrivals(1);
  const std::exception_ptr error = attack(wait);
  over = true;
  waker.get();
  expect_refusal_or_nothing(error);
  return error;
}

/// The same, and calls `wait()` again if it throws.
template <class Wait, class Wake>
void wait_and_wake(Wait wait, Wake wake) {
  roost::task_scope scope;
  if (attack_and_wake(scope, wait, wake) != nullptr)
    wait();
  expect_usable(scope);
}

// --- descriptors -----------------------------------------------------------------------

/// The first of the process makes what all share.
void the_first_wait() {
  const test::two_ends ends = test::a_pipe();
  roost::task_scope scope;
  (void)attack_and_wake(
      scope, [&] { roost::wait_readable(ends.near); }, [&] { ends.write(); });
}

void waits_for_reads() {
  with_new_wakers([] {
    const test::two_ends ends = test::a_pipe();
    wait_and_wake([&] { roost::wait_readable(ends.near); }, [&] { ends.write(); });
    expect(ends.read() == 'x', "what was written is there");
  });
}

void waits_for_writes() {
  with_new_wakers([] {
    const test::two_ends ends = test::a_pipe();
    test::fill(ends.far);
    wait_and_wake([&] { expect(roost::wait_writable_for(ends.far, 1h), "there is room"); },
                  [&] { test::drain(ends.near); });
  });
}

void selects_of_descriptors() {
  with_new_wakers([] {
    const test::two_ends ends = test::a_pipe();
    const test::two_ends idle = test::a_pipe();
    const auto items = roost::make_channel<int>();
    wait_and_wake(
        [&] {
          bool is_ready = false;
          roost::select(on_readable(idle.near),
                        on_receive(items.rx, [](auto) {}),
                        on_readable(ends.near, [&] { is_ready = true; }),
                        on_timeout(1h));
          expect(is_ready, "the one that is ready");
        },
        [&] { ends.write(); });
  });
}

void selectors_of_descriptors() {
  with_new_wakers([] {
    const test::two_ends ends = test::a_pipe();
    const test::two_ends idle = test::a_pipe();
    roost::event never;
    wait_and_wake(
        [&] {
          roost::selector all;
          all.add(on_set(never));
          all.add(on_readable(idle.near));
          all.remove(all.add(on_writable(ends.far)));
          const std::size_t wanted = all.add(on_readable(ends.near));
          expect(all.select() == wanted, "the one that is ready");
        },
        [&] { ends.write(); });
  });
}

/// Closes a descriptor before its case is removed: then a selector cannot tell whether the system
/// watches it still.
void close_and_remove(roost::selector& all, test::two_ends& ends) {
  const std::size_t key = all.add(on_readable(ends.near));
  ends.near.close();
  all.remove(key);
}

// The selector has given up its epoll set, so the first add makes another.
void adds_to_a_new_set() {
  with_new_wakers([] {
    const test::two_ends ends = test::a_pipe();
    test::two_ends closed = test::a_pipe();
    roost::selector all;
    close_and_remove(all, closed);
    std::size_t added = 0;
    const std::exception_ptr error = attack([&] {
      for (; added < 5; ++added)
        all.add(on_readable(ends.near));
    });
    expect_refusal_or_nothing(error);
    expect(all.size() == added, "a case is added or not");
    expect(error != nullptr || added == 5, "all, unless it throws");
    ends.write();
    const std::size_t last = all.add(on_readable(ends.near));
    for (bool has_come = false; !has_come;)
      has_come = all.try_select() == last;
  });
}

// The system tells of a descriptor that is closed here and open elsewhere; so the select makes
// another set.
void selects_with_a_new_set() {
  with_new_wakers([] {
    const test::two_ends ends = test::a_pipe();
    test::two_ends closed = test::a_pipe();
    const test::descriptor elsewhere(test::checked(::dup(closed.near), "dup"));
    roost::selector all;
    const std::size_t wanted = all.add(on_readable(ends.near));
    close_and_remove(all, closed);
    closed.write();
    ends.write();
    const std::exception_ptr error = attack([&] {
      for (int turn = 0; turn < 3; ++turn)
        expect(all.select() == wanted, "the one that is ready");
    });
    expect(error == nullptr, "it needs no memory");
  });
}

void tasks_at_descriptors() {
  with_new_wakers([] {
    const test::two_ends there = test::a_pipe();
    const test::two_ends back = test::a_pipe();
    std::atomic<int> passed{0};
    const std::exception_ptr error = attack([&] {
      roost::task_scope scope;
      scope.spawn([&] {
        for (int i = 0; i < 2; ++i) {
          roost::wait_readable(there.near);
          back.write(there.read());
          ++passed;
        }
      });
      for (int i = 0; i < 2; ++i) {
        there.write();
        roost::wait_readable(back.near);
        (void)back.read();
      }
    });
    expect_refusal_or_nothing(error);
    expect(error != nullptr || passed == 2, "if nothing is thrown all have gone there and back");
  });
}

// --- signals ---------------------------------------------------------------------------

bool is_blocked(int signal) {
  sigset_t now;
  expect(::pthread_sigmask(SIG_BLOCK, nullptr, &now) == 0, "the mask is read");
  return ::sigismember(&now, signal) == 1;
}

void send_signal() {
  expect(::kill(::getpid(), SIGUSR1) == 0, "a signal is sent");
}

/// The first of the process makes what all share.
void the_first_watch() {
  const std::exception_ptr error = attack([] {
    const roost::signal_watch signals({SIGUSR1, SIGUSR2});
  });
  expect_refusal_or_nothing(error);
  expect(is_blocked(SIGUSR1) == (error == nullptr), "it blocks its signals, or it is not there");
}

/// Calls `wait(signals)`, which returns a signal, while things fail. All watches are to get it.
template <class Wait>
void wait_for_signal(Wait wait) {
  with_new_wakers([&] {
    roost::signal_watch signals({SIGUSR1});
    roost::signal_watch others({SIGUSR2, SIGUSR1});
    int got = 0;
    wait_and_wake([&] { got = wait(signals); }, &send_signal);
    expect(got == SIGUSR1, "the signal comes");
    expect(others.wait_for(0ns) == SIGUSR1, "it comes to the other watch, too");
    expect(!signals.wait_for(0ns), "it comes once");
  });
}

void waits_for_signals() {
  wait_for_signal([](roost::signal_watch& signals) { return signals.wait(); });
}

void selects_of_signals() {
  wait_for_signal([](roost::signal_watch& signals) {
    int got = 0;
    roost::event never;
    roost::select(on_set(never), on_signal(signals, [&](int signal) { got = signal; }));
    return got;
  });
}

void selectors_of_signals() {
  wait_for_signal([](roost::signal_watch& signals) {
    int got = 0;
    roost::event never;
    roost::selector all;
    all.add(on_set(never));
    all.add(on_signal(signals, [&](int signal) { got = signal; }));
    all.select();
    return got;
  });
}

void making_watches() {
  with_new_wakers([] {
    const std::exception_ptr error = attack([] {
      roost::signal_watch signals({SIGUSR1});
      const roost::signal_watch others({SIGUSR2});
      send_signal();
      expect(signals.wait() == SIGUSR1, "the signal comes");
    });
    expect(error == nullptr, "what need not wait needs no memory");
  });
}

void tasks_at_signals() {
  with_new_wakers([] {
    roost::signal_watch signals({SIGUSR1});
    std::atomic<int> got{0};
    bool sent = false;
    const std::exception_ptr error = attack([&] {
      roost::task_scope scope;
      scope.spawn([&] { got = signals.wait(); });
      send_signal();
      sent = true;
    });
    expect_refusal_or_nothing(error);
    if (!sent)
      send_signal();
    if (got == 0)
      got = signals.wait();
    expect(got == SIGUSR1, "the signal is not lost");
  });
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  roost::set_unobserved_failure_hook([](const roost::failure& f) {
    expect(test::is_refusal(f.error), "only what was refused fails");
  });
  test::with_each_fault_at_first("the first wait", false, &the_first_wait);
  test::with_each_fault_at_first("the first watch", false, &the_first_watch);
  test::with_each_fault("waits for reads", &waits_for_reads);
  test::with_each_fault("waits for writes", &waits_for_writes);
  test::with_each_fault("selects of descriptors", &selects_of_descriptors);
  test::with_each_fault("selectors of descriptors", &selectors_of_descriptors);
  test::with_each_fault("adds to a new set", &adds_to_a_new_set);
  test::with_each_fault("selects with a new set", &selects_with_a_new_set);
  test::with_each_fault("tasks at descriptors", &tasks_at_descriptors);
  test::with_each_fault("making watches", &making_watches);
  test::with_each_fault("waits for signals", &waits_for_signals);
  test::with_each_fault("selects of signals", &selects_of_signals);
  test::with_each_fault("selectors of signals", &selectors_of_signals);
  test::with_each_fault("tasks at signals", &tasks_at_signals);
  return test::exit_code();
}
