// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"
#include "support/virtual_time.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

// What the cases refer to: items, handlers, ends, tasks.

using namespace std::chrono_literals;
using roost::channel_status;
using roost::on_done;
using roost::on_receive;
using roost::on_send;
using roost::on_set;
using roost::on_tick;
using roost::on_timeout;
using roost::otherwise;
using test::item_counts;
using test::make_item;
using test::value_of;

namespace {

constexpr auto ignore = [](auto&&...) {};

// The variable is looked at after the select, which is what the tests are about.
template <class T, class F>
auto offer(const roost::sender<T>& tx, T& variable, F handler) {
  return on_send(tx, std::move(variable), std::move(handler));
}

} // namespace

TEMPLATE_TEST_CASE("an item that was not sent stays in its variable and can be sent later",
                   "[select]",
                   int,
                   std::string,
                   test::owned_item,
                   test::shared_item,
                   test::tracked_item,
                   test::unassignable_item,
                   test::large_item) {
  item_counts counts;
  {
    auto ch = roost::make_channel<TestType>();
    roost::event set;
    set.set();
    auto item = make_item<TestType>(counts, 7);
    int seen_by_other_handler = 0;
    for (int turn = 0; turn < 3; ++turn) {
      CHECK(roost::select(offer(ch.tx, item, ignore), otherwise()) == 1);
      CHECK(value_of(item) == 7);
      const auto look = [&] { seen_by_other_handler += value_of(item); };
      CHECK(roost::select(offer(ch.tx, item, ignore), on_set(set, look)) == 1);
      CHECK(roost::select(offer(ch.tx, item, ignore), on_timeout(1ms, look)) == 1);
    }
    CHECK(seen_by_other_handler == 7 * 6);

    std::optional<channel_status> status;
    const auto keep_status = [&](auto r) { status = r.status(); };
    std::optional<TestType> got;
    {
      roost::task_scope scope;
      scope.spawn(
          [&] { roost::select(on_receive(ch.rx, [&](auto r) { got.emplace(std::move(*r)); })); });
      roost::select(offer(ch.tx, item, keep_status));
    }
    REQUIRE(got.has_value());
    CHECK(value_of(*got) == 7);
    CHECK(status == channel_status::success);

    auto refused = make_item<TestType>(counts, 8);
    ch.rx.close();
    CHECK(roost::select(offer(ch.tx, refused, keep_status), otherwise()) == 0);
    CHECK(status == channel_status::closed);
    CHECK(value_of(refused) == 8);
  }
  CHECK(counts.live == 0);
}

TEMPLATE_TEST_CASE("one item may be offered to several channels and goes to one of them",
                   "[select]",
                   int,
                   std::string,
                   test::owned_item,
                   test::tracked_item,
                   test::large_item) {
  item_counts counts;
  auto first = roost::make_channel<TestType>(1);
  auto second = roost::make_channel<TestType>(1);
  auto item = make_item<TestType>(counts, 7);
  CHECK(roost::select_biased(offer(first.tx, item, ignore), offer(second.tx, item, ignore)) == 0);
  CHECK(value_of(first.rx.try_receive().value()) == 7);
  REQUIRE(first.tx.send(make_item<TestType>(counts, 1)));
  item = make_item<TestType>(counts, 8);
  CHECK(roost::select(offer(first.tx, item, ignore), offer(second.tx, item, ignore)) == 1);
  REQUIRE(second.rx.size() == 1);
  item = make_item<TestType>(counts, 9);
  CHECK(value_of(second.rx.try_receive().value()) == 8);
  REQUIRE(second.tx.send(make_item<TestType>(counts, 1)));
  CHECK(roost::select(offer(first.tx, item, ignore), offer(second.tx, item, ignore), otherwise()) ==
        2);
  CHECK(value_of(item) == 9);
}

