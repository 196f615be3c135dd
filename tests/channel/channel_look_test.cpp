// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

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

TEST_CASE("a side looks often while items come one by one, and seldom in a flow",
          "[channel][look]") {
  using roost::detail::pauses_between_looks;
  CHECK(pauses_between_looks(0) == 1);
  CHECK(pauses_between_looks(1) == 1);
  bool grows = true;
  for (std::size_t passed = 1; passed < 100; ++passed)
    grows = grows && pauses_between_looks(passed) <= pauses_between_looks(passed + 1);
  CHECK(grows);
  CHECK(pauses_between_looks(1'000'000'000) == 64);
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
