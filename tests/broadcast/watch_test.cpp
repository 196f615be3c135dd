// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using roost::channel_status;
using roost::watch;
using roost::watch_receiver;
using test::item_counts;
using test::make_item;
using test::outcome_of;
using test::seen;
using test::value_of;

namespace {

using result = roost::shared_result<int>;

struct wait_form {
  const char* name;
  result (*wait)(const watch_receiver<int>&);
};

const wait_form forms[] = {
    {"wait", [](const watch_receiver<int>& rx) { return rx.wait(); }},
    {"wait_for", [](const watch_receiver<int>& rx) { return rx.wait_for(1h); }},
    {"wait_until",
     [](const watch_receiver<int>& rx) { return rx.wait_until(roost::clock::now() + 1h); }},
};

// One that has seen the value as it is.
template <class T>
watch_receiver<T> up_to_date(const watch<T>& value) {
  auto rx = value.subscribe();
  (void)rx.wait();
  return rx;
}

} // namespace

TEST_CASE("ends of a watch are handles", "[watch]") {
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<watch<int>>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<watch<int>>);
  STATIC_REQUIRE(std::is_copy_constructible_v<watch_receiver<int>>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<watch_receiver<int>>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<watch<int>>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<watch_receiver<int>>);
}

TEST_CASE("a watch shows its latest value", "[watch]") {
  const watch<std::string> value("first");
  const auto rx = value.subscribe();
  CHECK(value.get() == "first");
  CHECK(rx.get() == "first");
  CHECK(value.set("second"));
  CHECK(value.set("third"));
  CHECK(value.get() == "third");
  CHECK(rx.get() == "third");
  CHECK(rx.changed());
  CHECK(*rx.wait() == "third");
  CHECK_FALSE(rx.changed());
  CHECK(rx.get() == "third");
}

TEST_CASE("a receiver of a watch gets the value as it is and then each change it is in time for",
          "[watch]") {
  const watch<int> value(1);
  const auto rx = value.subscribe();
  const auto also = rx.subscribe();
  CHECK(value.receivers() == 2);
  CHECK(rx.changed());
  CHECK(rx.wait().value() == 1);
  CHECK(rx.wait_for(0ns).status() == channel_status::timeout);
  value.set(2);
  CHECK(rx.wait().value() == 2);
  value.set(3);
  value.set(4);
  const auto last = rx.wait();
  CHECK(last.value() == 4);
  CHECK(last.missed() == 1);
  value.set(4); // an equal one is a change, too
  CHECK(rx.wait().value() == 4);
  CHECK(also.wait().value() == 4); // has had none so far
  CHECK_FALSE(also.changed());
  CHECK(value.subscribe().wait().value() == 4);
}

TEST_CASE("copies of a receiver of a watch share its changes", "[watch]") {
  const watch<int> value(1);
  const auto one = value.subscribe();
  const auto two = one;
  CHECK(value.receivers() == 1);
  CHECK(one.wait().value() == 1);
  CHECK_FALSE(two.changed());
  value.set(2);
  CHECK(two.wait().value() == 2);
  CHECK_FALSE(one.changed());
}

TEST_CASE("receivers of a watch find it closed after its last value", "[watch]") {
  const bool by_hand = GENERATE(true, false);
  std::optional<watch<int>> value(std::in_place, 1);
  const auto rx = value->subscribe();
  const auto has_seen = up_to_date(*value);
  if (by_hand) {
    CHECK(value->close());
    CHECK_FALSE(value->set(7));
    CHECK(value->get() == 1);
  } else {
    value.reset();
  }
  CHECK(rx.closed());
  std::vector<int> values;
  for (const int v : rx)
    values.push_back(v);
  CHECK(values == std::vector{1});
  CHECK(rx.get() == 1);
  for (const auto& form : forms)
    CHECK(form.wait(has_seen).status() == channel_status::closed);
}

TEST_CASE("a setting wakes all who wait for a change", "[watch]") {
  const auto& form = forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  const watch<int> value(0);
  roost::task_scope scope;
  std::vector<watch_receiver<int>> receivers;
  std::vector<roost::task_handle<int>> woken;
  for (int i = 0; i < 8; ++i)
    receivers.push_back(up_to_date(value));
  for (const auto& rx : receivers)
    woken.push_back(scope.spawn([&] { return form.wait(rx).value(); }));
  for (const auto& rx : receivers)
    test::wait_until_waiting(rx, 1);
  value.set(5);
  for (auto& each : woken)
    CHECK(each.get() == 5);
}