TEST_CASE("a select mixes channels of all kinds of items", "[select]") {
  item_counts counts;
  {
    auto numbers = roost::make_channel<int>();
    auto texts = roost::make_channel<std::string>();
    auto owned = roost::make_channel<test::owned_item>();
    auto boxed = roost::make_channel<test::tracked_item>();
    auto large = roost::make_channel<test::large_item>();
    int sum = 0;
    bool intact = false;
    auto answer = roost::make_channel<std::unique_ptr<int>>();
    {
      roost::task_scope scope;
      scope.spawn([&] {
        for (int turn = 0; turn < 6; ++turn) {
          roost::select(on_receive(numbers.rx, [&](auto r) { sum += r.value(); }),
                        on_receive(texts.rx, [&](auto r) { sum += value_of(r.value()); }),
                        on_receive(owned.rx, [&](auto r) { sum += value_of(r.value()); }),
                        on_receive(boxed.rx, [&](auto r) { sum += value_of(r.value()); }),
                        on_receive(large.rx,
                                   [&](auto r) {
                                     sum += value_of(r.value());
                                     intact = r->intact();
                                   }),
                        on_send(answer.tx, std::make_unique<int>(sum), ignore));
        }
      });
      REQUIRE(owned.tx.send(make_item<test::owned_item>(counts, 1)));
      REQUIRE(texts.tx.send(make_item<std::string>(counts, 20)));
      REQUIRE(large.tx.send(make_item<test::large_item>(counts, 300)));
      REQUIRE(numbers.tx.send(4000));
      REQUIRE(boxed.tx.send(make_item<test::tracked_item>(counts, 50000)));
      const auto result = answer.rx.receive();
      REQUIRE(result);
      CHECK(**result == 54321);
    }
    CHECK(intact);
  }
  CHECK(counts.live == 0);
}

TEST_CASE("an item given as an lvalue is copied and stays", "[select]") {
  auto ch = roost::make_channel<std::string>(2);
  const std::string text = "an item too long to lie in the string itself";
  CHECK(roost::select(on_send(ch.tx, text, ignore)) == 0);
  CHECK(roost::select(on_send(ch.tx, "converted", ignore)) == 0);
  CHECK(text == "an item too long to lie in the string itself");
  CHECK(ch.rx.try_receive().value() == text);
  CHECK(ch.rx.try_receive().value() == "converted");
}

TEST_CASE("a select does not receive what it sends itself", "[select]") {
  int got = -1;
  const auto keep = [&](auto r) { got = r.value(); };
  auto ch = roost::make_channel<int>();
  for (int turn = 0; turn < 50; ++turn) {
    CHECK(roost::select(on_send(ch.tx, 1, ignore), on_receive(ch.rx, keep), otherwise()) == 2);
    CHECK(roost::select(on_receive(ch.rx, keep), on_send(ch.tx, 1, ignore), otherwise()) == 2);
  }
  CHECK(roost::select(on_receive(ch.rx, keep), on_send(ch.tx, 1, ignore), on_timeout(1ms)) == 2);
  CHECK(got == -1);

  auto buffered = roost::make_channel<int>(1);
  CHECK(roost::select(on_receive(buffered.rx, keep), on_send(buffered.tx, 1, ignore)) == 1);
  CHECK(roost::select(on_receive(buffered.rx, keep), on_send(buffered.tx, 2, ignore)) == 0);
  CHECK(got == 1);
}

TEST_CASE("two selects that both send and receive at one channel meet each other", "[select]") {
  auto ch = roost::make_channel<int>();
  std::array<int, 2> got{-1, -1};
  std::array<int, 2> sent{0, 0};
  {
    roost::task_scope scope;
    for (const std::size_t i : {0U, 1U}) {
      scope.spawn([&, i] {
        roost::select(on_send(ch.tx, static_cast<int>(i), [&, i](auto r) { sent[i] += bool(r); }),
                      on_receive(ch.rx, [&, i](auto r) { got[i] = r.value(); }));
      });
    }
  }
  CHECK(sent[0] + sent[1] == 1);
  CHECK((sent[0] == 1 ? got == std::array{-1, 0} : got == std::array{1, -1}));
}

