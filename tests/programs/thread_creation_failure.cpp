// SPDX-License-Identifier: BSL-1.0
// Lets the system refuse the n-th thread: spawn throws, and its scope and the other tasks are
// unharmed; or a scope with a limit goes on with fewer. Does nothing under sanitizers, which create
// threads in their own way.
#include <roost.hpp>

#include "support/errors.hpp"
#include "support/expect.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/thread_creation.hpp"
#include "support/threads.hpp"
#include "support/throws_when_destroyed.hpp"
#include "support/try_time.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::before_refusal;
using test::expect;
using test::for_good;
using test::is_no_thread;
using test::no_threads;
using test::until_refusal;

namespace {

/// Called before an exception is thrown on for the n-th time, on the thread that does.
std::function<void()> before_rethrow;
int until_rethrow = 0;

void spawn_at_each_place(int refused) {
  constexpr int tasks = 4;
  auto captured = std::make_shared<int>();
  std::atomic<int> ran{0};
  roost::event go;
  int thrown = 0;
  {
    roost::task_scope scope;
    until_refusal = refused;
    for (int i = 0; i < tasks; ++i) {
      const std::exception_ptr error = test::exception_of([&] {
        scope.spawn([&go, &ran, captured] {
          go.wait();
          ++ran;
        });
      });
      thrown += error ? 1 : 0;
      expect(error == nullptr || is_no_thread(error), "spawn throws the system_error");
      expect((error != nullptr) == (i == refused), "it is the refused one that throws");
    }
    until_refusal = -1;
    expect(captured.use_count() == tasks, "the callable that has no thread is destroyed");
    expect(!scope.stop_requested(), "nobody is stopped");
    expect(scope.failures().empty(), "nothing has failed");
    expect(scope.spawn([] { return 1; }).get() == 1, "the scope takes further tasks");
    test::wait_until_blocked(scope, tasks - 1);
    go.set();
    expect(test::thrown_by([&] { scope.join(); }) == "nothing", "the scope ends normally");
  }
  expect(thrown == 1, "one spawn throws");
  expect(ran == tasks - 1, "the others run");
  expect(captured.use_count() == 1, "nothing is left");
}

void an_idle_thread_needs_no_creation() {
  roost::task_scope scope;
  const std::thread::id first = scope.spawn([] { return std::this_thread::get_id(); }).get();
  test::wait_until_idle(scope, 1);
  no_threads = true;
  auto next = scope.spawn([] { return std::this_thread::get_id(); });
  expect(next.get() == first, "an idle thread runs it");
  no_threads = false;
}

void with_a_limit_it_goes_on_with_fewer() {
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<int> ran{0};
  test::gate busy;
  roost::task_scope scope({.limit = 3, .backlog = 2});
  scope.spawn([&] { busy.pass(); });
  busy.wait_for_arrivals(1);
  no_threads = true;
  std::vector<roost::task_handle<void>> handles;
  const auto spawn = [&] {
    handles.push_back(scope.spawn([&] {
      most = std::max(most.load(), ++inside);
      ++ran;
      --inside;
    }));
  };
  for (int i = 0; i < 4; ++i)
    expect(test::thrown_by(spawn) == "nothing", "spawn does not throw");
  expect(test::scope_probe::queued(scope) == 4, "they are in the queue");
  expect(!scope.stop_requested() && scope.failures().empty(), "nobody is stopped");
  busy.open();
  scope.join();
  no_threads = false;
  expect(ran == 4, "they run later");
  expect(most == 1, "on the one thread that is there");
  for (auto& handle : handles)
    expect(test::thrown_by([&] { handle.get(); }) == "nothing", "and end normally");
}

void with_a_limit_and_nothing_running_it_throws() {
  const auto captured = std::make_shared<int>();
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = 2, .backlog = 1});
  no_threads = true;
  for (int i = 0; i < 3; ++i) {
    expect(is_no_thread(test::exception_of([&] { scope.spawn([&ran, captured] { ++ran; }); })),
           "spawn throws the system_error");
    expect(is_no_thread(
               test::exception_of([&] { (void)scope.try_spawn([&ran, captured] { ++ran; }); })),
           "and so does try_spawn");
  }
  no_threads = false;
  expect(captured.use_count() == 1, "the callables are destroyed");
  expect(scope.wait_for(0ms), "nothing is left to run");
  expect(!scope.stop_requested() && scope.failures().empty(), "nothing has failed");
  test::gate both;
  for (int i = 0; i < 2; ++i)
    scope.spawn([&] { both.pass(); });
  both.wait_for_arrivals(2); // the limit is as it was
  both.open();
  expect(scope.spawn([] { return 1; }).get() == 1, "the scope takes further tasks");
  scope.join();
  expect(ran == 0, "none of the refused has run");
}

