// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

TEST_CASE("a weak sender does not keep the channel open", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  const roost::weak_sender weak(ch.tx);
  { const auto last = std::move(ch.tx); }
  CHECK(ch.rx.closed());
  CHECK_FALSE(weak.lock());
}

TEST_CASE("what a weak sender locks is an end like any other", "[channel]") {
  auto ch = roost::make_channel<int>(2);
  const roost::weak_sender weak(ch.tx);
  {
    auto locked = weak.lock();
    REQUIRE(locked);
    CHECK(*locked == ch.tx);
    { const auto other = std::move(ch.tx); }
    CHECK_FALSE(ch.rx.closed());
    CHECK(locked->send(1));
    CHECK(weak.lock()->send(2));
  }
  CHECK(ch.rx.closed());
  CHECK(ch.rx.receive().value() == 1);
  CHECK(ch.rx.receive().value() == 2);
  CHECK_FALSE(ch.rx.receive());
}

TEST_CASE("a weak sender of a channel that was closed by hand locks an end that cannot send",
          "[channel]") {
  auto ch = roost::make_channel<int>(1);
  const roost::weak_sender weak(ch.tx);
  ch.rx.close();
  const auto locked = weak.lock();
  REQUIRE(locked);
  CHECK(locked->send(1).status() == roost::channel_status::closed);
}

TEST_CASE("a weak sender may outlive both ends and is copied freely", "[channel]") {
  std::optional<roost::weak_sender<std::unique_ptr<int>>> weak;
  {
    auto ch = roost::make_channel<std::unique_ptr<int>>(1);
    weak.emplace(ch.tx);
    REQUIRE(ch.tx.send(std::make_unique<int>(1)));
  }
  const auto copy = *weak;
  CHECK_FALSE(copy.lock());
  CHECK_FALSE(weak->lock());
}

TEST_CASE("a weak sender of an end that was moved from is refused", "[channel]") {
  auto ch = roost::make_channel<int>();
  const auto kept = std::move(ch.tx);
  // NOLINTNEXTLINE(bugprone-use-after-move): that is what this is about
  CHECK_THROWS_AS(roost::weak_sender<int>(ch.tx), std::logic_error);
}

TEST_CASE("a queue whose workers add to it closes when all outside are done and nothing is left",
          "[channel]") {
  const test::no_thread_left check;
  auto ch = roost::make_channel<int>(roost::unbounded);
  int worked = 0;
  {
    roost::task_scope scope;
    scope.spawn([&worked, rx = std::move(ch.rx), weak = roost::weak_sender(ch.tx)] {
      for (const int left : rx) {
        ++worked;
        if (const auto tx = weak.lock(); tx && left > 0)
          (void)tx->send(left - 1);
      }
    });
    REQUIRE(ch.tx.send(3));
    test::wait_until([&] { return ch.tx.size() == 0; });
    { const auto last = std::move(ch.tx); }
  }
  CHECK(worked >= 1);
  CHECK(worked <= 4);
}
