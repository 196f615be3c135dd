// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <cstddef>
#include <deque>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

// One blocked operation: which thread may decide how it ends, and in which line it stands.

using namespace std::chrono_literals;
using roost::detail::claimed_list;
using roost::detail::no_deadline;
using roost::detail::parker;
using roost::detail::wait_list;
using roost::detail::wait_node;
using roost::detail::wait_record;
using roost::detail::wait_state;

namespace {

const roost::clock::time_point past{};

// A blocked operation with its place in one line.
struct waiter {
  parker sleeps_on;
  wait_record record{sleeps_on};
  wait_node node{nullptr};

  wait_state state_at_once() { return record.await(past); }
};

} // namespace

TEST_CASE("a record stays where it is", "[wait_record]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<wait_record>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<wait_record>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<wait_node>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<wait_node>);
}

TEST_CASE("a record ends as its claimer says", "[wait_record]") {
  const auto outcome = GENERATE(wait_state::done, wait_state::closed, wait_state::stopped);
  const auto deadline =
      GENERATE(as<roost::clock::time_point>(), no_deadline, past, roost::clock::now() + 1h);
  waiter w;
  CHECK(w.record.try_claim());
  w.record.complete(outcome);
  CHECK(w.record.await(deadline) == outcome);
}

TEST_CASE("a record can be claimed once", "[wait_record]") {
  waiter w;
  CHECK(w.record.try_claim());
  CHECK_FALSE(w.record.try_claim());
  w.record.complete(wait_state::done);
  CHECK_FALSE(w.record.try_claim());
  CHECK(w.record.await(no_deadline) == wait_state::done);
}

TEST_CASE("a record whose deadline passes first times out and cannot be claimed any more",
          "[wait_record]") {
  waiter w;
  const auto deadline = GENERATE(as<roost::clock::time_point>(), past, roost::clock::now() + 5ms);
  CHECK(w.record.await(deadline) == wait_state::timed_out);
  CHECK(roost::clock::now() >= deadline);
  CHECK_FALSE(w.record.try_claim());
}

TEST_CASE("a record that was claimed before its deadline waits for its completion",
          "[wait_record]") {
  const auto outcome = GENERATE(wait_state::done, wait_state::closed, wait_state::stopped);
  waiter w;
  REQUIRE(w.record.try_claim());
  std::optional<wait_state> end;
  test::gate about_to_wait;
  {
    const std::jthread thread([&] {
      about_to_wait.pass();
      end = w.record.await(past);
    });
    about_to_wait.wait_for_arrivals(1);
    about_to_wait.open();
    std::this_thread::yield();
    w.record.complete(outcome);
  }
  CHECK(end == outcome);
}

TEST_CASE("completing a record wakes the thread that waits on it", "[wait_record]") {
  for (int turn = 0; turn < 100; ++turn) {
    std::optional<wait_state> end;
    waiter w;
    {
      const std::jthread thread([&] { end = w.record.await(no_deadline); });
      REQUIRE(w.record.try_claim());
      w.record.complete(wait_state::done);
    }
    CHECK(end == wait_state::done);
  }
}

TEST_CASE("a waiter that does not sleep is not unparked", "[wait_record]") {
  waiter w;
  CHECK(w.record.try_claim());
  w.record.complete(wait_state::done);
  CHECK(w.record.await(no_deadline) == wait_state::done);
  CHECK_FALSE(w.sleeps_on.park_until(past)); // nobody has left a token
}

TEST_CASE("a waiter that sleeps is unparked, whether its claimer came before or after it slept",
          "[wait_record]") {
  const bool claimed_before = GENERATE(true, false);
  waiter w;
  if (claimed_before)
    REQUIRE(w.record.try_claim());
  std::optional<wait_state> end;
  {
    std::jthread sleeper([&] { end = w.record.await(no_deadline); });
    test::wait_until([&] { return test::wait_probe::is_asleep(w.record); });
    if (!claimed_before)
      REQUIRE(w.record.try_claim());
    w.record.complete(wait_state::done);
  }
  CHECK(end == wait_state::done);
}

TEST_CASE("a record that slept until its deadline cannot be claimed", "[wait_record]") {
  waiter w;
  CHECK(w.record.await(roost::clock::now() + 5ms) == wait_state::timed_out);
  CHECK(test::wait_probe::is_asleep(w.record));
  CHECK_FALSE(w.record.try_claim());
}

