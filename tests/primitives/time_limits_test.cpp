// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>

// Durations and times of other precisions than the clock's: none overflows.

using namespace std::chrono_literals;
using steady = roost::clock;
using roost::detail::any_duration;
using roost::detail::any_time_point;

namespace {

using float_seconds = std::chrono::duration<float>;
using short_weeks = std::chrono::duration<std::int16_t, std::ratio<604'800>>;
using unsigned_days = std::chrono::duration<std::uint64_t, std::ratio<86'400>>;
using thirds = std::chrono::duration<std::int64_t, std::ratio<1, 3>>;
using samples = std::chrono::duration<std::uint64_t, std::ratio<1, 44'100>>;
using frames = std::chrono::duration<std::int64_t, std::ratio<1001, 30'000>>;
using acpi_ticks = std::chrono::duration<std::int64_t, std::ratio<1, 3'579'545>>;
using picoseconds = std::chrono::duration<std::int64_t, std::pico>;

template <class Duration>
using in = std::chrono::time_point<steady, Duration>;

constexpr steady::duration for_ever = steady::duration::max();
constexpr steady::time_point never = steady::time_point::max();

constexpr steady::duration duration_of(any_duration d) {
  return d;
}
constexpr steady::time_point time_of(any_time_point t) {
  return t;
}

bool stops_at_once(const roost::scope_options& options) {
  const roost::task_scope scope(options);
  return scope.stop_requested();
}

} // namespace

TEST_CASE("durations that the clock cannot tell are for ever", "[clock]") {
  STATIC_REQUIRE(duration_of(std::chrono::seconds::max()) == for_ever);
  STATIC_REQUIRE(duration_of(std::chrono::hours::max()) == for_ever);
  STATIC_REQUIRE(duration_of(steady::duration::max()) == for_ever);
  STATIC_REQUIRE(duration_of(unsigned_days::max()) == for_ever);
  STATIC_REQUIRE(duration_of(short_weeks::max()) == for_ever);
  STATIC_REQUIRE(duration_of(24h * 365 * 200) == for_ever);
  STATIC_REQUIRE(duration_of(float_seconds(1e30F)) == for_ever);
  CHECK(duration_of(float_seconds(std::numeric_limits<float>::infinity())) == for_ever);
  CHECK(duration_of(float_seconds(std::numeric_limits<float>::quiet_NaN())) == for_ever);
  STATIC_REQUIRE(duration_of(std::chrono::seconds::min()) == -for_ever);
  STATIC_REQUIRE(duration_of(std::chrono::hours::min()) == -for_ever);
  STATIC_REQUIRE(duration_of(steady::duration::min()) == -for_ever);
  STATIC_REQUIRE(duration_of(float_seconds(-1e30F)) == -for_ever);
}

TEST_CASE("other durations are what they are, rounded up", "[clock]") {
  STATIC_REQUIRE(duration_of(2s) == 2s);
  STATIC_REQUIRE(duration_of(-2h) == -2h);
  STATIC_REQUIRE(duration_of(24h * 365 * 100) == 24h * 365 * 100);
  STATIC_REQUIRE(duration_of(picoseconds(1)) == 1ns);
  STATIC_REQUIRE(duration_of(picoseconds(-1)) == 0ns);
  STATIC_REQUIRE(duration_of(picoseconds::max()) == 9'223'372s + 36'854'776ns);
  STATIC_REQUIRE(duration_of(float_seconds(0.5F)) == 500ms);
}

