// SPDX-License-Identifier: BSL-1.0
// Broadcasts, watches and barriers allocate nothing but what their items need, and where that is
// refused all is as it was.
#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/errors.hpp"
#include "support/expect.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using roost::broadcast;
using roost::watch;
using test::expect;
using test::goes_without_memory;
using test::item_counts;

namespace {

constexpr auto ignore = [](auto&&...) {};

template <class T>
void small_items(const T& value, const char* what) {
  const broadcast<T> tx(2);
  const auto rx = tx.subscribe();
  const auto loses = tx.subscribe(roost::overflow::drop_oldest);
  const watch<T> latest(value);
  const auto change = latest.subscribe();
  roost::barrier b(2);
  const bool happened = goes_without_memory([&] {
    for (int turn = 0; turn < 100; ++turn) {
      (void)tx.send(value);
      (void)rx.receive();
      roost::select(on_send(tx, value, ignore));
      roost::select(on_receive(rx, ignore));
      latest.set(value);
      (void)change.wait();
      roost::select(on_change(change, ignore), roost::otherwise());
      const auto phase = b.arrive();
      b.arrive_and_wait();
      roost::select(on_phase_end(b, phase));
    }
  });
  expect(happened, what);
  expect(loses.missed() == 0 && loses.size() == 2, "the slow one has not looked so far");
}

void waiting() {
  const broadcast<int> there(1);
  const broadcast<int> back(1);
  const auto asked = there.subscribe();
  const auto answered = back.subscribe();
  roost::barrier b(2);
  std::jthread other([&] {
    for (int turn = 0; turn < 100; ++turn) {
      test::wait_until_waiting(answered, 1);
      (void)back.send(asked.receive().value() + 1);
      test::wait_until_waiting(b, 1);
      (void)b.arrive();
    }
  });
  roost::this_task::sleep_for(1ms); // the first wait of a thread may make what the others use again
  int wrong = 0;
  const bool happened = goes_without_memory([&] {
    for (int turn = 0; turn < 100; ++turn) {
      (void)there.send(turn);
      wrong += answered.receive().value() != turn + 1;
      b.arrive_and_wait();
    }
  });
  expect(happened && wrong == 0, "waits allocate nothing");
  other.join();
}

// Lets the first, the second, ... allocation of `operation` fail, until none does.
template <class Operation>
void each_allocation_fails(const char* what, int at_least, Operation operation) {
  int failures = 0;
  for (bool failed = true; failed; failures += failed) {
    test::until_failure = failures;
    failed = !operation();
    test::until_failure = -1;
  }
  expect(failures >= at_least, what);
}

template <class F>
bool succeeds(F f) {
  try {
    f();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void large_items() {
  item_counts counts;
  {
    const broadcast<test::tracked_item> tx(3);
    const auto rx = tx.subscribe();
    test::tracked_item item(counts, 1);
    each_allocation_fails("a send allocates twice", 2, [&] {
      const bool sent = succeeds([&] { (void)tx.send(std::move(item)); });
      expect(sent || item.value() == 1, "an item that was not sent is in its variable");
      return sent;
    });
    test::tracked_item other(counts, 2);
    each_allocation_fails("a select that sends allocates twice", 2, [&] {
      const bool sent = succeeds([&] { roost::select(on_send(tx, std::move(other), ignore)); });
      expect(sent || other.value() == 2, "an item that was not sent is in its variable");
      return sent;
    });
    roost::selector all;
    test::tracked_item third(counts, 3);
    each_allocation_fails("a selector's case allocates more", 4, [&] {
      const bool added = succeeds([&] { all.add(on_send(tx, std::move(third), ignore)); });
      expect(added || third.value() == 3, "an item that was not added is in its variable");
      return added;
    });
    expect(goes_without_memory([&] { all.select(); }), "and its select nothing");
    for (int value = 1; value <= 3; ++value)
      expect(rx.try_receive()->value() == value, "each item once");

    const watch<test::tracked_item> latest(test::tracked_item(counts, 4));
    each_allocation_fails("a setting allocates twice", 2, [&] {
      const bool set = succeeds([&] { latest.set(test::tracked_item(counts, 5)); });
      expect(latest.get().value() == (set ? 5 : 4), "the value is set or as it was");
      return set;
    });
    each_allocation_fails("a new receiver allocates", 1, [&] {
      const auto before = tx.receivers();
      std::optional<roost::broadcast_receiver<test::tracked_item>> made;
      const bool subscribed = succeeds([&] { made.emplace(tx.subscribe()); });
      expect(tx.receivers() == before + (subscribed ? 1 : 0), "it is there or not");
      return subscribed;
    });
    each_allocation_fails("a new broadcast allocates", 2, [&] {
      return succeeds([] { const broadcast<int> made(4); });
    });
    each_allocation_fails("a new watch allocates", 3, [&] {
      return succeeds([] { const watch<std::string> made("text"); });
    });
  }
  expect(counts.live == 0, "no item is left");
}

// No memory for the send, and then the item's move back into its variable throws.
void an_item_that_cannot_be_given_back() {
  item_counts counts;
  {
    const broadcast<test::throwing_item> tx(3);
    const auto rx = tx.subscribe();
    const watch<test::throwing_item> latest(test::throwing_item(counts, 4));
    const auto fails = [&](auto send) {
      test::throwing_item item(counts, 1);
      counts.moves_until_throw = 1;
      test::until_failure = 1;
      const std::string says = test::thrown_by([&] { send(item); });
      test::until_failure = -1;
      counts.moves_until_throw = -1;
      expect(says == "this move was to throw", "the caller gets what the move has thrown");
    };
    fails([&](test::throwing_item& item) { (void)tx.send(std::move(item)); });
    fails([&](test::throwing_item& item) { (void)tx.try_send(std::move(item)); });
    expect(rx.size() == 0, "nothing was sent");
    test::throwing_item item(counts, 2);
    each_allocation_fails("a send allocates twice", 2, [&] {
      const bool sent = succeeds([&] { (void)tx.send(std::move(item)); });
      expect(sent || item.value() == 2, "an item that was not sent is in its variable");
      return sent;
    });
    each_allocation_fails("a setting allocates twice", 2, [&] {
      return succeeds([&] { latest.set(test::throwing_item(counts, 5)); });
    });
  }
  expect(counts.live == 0, "no item is left");
}

} // namespace

int main() {
  const long before = test::living_allocations;
  small_items(5, "small items need no memory");
  small_items(std::make_shared<int>(5), "shared pointers need no memory");
  large_items();
  an_item_that_cannot_be_given_back();
  expect(test::living_allocations == before, "memory is lost");
  waiting();
  return test::exit_code();
}
