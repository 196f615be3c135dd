// SPDX-License-Identifier: BSL-1.0
// Prints what many tasks, limits, when_all, for_each and transform cost, each as a ratio to what
// the same work costs with the pieces that others take for it. Roost and its peers take turns.
//
//     task_figures [<program made of goroutines.go>]
#include <roost.hpp>

#include "bench/timing.hpp"

#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <future>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifdef ROOST_BENCH_TBB // libstdc++'s parallel algorithms need it, too
#include <algorithm>
#include <execution>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#endif

namespace {

using bench::median;
using bench::time_of;

/// Someone who does the work in nanoseconds for each piece of it.
struct contender {
  std::string name;
  std::function<double()> time;
};

// The first is roost.
void compare(const char* work, int rounds, const std::vector<contender>& contenders) {
  std::vector<std::vector<double>> times(contenders.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i)
      times[i].push_back(contenders[i].time());
  }
  const double ours = median(times[0]);
  std::printf("%s: %.4g ns\n", work, ours);
  for (std::size_t i = 1; i < contenders.size(); ++i) {
    const double theirs = median(times[i]);
    std::printf("    %s: %.4g ns; ratio %.2f\n", contenders[i].name.c_str(), theirs, ours / theirs);
  }
}

void burst() {
  constexpr int tasks = 1000;
  std::atomic<int> done{0};
  roost::task_scope scope;
  compare("burst of 1000 tasks in a long-lived scope, each",
          31,
          {{"roost",
            [&] {
              return time_of([&] {
                       for (int i = 0; i < tasks; ++i)
                         scope.spawn([&done] { ++done; });
                       (void)scope.wait_for(std::chrono::hours(1));
                     }) /
                     tasks;
            }},
           {"std::jthread", [&] {
              return time_of([&] {
                       std::vector<std::jthread> threads;
                       for (int i = 0; i < tasks; ++i)
                         threads.emplace_back([&done] { ++done; });
                     }) /
                     tasks;
            }}});
}

double time_by_go(const std::string& program) {
  double nanoseconds = 0;
  if (std::FILE* const out = popen(program.c_str(), "r")) {
    if (std::fscanf(out, "%lf", &nanoseconds) != 1)
      nanoseconds = 0;
    pclose(out);
  }
  return nanoseconds;
}

void million(const std::string& go_program) {
  constexpr int tasks = 1'000'000;
  std::vector<contender> contenders = {{"roost", [] {
                                          return time_of([] {
                                                   roost::task_scope scope({.limit = 2});
                                                   for (int i = 0; i < tasks; ++i)
                                                     scope.spawn([] {});
                                                 }) /
                                                 tasks;
                                        }}};
#ifdef ROOST_BENCH_TBB
  contenders.push_back({"tbb::task_group", [] {
                          return time_of([] {
                                   tbb::task_arena arena(2);
                                   arena.execute([] {
                                     tbb::task_group group;
                                     for (int i = 0; i < tasks; ++i)
                                       group.run([] {});
                                     group.wait();
                                   });
                                 }) /
                                 tasks;
                        }});
#endif
  if (!go_program.empty())
    contenders.push_back({"goroutines", [&] { return time_by_go(go_program); }});
  compare("1000000 empty tasks on two threads, each", 9, contenders);
}

void two_at_once() {
  std::atomic<int> sink{0};
  const roost::task_scope scope;
  const auto left = [&] { return ++sink; };
  const auto right = [&] { return --sink; };
  compare("when_all of two in a running scope",
          2001,
          {{"roost", [&] { return time_of([&] { (void)roost::when_all(left, right); }); }},
           {"std::async", [&] {
              return time_of([&] {
                auto l = std::async(std::launch::async, left);
                auto r = std::async(std::launch::async, right);
                (void)l.get();
                (void)r.get();
              });
            }}});
}

template <class F>
void loop(const char* work, std::size_t size, int rounds, F f) {
  std::vector<double> in(size);
  std::iota(in.begin(), in.end(), 1.0);
  std::vector<contender> contenders = {
      {"roost", [&] { return time_of([&] { (void)roost::transform(in, f); }); }}};
#ifdef ROOST_BENCH_TBB
  contenders.push_back(
      {"tbb::parallel_for", [&] {
         return time_of([&] {
           std::vector<double> out(in.size());
           tbb::parallel_for(std::size_t{0}, in.size(), [&](std::size_t i) { out[i] = f(in[i]); });
         });
       }});
  contenders.push_back({"std::transform(par)", [&] {
                          return time_of([&] {
                            std::vector<double> out(in.size());
                            std::transform(
                                std::execution::par, in.begin(), in.end(), out.begin(), f);
                          });
                        }});
#endif
  contenders.push_back({"a plain loop", [&] {
                          return time_of([&] {
                            std::vector<double> out(in.size());
                            for (std::size_t i = 0; i < in.size(); ++i)
                              out[i] = f(in[i]);
                          });
                        }});
  compare(work, rounds, contenders);
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then there is nothing to measure
int main(int argc, char** argv) {
  burst();
  million(argc > 1 ? argv[1] : "");
  two_at_once();
  loop("transform of 1000000 cheap elements", 1'000'000, 101, [](double x) { return 2 * x + 1; });
  loop("transform of 1000000 square roots", 1'000'000, 101, [](double x) { return std::sqrt(x); });
  loop("transform of 10000 elements of half a microsecond", 10'000, 31, [](double x) {
    for (int i = 0; i < 100; ++i)
      x = std::sqrt(x + i);
    return x;
  });
}
