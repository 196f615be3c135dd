// SPDX-License-Identifier: BSL-1.0
#include "support/catch.hpp"
#include "support/history.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>

// The check of concurrent histories is itself checked, by histories written by hand.

using test::history;
using test::objection;
using test::operation;
using test::outcome;
using test::patience;

namespace {

operation sent(int item) {
  return operation::send(item).ended(outcome::sent);
}
operation received(int item) {
  return operation::receive().ended(outcome::received, item);
}
operation full(int item) {
  return operation::send(item, patience::none).ended(outcome::full);
}
operation empty() {
  return operation::receive(patience::none).ended(outcome::empty);
}
operation send_timeout(int item) {
  return operation::send(item, patience::short_time).ended(outcome::timeout);
}
operation receive_timeout() {
  return operation::receive(patience::short_time).ended(outcome::timeout);
}
operation send_closed(int item) {
  return operation::send(item).ended(outcome::send_closed);
}
operation receive_closed() {
  return operation::receive().ended(outcome::receive_closed);
}
operation closed() {
  return operation::close().ended(outcome::yes);
}
operation closed_before() {
  return operation::close().ended(outcome::no);
}
operation stop() {
  return operation::stop().ended(outcome::yes);
}
operation otherwise(int item, bool receives) {
  return operation::select(item, receives, patience::none).ended(outcome::otherwise);
}
operation select_sent(int item) {
  return operation::select(item, true).ended(outcome::sent);
}
operation select_received(int own, int item) {
  return operation::select(own, true).ended(outcome::received, item);
}

operation at(int called, int returned, operation op) {
  op.called = called;
  op.returned = returned;
  return op;
}

// Each is called when the one before it has returned.
bool legal_in_a_row(std::size_t capacity, history operations) {
  int clock = 0;
  for (operation& op : operations) {
    op.called = ++clock;
    op.returned = ++clock;
  }
  return objection(capacity, operations).empty();
}

bool legal(std::size_t capacity, const history& operations) {
  return objection(capacity, operations).empty();
}

// All overlap: the first half of the stamps are calls.
bool legal_at_once(std::size_t capacity, history operations) {
  int clock = 0;
  for (operation& op : operations)
    op.called = ++clock;
  for (operation& op : operations)
    op.returned = ++clock;
  return objection(capacity, operations).empty();
}

} // namespace

TEST_CASE("a history without operations is legal", "[history]") {
  CHECK(legal(0, {}));
  CHECK(legal(1, {}));
}

TEST_CASE("items that come out once and in order are legal", "[history]") {
  CHECK(legal_in_a_row(1, {sent(1), received(1), sent(2), received(2)}));
  CHECK(legal_in_a_row(2, {sent(1), sent(2), full(3), received(1), received(2), empty()}));
  CHECK(legal_in_a_row(2, {sent(1), sent(2), received(1), sent(3), received(2), received(3)}));
  CHECK(legal_in_a_row(2, {sent(1)})); // nobody has received it yet
}

TEST_CASE("a lost item is refused", "[history]") {
  CHECK_FALSE(legal_in_a_row(1, {sent(1), empty()}));
  CHECK_FALSE(legal_in_a_row(2, {sent(1), sent(2), received(2)}));
  CHECK_FALSE(legal_in_a_row(1, {sent(1), closed(), receive_closed()}));
  CHECK_FALSE(legal(0, {at(1, 2, sent(1)), at(3, 4, empty())}));
}

TEST_CASE("an item that is received twice is refused", "[history]") {
  CHECK_FALSE(legal_in_a_row(1, {sent(1), received(1), received(1)}));
  CHECK_FALSE(legal_at_once(2, {sent(1), received(1), received(1)}));
  CHECK_FALSE(legal_at_once(0, {sent(1), received(1), received(1)}));
}

TEST_CASE("an item that nobody sent is refused", "[history]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 2);
  CHECK_FALSE(legal_at_once(capacity, {received(1)}));
  CHECK_FALSE(legal_at_once(capacity, {received(1), full(1)}));
  CHECK_FALSE(legal_at_once(capacity, {received(1), send_timeout(1)}));
  CHECK_FALSE(legal_at_once(capacity, {received(1), send_closed(1), closed()}));
}

