// SPDX-License-Identifier: BSL-1.0
// What it costs to see what runs: a report of 10,000 tasks; and what a verdict of deadlocks adds to
// a call that blocks, on one processor, where each call does.
#include <roost.hpp>
#include <roost/testing.hpp>

#include "bench/compare/one_cpu.hpp"
#include "bench/compare/statistics.hpp"
#include "bench/stopwatch.hpp"

#include <cstddef>
#include <cstdio>
#include <utility>
#include <vector>

namespace {

constexpr int rounds = 7;

template <class F>
bench::spent spent_by(F call) {
  const bench::stopwatch watch;
  call();
  return watch.read();
}

/// Of so many tasks, of which some are blocked and the others queued: milliseconds to take it, and
/// to write it as text.
void measure_report(std::size_t blocked, std::size_t queued) {
  roost::event end;
  roost::task_scope scope({.limit = blocked,
                           .backlog = roost::unlimited,
                           .stall_after = roost::clock::duration::max()});
  for (std::size_t i = 0; i < blocked + queued; ++i)
    scope.spawn("waits", [&end] { end.wait(); });
  roost::testing::wait_until_blocked(scope, blocked);
  std::vector<double> takes;
  std::vector<double> writes;
  for (int i = 0; i < rounds; ++i) {
    roost::report r;
    takes.push_back(spent_by([&] { r = scope.report(); }).wall);
    writes.push_back(spent_by([&] { (void)to_text(r); }).wall);
  }
  end.set();
  std::printf("report of %zu blocked and %zu queued tasks: %.1f ms, and its text %.1f ms\n",
              blocked,
              queued,
              bench::summary_of(takes).median / 1e6,
              bench::summary_of(writes).median / 1e6);
}

/// Nanoseconds of CPU for an item that one task hands to another one; each of them blocks for it.
double cpu_of_item(roost::on_deadlock verdict) {
  constexpr int items = 100'000;
  const bench::spent all = spent_by([&] {
    roost::task_scope scope({.on_deadlock = verdict});
    auto [tx, rx] = roost::make_channel<int>(0);
    scope.spawn([tx = std::move(tx)] {
      for (int i = 0; i < items; ++i)
        (void)tx.send(i);
    });
    for (const int item : rx)
      (void)item;
  });
  return all.cpu / items;
}

void measure_verdict() {
  std::vector<double> without;
  std::vector<double> with;
  for (int i = 0; i < rounds; ++i) { // in turns
    without.push_back(cpu_of_item(roost::on_deadlock::ignore));
    with.push_back(cpu_of_item(roost::on_deadlock::report));
  }
  std::printf("an item from task to task, each of which blocks: %.0f ns of CPU, and with a verdict "
              "%.0f ns\n",
              bench::summary_of(without).median,
              bench::summary_of(with).median);
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then it has not measured
int main() {
  measure_report(1000, 9000);
  const bench::one_cpu only; // from here on
  measure_verdict();
}
