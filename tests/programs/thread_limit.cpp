// SPDX-License-Identifier: BSL-1.0
// Where the system itself allows few threads (RLIMIT_NPROC): what needs one more throws, and all
// else goes on. The limit does not hold for root, so the program becomes another user first; where
// that cannot be, or nobody counts, it says so and does nothing. Nothing under sanitizers, which
// need threads and processes of their own.
#include <roost.hpp>

#include "stress/random/runner.hpp"
#include "support/expect.hpp"
#include "support/gate.hpp"
#include "support/sanitized.hpp"
#include "support/thread_creation.hpp"
#include "support/threads.hpp"
#include "support/token_ring.hpp"
#include "support/try_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <numeric>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;
using test::expect;

namespace {

#ifdef ROOST_TEST_SANITIZED
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

rlim_t allowed = 0; // with as many there is one more thread

void limit_to(rlim_t processes) {
  rlimit limit{};
  (void)::getrlimit(RLIMIT_NPROC, &limit);
  limit.rlim_cur = processes;
  (void)::setrlimit(RLIMIT_NPROC, &limit);
}

bool gets_a_thread() {
  try {
    std::thread([] {}).join();
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

/// False where the limit does nothing.
bool find_limit() {
  if (::getuid() == 0 && ::setuid(65534) != 0)
    return false;
  for (allowed = 1; allowed < 10'000; ++allowed) {
    limit_to(allowed);
    if (gets_a_thread())
      return allowed != 1;
  }
  return false;
}

/// At least two threads more can be started. The system counts one for a while after its join: so
/// it waits until there is one more, and then allows two beside that. Another program of this user
/// may have got threads meanwhile, and keeps them: then as many more are allowed.
void let_two_start() {
  limit_to(allowed);
  test::try_time patience(1s);
  while (!gets_a_thread()) {
    std::this_thread::yield();
    if (patience.is_over())
      limit_to(++allowed);
  }
  limit_to(allowed + 2);
}

void spawns_beyond_it_throw() {
  let_two_start();
  test::gate busy;
  int running = 0;
  roost::task_scope scope;
  std::exception_ptr error;
  while (!error && running < 100) {
    try {
      scope.spawn([&] { busy.pass(); });
      ++running;
    } catch (...) {
      error = std::current_exception();
    }
  }
  expect(test::is_no_thread(error), "spawn throws the system_error");
  expect(!scope.stop_requested() && scope.failures().empty(), "nothing else is harmed");
  busy.wait_for_arrivals(running);
  busy.open();
  expect(scope.wait_for(std::chrono::hours(1)), "those that have a thread end");
  expect(scope.spawn([] { return 1; }).get() == 1, "the scope takes further tasks");
}

void a_limited_scope_goes_on_with_fewer() {
  let_two_start();
  std::atomic<int> ran{0};
  roost::with_scope({.limit = 8}, [&](roost::task_scope& scope) {
    for (int i = 0; i < 100; ++i)
      scope.spawn([&] { ++ran; });
  });
  expect(ran == 100, "all run");
}

void loops_go_on_with_none() {
  limit_to(1);
  std::vector<int> numbers(100);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::atomic<int> sum{0};
  roost::for_each(numbers, [&](int n) { sum += n; }, {.limit = 4});
  expect(sum == 99 * 100 / 2, "for_each visits all");
  expect(roost::transform(numbers, [](int n) { return n; }) == numbers, "transform has all");
}

void programs_made_at_random(test::random::watchman& by, std::uint64_t first) {
  using namespace test::random;
  for (std::uint64_t seed = first; seed < first + 300; ++seed) {
    limit_to(seed % 4 == 0 ? 1 : allowed + seed % 4);
    const program p = make_program(seed);
    const auto seen = std::make_unique<observations>();
    seen->refuses_threads = true;
    by.run(p, *seen, [](const auto& f) { f(); });
    const std::string wrong = judge(*seen);
    expect(wrong.empty(), "what is promised of programs made at random");
    if (!wrong.empty())
      std::printf("%s%s", wrong.c_str(), to_text(p).c_str());
  }
}

void all_is_well_once_it_is_raised() {
  limit_to(allowed + 50);
  test::gate all;
  roost::task_scope scope;
  for (int i = 0; i < 20; ++i)
    scope.spawn([&] { all.pass(); });
  all.wait_for_arrivals(20);
  all.open();
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  if (is_sanitized) {
    std::puts("skipped: not under sanitizers");
    return 0;
  }
  test::random::watchman by; // has a thread, so it comes first
  if (!find_limit()) {
    std::puts("skipped: the number of threads cannot be limited here");
    return 0;
  }
  const std::size_t before = test::count_threads();
  spawns_beyond_it_throw();
  a_limited_scope_goes_on_with_fewer();
  loops_go_on_with_none();
  programs_made_at_random(by, test::seed_of_program());
  all_is_well_once_it_is_raised();
  expect(test::threads_back_to(before), "no thread is left");
  return test::exit_code();
}