TEST_CASE("an item that is received before it is sent is refused", "[history]") {
  CHECK_FALSE(legal_in_a_row(1, {received(1), sent(1)}));
  CHECK_FALSE(legal_in_a_row(0, {received(1), sent(1)}));
}

TEST_CASE("items in the wrong order are refused", "[history]") {
  CHECK_FALSE(legal_in_a_row(2, {sent(1), sent(2), received(2), received(1)}));
  // Sends that overlap may go in either order, but the receives must agree on one.
  CHECK(legal(
      2, {at(1, 4, sent(1)), at(2, 3, sent(2)), at(5, 6, received(2)), at(7, 8, received(1))}));
  CHECK_FALSE(legal(2,
                    {at(1, 4, sent(1)),
                     at(2, 3, sent(2)),
                     at(5, 6, sent(3)),
                     at(7, 8, received(1)),
                     at(9, 10, received(3))}));
}

TEST_CASE("a send without room is refused", "[history]") {
  CHECK_FALSE(legal_in_a_row(1, {sent(1), sent(2)}));
  CHECK_FALSE(legal_at_once(1, {sent(1), sent(2)}));
  CHECK_FALSE(legal_in_a_row(2, {sent(1), sent(2), sent(3), received(1)}));
}

TEST_CASE("a send that waited for the room which a receive made is legal", "[history]") {
  CHECK(legal(
      1, {at(1, 2, sent(1)), at(3, 6, sent(2)), at(4, 5, received(1)), at(7, 8, received(2))}));
  // The room may be made before the receive has returned.
  CHECK(legal(1, {at(1, 2, sent(1)), at(3, 6, received(1)), at(4, 5, sent(2))}));
}

TEST_CASE("an item that went straight to a waiting receiver is legal", "[history]") {
  CHECK(legal(1, {at(1, 6, received(1)), at(2, 3, sent(1)), at(4, 5, empty())}));
  CHECK(legal(1, {at(1, 8, received(1)), at(2, 3, sent(1)), at(4, 5, sent(2)), at(6, 7, full(3))}));
}

TEST_CASE("full is refused where there surely was room", "[history]") {
  CHECK_FALSE(legal_in_a_row(1, {full(1)}));
  CHECK_FALSE(legal_in_a_row(1, {sent(1), received(1), full(2)}));
  CHECK_FALSE(legal_in_a_row(2, {sent(1), full(2)}));
  CHECK(legal(1, {at(1, 2, sent(1)), at(3, 6, full(2)), at(4, 5, received(1))}));
  CHECK(legal_in_a_row(0, {full(1)}));
}

TEST_CASE("empty is refused where there surely was an item", "[history]") {
  CHECK_FALSE(legal_in_a_row(2, {sent(1), sent(2), received(1), empty()}));
  CHECK_FALSE(legal(2, {at(1, 2, sent(1)), at(3, 6, empty()), at(4, 5, sent(2))}));
  CHECK(legal(1, {at(1, 3, sent(1)), at(2, 4, empty())}));
  CHECK(legal(1, {at(1, 2, sent(1)), at(3, 6, empty()), at(4, 5, received(1))}));
  CHECK(legal_in_a_row(0, {empty()}));
}

TEST_CASE("a timeout is refused where the operation could surely have happened", "[history]") {
  CHECK_FALSE(legal_in_a_row(1, {send_timeout(1)}));
  CHECK_FALSE(legal_in_a_row(2, {sent(1), send_timeout(2)}));
  CHECK_FALSE(legal_in_a_row(1, {sent(1), receive_timeout()}));
  CHECK(legal_in_a_row(1, {receive_timeout(), sent(1), send_timeout(2), received(1)}));
  CHECK(legal_in_a_row(0, {send_timeout(1), receive_timeout()}));
}

TEST_CASE("nothing is sent after the close", "[history]") {
  CHECK_FALSE(legal_in_a_row(1, {closed(), sent(1)}));
  CHECK_FALSE(legal(0, {at(1, 2, closed()), at(3, 5, sent(1)), at(4, 6, received(1))}));
  CHECK(legal_in_a_row(1, {closed(), send_closed(1)}));
  CHECK(legal(1, {at(1, 3, closed()), at(2, 4, sent(1))}));
}

