// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <any>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// What can be sent: any movable value, of any size, alignment and manners.

using namespace std::chrono_literals;
using roost::channel_status;
using test::aligned_item;
using test::aligned_number;
using test::item_counts;
using test::large_item;
using test::make_item;
using test::move_only_item;
using test::no_limit;
using test::owned_item;
using test::shared_item;
using test::throwing_item;
using test::tracked_item;
using test::unassignable_item;
using test::value_of;
using text_item = std::string;

// The types that go through all forms below.
#define ROOST_TEST_ITEMS                                                                           \
  int, text_item, owned_item, shared_item, tracked_item, move_only_item, unassignable_item,        \
      throwing_item, aligned_item, aligned_number, large_item

namespace {

// Aligned and whole, where the type can tell.
template <class T>
bool sound(const T& item) {
  if constexpr (requires { item.aligned(); }) {
    return item.aligned();
  } else if constexpr (requires { item.intact(); }) {
    return item.intact();
  } else {
    return true;
  }
}

// Through a channel with room, and past a receiver that waits; gives back what came.
template <class T>
std::vector<T> through_a_channel(T first, T second) {
  std::vector<T> came;
  auto buffered = roost::make_channel<T>(1);
  (void)buffered.tx.send(std::move(first));
  came.push_back(*buffered.rx.receive());
  auto direct = roost::make_channel<T>();
  roost::task_scope scope;
  auto got = scope.spawn([&] { return T(*direct.rx.receive()); });
  test::wait_until_waiting(direct.rx, 1);
  (void)direct.tx.send(std::move(second));
  came.push_back(got.get());
  return came;
}

} // namespace

TEMPLATE_TEST_CASE("every kind of item goes through every form of send and receive",
                   "[channel]",
                   ROOST_TEST_ITEMS) {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 2, no_limit);
  item_counts counts;
  int wrong = 0;
  for (const auto& send : test::send_forms<TestType>()) {
    for (const auto& receive : test::receive_forms<TestType>()) {
      auto ch = test::make_ends<TestType>(capacity);
      roost::task_scope scope;
      auto item = make_item<TestType>(counts, 5);
      std::optional<roost::task_handle<bool>> sent;
      if (capacity != 0) {
        wrong += !send.send(ch.tx, item);
      } else if (send.waits) {
        sent = scope.spawn([&] { return bool(send.send(ch.tx, item)); });
        test::wait_until_waiting(ch.tx, 1);
      } else if (receive.waits) {
        sent = scope.spawn([&] {
          test::wait_until_waiting(ch.rx, 1);
          return bool(send.send(ch.tx, item));
        });
      } else {
        continue;
      }
      const auto got = receive.receive(ch.rx);
      wrong += !got.item || value_of(*got.item) != 5 || !sound(*got.item);
      wrong += sent && !sent->get();
    }
  }
  CHECK(wrong == 0);
  CHECK(counts.live == 0);
}

TEMPLATE_TEST_CASE("every kind of item stays in its variable when it is not sent",
                   "[channel]",
                   ROOST_TEST_ITEMS) {
  item_counts counts;
  {
    auto item = make_item<TestType>(counts, 5);
    auto ch = roost::make_channel<TestType>(1);
    REQUIRE(ch.tx.send(make_item<TestType>(counts, 1)));

    CHECK(test::try_send_from(ch.tx, item).status() == channel_status::full);
    CHECK(value_of(item) == 5);
    CHECK(sound(item));

    const auto timed = [&] { return ch.tx.send_for(std::move(item), 1ms); };
    CHECK(timed().status() == channel_status::timeout);
    CHECK(value_of(item) == 5);

    ch.rx.close();
    CHECK(test::send_from(ch.tx, item).status() == channel_status::closed);
    CHECK(value_of(item) == 5);
    CHECK(sound(item));
    CHECK(ch.rx.size() == 1);
  }
  CHECK(counts.live == 0);
}

TEMPLATE_TEST_CASE("items are destroyed once, received or not",
                   "[channel]",
                   owned_item,
                   shared_item,
                   tracked_item,
                   unassignable_item,
                   aligned_item) {
  item_counts counts;
  {
    auto ch = roost::make_channel<TestType>(roost::unbounded);
    for (int i = 0; i < 3000; ++i)
      REQUIRE(ch.tx.send(make_item<TestType>(counts, i)));
    CHECK(counts.live == 3000);
    for (int i = 0; i < 1000; ++i)
      REQUIRE(ch.rx.receive());
    CHECK(counts.live == 2000);
  }
  CHECK(counts.live == 0);
}

TEST_CASE("items without a value go through", "[channel]") {
  struct nothing {};
  CHECK(through_a_channel(nothing{}, nothing{}).size() == 2);
  const auto flags = through_a_channel<char>('a', 'b');
  CHECK(flags == std::vector<char>{'a', 'b'});
  auto ch = roost::make_channel<bool>(2);
  REQUIRE(ch.tx.send(false));
  REQUIRE(ch.tx.send(true));
  const auto first = ch.rx.receive();
  CHECK(first); // an item came, and it is false
  CHECK_FALSE(*first);
  CHECK(*ch.rx.receive());
}

