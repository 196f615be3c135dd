// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <sys/resource.h>
#include <sys/time.h>

namespace bench {

/// Nanoseconds by the clock on the wall, and of CPU of all threads of this process, in user and
/// kernel mode.
struct spent {
  double wall = 0;
  double cpu = 0;
};

/// Counts from its construction.
class stopwatch {
 public:
  stopwatch() : cpu_(cpu_now()), start_(clock::now()) {}

  spent read() const {
    const std::chrono::duration<double, std::nano> wall = clock::now() - start_;
    return {wall.count(), cpu_now() - cpu_};
  }

 private:
  using clock = std::chrono::steady_clock;

  static double nanoseconds(const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3;
  }
  static double cpu_now() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime);
  }

  double cpu_;
  clock::time_point start_;
};

/// Calls `round()` once before the clock starts, and then so many times: a pool has its threads by
/// then, whichever library starts them at its first task and whichever before.
template <class F>
spent time_after_first(std::size_t rounds, const F& round) {
  round();
  const stopwatch watch;
  for (std::size_t i = 0; i < rounds; ++i)
    round();
  return watch.read();
}

inline void print(const char* figure, double value) {
  std::printf("%s %.6g\n", figure, value);
}

/// What each of so many items cost.
inline void print(const spent& all, double items) {
  print("time", all.wall / items);
  print("cpu", all.cpu / items);
}

} // namespace bench
