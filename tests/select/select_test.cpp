// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

// Which case happens, and when a select waits.

using namespace std::chrono_literals;
using roost::channel_status;
using roost::on_deadline;
using roost::on_done;
using roost::on_receive;
using roost::on_send;
using roost::on_set;
using roost::on_tick;
using roost::on_timeout;
using roost::otherwise;
using test::outcome_of;
using test::seen;

namespace {

constexpr auto ignore = [](auto&&...) {};

using ends = roost::channel_ends<int>;

} // namespace

TEST_CASE("select receives from the channel that has an item and leaves the others alone",
          "[select]") {
  const std::size_t ready = GENERATE(as<std::size_t>(), 0, 1, 2);
  std::vector<ends> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(roost::make_channel<int>(2));
  REQUIRE(all[ready].tx.send(5));
  REQUIRE(all[ready].tx.send(6));
  std::vector<int> got;
  const auto keep = [&](roost::receive_result<int> r) { got.push_back(r.value()); };
  const std::size_t index = roost::select(
      on_receive(all[0].rx, keep), on_receive(all[1].rx, keep), on_receive(all[2].rx, keep));
  CHECK(index == ready);
  CHECK(got == std::vector{5});
  for (std::size_t i = 0; i < all.size(); ++i)
    CHECK(all[i].rx.size() == (i == ready));
}

TEST_CASE("only the handler of the case that happened is called and only once", "[select]") {
  auto full = roost::make_channel<int>(1);
  auto empty = roost::make_channel<int>(1);
  REQUIRE(full.tx.send(1));
  roost::event unset;
  roost::event set;
  set.set();
  roost::wait_group busy;
  busy.add();
  roost::ticker rare(1h);
  int right = 0;
  int wrong = 0;
  const auto count_wrong = [&](auto&&...) { ++wrong; };
  for (int turn = 0; turn < 20; ++turn) {
    const std::size_t index = roost::select(on_send(full.tx, 2, count_wrong),
                                            on_receive(empty.rx, count_wrong),
                                            on_set(unset, count_wrong),
                                            on_set(set, [&] { ++right; }),
                                            on_done(busy, count_wrong),
                                            on_tick(rare, count_wrong),
                                            on_timeout(1h, count_wrong));
    wrong += index != 3;
  }
  CHECK(right == 20);
  CHECK(wrong == 0);
}

TEST_CASE("a timeout happens not before its time and leaves everything as it was", "[select]") {
  const bool by_deadline = GENERATE(false, true);
  test::bubble([&] {
    auto empty = roost::make_channel<int>(1);
    auto full = roost::make_channel<int>(1);
    REQUIRE(full.tx.send(1));
    const auto start = roost::clock::now();
    const auto due = start + 1h;
    int timeouts = 0;
    const auto count = [&] { ++timeouts; };
    const std::size_t index = by_deadline ? roost::select(on_receive(empty.rx, ignore),
                                                          on_send(full.tx, 2, ignore),
                                                          on_deadline(due, count))
                                          : roost::select(on_receive(empty.rx, ignore),
                                                          on_send(full.tx, 2, ignore),
                                                          on_timeout(1h, count));
    CHECK(roost::clock::now() == due);
    CHECK(index == 2);
    CHECK(timeouts == 1);
    CHECK(test::waiting(empty.rx) == 0);
    CHECK(test::waiting(full.tx) == 0);
    CHECK(full.rx.try_receive().value() == 1);
    CHECK_FALSE(full.rx.try_receive());
  });
}

TEST_CASE("the earliest of several timeouts happens", "[select]") {
  test::bubble([&] {
    CHECK(roost::select(on_timeout(1h), on_timeout(59min), on_deadline(roost::clock::now() + 2h)) ==
          1);
    CHECK(roost::select(on_timeout(1h), on_timeout(-1h)) == 1);
    CHECK(roost::select(on_timeout(std::chrono::hours::max()),
                        on_deadline(roost::clock::time_point::min())) == 1);
  });
}

