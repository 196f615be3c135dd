// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Broadcasts and watches as cases of a select and of a selector.

using namespace std::chrono_literals;
using roost::broadcast;
using roost::channel_status;
using roost::on_change;
using roost::on_receive;
using roost::on_send;
using roost::on_timeout;
using roost::otherwise;
using roost::overflow;
using roost::watch;
using test::item_counts;
using test::make_item;
using test::outcome_of;
using test::seen;
using test::value_of;

namespace {

constexpr auto ignore = [](auto&&...) {};

} // namespace

TEST_CASE("a select receives from a broadcast what is there and what comes", "[broadcast]") {
  const broadcast<std::string> tx(2, overflow::drop_oldest);
  const auto rx = tx.subscribe();
  CHECK(roost::select(on_receive(rx, ignore), otherwise()) == 1);
  std::vector<std::string> got;
  std::uint64_t missed = 0;
  const auto receive = [&] {
    return roost::select(on_receive(rx,
                                    [&](const roost::shared_result<std::string>& r) {
                                      got.push_back(r ? *r : "closed");
                                      missed += r.missed();
                                    }),
                         on_timeout(1h));
  };
  for (const char* const text : {"a", "b", "c"})
    REQUIRE(tx.send(text));
  CHECK(receive() == 0);
  CHECK(receive() == 0);
  CHECK(missed == 1);
  {
    roost::task_scope scope;
    scope.spawn([&] {
      receive();
      receive();
    });
    test::wait_until_waiting(rx, 1);
    REQUIRE(tx.send("d"));
    test::wait_until_waiting(rx, 1);
    tx.close();
  }
  CHECK(got == std::vector<std::string>{"b", "c", "d", "closed"});
  CHECK(test::waiting(rx) == 0);
}

TEST_CASE("a select that does something else leaves a broadcast's item", "[broadcast]") {
  const broadcast<int> tx(2);
  const auto rx = tx.subscribe();
  roost::event e;
  {
    roost::task_scope scope;
    auto woken = scope.spawn([&] { return roost::select(on_receive(rx, ignore), on_set(e)); });
    test::wait_until_waiting(rx, 1);
    e.set();
    CHECK(woken.get() == 1);
  }
  CHECK(test::waiting(rx) == 0);
  REQUIRE(tx.send(1));
  CHECK(roost::select_biased(on_set(e), on_receive(rx, ignore)) == 0);
  CHECK(rx.size() == 1);
}

TEMPLATE_TEST_CASE("a select sends to a broadcast or keeps the item",
                   "[broadcast]",
                   int,
                   std::string,
                   test::owned_item,
                   test::tracked_item,
                   test::unassignable_item) {
  item_counts counts;
  {
    const broadcast<TestType> tx(1);
    const auto rx = tx.subscribe();
    auto first = make_item<TestType>(counts, 1);
    auto item = make_item<TestType>(counts, 2);
    std::vector<channel_status> ends;
    const auto note = [&](roost::send_result r) { ends.push_back(r.status()); };
    CHECK(roost::select(on_send(tx, std::move(first), note), otherwise()) == 0);
    CHECK(roost::select(on_send(tx, std::move(item), note), otherwise()) == 1);
    CHECK(value_of(item) == 2);
    roost::task_scope scope;
    auto waiting = scope.spawn(
        [&] { return roost::select(on_send(tx, std::move(item), note), on_timeout(1h)); });
    test::wait_until_waiting(tx, 1);
    CHECK(value_of(rx.receive().value()) == 1);
    CHECK(waiting.get() == 0);
    CHECK(value_of(rx.receive().value()) == 2);
    tx.close();
    auto late = make_item<TestType>(counts, 3);
    CHECK(roost::select(on_send(tx, std::move(late), note)) == 0);
    CHECK(value_of(late) == 3);
    CHECK(ends ==
          std::vector{channel_status::success, channel_status::success, channel_status::closed});
  }
  CHECK(counts.live == 0);
}

