// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"
#include "bench/counted_tasks.hpp"
#include "bench/stopwatch.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bench {

/// Peer::both(f, g): runs both at once and waits for them. With 0 levels it is one leaf.
template <class Peer, class F>
void tree(std::size_t levels, const F& leaf) {
  if (levels == 0) {
    leaf();
  } else {
    const auto half = [&] { tree<Peer>(levels - 1, leaf); };
    Peer::both(half, half);
  }
}

template <class Peer>
void nested_when_all(std::size_t levels, std::size_t rounds) {
  counted_tasks tasks;
  [[maybe_unused]] const typename Peer::scope running;
  const spent all = time_after_first(rounds, [&] { tree<Peer>(levels, tasks.task()); });
  tasks.check_all((rounds + 1) << levels);
  print(all, static_cast<double>(rounds << levels));
}

template <class Peer>
void when_all(std::size_t rounds) {
  counted_tasks tasks;
  [[maybe_unused]] const typename Peer::scope running;
  const spent all = time_after_first(rounds, [&] { Peer::both(tasks.task(), tasks.task()); });
  tasks.check_all(2 * (rounds + 1));
  print(all, static_cast<double>(rounds));
}

inline std::int64_t plain_fibonacci(std::int64_t n) {
  return n < 2 ? n : plain_fibonacci(n - 1) + plain_fibonacci(n - 2);
}

/// A call, so that all programs have the same code below the cutoff: how far a compiler unrolls the
/// recursion there depends on what it is inlined into, and makes twice the difference of a library.
[[gnu::noinline]] inline std::int64_t fibonacci_leaf(std::int64_t n) {
  return plain_fibonacci(n);
}

template <class Peer>
std::int64_t fibonacci(std::int64_t n, std::int64_t cutoff) {
  if (n < cutoff || n < 2)
    return fibonacci_leaf(n);
  std::int64_t one = 0;
  std::int64_t other = 0;
  Peer::both([&] { one = fibonacci<Peer>(n - 1, cutoff); },
             [&] { other = fibonacci<Peer>(n - 2, cutoff); });
  return one + other;
}

template <class Peer>
void time_fibonacci(std::int64_t n, std::int64_t cutoff, std::size_t rounds) {
  [[maybe_unused]] const typename Peer::scope running;
  std::int64_t sum = 0;
  const spent all = time_after_first(rounds, [&] { sum += fibonacci<Peer>(n, cutoff); });
  std::int64_t last = 1;
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t next = last + right;
    last = right;
    right = next;
  }
  check(sum == static_cast<std::int64_t>(rounds + 1) * right, "a wrong Fibonacci number");
  print(all, static_cast<double>(rounds));
}

/// False if it is none of these works, or the peer does not have it.
template <class Peer>
bool run_fork_join_work(std::string_view work, arguments& args) {
  const auto task = [] {};
  if constexpr (requires { Peer::both(task, task); }) {
    if (work == "when_all")
      return when_all<Peer>(args.number()), true;
    if (work == "nested_when_all") {
      const std::size_t levels = args.number();
      return nested_when_all<Peer>(levels, args.number()), true;
    }
    if (work == "fibonacci") {
      const auto n = args.number<std::int64_t>();
      const auto cutoff = args.number<std::int64_t>();
      return time_fibonacci<Peer>(n, cutoff, args.number()), true;
    }
  }
  return false;
}

} // namespace bench
