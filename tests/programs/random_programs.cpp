// SPDX-License-Identifier: BSL-1.0
// Programs made at random, in a process of their own (what they are: stress/random/program.hpp).
//
//     random_programs seeds [count]     each as it is
//     random_programs faults [count]    an allocation fails in each, or a thread, or all from there
//     random_programs signals [count]   while each thread is interrupted all the time
//     random_programs soak <seconds>    several at a time, with reports and signals; by hand
//     random_programs hangs             one that does not end: it must be noticed
//
// ROOST_SEED is the first of the seeds. Built a second time with pauses between the library's own
// steps, as random_programs_with_pauses: stress/pauses.
#include <roost.hpp>

#include "stress/random/runner.hpp"
#include "stress/random/soak.hpp"
#include "support/expect.hpp"
#include "support/faults.hpp"
#include "support/probe.hpp"
#include "support/signal_storm.hpp"
#include "support/token_ring.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

using test::expect;
using test::random::make_program;
using test::random::observations;
using test::random::program;
using test::random::watchman;

namespace {

void tell(const std::string& wrong) {
  expect(wrong.empty(), "what is promised of programs made at random");
  std::fputs(wrong.c_str(), stdout);
}

void seeds(std::uint64_t first, int count) {
  tell(test::random::judge_seeds(first, count));
}

void signals(std::uint64_t first, int count) {
  const test::signal_storm storm;
  tell(test::random::judge_seeds(first, count));
  test::wait_until([&] { return storm.signals() > static_cast<std::uint64_t>(count); });
  std::printf("%llu signals\n", static_cast<unsigned long long>(storm.signals()));
}

// --- faults ----------------------------------------------------------------------------------

/// Runs a program with the fault that now_failing tells, on a thread of its own, and returns what
/// is not as promised. `left` is the memory that it leaves.
std::string run_with_fault(watchman& by, const program& p, long& left) {
  const auto seen = std::make_unique<observations>();
  seen->refuses_threads = true;
  test::now_failing.reached = false;
  const long before = test::living_allocations;
  std::thread([&] {
    by.run(
        p, *seen, [](const auto& f) { expect(test::attack(f) == nullptr, "it throws nothing"); });
  }).join();
  left = test::living_allocations - before;
  return test::random::judge(*seen);
}

/// What roost keeps for the next program, as parkers, is no leak: that is what each run leaves. As
/// more threads may wait at once than in any run before, a few runs may leave some.
void expect_no_harm(watchman& by, const program& p) {
  std::string wrong;
  long left = 1;
  for (int run = 0; run < 20 && left > 0 && wrong.empty(); ++run)
    wrong = run_with_fault(by, p, left);
  if (left > 0)
    wrong += "not so: no memory is left: " + std::to_string(left) + " more, again and again\n";
  if (!wrong.empty()) {
    tell("repeat with ROOST_SEED=" + std::to_string(p.seed) + "; fault " +
         std::to_string(static_cast<int>(test::now_failing.what)) + " after " +
         std::to_string(test::now_failing.before) + "\n" + wrong + to_text(p));
  }
}

/// A program that ends by a verdict needs memory for that. The first look for one may find none;
/// the owner looks again after a time. Where there is never any again, it is to have a deadline.
program with_an_end(program p, test::refusal what) {
  p.root.rules.stall_after = std::chrono::milliseconds(20);
  if (what == test::refusal::all_allocations && p.root.rules.timeout.count() == 0) {
    p.root.rules.on_deadlock = roost::on_deadlock::ignore;
    p.root.rules.timeout = std::chrono::milliseconds(1);
  }
  return p;
}

/// In each program something fails at one place, and everything from another one on.
void faults(std::uint64_t first, int count) {
  roost::set_report_sink([](std::string_view) {}); // what waits for long is told there
  watchman by;
  int reached = 0;
  for (std::uint64_t seed = first; seed != first + static_cast<std::uint64_t>(count); ++seed) {
    test::dice random(seed);
    for (const test::refusal what : {test::refusal::one_allocation,
                                     test::refusal::all_allocations,
                                     test::refusal::one_thread,
                                     test::refusal::all_threads}) {
      const bool of_threads =
          what == test::refusal::one_thread || what == test::refusal::all_threads;
      if (of_threads && !test::can_refuse_threads)
        continue;
      test::now_failing.what = what;
      test::now_failing.before = random.below(of_threads ? 4 : random.one_in(2) ? 20 : 150);
      expect_no_harm(by, with_an_end(make_program(seed), what));
      reached += test::now_failing.reached ? 1 : 0;
      if (test::failed_expectations != 0)
        return;
    }
  }
  expect(reached > count / 2, "most of what is to fail is reached");
  std::printf("%d faults in %d programs\n", reached, count);
}

// --- a program that hangs ------------------------------------------------------------------------

[[noreturn]] void hangs() {
  program p;
  p.root.what = test::random::kind::scope;
  p.root.children.emplace_back();
  p.root.children.back().what = test::random::kind::await;
  p.root.children.back().patient = test::random::patience::endless;
  watchman(std::chrono::seconds(5)).judge(p);
  std::abort();
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  const std::string_view mode = argc >= 2 ? argv[1] : "";
  const int count = argc == 3 ? std::stoi(argv[2]) : 1000;
  if (mode == "seeds")
    seeds(test::seed_of_program(), count);
  else if (mode == "faults")
    faults(test::seed_of_program(), count);
  else if (mode == "signals")
    signals(test::seed_of_program(), count);
  else if (mode == "soak")
    expect(test::random::soak(test::seed_of_program(), std::chrono::seconds(count)), "all is flat");
  else if (mode == "hangs")
    hangs();
  else
    expect(false, "run with one of the modes");
  return test::exit_code();
}
