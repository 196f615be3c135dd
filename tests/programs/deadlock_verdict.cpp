// SPDX-License-Identifier: BSL-1.0
// What ROOST_DEADLOCK does to a program that knows nothing of it, and whether deadlocks are found
// in programs made at random. Run with "hangs" while ROOST_DEADLOCK=abort; with "goes_on" while
// it is report; with "ends" while it is abort; or with "random".
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/token_ring.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using test::expect;

namespace {

void hangs() {
  roost::event never;
  roost::task_scope scope({.name = "app"});
  scope.spawn("waits", [&] { never.wait(); });
}

void goes_on() {
  static roost::event told;
  roost::set_report_sink([](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    told.set();
  });
  roost::task_scope scope({.name = "app"});
  scope.spawn("waits", [] { told.wait(); });
}

void ends() {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20; ++round)
    test::token_ring(random).run({}, test::token_ring::for_ever);
}

bool ends_in_a_deadlock(const test::token_ring& ring, std::size_t hops) {
  try {
    ring.run(
        {.stall_after = roost::clock::duration::max(), .on_deadlock = roost::on_deadlock::stop},
        hops);
    return false;
  } catch (const roost::deadlock_error&) {
    return true;
  }
}

// To find none would be to hang. One in a hundred may be found late, where a busy machine holds up
// the thread that looks.
void random_programs(int count) {
  constexpr std::size_t few_turns = 4;
  std::mt19937_64 random(test::seed_of_program());
  int late = 0;
  roost::clock::duration longest{};
  for (int round = 0; round < count; ++round) {
    const test::token_ring alive(random, round % 50 == 0 ? 120 : few_turns);
    expect(!ends_in_a_deadlock(alive, test::token_ring::for_ever), "a ring that ends");

    const test::token_ring dead(random, few_turns);
    const std::size_t hops = random() % dead.hops();
    const auto start = roost::clock::now();
    expect(ends_in_a_deadlock(dead, hops), "a ring that has lost its token");
    const auto took = roost::clock::now() - start;
    late += took > 1s ? 1 : 0;
    longest = std::max(longest, took);
  }
  expect(late <= count / 100, std::to_string(late) + " deadlocks were found after a second");
  expect(longest < 60s, "one was found after a minute");
  const std::chrono::duration<double, std::milli> milliseconds = longest;
  std::printf("%d programs that end, %d that do not: found within %.1f ms\n",
              count,
              count,
              milliseconds.count());
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  const std::string_view mode = argc >= 2 ? argv[1] : "";
  if (mode == "hangs")
    hangs();
  else if (mode == "goes_on")
    goes_on();
  else if (mode == "ends")
    ends();
  else if (mode == "random")
    random_programs(argc == 3 ? std::stoi(argv[2]) : 1);
  else
    expect(false, "run with one of the modes");
  return test::exit_code();
}
