// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ratio>
#include <utility>
#include <vector>

// The timed forms: when they give up, and what any timeout means.

using namespace std::chrono_literals;
using roost::channel_status;
using test::no_limit;

TEST_CASE("a timed receive gives up at its deadline and not before", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, no_limit);
  test::bubble([&] {
    auto ch = test::make_ends<int>(capacity);
    const auto deadline = roost::clock::now() + 1h;
    const auto got = ch.rx.receive_until(deadline);
    CHECK(roost::clock::now() == deadline);
    CHECK_FALSE(got);
    CHECK(got.status() == channel_status::timeout);
    CHECK(test::waiting(ch.rx) == 0);

    const auto start = roost::clock::now();
    CHECK(ch.rx.receive_for(1h).status() == channel_status::timeout);
    CHECK(roost::clock::now() == start + 1h);
    // And the channel is as good as new.
    CHECK(ch.tx.try_send(1).status() == (capacity == 0 ? channel_status::full //
                                                       : channel_status::success));
  });
}

TEST_CASE("a timed send gives up at its deadline and its item stays", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  test::bubble([&] {
    auto ch = roost::make_channel<std::vector<int>>(capacity);
    if (capacity == 1)
      REQUIRE(ch.tx.try_send({}));
    std::vector<int> item{1, 2};
    const auto deadline = roost::clock::now() + 1h;
    CHECK(ch.tx.send_until(std::move(item), deadline).status() == channel_status::timeout);
    CHECK(roost::clock::now() == deadline);
    CHECK(item == std::vector<int>{1, 2}); // NOLINT(bugprone-use-after-move): it was not taken
    CHECK(test::waiting(ch.tx) == 0);
    CHECK(ch.tx.size() == capacity);
  });
}

TEST_CASE("a deadline in the past is no obstacle to what needs no waiting", "[channel]") {
  const auto past = GENERATE(
      roost::clock::time_point{}, roost::clock::time_point::min(), roost::clock::now() - 1h);
  auto ch = roost::make_channel<int>(1);
  CHECK(ch.tx.send_until(1, past));
  CHECK(ch.tx.send_until(2, past).status() == channel_status::timeout);
  CHECK(ch.rx.receive_until(past).value() == 1);
  CHECK(ch.rx.receive_until(past).status() == channel_status::timeout);
}

TEST_CASE("a timeout that is over at once is no obstacle to what needs no waiting", "[channel]") {
  const auto timeout = GENERATE(as<roost::clock::duration>(),
                                0ns,
                                -1ns,
                                -1h,
                                roost::clock::duration::min(),
                                -roost::clock::duration::max());
  auto ch = roost::make_channel<int>(1);
  CHECK(ch.tx.send_for(1, timeout));
  CHECK(ch.tx.send_for(2, timeout).status() == channel_status::timeout);
  CHECK(ch.rx.receive_for(timeout).value() == 1);
  CHECK(ch.rx.receive_for(timeout).status() == channel_status::timeout);
}

TEST_CASE("timeouts of any type and size wait until something happens", "[channel]") {
  auto ch = roost::make_channel<int>();
  const auto receives_what_comes = [&](auto receive) {
    roost::task_scope scope;
    auto got = scope.spawn([&] { return receive().value(); });
    test::wait_until_waiting(ch.rx, 1);
    CHECK(ch.tx.send(5));
    CHECK(got.get() == 5);
  };
  using float_hours = std::chrono::duration<float, std::ratio<3600>>;
  using short_weeks = std::chrono::duration<std::int16_t, std::ratio<604'800>>;
  using picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  using hours_since_start = std::chrono::time_point<roost::clock, std::chrono::hours>;
  receives_what_comes([&] { return ch.rx.receive_for(roost::clock::duration::max()); });
  receives_what_comes([&] { return ch.rx.receive_for(std::chrono::hours::max()); });
  receives_what_comes([&] { return ch.rx.receive_for(std::chrono::seconds::max()); });
  receives_what_comes([&] { return ch.rx.receive_for(float_hours(1e30F)); });
  receives_what_comes([&] { return ch.rx.receive_for(float_hours(1.5F)); });
  receives_what_comes([&] { return ch.rx.receive_for(short_weeks::max()); });
  receives_what_comes([&] { return ch.rx.receive_for(picoseconds::max()); });
  receives_what_comes([&] { return ch.rx.receive_until(roost::clock::time_point::max()); });
  receives_what_comes([&] { return ch.rx.receive_until(roost::clock::time_point::max() - 1ns); });
  receives_what_comes([&] { return ch.rx.receive_until(hours_since_start::max()); });
  receives_what_comes([&] { return ch.rx.receive_until(roost::clock::now() + 24h * 36'500); });

  CHECK(ch.rx.receive_for(float_hours(-1e30F)).status() == channel_status::timeout);
  CHECK(ch.rx.receive_for(std::chrono::hours::min()).status() == channel_status::timeout);
  CHECK(ch.rx.receive_for(picoseconds(1)).status() == channel_status::timeout);
}