TEST_CASE("wakes without a completion end nothing", "[wait_record]") {
  waiter w;
  w.sleeps_on.unpark();
  CHECK(w.record.await(roost::clock::now() + 5ms) == wait_state::timed_out);

  waiter other;
  std::optional<wait_state> end;
  {
    const std::jthread thread([&] { end = other.record.await(no_deadline); });
    for (int i = 0; i < 100; ++i)
      other.sleeps_on.unpark();
    REQUIRE(other.record.try_claim());
    for (int i = 0; i < 100; ++i)
      other.sleeps_on.unpark();
    other.record.complete(wait_state::closed);
  }
  CHECK(end == wait_state::closed);
}

TEST_CASE("a line serves its waiters in the order they came", "[wait_record]") {
  wait_list line;
  std::deque<waiter> waiters(4);
  CHECK(line.empty());
  CHECK(line.claim_first() == nullptr);
  for (waiter& w : waiters)
    line.push_back(w.node, w.record);
  CHECK(line.size() == 4);
  for (waiter& w : waiters) {
    CHECK(line.claim_first() == &w.node);
    CHECK_FALSE(w.node.linked());
    w.record.complete(wait_state::done);
  }
  CHECK(line.empty());
}

TEST_CASE("a line passes over waiters that a stop or a deadline has claimed", "[wait_record]") {
  wait_list line;
  std::deque<waiter> waiters(4);
  for (waiter& w : waiters)
    line.push_back(w.node, w.record);
  CHECK(waiters[0].state_at_once() == wait_state::timed_out);
  CHECK(waiters[1].record.try_claim());
  waiters[1].record.complete(wait_state::stopped);
  CHECK(line.claim_first() == &waiters[2].node);
  waiters[2].record.complete(wait_state::done);
  CHECK(line.size() == 1);
  line.remove(waiters[0].node); // as the waiter does afterwards: it is out already
  line.remove(waiters[1].node);
  line.remove(waiters[3].node);
  line.remove(waiters[3].node);
  CHECK(line.empty());
  CHECK(line.claim_first() == nullptr);
}

TEST_CASE("all of a line can be claimed and each is completed although it then goes",
          "[wait_record]") {
  struct operation {
    explicit operation(parker& p) noexcept : record(p) {}
    wait_record record;
    wait_node node{nullptr};
  };
  std::deque<parker> parkers(8); // they stay, as those of the pool do
  std::deque<std::optional<operation>> operations(8);
  std::vector<std::optional<wait_state>> ends(8);
  wait_list line;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    operation& o = operations[i].emplace(parkers[i]);
    line.push_back(o.node, o.record);
  }
  CHECK(operations[3]->record.await(past) == wait_state::timed_out);
  claimed_list woken;
  woken.push_all(line);
  CHECK(line.empty());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < operations.size(); ++i) {
      threads.emplace_back([&, i] {
        ends[i] = operations[i]->record.await(no_deadline);
        operations[i].reset(); // the record is gone as soon as its waiter has woken
      });
    }
    woken.complete(wait_state::closed);
  }
  for (std::size_t i = 0; i < ends.size(); ++i)
    CHECK(ends[i] == (i == 3 ? wait_state::timed_out : wait_state::closed));
  woken.complete(wait_state::closed); // nobody is left in it
}

TEST_CASE("a record that is held is claimed once it is let go", "[wait_record]") {
  parker p;
  wait_record record(p);
  REQUIRE(record.try_hold());
  CHECK_FALSE(record.is_claimed());
  std::atomic<bool> claimed{false};
  std::atomic<bool> came_before{false};
  std::atomic<bool> held{true};
  std::thread peer([&] {
    claimed = record.try_claim();
    came_before = held.load();
  });
  for (int i = 0; i < 100; ++i) // a peer that does not wait comes meanwhile
    std::this_thread::yield();
  CHECK_FALSE(claimed);
  held = false;
  record.let_go();
  peer.join();
  record.complete(wait_state::done);
  CHECK(claimed);
  CHECK_FALSE(came_before);
}

TEST_CASE("a record that is claimed cannot be held", "[wait_record]") {
  parker p;
  wait_record record(p);
  REQUIRE(record.try_claim());
  CHECK_FALSE(record.try_hold());
  record.complete(wait_state::done);
}

TEST_CASE("a deadline that comes while the record is held ends the wait afterwards",
          "[wait_record]") {
  parker p;
  wait_record record(p);
  REQUIRE(record.try_hold());
  std::atomic<bool> ended{false};
  std::thread waiter([&] { ended = record.await(roost::clock::now()) == wait_state::timed_out; });
  record.let_go();
  waiter.join();
  CHECK(ended);
}