/// A thread outside that spawns and gets, while the spawns of this and others may be refused.
class spawner {
 public:
  spawner(roost::task_scope& scope, std::atomic<int>& ran)
      : thread_([this, &scope, &ran](const std::stop_token&) {
          go_.pass();
          error_ = test::exception_of([&] {
            auto handle = scope.spawn([&ran] { ++ran; });
            handle.get();
          });
        }) {}

  void go() { go_.open(); }
  /// Waits for its end.
  bool got_no_thread() {
    if (thread_.joinable())
      thread_.join();
    return is_no_thread(error_);
  }
  bool got_stopped() {
    if (thread_.joinable())
      thread_.join();
    return test::message_of(error_) == "stopped";
  }
  bool got_its_task() {
    if (thread_.joinable())
      thread_.join();
    return error_ == nullptr;
  }

 private:
  test::gate go_;
  std::exception_ptr error_;
  std::jthread thread_;
};

void two_that_get_no_thread_at_once() {
  test::gate creation;
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = 2, .errors = roost::on_error::collect});
  spawner first(scope, ran);
  before_refusal = &creation;
  no_threads = true;
  first.go();
  creation.wait_for_arrivals(1);
  auto second = scope.spawn([&] { ++ran; });
  expect(test::scope_probe::queued(scope) == 1, "the second leaves it to the first");
  creation.open();
  expect(first.got_no_thread(), "the first, which has nobody to leave it to, throws");
  expect(is_no_thread(test::exception_of([&] { second.get(); })), "and the second fails");
  no_threads = false;
  expect(ran == 0, "none has run");
  expect(scope.failures().size() == 1, "it is a failure of the second");
  expect(scope.spawn([] { return 1; }).get() == 1, "the scope takes further tasks");
  expect(test::thrown_by([&] { scope.join(); }) == "nothing", "the owner was told by get()");
}

// The other task of the scope ends at any moment on the way out of what has found no thread.
void a_thread_that_comes_free_meanwhile_is_enough(int rethrow) {
  test::gate busy;
  roost::task_scope scope({.limit = 2});
  scope.spawn([&] { busy.pass(); });
  busy.wait_for_arrivals(1);
  until_refusal = 0;
  until_rethrow = rethrow;
  before_rethrow = [&] {
    busy.open();
    test::wait_until_idle(scope, 1);
  };
  expect(test::thrown_by([&] {
           auto handle = scope.spawn([] {});
           busy.open();
           handle.get();
         }) == "nothing",
         "it runs on the thread that has come free");
  before_rethrow = nullptr;
}

// Who waits for the one that gets no thread may fail as well, but nobody waits for ever.
void others_that_come_while_it_is_refused(std::size_t backlog) {
  test::gate creation;
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = 1, .backlog = backlog, .errors = roost::on_error::collect});
  spawner refused(scope, ran);
  spawner second(scope, ran);
  spawner third(scope, ran);
  before_refusal = &creation;
  until_refusal = 0;
  refused.go();
  creation.wait_for_arrivals(1);
  second.go();
  third.go();
  const std::size_t queued = std::min(backlog, std::size_t{2});
  test::wait_until_queued(scope, queued);
  test::wait_until_spawns_wait(scope, 2 - queued);
  creation.open();
  expect(refused.got_no_thread(), "spawn throws the system_error");
  test::try_time patience(20s);
  test::wait_until([&] {
    return test::scope_probe::waiting_spawns(scope) + test::scope_probe::queued(scope) == 0 ||
           patience.is_over();
  });
  expect(test::scope_probe::waiting_spawns(scope) == 0,
         "no spawn is left waiting, with a backlog of " + std::to_string(backlog));
  if (test::scope_probe::waiting_spawns(scope) != 0)
    scope.request_stop();
  int ended = 0;
  for (spawner* const s : {&second, &third})
    ended += s->got_no_thread() || s->got_its_task() ? 1 : 0;
  expect(ended == 2, "the others have run, or fail for the same reason");
  expect(scope.wait_for(1h), "nothing is left");
  const std::exception_ptr told = test::exception_of([&] { scope.join(); });
  expect((told != nullptr) == !scope.failures().empty(), "the owner is told of failures");
}

