// SPDX-License-Identifier: BSL-1.0
// Lets the system refuse the n-th thread: spawn throws, and its scope and the other tasks are
// unharmed. Does nothing under sanitizers, which create threads in their own way.
#include <roost.hpp>

#include "support/errors.hpp"
#include "support/expect.hpp"
#include "support/probe.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <dlfcn.h>
#include <exception>
#include <memory>
#include <optional>
#include <pthread.h>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ROOST_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define ROOST_TEST_SANITIZED 1
#endif
#endif

using namespace std::chrono_literals;
using test::expect;

#ifdef ROOST_TEST_SANITIZED

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  return 0;
}

#else

namespace {

// Threads to be created before one is refused; negative: none is.
std::atomic<int> until_refusal{-1};

} // namespace

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): it has no good ones
extern "C" int pthread_create(pthread_t* thread,
                              const pthread_attr_t* attributes,
                              void* (*start)(void*),
                              void* argument) noexcept {
  if (until_refusal >= 0 && until_refusal-- == 0)
    return EAGAIN;
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, start, argument);
}

namespace {

bool is_no_thread(const std::exception_ptr& error) {
  try {
    if (error)
      std::rethrow_exception(error);
  } catch (const std::system_error& e) {
    return e.code() == std::errc::resource_unavailable_try_again;
  } catch (...) {
  }
  return false;
}

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
  struct throws_when_destroyed {
    bool armed = true;
    throws_when_destroyed() = default;
    throws_when_destroyed(throws_when_destroyed&& other) noexcept
        : armed(std::exchange(other.armed, false)) {}
    throws_when_destroyed& operator=(throws_when_destroyed&&) = delete;
    // NOLINTNEXTLINE(bugprone-exception-escape): what is under test
    ~throws_when_destroyed() noexcept(false) {
      if (armed)
        throw std::runtime_error("from the destructor");
    }
    void operator()() const {}
  };
  roost::task_scope scope;
  until_refusal = 0;
  expect(test::thrown_by([&] { scope.spawn(throws_when_destroyed()); }) == "from the destructor",
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

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  const std::size_t before = test::count_threads();
  for (int refused = 0; refused < 4; ++refused)
    spawn_at_each_place(refused);
  spawn_in_a_task();
  spawn_with_a_callable_whose_destructor_throws();
  a_deadline_needs_a_thread_as_well();
  a_shield_that_nobody_keeps_the_time_for();
  expect(test::threads_back_to(before), "no thread is left");
  return test::exit_code();
}

#endif
