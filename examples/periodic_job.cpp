// SPDX-License-Identifier: BSL-1.0

// periodic_job: a job that is due every so often, as cron has them.
//
// What to notice:
// - No drift: missed_ticks::skip keeps the beat, so the n-th run is due at begin + n * period,
//   however long the runs before have taken.
// - No overlap: the task that waits is the task that runs the job.
// - No run is left out silently: the job is told how many before it were, and when it was due.
// - A stop wakes the wait, and a failure of the job ends run_every(): to go on after one, put
//   supervisor.cpp around the job.

#include <roost.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>

using namespace std::chrono_literals;

namespace {

constexpr auto period = 2ms;

struct run_info {
  std::int64_t number = 0;      // it is due at begin + number * period
  std::int64_t left_out = 0;    // runs before it, whose time passed while an earlier one ran
  roost::clock::time_point due; // less than a period ago
};

/// Calls job(run_info) once each period, until its task is stopped.
template <class Job>
[[noreturn]] void run_every(roost::clock::duration distance, Job job) {
  const auto begin = roost::clock::now();
  roost::ticker beat(begin + distance, distance, roost::missed_ticks::skip);
  for (std::int64_t number = 1;; ++number) {
    const std::int64_t left_out = beat.wait();
    number += left_out;
    job(run_info{number, left_out, begin + number * distance});
  }
}

} // namespace

int main() {
  std::int64_t runs = 0;
  std::int64_t left_out = 0;
  std::int64_t last = 0;
  std::int64_t left_out_by_long_run = 0;
  int too_early = 0;
  int off_beat = 0;
  roost::clock::time_point first_due;
  roost::event enough;
  const auto clean_up = [&](const run_info& run) {
    ++runs;
    left_out += run.left_out;
    last = run.number;
    if (runs == 1)
      first_due = run.due - (run.number - 1) * period;
    too_early += roost::clock::now() < run.due ? 1 : 0;
    off_beat += run.due == first_due + (run.number - 1) * period ? 0 : 1;
    if (runs == 3)
      roost::this_task::sleep_until(run.due + 3 * period); // takes too long: two are left out
    if (runs == 4)
      left_out_by_long_run = run.left_out; // or more, on a busy machine
    if (runs == 10)
      enough.set();
  };

  roost::task_scope scope({.name = "cron", .exit = roost::on_exit::stop});
  auto job = scope.spawn("clean up", [&] { run_every(period, clean_up); });
  enough.wait();
  job.request_stop("enough"); // this task alone; without it on_exit::stop would end it below
  try {
    job.get();
  } catch (const roost::stopped& stop) {
    std::cout << "stopped: " << stop.cause().message << '\n';
  }
  std::cout << "runs not accounted for: " << last - runs - left_out << '\n'
            << "too early: " << too_early << ", off the beat: " << off_beat << '\n'
            << (left_out_by_long_run >= 2 ? "the run after the long one was told what it left out\n"
                                          : "left out, and not told\n");
}

// Output:
//   stopped: enough
//   runs not accounted for: 0
//   too early: 0, off the beat: 0
//   the run after the long one was told what it left out
