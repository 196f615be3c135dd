// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/select/select_first.hpp>
#include <roost/detail/wait/short_wait.hpp>

#include "support/catch.hpp"
#include "support/probe.hpp"

#include <cstddef>

// What a select sees of its cases without a lock, and what it concludes from that.

using roost::detail::first_ended;
using roost::detail::operation;
using roost::detail::patience;
using roost::detail::select_first;
using roost::detail::turn;
using roost::detail::view;
using roost::detail::wait_state;

namespace {

// It can happen, but its hint says that it cannot.
class hidden_operation final : public operation {
 public:
  explicit hidden_operation(roost::detail::spin_lock& lock) noexcept
      : operation(lock, nullptr, nullptr) {}

  bool may_happen() const noexcept override {
    ++looks;
    return false;
  }
  bool try_locked() noexcept override {
    ++tries;
    return true;
  }
  void conclude(wait_state) noexcept override {}

  mutable int looks = 0;
  int tries = 0;
};

first_ended select_one(hidden_operation& only, patience how_long) {
  operation* in_turn[] = {&only};
  operation* by_lock[] = {&only};
  return select_first(
      in_turn, by_lock, turn::fair, how_long, {"select"}, roost::detail::no_deadline);
}

} // namespace

TEST_CASE("a select passes over a case that cannot happen without taking its lock",
          "[select][hint]") {
  auto [empty_tx, empty_rx] = roost::make_channel<int>(4);
  auto [full_tx, full_rx] = roost::make_channel<int>(1);
  auto [tx, rx] = roost::make_channel<int>(4);
  REQUIRE(full_tx.try_send(1));
  REQUIRE(tx.try_send(2));
  // A thread that wants one of these locks waits for ever.
  const auto receiving = test::channel_probe::hold(empty_tx);
  const auto sending = test::channel_probe::hold(full_tx);
  int received = 0;
  const std::size_t index =
      roost::select_biased(roost::on_receive(empty_rx, [](auto) {}),
                           roost::on_send(full_tx, 3, [](auto) {}),
                           roost::on_receive(rx, [&](auto r) { received = r.value(); }));
  CHECK(index == 2);
  CHECK(received == 2);
}

TEST_CASE("that nothing can happen is never concluded from a hint", "[select][hint]") {
  roost::detail::spin_lock lock;
  hidden_operation only(lock);
  SECTION("by a select that does not wait") {
    CHECK(select_one(only, patience::try_only).which == &only);
    CHECK(only.tries == 1);
  }
  SECTION("by one that does: it looks for a while and then tries") {
    roost::detail::this_processor::history() = {}; // as if this thread had never waited
    CHECK(select_one(only, patience::wait).which == &only);
    CHECK(only.tries == 1);
    CHECK(only.looks > 2);
  }
}

TEST_CASE("a send into a channel that may still grow is always tried", "[select][hint]") {
  auto [tx, rx] = roost::make_channel<int>(5000);
  for (int i = 0; i < 5000; ++i) {
    const std::size_t index =
        roost::select_biased(roost::on_send(tx, i, [](auto) {}), roost::otherwise());
    REQUIRE(index == 0);
  }
  CHECK(roost::select_biased(roost::on_send(tx, 0, [](auto) {}), roost::otherwise()) == 1);
}