TEST_CASE("what was accepted is received after the close", "[history]") {
  CHECK(legal_in_a_row(1, {sent(1), closed(), send_closed(2), received(1), receive_closed()}));
  CHECK_FALSE(legal_in_a_row(2, {sent(1), sent(2), closed(), received(1), receive_closed()}));
}

TEST_CASE("an end by close is refused while the channel is open", "[history]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 2);
  CHECK_FALSE(legal_at_once(capacity, {send_closed(1)}));
  CHECK_FALSE(legal_at_once(capacity, {receive_closed()}));
  CHECK_FALSE(legal_in_a_row(capacity, {receive_closed(), closed()}));
  CHECK(legal_at_once(capacity, {receive_closed(), send_closed(1), closed()}));
}

TEST_CASE("a closed channel is neither full nor empty and has no timeouts", "[history]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 2);
  CHECK_FALSE(legal_in_a_row(capacity, {closed(), full(1)}));
  CHECK_FALSE(legal_in_a_row(capacity, {closed(), empty()}));
  CHECK_FALSE(legal_in_a_row(capacity, {closed(), send_timeout(1)}));
  CHECK_FALSE(legal_in_a_row(capacity, {closed(), receive_timeout()}));
  CHECK_FALSE(legal_in_a_row(capacity, {closed(), otherwise(1, true)}));
}

TEST_CASE("exactly one call closes", "[history]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 2);
  CHECK(legal_in_a_row(capacity, {closed(), closed_before()}));
  CHECK(legal_at_once(capacity, {closed_before(), closed()}));
  CHECK_FALSE(legal_at_once(capacity, {closed(), closed()}));
  CHECK_FALSE(legal_at_once(capacity, {closed_before()}));
  CHECK_FALSE(legal_in_a_row(capacity, {closed_before(), closed()}));
}

TEST_CASE("without room an item passes only while both sides are there", "[history]") {
  CHECK(legal(0, {at(1, 3, sent(1)), at(2, 4, received(1))}));
  CHECK(legal(0, {at(1, 4, received(1)), at(2, 3, sent(1))}));
  CHECK_FALSE(legal(0, {at(1, 2, sent(1)), at(3, 4, received(1))}));
  CHECK_FALSE(legal(0, {at(1, 2, sent(1))}));
  CHECK_FALSE(legal_at_once(0, {sent(1), received(2)}));
  // The two items cross: whoever passes first, the other pair has to overlap with it.
  CHECK_FALSE(legal(
      0, {at(1, 2, sent(1)), at(3, 6, sent(2)), at(4, 8, received(1)), at(5, 7, received(2))}));
}

TEST_CASE("a stop ends operations without an effect", "[history]") {
  const auto send_stopped = operation::send(1).ended(outcome::stopped);
  const auto receive_stopped = operation::receive().ended(outcome::stopped);
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 2);
  CHECK(legal_in_a_row(capacity, {stop(), send_stopped, receive_stopped}));
  CHECK(legal_at_once(capacity, {send_stopped, receive_stopped, stop()}));
  CHECK_FALSE(legal_at_once(capacity, {send_stopped}));
  CHECK_FALSE(legal_in_a_row(capacity, {receive_stopped, stop()}));
  CHECK_FALSE(legal_at_once(capacity, {send_stopped, stop(), received(1)}));
}

TEST_CASE("what is called after the stop is stopped even if it could happen", "[history]") {
  CHECK_FALSE(legal_in_a_row(1, {stop(), sent(1)}));
  CHECK_FALSE(legal_in_a_row(1, {sent(1), stop(), received(1)}));
  CHECK_FALSE(legal_in_a_row(1, {stop(), select_sent(1)}));
  CHECK_FALSE(legal_in_a_row(0, {stop(), receive_timeout()}));
  CHECK_FALSE(legal_in_a_row(0, {stop(), otherwise(1, true)}));
  CHECK(legal(1, {at(1, 4, sent(1)), at(2, 3, stop())}));
  const auto tried = operation::send(1, patience::none).ended(outcome::sent);
  CHECK(legal_in_a_row(1, {stop(), tried, closed()}));
}