TEST_CASE("one channel may be in several cases", "[select]") {
  auto ch = roost::make_channel<int>();
  int sum = 0;
  const auto add = [&](auto r) { sum += r ? *r : 1000; };
  {
    roost::task_scope scope;
    for (int i = 0; i < 4; ++i) {
      scope.spawn([&] {
        roost::select(on_receive(ch.rx, add), on_receive(ch.rx, add), on_receive(ch.rx, add));
      });
      test::wait_until_waiting(ch.rx, 3);
      if (i < 3) {
        CHECK(ch.tx.send(1 << i));
      } else {
        ch.tx.close();
      }
      REQUIRE(scope.wait_for(1h));
      CHECK(test::waiting(ch.rx) == 0);
    }
  }
  CHECK(sum == 1007);
}

namespace {

// A select of as many cases as there are numbers.
template <std::size_t... I>
std::size_t
select_from(const std::vector<roost::channel_ends<int>>& all, int& got, std::index_sequence<I...>) {
  return roost::select(on_receive(all[I].rx, [&](auto r) { got = r.value(); })...);
}

} // namespace

TEST_CASE("a select may have a hundred cases", "[select]") {
  using hundred = std::make_index_sequence<100>;
  std::vector<roost::channel_ends<int>> all;
  for (std::size_t i = 0; i < hundred::size(); ++i)
    all.push_back(roost::make_channel<int>());
  int got = -1;
  roost::task_scope scope;
  for (const std::size_t chosen : {99U, 0U, 64U, 31U}) {
    auto index = scope.spawn([&] { return select_from(all, got, hundred()); });
    for (const auto& each : all)
      test::wait_until_waiting(each.rx, 1);
    REQUIRE(all[chosen].tx.send(static_cast<int>(chosen)));
    CHECK(index.get() == chosen);
    CHECK(got == static_cast<int>(chosen));
    std::size_t left = 0;
    for (const auto& each : all)
      left += test::waiting(each.rx);
    CHECK(left == 0);
  }
}

TEST_CASE("a handler may wait and select again at the same channels", "[select]") {
  auto ch = roost::make_channel<int>(1);
  auto idle = roost::make_channel<int>();
  auto waited_for = roost::make_channel<int>();
  std::vector<int> got;
  const auto keep = [&](auto r) { got.push_back(r.value()); };
  const auto fourth = [&](auto third) {
    keep(std::move(third));
    keep(waited_for.rx.receive());
    roost::select(on_receive(idle.rx, ignore), on_receive(ch.rx, keep));
  };
  const auto third = [&](roost::send_result sent) {
    got.push_back(sent ? 0 : -1);
    roost::select(on_receive(ch.rx, fourth), on_receive(idle.rx, ignore));
  };
  const auto second = [&](auto first) {
    keep(std::move(first));
    roost::select(on_receive(idle.rx, ignore), on_send(ch.tx, 2, third));
  };
  roost::task_scope scope;
  auto done =
      scope.spawn([&] { roost::select(on_receive(ch.rx, second), on_receive(idle.rx, ignore)); });
  test::wait_until_waiting(ch.rx, 1);
  REQUIRE(ch.tx.send(1));
  REQUIRE(waited_for.tx.send(3));
  test::wait_until_waiting(ch.rx, 1);
  REQUIRE(ch.tx.send(4));
  done.get();
  CHECK(got == std::vector{1, 0, 2, 3, 4});
  CHECK(test::waiting(idle.rx) == 0);
}

TEST_CASE("what a handler throws comes out and all channels go on", "[select]") {
  auto ch = roost::make_channel<int>(1);
  auto idle = roost::make_channel<int>();
  roost::event unset;
  const auto fail = [](auto&&...) { throw std::runtime_error("thrown by a handler"); };
  const std::string expected = "thrown by a handler";
  CHECK(test::thrown_by([&] { roost::select(otherwise(fail)); }) == expected);
  CHECK(test::thrown_by([&] { roost::select(on_timeout(0ms, fail)); }) == expected);
  CHECK(test::thrown_by([&] { roost::select(on_send(ch.tx, 1, fail)); }) == expected);
  CHECK(test::thrown_by([&] { roost::select(on_receive(ch.rx, fail)); }) == expected);
  roost::task_scope scope({.on_failure = ignore});
  auto waiter = scope.spawn([&] {
    roost::select(on_set(unset, fail), on_receive(idle.rx, ignore), on_receive(ch.rx, fail));
  });
  test::wait_until_waiting(ch.rx, 1);
  REQUIRE(ch.tx.send(2));
  CHECK(test::thrown_by([&] { waiter.get(); }) == expected);
  CHECK(test::waiting(idle.rx) == 0);
  CHECK(test::waiting(unset) == 0);
  CHECK(ch.rx.try_receive().status() == channel_status::empty); // both items were received
  CHECK(ch.tx.try_send(3));
}