TEST_CASE("items that look like results are not taken for them", "[channel]") {
  using maybe = std::optional<int>;
  CHECK(through_a_channel<maybe>(std::nullopt, 3) == std::vector<maybe>{std::nullopt, 3});

  auto nested = roost::make_channel<std::optional<std::optional<std::string>>>(1);
  REQUIRE(nested.tx.send(std::optional<std::string>()));
  const auto got = nested.rx.receive();
  REQUIRE(got);
  CHECK(got->has_value());
  CHECK_FALSE((*got)->has_value());

  const auto errors = through_a_channel<std::exception_ptr>(
      nullptr, std::make_exception_ptr(std::runtime_error("x")));
  CHECK(errors[0] == nullptr);
  CHECK_THROWS_AS(std::rethrow_exception(errors[1]), std::runtime_error);

  auto results = roost::make_channel<roost::receive_result<int>>(1);
  auto numbers = roost::make_channel<int>(1);
  REQUIRE(numbers.tx.send(9));
  REQUIRE(results.tx.send(numbers.rx.receive()));
  CHECK(*results.rx.receive().value() == 9);
  REQUIRE(results.tx.send(numbers.rx.try_receive()));
  CHECK(results.rx.receive()->status() == channel_status::empty);
}

TEST_CASE("items that can be made from anything go through as they are", "[channel]") {
  const auto anything = through_a_channel<std::any>(1, std::string("two"));
  CHECK(std::any_cast<int>(anything[0]) == 1);
  CHECK(std::any_cast<std::string>(anything[1]) == "two");

  auto calls = roost::make_channel<std::function<int()>>(1);
  REQUIRE(calls.tx.send([] { return 12; }));
  CHECK(calls.rx.receive().value()() == 12);

  auto arrays = roost::make_channel<std::unique_ptr<int[]>>(1);
  REQUIRE(arrays.tx.send(std::make_unique<int[]>(3)));
  CHECK((*arrays.rx.receive())[2] == 0);

  auto deleter = [](const int* p) { delete p; };
  auto handles = roost::make_channel<std::unique_ptr<int, decltype(deleter)>>(1);
  REQUIRE(handles.tx.send(std::unique_ptr<int, decltype(deleter)>(new int(4), deleter)));
  CHECK(**handles.rx.receive() == 4);

  struct fixed {
    const int number;
    std::string text;
  };
  auto constants = roost::make_channel<fixed>(1);
  fixed item{1, "one"};
  REQUIRE(test::send_from(constants.tx, item));
  fixed other{2, "two"};
  CHECK(test::try_send_from(constants.tx, other).status() == channel_status::full);
  CHECK(other.number == 2);
  CHECK(other.text == "two");
  const auto got = constants.rx.receive();
  CHECK(got->number == 1);
  CHECK(got->text == "one");
}

TEST_CASE("trivial items that cannot be assigned to go through", "[channel]") {
  struct reference {
    const int number;
    int& target;
  };
  int target = 0;
  auto ch = roost::make_channel<reference>(2);
  REQUIRE(ch.tx.send({1, target}));
  reference item{2, target};
  REQUIRE(test::try_send_from(ch.tx, item));
  reference kept{3, target};
  CHECK(test::try_send_from(ch.tx, kept).status() == channel_status::full);
  CHECK(kept.number == 3);
  ch.tx.close();
  for (const reference& came : ch.rx)
    came.target += came.number;
  CHECK(target == 3);
}

TEST_CASE("an item may be moved out of what was received", "[channel]") {
  item_counts counts;
  auto ch = roost::make_channel<move_only_item>(3);
  for (int i = 0; i < 3; ++i)
    REQUIRE(ch.tx.send(move_only_item(counts, i)));
  const move_only_item by_value = ch.rx.receive().value();
  CHECK(by_value.value() == 0);
  auto result = ch.rx.receive();
  const move_only_item by_star = *std::move(result);
  CHECK(by_star.value() == 1);
  ch.tx.close();
  std::vector<move_only_item> rest;
  for (move_only_item& item : ch.rx)
    rest.push_back(std::move(item));
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].value() == 2);
}

TEST_CASE("a range-for that waits for the next item has let go of the one before", "[channel]") {
  item_counts counts;
  auto ch = roost::make_channel<tracked_item>(1);
  roost::task_scope scope;
  scope.spawn([rx = std::move(ch.rx)] {
    for (const tracked_item& item : rx)
      static_cast<void>(item);
  });
  REQUIRE(ch.tx.send(tracked_item(counts, 1)));
  test::wait_until_blocked(scope, 1);
  test::wait_until([&] { return counts.live == 0; });
  { const auto last = std::move(ch.tx); }
}
