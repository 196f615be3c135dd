// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/outcome.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

// A stop wakes a select as it wakes any wait: then no case has happened.

using namespace std::chrono_literals;
using roost::on_done;
using roost::on_receive;
using roost::on_send;
using roost::on_set;
using roost::on_tick;
using roost::on_timeout;
using roost::otherwise;
using test::item_counts;
using test::make_item;
using test::outcome_of;
using test::seen;
using test::value_of;

namespace {

constexpr auto ignore = [](auto&&...) {};

} // namespace

TEST_CASE("a stop wakes a select and takes it out of all lines", "[select]") {
  auto empty = roost::make_channel<int>(1);
  auto rendezvous = roost::make_channel<test::tracked_item>();
  roost::event unset;
  roost::wait_group busy;
  busy.add();
  roost::ticker rare(1h);
  test::gate worker;
  item_counts counts;
  int handled = 0;
  const auto count = [&](auto&&...) { ++handled; };
  seen first = seen::neither;
  seen second = seen::neither;
  int left = 0;
  {
    roost::task_scope others({.inherit = false});
    const auto task = others.spawn([&] { worker.pass(); });
    {
      roost::task_scope scope;
      scope.spawn([&] {
        auto item = make_item<test::tracked_item>(counts, 7);
        const auto wait = [&] {
          roost::select(on_receive(empty.rx, count),
                        on_send(rendezvous.tx, std::move(item), count),
                        on_set(unset, count),
                        on_done(busy, count),
                        on_done(task, count),
                        on_tick(rare, count),
                        on_timeout(1h, count));
        };
        first = outcome_of(wait);
        second = outcome_of(wait);
        left = value_of(item);
      });
      test::wait_until_blocked(scope, 1);
      CHECK(test::waiting(rendezvous.tx) == 1);
      scope.request_stop();
    }
    worker.open();
  }
  CHECK(first == seen::stopped);
  CHECK(second == seen::stopped); // and so does every later wait
  CHECK(left == 7);
  CHECK(handled == 0);
  CHECK(test::waiting(empty.rx) == 0);
  CHECK(test::waiting(rendezvous.tx) == 0);
  CHECK(test::waiting(unset) == 0);
  CHECK(test::waiting(busy) == 0);
  CHECK_FALSE(rendezvous.rx.try_receive());
  CHECK(counts.live == 0);
}

TEST_CASE("a stop wakes a select without cases and nothing else does", "[select]") {
  seen one = seen::neither;
  seen two = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] { one = outcome_of([] { roost::select(); }); });
    scope.spawn([&] { two = outcome_of([] { roost::selector().select(); }); });
    test::wait_until_blocked(scope, 2);
    scope.request_stop();
    scope.join();
  }
  CHECK(one == seen::stopped);
  CHECK(two == seen::stopped);
}

TEST_CASE("a stop that came before is seen although every case could happen", "[select]") {
  auto ch = roost::make_channel<int>(2);
  REQUIRE(ch.tx.send(1));
  roost::event set;
  set.set();
  int handled = 0;
  const auto count = [&](auto&&...) { ++handled; };
  int stopped = 0;
  std::optional<std::size_t> tried;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      scope.request_stop();
      const auto stops = [&](auto wait) { stopped += outcome_of(wait) == seen::stopped; };
      stops([&] { roost::select(on_receive(ch.rx, count)); });
      stops([&] { roost::select_biased(on_send(ch.tx, 2, count), on_set(set, count)); });
      stops([&] { roost::select(on_receive(ch.rx, count), otherwise(count)); });
      stops([&] { roost::select(otherwise(count)); });
      stops([] { roost::select(); });
      roost::selector all;
      const std::size_t key = all.add(on_receive(ch.rx, ignore));
      stops([&] { all.select(); });
      stops([&] { all.select_biased(); });
      stops([&] { (void)all.select_for(0ms); });
      tried = all.try_select(); // the only one that does not look at stops
      if (tried == key)
        tried = 0;
    });
  }
  CHECK(stopped == 8);
  CHECK(handled == 0);
  CHECK(tried == 0U);
  CHECK(ch.rx.size() == 0);
}

TEST_CASE("a select that was matched before the stop completes and the next one throws",
          "[select]") {
  const bool sending = GENERATE(false, true);
  auto ch = roost::make_channel<int>();
  auto idle = roost::make_channel<int>();
  test::gate stop_is_there;
  int got = 0;
  bool sent = false;
  seen next = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      if (sending) {
        roost::select(on_receive(idle.rx, ignore),
                      on_send(ch.tx, 4, [&](auto r) { sent = bool(r); }));
      } else {
        roost::select(on_receive(idle.rx, ignore),
                      on_receive(ch.rx, [&](auto r) { got = r.value(); }));
      }
      stop_is_there.pass();
      next = outcome_of([&] { roost::select(on_receive(ch.rx, ignore), otherwise()); });
    });
    test::wait_until_waiting(idle.rx, 1);
    if (sending) {
      CHECK(ch.rx.try_receive().value() == 4);
    } else {
      CHECK(ch.tx.try_send(5));
    }
    scope.request_stop();
    stop_is_there.open();
  }
  CHECK(sent == sending);
  CHECK(got == (sending ? 0 : 5));
  CHECK(next == seen::stopped);
}

