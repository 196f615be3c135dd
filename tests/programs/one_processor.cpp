// SPDX-License-Identifier: BSL-1.0
// A process that may use one processor of several: a thread that spins there keeps the very thread
// from running for which it spins. The number is read once, so this needs a process of its own.

#include <roost.hpp>
#include <roost/detail/sync/hardware_threads.hpp>
#include <roost/detail/wait/short_wait.hpp>

#include <cstddef>
#include <cstdio>
#if __has_include(<sched.h>)
#include <sched.h>
#endif

namespace {

// False where the system has no such thing.
bool stay_on_one_processor() {
#if defined(CPU_SET)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return false;
  std::size_t first = 0;
  while (!CPU_ISSET(first, &allowed))
    ++first;
  CPU_ZERO(&allowed);
  CPU_SET(first, &allowed);
  return sched_setaffinity(0, sizeof allowed, &allowed) == 0;
#else
  return false;
#endif
}

int check(bool right, const char* what) {
  if (!right)
    std::fprintf(stderr, "one_processor: %s\n", what);
  return right ? 0 : 1;
}

} // namespace

int main() {
  if (!stay_on_one_processor())
    return 0;
  int faults = check(roost::detail::hardware_threads() == 1, "more than one is counted");
  faults += check(!roost::detail::spinning_helps(), "threads spin");

  long sum = 0;
  roost::task_scope scope;
  auto [tx, rx] = roost::make_channel<int>(0);
  scope.spawn([out = std::move(tx)] {
    for (int i = 1; i <= 1000 && out.send(i); ++i) {
    }
  });
  for (const int i : rx)
    sum += i;
  faults += check(sum == 500'500, "items are lost");
  return faults;
}