// The stop's mark is there, but a callback keeps it from dropping those in the queue so far.
void a_stop_that_comes_while_a_thread_is_refused() {
  test::gate busy;
  test::gate callback;
  test::gate creation;
  std::atomic<int> ran{0};
  roost::task_scope scope({.limit = 3});
  const std::stop_callback slow(scope.get_stop_token(), [&] { callback.pass(); });
  scope.spawn([&] { busy.pass(); });
  busy.wait_for_arrivals(1);
  spawner refused(scope, ran);
  no_threads = true;
  auto queued = scope.spawn([&] { ++ran; });
  before_refusal = &creation;
  refused.go();
  creation.wait_for_arrivals(1);
  no_threads = false;
  std::jthread stopper([&] { scope.request_stop("enough"); });
  callback.wait_for_arrivals(1);
  creation.open();
  expect(refused.got_stopped(), "the task that gets no thread is dropped");
  expect(test::thrown_by([&] { queued.get(); }) == "stopped", "so is the one in the queue");
  callback.open();
  stopper.join();
  busy.open();
  expect(scope.failures().empty(), "nothing has failed");
  expect(test::thrown_by([&] { scope.join(); }) == "nothing", "a request to stop is no failure");
  expect(ran == 0, "none has run");
}

// Nobody would begin the task that has no thread before the other one has ended.
void a_deadlock_is_told_though_a_task_that_got_no_thread_is_queued() {
  roost::event told;
  const std::exception_ptr error = test::exception_of([&] {
    roost::task_scope scope({.limit = 2, .on_deadlock = roost::on_deadlock::stop});
    scope.spawn([&] { told.wait(); });
    test::wait_until_blocked(scope, 1);
    no_threads = true;
    scope.spawn([&] { told.set(); });
    no_threads = false;
    expect(test::scope_probe::queued(scope) == 1, "it is queued");
    scope.join();
  });
  bool is_deadlock = false;
  try {
    if (error)
      std::rethrow_exception(error);
  } catch (const roost::deadlock_error&) {
    is_deadlock = true;
  } catch (...) { // something else
  }
  expect(is_deadlock, "join throws a deadlock_error instead of waiting for ever");
}

void for_each_goes_on_with_fewer() {
  for (const int there_are : {0, 1, 2}) {
    std::atomic<int> sum{0};
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::vector<int> numbers(100);
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = static_cast<int>(i);
    for_good = true;
    until_refusal = there_are;
    roost::for_each(numbers,
                    [&](int n) {
                      most = std::max(most.load(), ++inside);
                      sum += n;
                      --inside;
                    },
                    {.limit = 4, .chunks = false});
    for_good = false;
    no_threads = false;
    until_refusal = -1;
    expect(sum == 99 * 100 / 2, "all elements are done");
    expect(there_are != 0 || most == 1, "by the caller alone if there is no thread at all");
  }
}

// Which thread cannot be had is a matter of luck: for a fork, for the next one, or none.
void forks_that_get_no_thread_fail() {
  for (int there_are = 0; there_are < 5; ++there_are) {
    roost::event never; // they end because one fails
    const auto waits = [&] { never.wait(); };
    const auto in_forks = [&] {
      for_good = true;
      until_refusal = there_are;
      roost::when_all(waits, waits, waits, waits, waits, waits, waits);
    };
    const std::exception_ptr error = test::exception_of([&] { roost::when_all([] {}, in_forks); });
    for_good = false;
    no_threads = false;
    until_refusal = -1;
    expect(is_no_thread(error), "when_all throws the system_error, nobody waits for ever");
  }
}

// A fork needs a thread, which others see on its way while the system refuses it.
void a_task_does_not_count_on_a_thread_that_does_not_come() {
  roost::event ran;
  test::gate creation;
  roost::task_scope scope;
  std::jthread other([&] {
    creation.wait_for_arrivals(1);
    scope.spawn([&] { ran.set(); });
    creation.open();
  });
  const auto waits = [&] { ran.wait(); };
  const auto in_forks = [&] {
    before_refusal = &creation;
    until_refusal = 0;
    roost::when_all(waits, waits);
  };
  const std::exception_ptr error = test::exception_of([&] { roost::when_all(in_forks); });
  other.join();
  scope.join(); // with the task: it does not wait for ever
  expect(error == nullptr || is_no_thread(error), "the fork fails unless the task's thread came");
}

void spawn_in_a_task() {
  roost::task_scope scope;
  auto told = scope.spawn([&] {
    until_refusal = 0;
    const bool no_thread = is_no_thread(test::exception_of([&] { scope.spawn([] {}); }));
    until_refusal = -1;
    return no_thread;
  });
  expect(told.get(), "a task is told as well");
}

