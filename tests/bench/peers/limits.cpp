// SPDX-License-Identifier: BSL-1.0
// No library, but what this machine and its kernel let any of them reach: a round trip of a cache
// line, the wake of a thread, the creation and join of one, a loop on one thread.
#include "bench/peer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <thread>
#include <vector>

namespace {

struct peer {
  struct around_loops {};
  template <class F>
  static void for_each(std::vector<double>& values, F f) {
    std::for_each(values.begin(), values.end(), f);
  }
  template <class F>
  static std::vector<double> transform(const std::vector<double>& values, F f) {
    std::vector<double> results(values.size());
    std::transform(values.begin(), values.end(), results.begin(), f);
    return results;
  }
};

/// Two CPUs that this process may use.
std::array<std::size_t, 2> two_cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof(allowed), &allowed);
  std::array<std::size_t, 2> found{};
  std::size_t count = 0;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE && count < found.size(); ++cpu) {
    if (CPU_ISSET(cpu, &allowed))
      found[count++] = cpu;
  }
  if (count < found.size())
    throw bench::not_offered();
  return found;
}

void pin_this_thread(std::size_t cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  bench::check(pthread_setaffinity_np(pthread_self(), sizeof(only), &only) == 0, "cannot pin");
}

/// Two threads, each of which waits for its turn: one for even numbers, one for odd ones.
void cache_line(std::size_t round_trips) {
  const std::array<std::size_t, 2> cpus = two_cpus();
  alignas(64) std::atomic<std::size_t> turn{0};
  const bench::spent all = bench::side_by_side<bench::plain_threads>(2, [&](std::size_t i) {
    pin_this_thread(cpus[i]);
    for (std::size_t mine = i; mine < 2 * round_trips; mine += 2) {
      // acquire and release: as whoever hands over an item has to
      while (turn.load(std::memory_order_acquire) != mine) {
      }
      turn.store(mine + 1, std::memory_order_release);
    }
  });
  bench::print(all, static_cast<double>(round_trips));
}

/// The same, but asleep while it is the other's turn. Each turn is one wake.
void futex_wake(std::size_t round_trips) {
  std::mutex mutex;
  std::array<std::condition_variable, 2> changed;
  std::size_t turn = 0;
  const bench::spent all = bench::side_by_side<bench::plain_threads>(2, [&](std::size_t i) {
    for (std::size_t mine = i; mine < 2 * round_trips; mine += 2) {
      std::unique_lock lock(mutex);
      changed[i].wait(lock, [&] { return turn == mine; });
      ++turn;
      lock.unlock();
      changed[1 - i].notify_one();
    }
  });
  bench::print(all, static_cast<double>(2 * round_trips));
}

void thread_creation(std::size_t rounds) {
  const bench::stopwatch watch;
  for (std::size_t i = 0; i < rounds; ++i)
    std::thread([] {}).join();
  bench::print(watch.read(), static_cast<double>(rounds));
}

} // namespace

int main(int argc, char** argv) {
  return bench::run<peer>(argc, argv, [](std::string_view work, bench::arguments& args) {
    if (work == "cache_line")
      return cache_line(args.number()), true;
    if (work == "futex_wake")
      return futex_wake(args.number()), true;
    if (work == "thread_creation")
      return thread_creation(args.number()), true;
    return false;
  });
}