TEST_CASE("a case that never becomes ready is as good as none", "[select]") {
  test::bubble([&] {
    constexpr auto never = roost::clock::time_point::max();
    auto ch = roost::make_channel<int>(1);
    CHECK(roost::select(on_deadline(never), otherwise()) == 1);
    CHECK(roost::select(on_deadline(never), on_timeout(1h)) == 1);
    CHECK(roost::select(on_deadline(never), on_send(ch.tx, 1, ignore)) == 1);
    CHECK(roost::select(on_deadline(never), on_receive(ch.rx, ignore)) == 1);
    roost::task_scope scope;
    auto woken =
        scope.spawn([&] { return roost::select(on_deadline(never), on_receive(ch.rx, ignore)); });
    test::wait_until_waiting(ch.rx, 1);
    REQUIRE(ch.tx.send(2));
    CHECK(woken.get() == 1);
  });
}

TEST_CASE("otherwise happens if no other case can and a closed channel can", "[select]") {
  int taken = 0;
  CHECK(roost::select(otherwise([&] { ++taken; })) == 0);
  CHECK(taken == 1);
  auto ch = roost::make_channel<int>();
  CHECK(roost::select(otherwise(), on_receive(ch.rx, ignore), on_send(ch.tx, 1, ignore)) == 0);
  CHECK(test::waiting(ch.rx) == 0);
  ch.tx.close();
  std::vector<channel_status> ends;
  const auto keep_status = [&](auto r) { ends.push_back(r.status()); };
  CHECK(roost::select(otherwise(), on_receive(ch.rx, keep_status)) == 1);
  CHECK(roost::select(on_send(ch.tx, 1, keep_status), otherwise()) == 0);
  CHECK(ends == std::vector{channel_status::closed, channel_status::closed});
}

namespace {

// A channel of capacity 2 in each state it can be in, and what a receive and a send do then:
// nothing means that they wait.
struct channel_state {
  const char* name;
  int items;
  bool closed;
  std::optional<channel_status> received;
  std::optional<channel_status> sent;
};

const channel_state states[] = {
    {"empty", 0, false, std::nullopt, channel_status::success},
    {"with room", 1, false, channel_status::success, channel_status::success},
    {"full", 2, false, channel_status::success, std::nullopt},
    {"closed", 0, true, channel_status::closed, channel_status::closed},
    {"closed with an item", 1, true, channel_status::success, channel_status::closed},
};

ends channel_in(const channel_state& state) {
  ends ch = roost::make_channel<int>(2);
  for (int i = 0; i < state.items; ++i)
    REQUIRE(ch.tx.send(i));
  if (state.closed)
    ch.tx.close();
  return ch;
}

} // namespace

TEST_CASE("a case can happen exactly when its operation would not wait", "[select]") {
  const channel_state& state = states[GENERATE(as<std::size_t>(), 0, 1, 2, 3, 4)];
  const bool sending = GENERATE(false, true);
  CAPTURE(state.name, sending);
  const std::optional<channel_status> expected = sending ? state.sent : state.received;
  std::optional<channel_status> status;
  const auto keep_status = [&](auto r) { status = r.status(); };

  {
    const ends ch = channel_in(state);
    const std::size_t index = sending ? roost::select(on_send(ch.tx, 7, keep_status), otherwise())
                                      : roost::select(on_receive(ch.rx, keep_status), otherwise());
    CHECK(index == (expected ? 0U : 1U));
    CHECK(status == expected);
  }

  status.reset();
  const ends ch = channel_in(state);
  seen end = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      end = outcome_of([&] {
        if (sending) {
          roost::select(on_send(ch.tx, 7, keep_status));
        } else {
          roost::select(on_receive(ch.rx, keep_status));
        }
      });
    });
    if (!expected) {
      test::wait_until_blocked(scope, 1);
      scope.request_stop();
    }
  }
  CHECK(end == (expected ? seen::returned : seen::stopped));
  CHECK(status == expected);
}

