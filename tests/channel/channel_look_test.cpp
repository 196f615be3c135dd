// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/channel/look_distance.hpp>

#include "support/catch.hpp"
#include "support/probe.hpp"

#include <cstddef>
#include <memory>
#include <utility>

// What an operation does before it waits, and what it leaves alone.

TEST_CASE("all that changes at a channel without a ring is one cache line", "[channel][look]") {
  auto [tx, rx] = roost::make_channel<int>(0);
  CHECK(test::channel_probe::is_compact(tx));
  auto [boxed_tx, boxed_rx] = roost::make_channel<std::unique_ptr<int>>(0);
  CHECK(test::channel_probe::is_compact(boxed_tx));
}

TEST_CASE("a blocked send keeps its channel only if the item may own an end", "[channel][look]") {
  SECTION("an int cannot") {
    auto [tx, rx] = roost::make_channel<int>(0);
    const long ends = test::channel_probe::keepers(tx);
    roost::task_scope scope;
    scope.spawn([&tx = tx] { (void)tx.send(1); });
    test::wait_until_waiting(tx, 1);
    CHECK(test::channel_probe::keepers(tx) == ends);
    CHECK(rx.receive().value() == 1);
  }
  SECTION("a pointer can") {
    auto [tx, rx] = roost::make_channel<std::unique_ptr<int>>(0);
    const long ends = test::channel_probe::keepers(tx);
    roost::task_scope scope;
    scope.spawn([&tx = tx] { (void)tx.send(std::make_unique<int>(1)); });
    test::wait_until_waiting(tx, 1);
    CHECK(test::channel_probe::keepers(tx) == ends + 1);
    CHECK(*rx.receive().value() == 1);
  }
}

namespace {

using roost::detail::look_distance;
using roost::detail::look_plan;

int apart_after(std::size_t passed, look_distance& learned, bool takes_no_memory = true) {
  return look_plan(passed, learned, takes_no_memory).apart();
}

} // namespace

TEST_CASE("a side looks often while items come one by one, and seldom in a flow",
          "[channel][look]") {
  const bool takes_no_memory = GENERATE(false, true);
  look_distance learned;
  CHECK(apart_after(0, learned, takes_no_memory) == 1);
  CHECK(apart_after(1, learned, takes_no_memory) == 1);
  bool grows = true;
  for (std::size_t passed = 1; passed < 11; ++passed)
    grows = grows && apart_after(passed, learned, takes_no_memory) <
                         apart_after(passed + 1, learned, takes_no_memory);
  CHECK(grows);
  CHECK(apart_after(12, learned, takes_no_memory) > 16);
  CHECK(apart_after(1'000'000'000, learned, takes_no_memory) == 64);
}

TEST_CASE("in a flow a side learns how far apart its looks are best", "[channel][look]") {
  look_distance learned;
  const int at_first = learned.pauses();
  look_plan(64, learned, true).looked(1);
  CHECK(apart_after(64, learned) < at_first); // it was there: perhaps it was earlier
  for (int i = 0; i < 1000; ++i)
    look_plan(64, learned, true).looked(1);
  const int shortest = apart_after(64, learned);
  CHECK(shortest >= 4);
  look_plan(64, learned, true).looked(3);
  CHECK(apart_after(64, learned) > shortest + 1); // a look too early costs more
  for (int i = 0; i < 1000; ++i)
    look_plan(64, learned, true).looked(2);
  CHECK(apart_after(64, learned) > 48);
  CHECK(apart_after(64, learned) <= 64);
}

TEST_CASE("nothing is learned of waits outside of a flow, nor of items that take memory",
          "[channel][look]") {
  look_distance learned;
  const int before = learned.pauses();
  for (const std::size_t passed : {0U, 1U, 11U, 256U, 100'000U})
    look_plan(passed, learned, true).looked(1);
  for (const std::size_t passed : {1U, 12U, 64U, 255U, 256U})
    look_plan(passed, learned, false).looked(1);
  CHECK(learned.pauses() == before);
  CHECK(apart_after(64, learned, false) == 64);
}

TEST_CASE("a sender that spins for half of a ring takes any room in the end", "[channel][look]") {
  auto [tx, rx] = roost::make_channel<int>(8);
  for (int i = 0; i < 8; ++i)
    REQUIRE(tx.try_send(int{i}));
  roost::task_scope scope;
  auto sent = scope.spawn([&tx = tx] { return bool{tx.send(8)}; });
  CHECK(rx.receive().value() == 0); // one place, and no more
  CHECK(sent.get());
  CHECK(tx.size() == 8);
}

TEST_CASE("an operation that goes through at once counts no wait, and one that has to wait does",
          "[channel][look]") {
  const std::size_t& waits = roost::detail::this_thread.waits;
  auto [tx, rx] = roost::make_channel<int>(1);
  const std::size_t before = waits;
  REQUIRE(tx.send(1));
  REQUIRE(rx.receive());
  CHECK(waits == before);

  roost::task_scope scope;
  scope.spawn([&tx = tx, &rx = rx] {
    test::wait_until_waiting(rx, 1);
    (void)tx.send(2);
  });
  REQUIRE(rx.receive());
  CHECK(waits != before);
}