TEMPLATE_TEST_CASE("an item offered to a broadcast and to a channel goes to one of them",
                   "[broadcast]",
                   std::string,
                   test::tracked_item,
                   test::move_only_item) {
  item_counts counts;
  int to_broadcast = 0;
  int to_channel = 0;
  for (int turn = 0; turn < 40; ++turn) {
    const broadcast<TestType> tx(1);
    const auto rx = tx.subscribe();
    auto ch = roost::make_channel<TestType>(1);
    auto item = make_item<TestType>(counts, turn);
    const std::size_t index = roost::select(on_send(tx, std::move(item), ignore),
                                            on_send(ch.tx, std::move(item), ignore));
    const auto shared = rx.try_receive();
    const auto own = ch.rx.try_receive();
    CHECK(shared.has_value() == (index == 0));
    CHECK(own.has_value() == (index == 1));
    CHECK(value_of(shared ? *shared : *own) == turn);
    ++(shared ? to_broadcast : to_channel);
  }
  CHECK(to_broadcast > 0);
  CHECK(to_channel > 0);
  CHECK(counts.live == 0);
}

TEST_CASE("a selector keeps a broadcast's receiver and drops the case when it is closed",
          "[broadcast]") {
  std::vector<int> got;
  roost::selector all;
  std::optional<broadcast<int>> tx(std::in_place, 2U);
  {
    const auto rx = tx->subscribe();
    all.add(on_receive(rx, [&](auto r) { got.push_back(r ? *r : -1); }));
  }
  CHECK(tx->receivers() == 1);
  for (int i = 1; i < 6; ++i)
    all.add(on_send(*tx, i, ignore)); // keeps a sender each
  tx.reset();
  while (!all.empty())
    all.select_biased();
  CHECK(got == std::vector{1, 2, 3, 4, 5, -1});
}

TEST_CASE("a select waits for a change", "[watch]") {
  watch<int> value(1);
  const auto rx = value.subscribe();
  std::vector<int> got;
  const auto note = [&](const roost::shared_result<int>& r) { got.push_back(r ? *r : -1); };
  CHECK(roost::select(on_change(rx, note), otherwise()) == 0); // it begins with what there is
  CHECK(roost::select(on_change(rx, note), otherwise()) == 1);
  roost::selector all;
  all.add(on_change(rx, note));
  roost::task_scope scope;
  scope.spawn([&] {
    while (!all.empty())
      all.select();
  });
  test::wait_until_waiting(rx, 1);
  value.set(2);
  test::wait_until_waiting(rx, 1);
  value.close();
  scope.join();
  CHECK(got == std::vector{1, 2, -1});
}

TEST_CASE("a stop wakes a select of broadcasts and watches and nothing has happened",
          "[broadcast]") {
  item_counts counts;
  const broadcast<test::tracked_item> full(1);
  const auto slow = full.subscribe();
  REQUIRE(full.send(test::tracked_item(counts, 1)));
  const broadcast<int> tx(1);
  const auto rx = tx.subscribe();
  watch<int> value(1);
  const auto change = value.subscribe();
  (void)change.wait();
  seen outcome[2] = {};
  int left = 0;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      test::tracked_item item(counts, 2);
      for (seen& each : outcome) {
        each = outcome_of([&] {
          roost::select(on_receive(rx, ignore),
                        on_send(full, std::move(item), ignore),
                        on_change(change, ignore));
        });
      }
      left = item.value();
    });
    test::wait_until_blocked(scope, 1);
    CHECK(test::waiting(rx) + test::waiting(full) + test::waiting(change) == 3);
    scope.request_stop();
  }
  CHECK(outcome[0] == seen::stopped);
  CHECK(outcome[1] == seen::stopped);
  CHECK(left == 2);
  CHECK(test::waiting(rx) + test::waiting(full) + test::waiting(change) == 0);
}