TEST_CASE("a select that waits is released by whatever happens first", "[select]") {
  const test::no_thread_left check;
  const std::size_t first = GENERATE(as<std::size_t>(), 0, 1, 2, 3, 4, 5, 6);
  CAPTURE(first);
  auto in = roost::make_channel<int>();
  auto out = roost::make_channel<int>();
  auto closing = roost::make_channel<int>(1);
  roost::event set;
  roost::wait_group group;
  group.add();
  test::gate worker;
  int got = 0;
  std::optional<channel_status> sent;
  std::optional<channel_status> closed;
  roost::ticker every(first == 6 ? 20ms : std::chrono::milliseconds(1h));
  roost::task_scope scope;
  auto task = scope.spawn([&] { worker.pass(); });
  auto index = scope.spawn([&] {
    return roost::select(on_receive(in.rx, [&](auto r) { got = r.value(); }),
                         on_send(out.tx, 8, [&](auto r) { sent = r.status(); }),
                         on_receive(closing.rx, [&](auto r) { closed = r.status(); }),
                         on_set(set),
                         on_done(group),
                         on_done(task),
                         on_tick(every));
  });
  if (first != 6)
    test::wait_until_blocked(scope, 1);
  switch (first) {
  case 0:
    CHECK(in.tx.try_send(9));
    break;
  case 1:
    CHECK(out.rx.try_receive().value() == 8);
    break;
  case 2:
    closing.tx.close();
    break;
  case 3:
    set.set();
    break;
  case 4:
    group.done();
    break;
  case 5:
    worker.open();
    break;
  default: // the ticker comes by itself
    break;
  }
  CHECK(index.get() == first);
  worker.open();
  CHECK(got == (first == 0 ? 9 : 0));
  CHECK(sent.has_value() == (first == 1));
  CHECK(closed.has_value() == (first == 2));
  CHECK(test::waiting(in.rx) == 0);
  CHECK(test::waiting(out.tx) == 0);
  CHECK(test::waiting(closing.rx) == 0);
  CHECK(test::waiting(set) == 0);
  CHECK(test::waiting(group) == 0);
}

TEST_CASE("select_biased takes the first case that can happen", "[select]") {
  auto empty = roost::make_channel<int>(1);
  auto one = roost::make_channel<int>(1);
  auto closed = roost::make_channel<int>(1);
  closed.tx.close();
  roost::event set;
  set.set();
  int wrong = 0;
  for (int turn = 0; turn < 200; ++turn) {
    REQUIRE(one.tx.try_send(turn));
    wrong += roost::select_biased(on_receive(empty.rx, ignore),
                                  on_receive(one.rx, ignore),
                                  on_receive(closed.rx, ignore),
                                  on_set(set)) != 1;
    wrong += roost::select_biased(on_receive(empty.rx, ignore),
                                  on_receive(one.rx, ignore),
                                  on_set(set),
                                  on_receive(closed.rx, ignore),
                                  otherwise()) != 2;
    wrong += roost::select_biased(otherwise(), on_set(set)) != 1;
  }
  CHECK(wrong == 0);
  CHECK(roost::select_biased(otherwise(), on_receive(empty.rx, ignore)) == 0);
}

TEST_CASE("select_biased waits for all its cases", "[select]") {
  auto ch = roost::make_channel<int>();
  roost::event unset;
  roost::task_scope scope;
  auto index =
      scope.spawn([&] { return roost::select_biased(on_set(unset), on_receive(ch.rx, ignore)); });
  test::wait_until_waiting(ch.rx, 1);
  CHECK(test::waiting(unset) == 1);
  CHECK(ch.tx.try_send(1));
  CHECK(index.get() == 1);
  CHECK(test::waiting(unset) == 0);
}

TEST_CASE("a select that was matched before its timeout does not time out", "[select]") {
  test::bubble([] {
    auto ch = roost::make_channel<int>();
    int got = 0;
    roost::task_scope scope;
    auto index = scope.spawn([&] {
      return roost::select(on_receive(ch.rx, [&](auto r) { got = r.value(); }), on_timeout(2h));
    });
    roost::this_task::sleep_for(1h);
    CHECK(ch.tx.try_send(3));
    CHECK(index.get() == 0);
    CHECK(got == 3);
  });
}