TEST_CASE("a handler that stops its own task has happened", "[select]") {
  roost::event set;
  set.set();
  int handled = 0;
  seen inside = seen::neither;
  seen after = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      after = outcome_of([&] {
        roost::select(on_set(set, [&] {
          ++handled;
          scope.request_stop();
          inside = outcome_of([&] { roost::select(on_set(set)); });
        }));
      });
    });
  }
  CHECK(handled == 1);
  CHECK(inside == seen::stopped);
  CHECK(after == seen::returned);
}

TEST_CASE("under a shield a select goes on after a stop", "[select]") {
  auto ch = roost::make_channel<int>();
  int got = 0;
  seen unshielded = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      {
        const roost::shield s(1h);
        roost::select(on_receive(ch.rx, [&](auto r) { got = r.value(); }));
      }
      unshielded = outcome_of([&] { roost::select(on_receive(ch.rx, ignore), otherwise()); });
    });
    test::wait_until_waiting(ch.rx, 1);
    scope.request_stop();
    CHECK(test::waiting(ch.rx) == 1);
    CHECK(ch.tx.try_send(6));
  }
  CHECK(got == 6);
  CHECK(unshielded == seen::stopped);
}

TEST_CASE("a select is stopped when the limit of its shield is over", "[select]") {
  roost::event unset;
  test::gate go;
  seen end = seen::neither;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      go.pass();
      const roost::shield s(5ms);
      end = outcome_of([&] { roost::select(on_set(unset), on_timeout(1h)); });
    });
    go.wait_for_arrivals(1);
    scope.request_stop();
    go.open();
  }
  CHECK(end == seen::stopped);
  CHECK(test::waiting(unset) == 0);
}

TEST_CASE("a token from outside stops a select and so does the scope", "[select]") {
  const bool by_token = GENERATE(false, true);
  roost::event unset;
  std::stop_source source;
  seen end = seen::neither;
  bool was_token = false;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      const roost::stop_when s(source.get_token());
      try {
        roost::select(on_set(unset));
        end = seen::returned;
      } catch (const roost::stopped& stop) {
        end = seen::stopped;
        was_token = stop.by_token();
      }
    });
    test::wait_until_waiting(unset, 1);
    if (by_token) {
      source.request_stop();
    } else {
      scope.request_stop();
    }
  }
  CHECK(end == seen::stopped);
  CHECK(was_token == by_token);
}

TEST_CASE("the deadline of a scope ends the select of its owner and of its tasks", "[select]") {
  roost::event unset;
  std::atomic<int> stopped = 0;
  CHECK_THROWS_AS(roost::with_scope({.timeout = 5ms},
                                    [&](roost::task_scope& scope) {
                                      scope.spawn([&] {
                                        stopped += outcome_of([&] {
                                                     roost::select(on_set(unset));
                                                   }) == seen::stopped;
                                      });
                                      roost::select(on_set(unset), on_timeout(1h));
                                    }),
                  roost::timeout_error);
  CHECK(stopped <= 1); // it may be too late for a task to start
  CHECK(test::waiting(unset) == 0);
}

TEST_CASE("the owner's select throws the failure of a task instead of hanging", "[select]") {
  auto ch = roost::make_channel<int>();
  const std::string thrown = test::thrown_by([&] {
    roost::task_scope scope;
    scope.spawn([&] {
      test::wait_until_waiting(ch.rx, 1);
      throw std::runtime_error("the producer failed");
    });
    roost::select(on_receive(ch.rx, ignore));
  });
  CHECK(thrown == "the producer failed");
}

TEST_CASE("a scope with a hundred selects at as many channels ends at once", "[select]") {
  const test::no_thread_left check;
  constexpr int tasks = 100;
  std::vector<roost::channel_ends<int>> channels;
  for (int i = 0; i < tasks; ++i)
    channels.push_back(roost::make_channel<int>());
  std::vector<std::unique_ptr<roost::event>> events;
  for (int i = 0; i < tasks; ++i)
    events.push_back(std::make_unique<roost::event>());
  std::atomic<int> stopped = 0;
  {
    roost::task_scope scope({.exit = roost::on_exit::stop});
    for (std::size_t i = 0; i < tasks; ++i) {
      scope.spawn([&, i] {
        stopped += outcome_of([&] {
                     roost::select(on_set(*events[i]),
                                   on_receive(channels[i].rx, ignore),
                                   on_send(channels[i].tx, 1, ignore));
                   }) == seen::stopped;
      });
    }
    test::wait_until_blocked(scope, tasks);
  }
  CHECK(stopped == tasks);
  std::size_t left = 0;
  for (std::size_t i = 0; i < tasks; ++i)
    left +=
        test::waiting(channels[i].rx) + test::waiting(channels[i].tx) + test::waiting(*events[i]);
  CHECK(left == 0);
}

TEST_CASE("a select says where it blocks", "[select]") {
  roost::event unset;
  roost::task_scope scope;
  scope.spawn([&] { roost::select(on_set(unset)); });
  const auto line = roost::site::current().line - 1;
  test::wait_until_blocked(scope, 1);
  const auto call = test::scope_probe::first_task_call(scope);
  CHECK(std::string(call.operation) == "select");
  CHECK(call.where.line == line);
  unset.set();
}
