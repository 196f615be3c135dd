// SPDX-License-Identifier: BSL-1.0
// What ROOST_DEADLOCK does to a program that knows nothing of it, and whether deadlocks are found
// in programs made at random. Run with "hangs" while ROOST_DEADLOCK=abort; with "goes_on" while
// it is report; with "ends" while it is abort; or with "random".
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/token_ring.hpp"

#include <chrono>
#include <cstdio>
#include <random>
#include <string_view>

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
    test::token_ring(random).run({}, true);
}

bool ends_in_a_deadlock(const test::token_ring& ring, bool has_token) {
  try {
    ring.run(
        {.stall_after = roost::clock::duration::max(), .on_deadlock = roost::on_deadlock::stop},
        has_token);
    return false;
  } catch (const roost::deadlock_error&) {
    return true;
  }
}

// How long it takes to find one is printed: to find none would be to hang.
void random_programs(int count) {
  std::mt19937_64 random(test::seed_of_program());
  roost::clock::duration longest{};
  for (int round = 0; round < count; ++round) {
    expect(!ends_in_a_deadlock(test::token_ring(random), true), "a ring that ends");
    const test::token_ring dead(random);
    const auto start = roost::clock::now();
    expect(ends_in_a_deadlock(dead, false), "a ring without a token");
    const auto took = roost::clock::now() - start;
    longest = took > longest ? took : longest;
  }
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
    random_programs(argc == 3 ? std::stoi(argv[2]) : 200);
  else
    expect(false, "run with one of the modes");
  return test::exit_code();
}
