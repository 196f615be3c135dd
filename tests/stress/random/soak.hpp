// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/report.hpp>

#include "stress/random/runner.hpp"
#include "support/dice.hpp"
#include "support/memory.hpp"
#include "support/signal_storm.hpp"
#include "support/threads.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

// Programs made at random for as long as is wanted, several at a time, while reports
// look on and signals interrupt all threads. What is left behind shows as growth.

namespace test::random {

/// What is measured, each ten seconds.
struct soak_sample {
  std::ptrdiff_t kib = 0;
  std::size_t threads = 0;
  long programs = 0;
};

/// Runs programs until it is asked to stop, and stops all if an oracle says no.
inline void run_lane(std::uint64_t seed,
                     const std::stop_token& stop,
                     std::atomic<long>& programs,
                     std::atomic<bool>& is_wrong) {
  for (; !stop.stop_requested() && !is_wrong; ++seed) {
    const program p = make_program(seed);
    const auto seen = std::make_unique<observations>();
    run_program(p, *seen, company::others, [](const auto& f) { f(); });
    ++programs;
    if (const std::string wrong = judge(*seen); !wrong.empty()) {
      std::printf("%s%s", wrong.c_str(), to_text(p).c_str());
      is_wrong = true;
    }
  }
}

/// True if all is flat, and no oracle says no: in the last quarter no more memory than in the
/// second, but for noise, and in the end no more threads than before.
inline bool soak(std::uint64_t seed, std::chrono::seconds time) {
  using namespace std::chrono_literals;
  const std::size_t threads_before = count_threads();
  const roost::unobserved_failure_hook hook_before =
      roost::set_unobserved_failure_hook(&note_unobserved);
  std::atomic<long> programs{0};
  std::atomic<bool> is_wrong{false};
  std::vector<soak_sample> samples;
  {
    const signal_storm storm;
    std::vector<std::jthread> lanes;
    for (std::uint64_t lane = 0; lane < 3; ++lane) {
      lanes.emplace_back([&, lane](const std::stop_token& stop) {
        run_lane(seed + (lane << 40), stop, programs, is_wrong);
      });
    }
    lanes.emplace_back([](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        (void)roost::to_json(roost::report_all());
        std::this_thread::yield();
      }
    });
    const auto begin = std::chrono::steady_clock::now();
    for (int n = 1; begin + n * 10s <= begin + time && !is_wrong; ++n) {
      roost::this_task::sleep_until(begin + n * 10s);
      samples.push_back({resident_kib(), count_threads(), programs.exchange(0)});
      std::printf("%4d s: %6ld programs, %7td KiB, %3zu threads\n",
                  n * 10,
                  samples.back().programs,
                  samples.back().kib,
                  samples.back().threads);
      std::fflush(stdout);
    }
  }
  roost::set_unobserved_failure_hook(hook_before);
  const auto most_kib = [&](std::size_t quarter) {
    std::ptrdiff_t most = 0;
    for (std::size_t i = samples.size() * quarter / 4; i < samples.size() * (quarter + 1) / 4; ++i)
      most = std::max(most, samples[i].kib);
    return most;
  };
  const std::ptrdiff_t growth = most_kib(3) - most_kib(1);
  const bool threads_are_back = threads_back_to(threads_before);
  const roost::counters end = roost::stats();
  std::printf(
      "growth from the second to the last quarter: %td KiB; threads %s; %llu tasks, of which "
      "%llu are left; %llu threads blocked; %llu stops; %llu verdicts\n",
      growth,
      threads_are_back ? "are back" : "are left",
      static_cast<unsigned long long>(end.spawned),
      static_cast<unsigned long long>(end.live),
      static_cast<unsigned long long>(end.blocked),
      static_cast<unsigned long long>(end.stops),
      static_cast<unsigned long long>(end.verdicts));
  return !is_wrong && growth < noise_kib && threads_are_back && end.live == 0 && end.blocked == 0;
}

} // namespace test::random
