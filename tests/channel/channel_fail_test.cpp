// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/errors.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

// A channel closed because of a failure: receivers get what is in it, and then the failure.

using namespace std::chrono_literals;
using roost::channel_status;
using test::exception_of;
using test::no_limit;

namespace {

std::exception_ptr a_failure(const char* words = "the source is gone") {
  return std::make_exception_ptr(std::runtime_error(words));
}

} // namespace

TEST_CASE("what is in a failed channel is received and then its failure", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 3, no_limit);
  const auto failure = a_failure();
  auto ch = test::make_ends<int>(capacity);
  for (int i = 0; i < 3; ++i)
    REQUIRE(ch.tx.send(i));
  CHECK(ch.tx.fail(failure));
  CHECK(ch.tx.closed());
  for (int i = 0; i < 3; ++i) {
    const auto got = ch.rx.receive();
    CHECK(got.value() == i);
    CHECK_FALSE(got.error());
  }
  for (int turn = 0; turn < 2; ++turn) { // for ever
    auto end = ch.rx.receive();
    CHECK_FALSE(end);
    CHECK(end.status() == channel_status::closed);
    CHECK(end.error() == failure);
    CHECK(exception_of([&] { (void)end.value(); }) == failure);
    CHECK(exception_of([&] { (void)std::as_const(end).value(); }) == failure);
    CHECK(exception_of([&] { (void)std::move(end).value(); }) == failure);
  }
}

TEST_CASE("every form of receive tells the failure of the channel", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, no_limit);
  const auto failure = a_failure();
  auto ch = test::make_ends<int>(capacity);
  REQUIRE(ch.tx.fail(failure));
  const auto tells = [&](roost::receive_result<int> end) {
    CHECK(end.status() == channel_status::closed);
    CHECK(end.error() == failure);
  };
  tells(ch.rx.receive());
  tells(ch.rx.receive_for(0ns));
  tells(ch.rx.receive_for(1h));
  tells(ch.rx.receive_until(roost::clock::time_point::max()));
  tells(ch.rx.try_receive());
  int selected = 0;
  roost::select(roost::on_receive(ch.rx, [&](roost::receive_result<int> end) {
    ++selected;
    tells(std::move(end));
  }));
  CHECK(selected == 1);
}

TEST_CASE("a range-for and a batch throw the failure once the channel is empty", "[channel]") {
  const auto failure = a_failure();
  auto ch = roost::make_channel<int>(4);
  for (int i = 0; i < 4; ++i)
    REQUIRE(ch.tx.send(i));
  REQUIRE(ch.tx.fail(failure));
  std::vector<int> got;
  const auto a_loop = [&] {
    for (const int item : ch.rx) {
      got.push_back(item);
      if (item == 1)
        break;
    }
  };
  CHECK(exception_of(a_loop) == nullptr); // left before the end
  CHECK(exception_of([&] { CHECK(ch.rx.receive_some(got, 1) == 1); }) == nullptr);
  CHECK(exception_of(a_loop) == failure);
  CHECK(got == std::vector<int>{0, 1, 2, 3});
  CHECK(exception_of(a_loop) == failure); // at its begin
  CHECK(exception_of([&] { (void)ch.rx.receive_some(got, 9); }) == failure);
  CHECK(got.size() == 4);
}

TEST_CASE("a failed channel takes nothing any more and leaves the item", "[channel]") {
  auto ch = roost::make_channel<std::vector<int>>(2);
  REQUIRE(ch.tx.fail(a_failure()));
  for (const auto& send : test::send_forms<std::vector<int>>()) {
    CAPTURE(send.name);
    std::vector<int> item{1, 2};
    CHECK(send.send(ch.tx, item).status() == channel_status::closed);
    CHECK(item == std::vector<int>{1, 2});
  }
}

TEST_CASE("only the call that closes the channel decides whether and how it failed", "[channel]") {
  const auto first = a_failure("first");
  auto failed = roost::make_channel<int>(1);
  CHECK(failed.tx.fail(first));
  CHECK_FALSE(failed.tx.fail(a_failure("second")));
  CHECK_FALSE(failed.tx.close());
  CHECK_FALSE(failed.rx.close());
  CHECK(failed.rx.receive().error() == first);

  auto closed = roost::make_channel<int>(1);
  CHECK(closed.rx.close());
  CHECK_FALSE(closed.tx.fail(first));
  const auto end = closed.rx.receive();
  CHECK(end.status() == channel_status::closed);
  CHECK_FALSE(end.error());
  CHECK_THROWS_AS(end.value(), std::logic_error);
  for (const int item : closed.rx) // does not throw
    static_cast<void>(item);
}