TEST_CASE("a close wakes those who wait for a change", "[watch]") {
  const auto& form = forms[GENERATE(0, 1, 2)];
  const bool by_hand = GENERATE(true, false);
  CAPTURE(form.name, by_hand);
  std::optional<watch<int>> value(std::in_place, 0);
  const auto rx = up_to_date(*value);
  roost::task_scope scope;
  auto end = scope.spawn([&] { return form.wait(rx).status(); });
  test::wait_until_waiting(rx, 1);
  if (by_hand) {
    value->close();
  } else {
    value.reset();
  }
  CHECK(end.get() == channel_status::closed);
}

TEST_CASE("a stop wakes those who wait for a change and goes before one", "[watch]") {
  const auto& form = forms[GENERATE(0, 1, 2)];
  CAPTURE(form.name);
  const watch<int> value(0);
  const auto rx = up_to_date(value);
  seen waiting = seen::neither;
  seen changed = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      waiting = outcome_of([&] { (void)form.wait(rx); });
      value.set(1);
      changed = outcome_of([&] { (void)form.wait(rx); });
    });
    test::wait_until_blocked(scope, 1);
    scope.request_stop();
  }
  CHECK(waiting == seen::stopped);
  CHECK(changed == seen::stopped);
  CHECK(test::waiting(rx) == 0);
  CHECK(rx.changed()); // it is no less there
}

TEST_CASE("a deadline ends the wait for a change and not before", "[watch]") {
  test::bubble([&] {
    const watch<int> value(0);
    const auto rx = up_to_date(value);
    const auto start = roost::clock::now();
    CHECK(rx.wait_for(1h).status() == channel_status::timeout);
    CHECK(roost::clock::now() == start + 1h);
    CHECK(rx.wait_until(start).status() == channel_status::timeout);
    CHECK_THROWS_AS(
        roost::with_scope({.timeout = 1h}, [&](roost::task_scope&) { (void)rx.wait(); }),
        roost::timeout_error);
    value.set(1);
    CHECK(rx.wait_until(start).value() == 1);
  });
}

TEST_CASE("a plain thread waits for a change", "[watch]") {
  const watch<int> value(0);
  const auto rx = up_to_date(value);
  int got = 0;
  {
    const std::jthread waiter([&] { got = rx.wait().value(); });
    test::wait_until_waiting(rx, 1);
    value.set(3);
  }
  CHECK(got == 3);
}

TEST_CASE("a wait for a state of a watch does not miss it", "[watch]") {
  const watch<bool> paused(true);
  std::atomic<int> passed = 0;
  std::vector<watch_receiver<bool>> receivers;
  for (int i = 0; i < 4; ++i)
    receivers.push_back(paused.subscribe());
  roost::task_scope scope;
  for (const auto& rx : receivers) {
    scope.spawn([&] {
      while (rx.get()) {
        if (!rx.wait())
          return;
      }
      ++passed;
    });
  }
  for (const auto& rx : receivers)
    test::wait_until_waiting(rx, 1);
  paused.set(true); // another change is not enough
  for (const auto& rx : receivers)
    test::wait_until([&] { return !rx.changed() && test::waiting(rx) == 1; });
  CHECK(passed == 0);
  paused.set(false);
  scope.join();
  CHECK(passed == 4);
}

TEMPLATE_TEST_CASE("values of any type can be watched",
                   "[watch]",
                   int,
                   std::string,
                   test::shared_item,
                   test::tracked_item,
                   test::aligned_number,
                   test::large_item) {
  item_counts counts;
  {
    const watch<TestType> value(make_item<TestType>(counts, 0));
    const auto rx = value.subscribe();
    for (int i = 1; i < 10; ++i) {
      value.set(make_item<TestType>(counts, i));
      CHECK(value_of(value.get()) == i);
      if (i % 3 == 0)
        CHECK(value_of(*rx.wait()) == i);
    }
  }
  CHECK(counts.live == 0);
}

TEST_CASE("what cannot be copied can be watched", "[watch]") {
  const watch<std::unique_ptr<int>> value(std::make_unique<int>(1));
  const auto rx = value.subscribe();
  CHECK(**rx.wait() == 1);
}

TEST_CASE("an end of a watch that was moved from says so", "[watch]") {
  watch<int> value(1);
  auto rx = value.subscribe();
  const auto value2 = std::move(value);
  const auto rx2 = std::move(rx);
  CHECK_THROWS_AS(value.set(1), std::logic_error);
  CHECK_THROWS_AS(value.get(), std::logic_error);
  CHECK_THROWS_AS(value.subscribe(), std::logic_error);
  CHECK_THROWS_AS(rx.get(), std::logic_error);
  CHECK_THROWS_AS(rx.wait(), std::logic_error);
  CHECK_THROWS_AS(rx.changed(), std::logic_error);
  CHECK(test::thrown_by([&] { (void)rx.subscribe(); }).find("moved from") != std::string::npos);
  CHECK(rx2.get() == 1);
}
