// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/gate.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"
#include "support/virtual_time.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

// From wherever a stop comes and whatever else goes on: it wakes what waits at a channel.

using namespace std::chrono_literals;
using roost::channel_status;
using test::item_counts;
using test::outcome_of;
using test::seen;
using test::tracked_item;

TEST_CASE("a scope with a hundred tasks blocked at as many primitives ends when stopped",
          "[channel]") {
  std::vector<roost::channel_ends<int>> channels;
  std::vector<std::unique_ptr<roost::event>> events;
  std::vector<std::unique_ptr<roost::wait_group>> groups;
  for (int i = 0; i < 50; ++i)
    channels.push_back(roost::make_channel<int>());
  for (int i = 0; i < 25; ++i) {
    events.push_back(std::make_unique<roost::event>());
    groups.push_back(std::make_unique<roost::wait_group>());
    groups.back()->add();
  }
  std::atomic<int> passed = 0;
  {
    roost::task_scope scope({.exit = roost::on_exit::stop});
    for (std::size_t i = 0; i < 25; ++i) {
      scope.spawn([&, i] { passed += bool(channels[i].tx.send(1)); });
      scope.spawn([&, i] { passed += bool(channels[25 + i].rx.receive()); });
      scope.spawn([&, i] {
        events[i]->wait();
        ++passed;
      });
      scope.spawn([&, i] {
        groups[i]->wait();
        ++passed;
      });
    }
    test::wait_until_blocked(scope, 100);
  }
  CHECK(passed == 0);
  std::size_t waiting = 0;
  for (const auto& ch : channels)
    waiting += test::waiting(ch.tx) + test::waiting(ch.rx);
  for (std::size_t i = 0; i < 25; ++i)
    waiting += test::waiting(*events[i]) + test::waiting(*groups[i]);
  CHECK(waiting == 0);
}

TEST_CASE("a shielded operation outlives the stop and completes", "[channel]") {
  auto ch = roost::make_channel<int>();
  int got = 0;
  seen after = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      {
        const roost::shield s(1h);
        got = ch.rx.receive().value();
      }
      after = outcome_of([&] { (void)ch.rx.receive(); });
    });
    test::wait_until_waiting(ch.rx, 1);
    scope.request_stop();
    CHECK(test::waiting(ch.rx) == 1);
    CHECK(ch.tx.try_send(3));
  }
  CHECK(got == 3);
  CHECK(after == seen::stopped);
}

TEST_CASE("a token from outside and the scope each wake a blocked operation alone", "[channel]") {
  const bool by_token = GENERATE(true, false);
  auto ch = roost::make_channel<int>();
  std::stop_source outside;
  roost::stop_reason reason{};
  seen after = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      {
        const roost::stop_when linked(outside.get_token());
        try {
          (void)ch.rx.receive();
        } catch (const roost::stopped& s) {
          reason = s.cause().reason;
        }
      }
      if (by_token) // then the task itself was not stopped
        after = outcome_of([&] { (void)ch.rx.receive_for(0ns); });
    });
    test::wait_until_blocked(scope, 1);
    if (by_token) {
      outside.request_stop();
    } else {
      scope.request_stop();
    }
  }
  CHECK(reason == (by_token ? roost::stop_reason::token : roost::stop_reason::requested));
  CHECK(after == (by_token ? seen::returned : seen::neither));
  CHECK(test::waiting(ch.rx) == 0);
}

TEST_CASE("a token that is stopped already lets no wait begin", "[channel]") {
  std::stop_source outside;
  outside.request_stop();
  auto ch = roost::make_channel<int>(1);
  REQUIRE(ch.tx.send(1));
  const roost::stop_when s(outside.get_token());
  CHECK(outcome_of([&] { (void)ch.rx.receive(); }) == seen::stopped);
  CHECK(outcome_of([&] { (void)ch.tx.send_for(1, 1h); }) == seen::stopped);
  CHECK(ch.rx.try_receive().value() == 1);
}