TEST_CASE("a failure is not told before the channel has ended", "[channel]") {
  auto ch = roost::make_channel<int>(2);
  CHECK_FALSE(ch.rx.try_receive().error());
  CHECK_FALSE(ch.rx.receive_for(0ns).error());
  REQUIRE(ch.tx.send(1));
  REQUIRE(ch.tx.fail(a_failure()));
  auto got = ch.rx.try_receive();
  CHECK(got.value() == 1);
  CHECK_FALSE(got.error());
  got = ch.rx.try_receive(); // a result that is assigned to has nothing of the old one
  CHECK(got.error());
  auto other = roost::make_channel<int>(2);
  got = other.rx.try_receive();
  CHECK_FALSE(got.error());
}

TEST_CASE("a failure without an exception is refused and the channel stays open", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  CHECK_THROWS_AS(ch.tx.fail(nullptr), std::invalid_argument);
  CHECK_THROWS_AS(ch.tx.fail(std::exception_ptr()), std::invalid_argument);
  CHECK_FALSE(ch.tx.closed());
  CHECK(ch.tx.send(1));
  const auto tx = std::move(ch.tx);
  // NOLINTNEXTLINE(bugprone-use-after-move): that is what this is about
  CHECK_THROWS_AS(ch.tx.fail(a_failure()), std::logic_error);
  CHECK(ch.rx.receive().value() == 1);
}

TEST_CASE("a failure wakes all who wait to receive and each is told", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, no_limit);
  const auto failure = a_failure();
  auto ch = test::make_ends<int>(capacity);
  roost::task_scope scope;
  std::vector<roost::task_handle<std::exception_ptr>> ends;
  for (int i = 0; i < 2; ++i) {
    const auto rx = ch.rx; // each its own end
    ends.push_back(scope.spawn([rx] { return rx.receive().error(); }));
    ends.push_back(scope.spawn([rx] { return rx.receive_for(1h).error(); }));
    ends.push_back(scope.spawn([rx] {
      return exception_of([&] {
        for (const int item : rx)
          static_cast<void>(item);
      });
    }));
    ends.push_back(scope.spawn([rx] {
      std::vector<int> items;
      return exception_of([&] { (void)rx.receive_some(items, 5); });
    }));
    ends.push_back(scope.spawn([rx] {
      std::exception_ptr told;
      roost::select(roost::on_receive(rx, [&](auto end) { told = end.error(); }));
      return told;
    }));
  }
  test::wait_until_waiting(ch.rx, 10);
  CHECK(ch.tx.fail(failure));
  for (auto& end : ends)
    CHECK(end.get() == failure);
}

TEST_CASE("a failure wakes all who wait to send and their items stay", "[channel]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  test::item_counts counts;
  auto ch = roost::make_channel<test::owned_item>(capacity);
  for (std::size_t i = 0; i < capacity; ++i)
    REQUIRE(ch.tx.send(test::make_item<test::owned_item>(counts, 1)));
  roost::task_scope scope;
  std::vector<roost::task_handle<bool>> kept;
  for (int i = 10; i < 14; ++i) {
    kept.push_back(scope.spawn([&, i] {
      auto item = test::make_item<test::owned_item>(counts, i);
      const auto sent =
          i % 2 == 0 ? ch.tx.send(std::move(item)) : ch.tx.send_for(std::move(item), 1h);
      // NOLINTNEXTLINE(bugprone-use-after-move): it was not taken
      return sent.status() == channel_status::closed && test::value_of(item) == i;
    }));
  }
  test::wait_until_waiting(ch.tx, 4);
  CHECK(ch.tx.fail(a_failure()));
  for (auto& each : kept)
    CHECK(each.get());
  CHECK(ch.rx.size() == capacity);
}

TEST_CASE("a receiver that comes after all senders have gone still learns the failure",
          "[channel]") {
  const auto failure = a_failure();
  std::optional<roost::receiver<int>> rx;
  {
    auto ch = roost::make_channel<int>(1);
    REQUIRE(ch.tx.send(1));
    REQUIRE(ch.tx.fail(failure));
    rx = ch.rx;
  }
  const auto copy = *rx;
  CHECK(rx->receive().value() == 1);
  rx.reset();
  CHECK(copy.receive().error() == failure);
}

TEST_CASE("the exception of a failure lives as long as its channel", "[channel]") {
  const auto payload = std::make_shared<int>(1);
  {
    auto ch = roost::make_channel<int>(1);
    REQUIRE(ch.tx.fail(std::make_exception_ptr(payload)));
    CHECK(payload.use_count() == 2);
    CHECK_FALSE(ch.tx.fail(std::make_exception_ptr(payload)));
    CHECK(payload.use_count() == 2); // one that was not wanted is let go of
  }
  CHECK(payload.use_count() == 1);
}

TEST_CASE("the loop of a consumer passes the failure of its source on to the scope", "[channel]") {
  auto ch = roost::make_channel<int>(4);
  const auto consume = [&] {
    roost::with_scope([&](roost::task_scope& scope) {
      scope.spawn("consumer", [&, rx = std::move(ch.rx)] {
        for (const int item : rx)
          static_cast<void>(item);
      });
      REQUIRE(ch.tx.send(1));
      REQUIRE(ch.tx.fail(a_failure()));
    });
  };
  CHECK(test::thrown_by(consume) == "the source is gone");
}