TEST_CASE("a select that fails before it has begun leaves every item in its variable", "[select]") {
  item_counts counts;
  auto ch = roost::make_channel<test::tracked_item>(1);
  auto gone = roost::make_channel<int>(1);
  const roost::receiver<int> rx = std::move(gone.rx);
  const roost::sender<int> tx = std::move(gone.tx);
  auto item = make_item<test::tracked_item>(counts, 3);
  CHECK_THROWS_AS(roost::select(offer(ch.tx, item, ignore), on_receive(gone.rx, ignore)),
                  std::logic_error);
  CHECK_THROWS_AS(roost::select(offer(ch.tx, item, ignore), on_send(gone.tx, 1, ignore)),
                  std::logic_error);
  CHECK(value_of(item) == 3);
  CHECK(ch.tx.size() == 0);
}

TEST_CASE("a receive case tells with what the channel was closed", "[select]") {
  auto ch = roost::make_channel<int>(1);
  REQUIRE(ch.tx.send(1));
  REQUIRE(ch.tx.fail(std::make_exception_ptr(std::runtime_error("no more"))));
  std::vector<std::string> seen;
  for (int turn = 0; turn < 3; ++turn) {
    roost::select(on_receive(ch.rx, [&](auto r) { seen.push_back(test::message_of(r.error())); }));
  }
  CHECK(seen == std::vector<std::string>{"nothing", "no more", "no more"});
}

TEST_CASE("a case for a task happens when get does not wait any more", "[select]") {
  test::gate worker;
  roost::event unset;
  roost::task_scope scope({.on_failure = ignore});
  auto value = scope.spawn([&] {
    worker.pass();
    return 5;
  });
  auto failing = scope.spawn([] { throw std::runtime_error("failed"); });
  CHECK(roost::select(on_done(value), on_done(failing), on_set(unset)) == 1);
  CHECK(roost::select(on_done(value), otherwise()) == 1);
  worker.open();
  int seen = 0;
  CHECK(roost::select(on_done(value, [&] { seen = value.ready() ? value.get() : -1; })) == 0);
  CHECK(seen == 5);
  CHECK(roost::select(on_done(value), on_set(unset)) == 0);
}

TEST_CASE("a case for the own task or for a moved handle is refused", "[select]") {
  std::string own;
  std::string inner;
  {
    std::optional<roost::task_handle<int>> handle;
    test::gate known;
    roost::task_scope scope;
    handle.emplace(scope.spawn([&] {
      known.pass();
      const auto wait_for_self = [&] { roost::select(on_done(*handle), otherwise()); };
      own = test::thrown_by(wait_for_self);
      roost::task_scope nested;
      nested.spawn([&] { inner = test::thrown_by(wait_for_self); });
      return 0;
    }));
    known.open();
    scope.join();
    const auto moved = std::move(*handle);
    CHECK_THROWS_AS(roost::select(on_done(*handle), otherwise()), std::logic_error);
    CHECK(roost::select(on_done(moved), otherwise()) == 0);
  }
  CHECK(own.find("cannot wait for itself") != std::string::npos);
  CHECK(inner.find("cannot wait for itself") != std::string::npos);
}

TEST_CASE("each tick goes to one select", "[select]") {
  test::bubble([&] {
    roost::ticker every(20min);
    const auto start = roost::clock::now();
    for (int tick = 0; tick < 3; ++tick)
      CHECK(roost::select(on_tick(every), on_timeout(1h)) == 0);
    CHECK(roost::clock::now() - start == 1h);
    roost::ticker rare(1h);
    CHECK(roost::select(on_tick(rare), otherwise()) == 1);
  });
}