TEST_CASE("a stop of the outer scope wakes an operation in the inner one but not the reverse",
          "[channel]") {
  auto outer_channel = roost::make_channel<int>();
  auto inner_channel = roost::make_channel<int>();
  test::gate inner_is_up;
  std::atomic<roost::task_scope*> inner_scope = nullptr;
  seen in_inner = seen::neither;
  seen in_outer = seen::neither;
  SECTION("the inner scope stops") {
    roost::task_scope outer;
    outer.spawn([&] { in_outer = outcome_of([&] { (void)outer_channel.rx.receive(); }); });
    outer.spawn([&] {
      roost::task_scope inner;
      inner_scope = &inner;
      inner.spawn([&] { in_inner = outcome_of([&] { (void)inner_channel.rx.receive(); }); });
      inner_is_up.pass();
    });
    inner_is_up.wait_for_arrivals(1);
    test::wait_until_waiting(outer_channel.rx, 1);
    test::wait_until_blocked(*inner_scope, 1);
    inner_scope.load()->request_stop();
    inner_is_up.open();
    test::wait_until_waiting(inner_channel.rx, 0);
    CHECK_FALSE(outer.stop_requested());
    CHECK(outer_channel.tx.send(1));
    outer.join();
    CHECK(in_inner == seen::stopped);
    CHECK(in_outer == seen::returned);
  }
  SECTION("the outer scope stops") {
    roost::task_scope outer;
    outer.spawn([&] {
      roost::task_scope inner;
      inner.spawn([&] { in_inner = outcome_of([&] { (void)inner_channel.rx.receive(); }); });
      in_outer = outcome_of([&] { (void)outer_channel.rx.receive(); });
    });
    test::wait_until_waiting(outer_channel.rx, 1);
    test::wait_until_waiting(inner_channel.rx, 1);
    outer.request_stop();
    outer.join();
    CHECK(in_inner == seen::stopped);
    CHECK(in_outer == seen::stopped);
  }
  CHECK(test::waiting(outer_channel.rx) == 0);
  CHECK(test::waiting(inner_channel.rx) == 0);
}

TEST_CASE("a deadline of the scope wakes those who wait at a channel", "[channel]") {
  test::bubble([] {
    auto ch = roost::make_channel<tracked_item>();
    item_counts counts;
    roost::stop_reason reason{};
    int left = 0;
    CHECK_THROWS_AS(roost::with_scope({.timeout = 1h},
                                      [&](roost::task_scope& scope) {
                                        scope.spawn([&] {
                                          tracked_item item(counts, 5);
                                          try {
                                            (void)test::send_from(ch.tx, item);
                                          } catch (const roost::stopped& s) {
                                            reason = s.cause().reason;
                                            left = item.value();
                                          }
                                        });
                                      }),
                    roost::timeout_error);
    CHECK(reason == roost::stop_reason::deadline);
    CHECK(left == 5);
    CHECK(test::waiting(ch.tx) == 0);
  });
}

TEST_CASE("the owner's operations are stopped with its scope and are its own again after the join",
          "[channel]") {
  auto ch = roost::make_channel<int>(2);
  roost::task_scope scope;
  scope.spawn([&] {
    (void)ch.tx.send(1);
    scope.request_stop();
  });
  CHECK(outcome_of([&] {
          while (ch.rx.receive()) {
          }
        }) == seen::stopped);
  scope.join();
  (void)ch.tx.try_send(2);
  CHECK(ch.rx.receive());
}

TEST_CASE("an item whose destructor stops its receiver's scope ends the next receive",
          "[channel]") {
  item_counts counts;
  auto ch = roost::make_channel<tracked_item>(4);
  for (int i = 0; i < 4; ++i)
    REQUIRE(ch.tx.send(tracked_item(counts, i)));
  int received = 0;
  {
    roost::task_scope scope;
    counts.on_destroy = [&](int value) {
      if (value == 1)
        scope.request_stop();
    };
    scope.spawn([&] {
      while (ch.rx.receive())
        ++received;
    });
    scope.join();
    counts.on_destroy = nullptr;
  }
  CHECK(received == 2);
  CHECK(ch.rx.size() == 2);
}

TEST_CASE("an item that is destroyed because its sender was stopped may stop and send again",
          "[channel]") {
  item_counts counts;
  auto ch = roost::make_channel<tracked_item>();
  auto log = roost::make_channel<int>(roost::unbounded);
  {
    roost::task_scope scope;
    counts.on_destroy = [&](int value) {
      scope.request_stop();
      (void)log.tx.try_send(value);
    };
    scope.spawn([&] { (void)ch.tx.send(tracked_item(counts, 7)); });
    test::wait_until_waiting(ch.tx, 1);
    scope.request_stop();
    scope.join();
    counts.on_destroy = nullptr;
  }
  CHECK(log.rx.try_receive().value() == 7);
  CHECK(counts.live == 0);
}

TEST_CASE("a stop callback may use channels and its waits are stopped ones", "[channel]") {
  const bool stopped_by_task = GENERATE(false, true); // the callback runs in the stopper
  auto ch = roost::make_channel<int>(1);
  auto blocked = roost::make_channel<int>();
  seen in_callback = seen::neither;
  std::optional<channel_status> tried;
  {
    roost::task_scope scope;
    const std::stop_callback callback(scope.get_stop_token(), [&] {
      tried = ch.tx.try_send(1).status();
      in_callback = outcome_of([&] { (void)blocked.rx.receive(); });
    });
    scope.spawn([&] {
      if (stopped_by_task)
        scope.request_stop();
      (void)blocked.rx.receive();
    });
    if (!stopped_by_task) {
      test::wait_until_blocked(scope, 1);
      scope.request_stop();
    }
    scope.join();
  }
  CHECK(tried == channel_status::success);
  CHECK(in_callback == seen::stopped);
  CHECK(test::waiting(blocked.rx) == 0);
}