TEST_CASE("a select counts as the one operation it did", "[history]") {
  CHECK(legal_in_a_row(1, {select_sent(1), select_received(2, 1), select_sent(3), received(3)}));
  CHECK_FALSE(legal_in_a_row(1, {sent(1), select_received(2, 1), received(2)}));
  CHECK(legal_at_once(0, {select_sent(1), select_received(2, 1)}));
  const auto over = operation::select(1, true).ended(outcome::send_closed);
  CHECK(legal_in_a_row(1, {sent(2), closed(), over}));
  CHECK_FALSE(legal_in_a_row(1, {sent(2), over}));
}

TEST_CASE("a select that receives what it sends itself is refused", "[history]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  CHECK_FALSE(legal_in_a_row(capacity, {select_received(1, 1)}));
  CHECK_FALSE(legal_in_a_row(0, {select_sent(1)}));
}

TEST_CASE("otherwise is refused where one of the cases could surely happen", "[history]") {
  CHECK(legal_in_a_row(0, {otherwise(1, true)}));
  CHECK_FALSE(legal_at_once(1, {otherwise(1, true), sent(2), received(2)})); // always one can
  CHECK(legal_in_a_row(1, {otherwise(0, true), sent(1), otherwise(2, false)}));
  CHECK_FALSE(legal_in_a_row(1, {otherwise(1, false)}));
  CHECK_FALSE(legal_in_a_row(1, {sent(1), otherwise(0, true)}));
  // The timeout of a select may be drawn among others that are there as well.
  const auto late = operation::select(1, true, patience::short_time).ended(outcome::timeout);
  CHECK(legal_in_a_row(1, {late, closed(), late}));
}

TEST_CASE("an end that belongs to another kind of operation is refused", "[history]") {
  CHECK_FALSE(legal_in_a_row(0, {operation::send(1).ended(outcome::full)}));
  CHECK_FALSE(legal_in_a_row(0, {operation::receive().ended(outcome::timeout)}));
  CHECK_FALSE(legal_in_a_row(0, {operation::send(1, patience::none).ended(outcome::timeout)}));
  CHECK_FALSE(legal_in_a_row(1, {operation::receive(patience::none).ended(outcome::full)}));
  CHECK_FALSE(
      legal_in_a_row(1, {stop(), operation::send(1, patience::none).ended(outcome::stopped)}));
  CHECK_FALSE(legal_in_a_row(1, {closed(), operation::receive().ended(outcome::send_closed)}));
  CHECK_FALSE(legal_in_a_row(1, {operation::close().ended(outcome::sent)}));
}

TEST_CASE("the objection shows the history and how far it is explained", "[history]") {
  const std::string text =
      objection(1, {at(1, 2, sent(7)), at(3, 4, select_received(8, 9)), at(5, 6, closed())});
  const auto shows = [&](const std::string& part) { return text.find(part) != std::string::npos; };
  CAPTURE(text);
  CHECK(shows("channel of capacity 1"));
  CHECK(shows("begins well: send(7) -> sent; then it holds 7"));
  CHECK(shows("3..4  thread 0  select(send 8 | receive) -> received 9"));
  CHECK(shows("close() -> true"));
}

TEST_CASE("the check goes back from an order that leads nowhere", "[history]") {
  // Which of the sends came first shows only in the last receives.
  history operations{at(1, 20, sent(1)),
                     at(2, 19, sent(2)),
                     at(3, 18, sent(3)),
                     at(4, 17, sent(4)),
                     at(21, 22, received(3)),
                     at(23, 24, received(1)),
                     at(25, 26, received(4)),
                     at(27, 28, received(2))};
  CHECK(legal(4, operations));
  CHECK_FALSE(legal(3, operations));
  operations.back().got = 3;
  CHECK_FALSE(legal(4, operations));
}

TEST_CASE("a history that is too long for the check is not judged", "[history]") {
  CHECK_THROWS_AS(objection(1, history(33)), std::invalid_argument);
}
