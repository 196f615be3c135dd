// SPDX-License-Identifier: BSL-1.0
// A wait for a descriptor may be ended from outside of a bubble: so it holds the time up.
#include <roost.hpp>
#include <roost/posix.hpp>
#include <roost/testing.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/probe.hpp"
#include "support/told_texts.hpp"

#include <chrono>
#include <string>

using namespace std::chrono_literals;

TEST_CASE("no time passes while a task waits for a descriptor", "[testing][bubble]") {
  const test::told_texts sink;
  const auto ends = test::a_socketpair();
  roost::testing::bubble({.patience = 20ms}, [&](roost::task_scope& scope) {
    const auto begin = roost::clock::now();
    scope.spawn("reader", [&] { roost::wait_readable(ends.near); });
    scope.spawn("writer", [&] {
      sink.wait_for(1); // which holds it up as well
      ends.write();
    });
    roost::this_task::sleep_for(1h);
    CHECK(roost::clock::now() == begin + 1h);
    CHECK(ends.read() == 'x');
  });
  REQUIRE_FALSE(sink.all().empty());
  CHECK(sink.all().front().find("TIME-HELD-UP") != std::string::npos);
}

TEST_CASE("a stop ends a wait for a descriptor in a bubble", "[testing][bubble]") {
  const auto ends = test::a_pipe();
  roost::testing::bubble([&](roost::task_scope& scope) {
    const auto begin = roost::clock::now();
    auto waits = scope.spawn([&] { (void)roost::wait_readable_for(ends.near, 1h); });
    test::wait_until_blocked(scope, 1);
    CHECK(waits.request_stop());
    CHECK(scope.wait_for(1h));
    CHECK(roost::clock::now() == begin);
  });
}

TEST_CASE("a wait for a descriptor whose own timeout never comes is told", "[testing][bubble]") {
  const test::two_ends ends = test::a_pipe();
  const auto told_of = [&](auto wait) {
    const test::told_texts sink([&] { ends.write(); }); // so that it ends
    roost::testing::bubble({.patience = 20ms}, wait);
    CHECK(ends.read() == 'x');
    REQUIRE(sink.all().size() == 1);
    CHECK(sink.all().front().find("TIME-HELD-UP") != std::string::npos);
  };
  told_of([&] { CHECK(roost::wait_readable_for(ends.near, 1s)); });
  told_of([&] { CHECK(roost::select(roost::on_timeout(1s), roost::on_readable(ends.near)) == 1); });
}
