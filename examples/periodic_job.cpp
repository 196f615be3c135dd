// SPDX-License-Identifier: BSL-1.0

// periodic_job: a job that is due every so often, as cron has them.
//
// What to notice:
// - No drift: the n-th run is due at begin + n * period, however long the runs before have taken.
// (A
//   ticker counts anew from a tick that comes late, and does not tell how many it has left out.)
// - No overlap: the task that waits is the task that runs the job.
// - No run is left out silently: the job is told how many before it were, and how late it is.
// - A stop wakes the wait, and a failure of the job ends run_every(): to go on after one, put
//   supervisor.cpp around the job.

#include <roost.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>

using namespace std::chrono_literals;

namespace {

struct run_info {
  std::int64_t number;          // it is due at begin + number * period
  std::int64_t left_out;        // runs right before it, whose time passed while the last one ran
  roost::clock::time_point due; // less than a period ago
};

/// Calls job(run_info) once each period, until its task is stopped.
template <class Job>
[[noreturn]] void run_every(roost::clock::duration period, Job job) {
  const auto begin = roost::clock::now();
  for (std::int64_t number = 1;; ++number) {
    roost::this_task::sleep_until(begin + number * period);
    const std::int64_t current = (roost::clock::now() - begin) / period;
    const std::int64_t left_out = current - number;
    number = current;
    job(run_info{number, left_out, begin + number * period});
  }
}

} // namespace

int main() {
  constexpr auto period = 2ms;
  constexpr int wanted = 10;
  std::atomic<int> running = 0;
  std::int64_t runs = 0;
  std::int64_t left_out = 0;
  std::int64_t last = 0;
  int early = 0;
  int off_the_grid = 0;
  int overlaps = 0;
  bool told = false;
  roost::clock::time_point first_due;
  roost::event enough;

  roost::task_scope scope({.name = "cron", .exit = roost::on_exit::stop});
  auto job = scope.spawn("cleanup", [&] {
    run_every(period, [&](const run_info& run) {
      if (++running > 1)
        ++overlaps;
      if (runs++ == 0)
        first_due = run.due - (run.number - 1) * period;
      early += roost::clock::now() < run.due ? 1 : 0;
      off_the_grid += run.due == first_due + (run.number - 1) * period ? 0 : 1;
      left_out += run.left_out;
      if (runs == 4) // it comes after a run that took too long
        told = run.left_out >= 2;
      last = run.number;
      if (runs == 3)
        roost::this_task::sleep_until(run.due + 3 * period); // takes so long that two are left out
      if (runs == wanted)
        enough.set();
      --running;
    });
  });
  enough.wait();
  job.request_stop("enough"); // this task alone; without it on_exit::stop would do it
  try {
    job.get();
  } catch (const roost::stopped& stop) {
    std::cout << "stopped: " << stop.cause().message << '\n';
  }
  std::cout << "runs that were due and neither run nor told: " << last - runs - left_out << '\n'
            << "too early: " << early << ", not on the grid: " << off_the_grid
            << ", at the same time: " << overlaps << '\n'
            << (told ? "the run after the long one knows of those left out\n"
                     : "left out unseen\n");
}

// Output:
//   stopped: enough
//   runs that were due and neither run nor told: 0
//   too early: 0, not on the grid: 0, at the same time: 0
//   the run after the long one knows of those left out