TEST_CASE("durations in units that are no whole nanoseconds do not overflow", "[clock]") {
  constexpr std::int64_t four_hours = 4 * 3600;
  STATIC_REQUIRE(duration_of(acpi_ticks(four_hours * 3'579'545)) == 4h);
  STATIC_REQUIRE(duration_of(acpi_ticks(four_hours * -3'579'545)) == -4h);
  STATIC_REQUIRE(duration_of(acpi_ticks(1)) == 280ns); // 279.4
  STATIC_REQUIRE(duration_of(acpi_ticks(-1)) == -279ns);
  STATIC_REQUIRE(duration_of(thirds(3'600'000'000)) == 1'200'000'000s);
  STATIC_REQUIRE(duration_of(thirds(10)) == 3'333'333'334ns);
  STATIC_REQUIRE(duration_of(samples(44'100ULL * 1'000'000'000)) == 1'000'000'000s);
  STATIC_REQUIRE(duration_of(frames(30'000LL * 1'000'000)) == 1'001'000'000s);
  STATIC_REQUIRE(duration_of(thirds::max()) == for_ever);
  STATIC_REQUIRE(duration_of(thirds::min()) == -for_ever);
  STATIC_REQUIRE(duration_of(samples::max()) == for_ever);
  STATIC_REQUIRE(time_of(in<acpi_ticks>(acpi_ticks(four_hours * 3'579'545))) ==
                 steady::time_point(4h));
  CHECK(roost::ticker(acpi_ticks(four_hours * 3'579'545)).period() == 4h);
  CHECK(roost::ticker(thirds(3'600'000'000)).period() == 1'200'000'000s);
  CHECK(roost::ticker(thirds::max()).period() == for_ever / 4);
  CHECK(roost::ticker(picoseconds(1)).period() == 1ns);
}

TEST_CASE("times that the clock cannot tell are never, or long ago", "[clock]") {
  STATIC_REQUIRE(time_of(in<std::chrono::seconds>::max()) == never);
  STATIC_REQUIRE(time_of(in<std::chrono::hours>::max()) == never);
  STATIC_REQUIRE(time_of(in<std::chrono::duration<double>>::max()) == never);
  STATIC_REQUIRE(time_of(in<std::chrono::seconds>::min()) < steady::time_point{} - 24h * 365 * 200);
  STATIC_REQUIRE(time_of(in<std::chrono::seconds>(5s)) == steady::time_point(5s));
  STATIC_REQUIRE(time_of(never - 1ns) == never - 1ns); // the clock's own are left alone
}

TEST_CASE("a scope's timeout that the clock cannot tell is for ever", "[task_scope]") {
  CHECK_FALSE(stops_at_once({.timeout = std::chrono::seconds::max()}));
  CHECK_FALSE(stops_at_once({.timeout = std::chrono::milliseconds::max()}));
  CHECK_FALSE(stops_at_once({.timeout = std::chrono::hours::max()}));
  CHECK_FALSE(stops_at_once({.timeout = float_seconds(1e30F)}));
  CHECK_FALSE(stops_at_once({.timeout = 1.5h}));
  CHECK(stops_at_once({.timeout = std::chrono::seconds::min()}));
  CHECK(stops_at_once({.timeout = std::chrono::hours::min()}));
  CHECK(stops_at_once({.timeout = -1h}));
}

TEST_CASE("a scope's deadline that the clock cannot tell is never", "[task_scope]") {
  CHECK_FALSE(stops_at_once({.deadline = in<std::chrono::seconds>::max()}));
  CHECK_FALSE(stops_at_once({.deadline = in<std::chrono::hours>::max()}));
  CHECK(stops_at_once({.deadline = in<std::chrono::seconds>::min()}));
  CHECK(stops_at_once({.deadline = in<std::chrono::hours>::min()}));
}

TEST_CASE("a wait until a time that the clock cannot tell lasts, or is over", "[clock]") {
  const auto too_late = in<std::chrono::hours>::max();
  const auto long_ago = in<std::chrono::hours>::min();
  auto ch = roost::make_channel<int>();
  roost::event e;
  roost::semaphore s(1);
  const auto permit = s.acquire();
  // Of two timers the one that is over happens, and not the one that would be if it overflowed.
  CHECK(roost::select_biased(roost::on_deadline(too_late), roost::on_timeout(1ns)) == 1);
  CHECK(roost::select_biased(roost::on_timeout(std::chrono::hours::max()),
                             roost::on_deadline(long_ago)) == 1);
  CHECK(ch.rx.receive_until(long_ago).status() == roost::channel_status::timeout);
  CHECK(ch.tx.send_until(1, long_ago).status() == roost::channel_status::timeout);
  CHECK_FALSE(e.wait_until(long_ago));
  CHECK_FALSE(s.acquire_until(long_ago));
  roost::this_task::sleep_until(long_ago);
}