void spawn_with_a_callable_whose_destructor_throws() {
  roost::task_scope scope;
  until_refusal = 0;
  expect(test::thrown_by([&] { scope.spawn(test::throws_when_destroyed()); }) ==
             "from the destructor",
         "what the destructor throws comes out");
  until_refusal = -1;
  expect(scope.wait_for(0ms), "nothing is left to run");
}

void a_deadline_needs_a_thread_as_well() {
  until_refusal = 0;
  const std::exception_ptr error =
      test::exception_of([] { const roost::task_scope scope({.timeout = 1h}); });
  until_refusal = -1;
  expect(is_no_thread(error), "the scope's constructor throws");
  expect(roost::this_task::deadline() == roost::clock::time_point::max(), "no scope is left");
  expect(!roost::this_task::stop_token().stop_possible(), "the thread is not covered");

  roost::task_scope outer;
  until_refusal = 0;
  expect(is_no_thread(test::exception_of([] { const roost::task_scope inner({.timeout = 1h}); })),
         "the constructor of a nested one throws, too");
  until_refusal = -1;
  expect(roost::this_task::stop_token() == outer.get_stop_token(), "only the outer one is left");
  outer.request_stop();
  const roost::task_scope again({.timeout = 1h});
  expect(again.stop_requested(), "and all goes on as before");
}

void a_deadline_of_a_scope_that_is_stopped_needs_none() {
  const auto make_scope = [] { const roost::task_scope scope({.timeout = 1h}); };
  {
    roost::task_scope outer;
    outer.request_stop();
    no_threads = true;
    expect(test::thrown_by(make_scope) == "nothing", "it was stopped before");
    no_threads = false;
  }
  test::gate creation;
  std::string thrown = "not even tried";
  roost::task_scope outer;
  outer.spawn([&] {
    before_refusal = &creation;
    until_refusal = 0;
    thrown = test::thrown_by(make_scope);
  });
  creation.wait_for_arrivals(1);
  outer.request_stop();
  creation.open();
  expect(test::thrown_by([&] { outer.join(); }) == "nothing", "the task has not failed");
  expect(thrown == "nothing", "it is stopped while the thread is refused");
}

void a_shield_that_nobody_keeps_the_time_for() {
  roost::task_scope scope;
  scope.request_stop();
  until_refusal = 0;
  {
    const roost::shield s(1h);
    expect(test::thrown_by([] { roost::this_task::checkpoint(); }) == "stopped",
           "it rather hides nothing than for ever");
  }
  until_refusal = -1;
  {
    const roost::shield s(1h);
    expect(test::thrown_by([] { roost::this_task::checkpoint(); }) == "nothing",
           "the next one works");
  }
}

} // namespace

#ifndef ROOST_TEST_SANITIZED
// NOLINTNEXTLINE(bugprone-reserved-identifier): what `throw;` calls
extern "C" __attribute__((noreturn)) void __cxa_rethrow() {
  if (before_rethrow && until_rethrow-- == 0)
    before_rethrow();
  using function = void (*)();
  static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "__cxa_rethrow"));
  real();
  std::abort(); // not reached
}
#endif

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  if (!test::can_refuse_threads)
    return 0;
  const std::size_t before = test::count_threads();
  for (int refused = 0; refused < 4; ++refused)
    spawn_at_each_place(refused);
  an_idle_thread_needs_no_creation();
  with_a_limit_it_goes_on_with_fewer();
  with_a_limit_and_nothing_running_it_throws();
  two_that_get_no_thread_at_once();
  for (int rethrow = 0; rethrow < 3; ++rethrow)
    a_thread_that_comes_free_meanwhile_is_enough(rethrow);
  for (const std::size_t backlog : {2U, 1U, 0U})
    others_that_come_while_it_is_refused(backlog);
  a_stop_that_comes_while_a_thread_is_refused();
  a_deadlock_is_told_though_a_task_that_got_no_thread_is_queued();
  for_each_goes_on_with_fewer();
  forks_that_get_no_thread_fail();
  a_task_does_not_count_on_a_thread_that_does_not_come();
  spawn_in_a_task();
  spawn_with_a_callable_whose_destructor_throws();
  a_deadline_needs_a_thread_as_well();
  a_deadline_of_a_scope_that_is_stopped_needs_none();
  a_shield_that_nobody_keeps_the_time_for();
  expect(test::threads_back_to(before), "no thread is left");
  return test::exit_code();
}
