// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"
#include "bench/counted_tasks.hpp"
#include "bench/stopwatch.hpp"

#include <cstddef>
#include <string_view>

namespace bench {

/// Peer::spawn_join(task): runs one task beside, and waits for it.
template <class Peer>
void spawn_join(std::size_t rounds) {
  counted_tasks tasks;
  const spent all = time_after_first(rounds, [&] { Peer::spawn_join(tasks.task()); });
  tasks.check_all(rounds + 1);
  print(all, static_cast<double>(rounds));
}

template <class Peer>
concept has_bursts = requires(typename Peer::scope scope, void (*task)()) {
  scope.spawn_all(1, task);
};

/// Peer::scope: lives on; spawn_all(count, task) runs so many and waits for them.
template <class Peer>
void spawn_burst(std::size_t count, std::size_t rounds) {
  counted_tasks tasks;
  typename Peer::scope scope;
  const spent all = time_after_first(rounds, [&] { scope.spawn_all(count, tasks.task()); });
  tasks.check_all(count * (rounds + 1));
  print(all, static_cast<double>(count * rounds));
}

/// Peer::run_limited(count, limit, task): all that it takes to run so many, and no more at once
/// than the limit.
template <class Peer>
void limited_tasks(std::size_t count, std::size_t limit) {
  counted_tasks tasks;
  const stopwatch watch;
  Peer::run_limited(count, limit, tasks.task());
  const spent all = watch.read();
  tasks.check_all(count);
  print(all, static_cast<double>(count));
}

/// False if it is none of these works, or the peer does not have it.
template <class Peer>
bool run_task_work(std::string_view work, arguments& args) {
  const auto task = [] {};
  if constexpr (requires { Peer::spawn_join(task); }) {
    if (work == "spawn_join")
      return spawn_join<Peer>(args.number()), true;
  }
  if constexpr (has_bursts<Peer>) {
    if (work == "spawn_burst") {
      const std::size_t count = args.number();
      return spawn_burst<Peer>(count, args.number()), true;
    }
  }
  if constexpr (requires { Peer::run_limited(1, 1, task); }) {
    if (work == "limited_tasks") {
      const std::size_t count = args.number();
      return limited_tasks<Peer>(count, args.number()), true;
    }
  }
  return false;
}

} // namespace bench
