// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/work.hpp"

#include <string>
#include <utility>
#include <vector>

namespace bench {

/// A work of which one figure is shown.
inline work simple_work(const std::string& group,
                        const std::string& name,
                        std::vector<std::string> command,
                        long count,
                        std::vector<comparison> comparisons,
                        const std::string& figure = "time") {
  return {group, name, std::move(command), count, {{name, figure, std::move(comparisons)}}};
}

inline std::vector<work> spawning_works() {
  const std::string group = "Tasks";
  return {
      simple_work(group, "spawn and join of one", {"spawn_join", "#"}, 2000, {{}}),
      simple_work(group,
                  "burst of 1000 in a long-lived scope, each",
                  {"spawn_burst", "1000", "#"},
                  10,
                  {{{"std"}, 0.1, true}}),
      simple_work(group,
                  "1000000 tasks, 2 at once, each",
                  {"limited_tasks", "#", "2"},
                  1'000'000,
                  {{{"tbb"}, 0.8}, {{"go"}, 0.4}, {{}, {}, true}}),
      simple_work(group, "when_all of two", {"when_all", "#"}, 10'000, {{{"std"}, 0.2, true}}),
      simple_work(
          group, "nested when_all, 2^10 leaves, each", {"nested_when_all", "10", "#"}, 10, {{}}),
  };
}

inline std::vector<work> parallel_works() {
  const std::string group = "Parallel loops and trees";
  const comparison pools{{"tbb", "rust"}, 1.0, true};
  std::vector<work> works{simple_work(
      group, "fork-join fib(34), plain below 18", {"fibonacci", "34", "18", "#"}, 3, {pools})};
  for (const std::string loop : {"for_each", "transform"}) {
    const auto add = [&](const char* kind, const char* elements, long rounds) {
      const std::string name = loop + " of " + elements + ' ' + kind + " elements, each";
      works.push_back(simple_work(group, name, {loop, kind, elements, "#"}, rounds, {pools}));
    };
    add("cheap", "1000000", 100);
    add("sqrt", "1000000", 40);
    add("medium", "10000", 10);
  }
  return works;
}

inline std::vector<work> ending_works() {
  const std::string group = "Stop and close, for each of the blocked tasks";
  std::vector<work> works;
  for (const std::string tasks : {"1", "100", "1000"}) {
    const comparison against =
        tasks == "1000" ? comparison{{"std"}, 0.7, true} : comparison{{"std"}};
    works.push_back(simple_work(
        group, "stop of " + tasks + " until joined", {"stop_blocked", tasks}, 0, {against}));
  }
  for (const std::string tasks : {"1", "100", "1000"})
    works.push_back(simple_work(
        group, "close for " + tasks + " until joined", {"close_blocked", tasks}, 0, {{}}));
  return works;
}

inline std::vector<work> uncontended_works() {
  const std::string group = "Nobody else there";
  return {
      simple_work(group, "wait_group: add, done, wait", {"wait_group", "#"}, 1'000'000, {{}}),
      simple_work(group, "semaphore: acquire, release", {"semaphore", "#"}, 1'000'000, {{}}),
  };
}

inline std::vector<work> blocked_works() {
  const std::string group = "100 blocked tasks";
  return {
      simple_work(group, "resident memory of each", {"blocked_memory", "100"}, 0, {{}}, "bytes"),
      simple_work(
          group, "CPU time of all in 500 ms", {"idle_cpu", "100", "500"}, 0, {{}}, "cpu_ms"),
  };
}

/// That a stop can end the wait costs roost, and epoll, more than std, which only blocks.
inline std::vector<work> descriptor_works() {
  const std::string group = "Descriptors";
  const comparison alike{{"epoll"}};
  return {
      {group,
       "echo of 64 bytes over a socketpair",
       {"socket_echo", "#"},
       20'000,
       {{"echo of 64 bytes over a socketpair", "time", {alike}},
        {"the same, CPU time", "cpu", {alike}}}},
      simple_work(
          group, "write, and a read of what is there", {"socket_ready", "#"}, 200'000, {alike}),
      simple_work(group, "one of 10 is ready", {"one_of_descriptors", "10", "#"}, 100'000, {alike}),
      simple_work(
          group, "one of 1000 is ready", {"one_of_descriptors", "1000", "#"}, 20'000, {alike}),
  };
}

inline std::vector<work> task_catalogue() {
  std::vector<work> all;
  for (std::vector<work> some : {spawning_works(),
                                 parallel_works(),
                                 ending_works(),
                                 uncontended_works(),
                                 blocked_works(),
                                 descriptor_works()})
    for (work& each : some)
      all.push_back(std::move(each));
  return all;
}

} // namespace bench
