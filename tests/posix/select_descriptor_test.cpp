// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/probe.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <optional>
#include <system_error>
#include <type_traits>
#include <vector>

// Descriptors beside channels and the rest in a select.

using namespace std::chrono_literals;
using roost::on_readable;
using roost::on_receive;
using roost::on_timeout;
using roost::on_writable;
using roost::otherwise;

namespace {

constexpr auto ignore = [](auto&&...) {};
constexpr int draws = 5000;

// How far from its expectation a share of so many fair draws is once in 100'000 times, at most.
const double noise = 4.4172 / (2 * std::sqrt(double{draws}));

} // namespace

TEST_CASE("a select takes what is ready, a descriptor or a channel, in any order", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  auto ch = roost::make_channel<int>(1);
  CHECK(roost::select(on_readable(ends.near), on_receive(ch.rx, ignore), otherwise()) == 2);
  CHECK(roost::select(on_readable(ends.near), on_receive(ch.rx, ignore), on_timeout(1ms)) == 2);
  REQUIRE(ch.tx.send(1));
  CHECK(roost::select(on_readable(ends.near), on_receive(ch.rx, ignore)) == 1);
  ends.write();
  bool called = false;
  CHECK(roost::select(on_receive(ch.rx, ignore), on_readable(ends.near, [&] { called = true; })) ==
        1);
  CHECK(called);
  CHECK(roost::select(on_receive(ch.rx, ignore), on_readable(ends.near), otherwise()) == 1);
}

TEST_CASE("a select that waits is woken by a descriptor, and by a channel", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  const test::two_ends other = test::an_eventfd();
  auto ch = roost::make_channel<int>();
  std::size_t index = 9;
  roost::task_scope scope;
  const auto start = [&] {
    scope.spawn([&] {
      index = roost::select(on_readable(other.near),
                            on_receive(ch.rx, ignore),
                            on_readable(ends.near),
                            on_timeout(1h));
    });
    test::wait_until_blocked(scope, 1);
  };
  const auto ended = [&] { REQUIRE(scope.wait_for(1h)); };
  start();
  ends.write();
  ended();
  CHECK(index == 2);
  (void)ends.read();
  start();
  REQUIRE(ch.tx.send(1));
  ended();
  CHECK(index == 1);
  start();
  other.write();
  ended();
  CHECK(index == 0);
}

TEST_CASE("a close wakes a select that sleeps at descriptors", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  auto ch = roost::make_channel<int>();
  roost::task_scope scope;
  bool closed = false;
  scope.spawn([&] {
    roost::select(on_readable(ends.near), on_receive(ch.rx, [&](auto r) { closed = !r; }));
  });
  test::wait_until_blocked(scope, 1);
  ch.tx.close();
  scope.join();
  CHECK(closed);
}

TEST_CASE("an item stays where it was if the descriptor came first", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  auto ch = roost::make_channel<int>();
  roost::task_scope scope;
  scope.spawn([&] { roost::select(on_readable(ends.near), on_receive(ch.rx, ignore)); });
  test::wait_until_blocked(scope, 1);
  ends.write();
  scope.join();
  CHECK_FALSE(ch.tx.try_send(5)); // no receiver was left linked
}

TEST_CASE("a select is fair among ready descriptors and channels", "[posix]") {
  const test::two_ends a = test::a_pipe();
  const test::two_ends b = test::an_eventfd();
  a.write();
  b.write();
  auto ch = roost::make_channel<int>(1);
  REQUIRE(ch.tx.send(1));
  std::array<int, 4> chosen{};
  const auto put_back = [&](auto item) { (void)ch.tx.send(*item); };
  const auto even = [&] {
    for (const int each : chosen)
      CHECK(std::abs(each / double{draws} - 0.25) < noise);
  };
  SECTION("in a select") {
    for (int i = 0; i < draws; ++i)
      ++chosen.at(roost::select(on_readable(a.near),
                                on_receive(ch.rx, put_back),
                                on_readable(b.near),
                                on_readable(b.near)));
    even();
  }
  SECTION("in a selector") {
    roost::selector all;
    all.add(on_readable(a.near));
    all.add(on_receive(ch.rx, put_back));
    all.add(on_readable(b.near));
    all.add(on_readable(b.near));
    for (int i = 0; i < draws; ++i)
      ++chosen.at(all.select() - 1);
    even();
  }
}

TEST_CASE("the descriptor that is written first goes before others in a biased select", "[posix]") {
  const test::two_ends a = test::a_pipe();
  const test::two_ends b = test::a_pipe();
  auto ch = roost::make_channel<int>(1);
  roost::selector all;
  all.add(on_readable(a.near));
  all.add(on_receive(ch.rx, ignore));
  all.add(on_readable(b.near));
  std::optional<std::size_t> by_select;
  std::optional<std::size_t> by_selector;
  roost::task_scope scope;
  SECTION("ready at once") {
    b.write();
    REQUIRE(ch.tx.send(1));
    CHECK(roost::select_biased(
              on_readable(a.near), on_receive(ch.rx, ignore), on_readable(b.near)) == 1);
    REQUIRE(ch.tx.send(1));
    CHECK(all.select_biased() == 2);
    CHECK(all.select_biased() == 3);
    a.write();
    REQUIRE(ch.tx.send(1));
    CHECK(all.select_biased() == 1);
    CHECK(roost::select_biased(on_readable(a.near), on_readable(b.near)) == 0);
  }
  SECTION("ready while it waits") {
    scope.spawn(
        [&] { by_select = roost::select_biased(on_readable(a.near), on_readable(b.near)); });
    scope.spawn([&] { by_selector = all.select_biased(); });
    test::wait_until_blocked(scope, 2);
    b.write();
    scope.join();
    CHECK(by_select == 1);
    CHECK(by_selector == 3);
  }
}

TEST_CASE("many descriptors in one select", "[posix]") {
  std::vector<test::two_ends> many;
  for (int i = 0; i < 8; ++i)
    many.push_back(test::a_pipe());
  roost::task_scope scope;
  std::size_t index = 99;
  scope.spawn([&] {
    index = roost::select(on_readable(many[0].near),
                          on_readable(many[1].near),
                          on_readable(many[2].near),
                          on_readable(many[3].near),
                          on_readable(many[4].near),
                          on_readable(many[5].near),
                          on_readable(many[6].near),
                          on_readable(many[7].near));
  });
  test::wait_until_blocked(scope, 1);
  many[6].write();
  scope.join();
  CHECK(index == 6);
}

TEST_CASE("one descriptor to read and to write in one select", "[posix]") {
  const test::two_ends ends = test::a_socketpair();
  CHECK(roost::select(on_readable(ends.near), on_writable(ends.near)) == 1);
  test::fill(ends.near);
  CHECK(roost::select(on_readable(ends.near), on_writable(ends.near), otherwise()) == 2);
  ends.write();
  CHECK(roost::select(on_readable(ends.near), on_writable(ends.near)) == 0);
  roost::selector all;
  all.add(on_writable(ends.near));
  all.add(on_readable(ends.near));
  all.add(on_readable(ends.near));
  CHECK(all.select() >= 2);
  CHECK(all.remove(3));
  CHECK(all.select() == 2);
  CHECK(all.remove(2));
  CHECK_FALSE(all.select_for(1ms));
  test::drain(ends.far);
  CHECK(all.select() == 1);
}
