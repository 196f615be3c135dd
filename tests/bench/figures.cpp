// SPDX-License-Identifier: BSL-1.0
// Prints what the README says of costs: medians of rounds in which roost and the standard's own
// pieces take turns, so that a change of the machine's speed meets both.
#include <roost.hpp>

#include "bench/timing.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bench::median;
using bench::time_of;

void send_and_receive() {
  constexpr int items = 1'000'000;
  auto channel = roost::make_channel<long>(1);
  roost::task_scope scope; // with a stop to be checked, as in real use
  std::vector<double> times;
  for (int round = 0; round < 15; ++round) {
    times.push_back(time_of([&] {
      for (long i = 0; i < items; ++i) {
        (void)channel.tx.send(i);
        (void)channel.rx.receive();
      }
    }));
  }
  std::printf("send + receive, capacity 1, nobody else: %.1f ns\n", median(times) / items);
}

void spawn_and_join() {
  std::vector<double> bare;
  std::vector<double> scoped;
  for (int round = 0; round < 4000; ++round) {
    bare.push_back(time_of([] { const std::jthread thread([] {}); }));
    scoped.push_back(time_of([] {
      roost::task_scope scope;
      scope.spawn([] {});
    }));
  }
  std::printf("scope, spawn and join of one task: %.1f us; a bare jthread: %.1f us; ratio %.2f\n",
              median(scoped) / 1e3,
              median(bare) / 1e3,
              median(scoped) / median(bare));
}

constexpr std::size_t blocked = 1000;

double stop_tasks() {
  auto channel = roost::make_channel<int>();
  roost::task_scope scope;
  roost::wait_group started;
  started.add(blocked);
  for (std::size_t i = 0; i < blocked; ++i) {
    scope.spawn([&] {
      started.done();
      (void)channel.rx.receive();
    });
  }
  started.wait();
  roost::this_task::sleep_for(std::chrono::milliseconds(100)); // all but surely blocked by then
  return time_of([&] {
    scope.request_stop();
    scope.join();
  });
}

double stop_jthreads() {
  std::mutex mutex;
  std::condition_variable_any never;
  roost::wait_group started;
  started.add(blocked);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < blocked; ++i) {
    threads.emplace_back([&](std::stop_token stop) {
      std::unique_lock lock(mutex);
      started.done();
      never.wait(lock, std::move(stop), [] { return false; });
    });
  }
  started.wait();
  roost::this_task::sleep_for(std::chrono::milliseconds(100));
  return time_of([&] {
    for (std::jthread& thread : threads) {
      thread.request_stop();
    }
    threads.clear();
  });
}

void stop_blocked_tasks() {
  std::vector<double> bare;
  std::vector<double> scoped;
  for (int round = 0; round < 9; ++round) {
    bare.push_back(stop_jthreads());
    scoped.push_back(stop_tasks());
  }
  std::printf("stop of %zu blocked tasks until joined: %.1f ms; jthreads in "
              "condition_variable_any: %.1f ms; ratio %.2f\n",
              blocked,
              median(scoped) / 1e6,
              median(bare) / 1e6,
              median(scoped) / median(bare));
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then there is nothing to measure
int main() {
  send_and_receive();
  spawn_and_join();
  stop_blocked_tasks();
}
