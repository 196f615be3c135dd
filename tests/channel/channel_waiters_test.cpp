// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

// A waiter at a buffered channel is called as soon as there is use for it, but not more at once
// than can get a processor. Here no thread sleeps: a test decides when a called waiter arrives.

using namespace std::chrono_literals;
using roost::channel_status;
using roost::overflow;
using roost::detail::parker;
using roost::detail::wait_record;
using roost::detail::wait_state;
using test::channel_probe;
using channel = roost::detail::channel_core<int>;

namespace {

std::size_t some_limits() {
  return GENERATE(as<std::size_t>(), 1, 2, 3);
}

template <class Attempt>
class waiter {
 public:
  waiter(channel& at, int number) : item(number), attempt_(make(at)) {
    const std::lock_guard guard(attempt_.lock());
    attempt_.link(record_);
  }

  bool called() const { return record_.is_claimed(); }

  /// It is awake.
  channel_status arrive() {
    REQUIRE(called());
    attempt_.conclude(record_.await(roost::detail::no_deadline));
    return attempt_.status();
  }

  void leave() {
    REQUIRE(record_.await({}) == wait_state::timed_out);
    attempt_.unlink();
  }

  /// Another primitive, a stop or its deadline is faster; it is linked all the same.
  void claim_elsewhere() {
    REQUIRE(record_.try_claim());
    record_.complete(wait_state::stopped);
  }

  std::optional<int> item; // what it sends or has received

 private:
  Attempt make(channel& at) {
    if constexpr (std::is_same_v<Attempt, channel::send_operation>) {
      return Attempt(at, &*item);
    } else {
      item.reset();
      return Attempt(at, item);
    }
  }

  parker parker_;
  wait_record record_{parker_};
  Attempt attempt_;
};

using sender = waiter<channel::send_operation>;
using receiver = waiter<channel::receive_operation>;

template <class Waiter>
std::deque<Waiter> make_waiters(channel& at, std::size_t count) {
  std::deque<Waiter> all;
  for (std::size_t i = 0; i < count; ++i)
    all.emplace_back(at, static_cast<int>(i));
  return all;
}

template <class Waiter>
std::size_t called(const std::deque<Waiter>& waiters) {
  std::size_t count = 0;
  for (const Waiter& one : waiters)
    count += one.called() ? 1U : 0U;
  return count;
}

void send(channel& to, int item) {
  REQUIRE(to.try_send(item) == channel_status::success);
}

void fill(channel& to, std::size_t items) {
  for (std::size_t i = 0; i < items; ++i)
    send(to, -1);
}

std::optional<int> receive(channel& from) {
  std::optional<int> item;
  from.try_receive(item);
  return item;
}

} // namespace

TEST_CASE("no more receivers are called at once than can run", "[channel][waiters]") {
  const std::size_t called_at_once = some_limits();
  channel ch(64, overflow::block, "", called_at_once);
  auto waiters = make_waiters<receiver>(ch, called_at_once + 2);
  for (int i = 0; i < static_cast<int>(called_at_once) + 2; ++i)
    send(ch, i);
  CHECK(called(waiters) == called_at_once);
  CHECK(ch.size() == 2);

  SECTION("who arrives calls the next one, with the oldest item") {
    CHECK(waiters.front().arrive() == channel_status::success);
    CHECK(waiters.front().item == 0);
    CHECK(called(waiters) == called_at_once + 1);
    CHECK(waiters[1].arrive() == channel_status::success);
    CHECK(called(waiters) == called_at_once + 2);
    CHECK(ch.size() == 0);
    for (std::size_t i = 2; i < waiters.size(); ++i)
      CHECK(waiters[i].arrive() == channel_status::success);
    for (std::size_t i = 0; i < waiters.size(); ++i)
      CHECK(waiters[i].item == static_cast<int>(i));
  }
  SECTION("others may take the items meanwhile, and who arrives then calls nobody") {
    CHECK(receive(ch) == static_cast<int>(called_at_once));
    CHECK(receive(ch) == static_cast<int>(called_at_once) + 1);
    CHECK_FALSE(receive(ch));
    for (std::size_t i = 0; i < called_at_once; ++i)
      CHECK(waiters[i].arrive() == channel_status::success);
    CHECK(called(waiters) == called_at_once);
    send(ch, 100);
    CHECK(waiters[called_at_once].arrive() == channel_status::success);
    CHECK(waiters[called_at_once].item == 100);
    waiters.back().leave();
  }
  SECTION("a waiter that has left is passed over") {
    waiters[called_at_once].leave();
    CHECK(waiters.front().arrive() == channel_status::success);
    CHECK(waiters.back().called());
    CHECK(ch.size() == 1);
    for (std::size_t i = 1; i < called_at_once; ++i)
      CHECK(waiters[i].arrive() == channel_status::success);
    CHECK(waiters.back().arrive() == channel_status::success);
    CHECK(waiters.back().item == static_cast<int>(called_at_once));
  }
  SECTION("a close serves waiters and turns away only those for which there is no item") {
    CHECK(receive(ch) == static_cast<int>(called_at_once));
    CHECK(ch.close());
    CHECK(called(waiters) == called_at_once + 2);
    CHECK(waiters[called_at_once].arrive() == channel_status::success);
    CHECK(waiters[called_at_once].item == static_cast<int>(called_at_once) + 1);
    CHECK(waiters.back().arrive() == channel_status::closed);
    for (std::size_t i = 0; i < called_at_once; ++i)
      CHECK(waiters[i].arrive() == channel_status::success);
    CHECK_FALSE(receive(ch));
  }
}

TEST_CASE("without room the next receiver is called, whoever is on the way", "[channel][waiters]") {
  const std::size_t called_at_once = some_limits();
  channel ch(2, overflow::block, "", called_at_once);
  auto waiters = make_waiters<receiver>(ch, called_at_once + 3);
  for (int i = 0; i < static_cast<int>(called_at_once) + 5; ++i)
    send(ch, i);
  CHECK(called(waiters) == called_at_once + 3);
  CHECK(ch.size() == 2);
  int one_more = 1000;
  CHECK(ch.try_send(one_more) == channel_status::full);
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    CHECK(waiters[i].arrive() == channel_status::success);
    CHECK(waiters[i].item == static_cast<int>(i));
  }
  CHECK(receive(ch) == static_cast<int>(waiters.size()));
}

TEST_CASE("who arrives calls nobody while as many as can run are on the way",
          "[channel][waiters]") {
  const std::size_t called_at_once = some_limits();
  SECTION("receivers, of which one more was called for lack of room") {
    channel ch(2, overflow::block, "", called_at_once);
    auto waiters = make_waiters<receiver>(ch, called_at_once + 3);
    for (int i = 0; i < static_cast<int>(called_at_once) + 3; ++i)
      send(ch, i);
    CHECK(called(waiters) == called_at_once + 1);
    CHECK(waiters.front().arrive() == channel_status::success);
    CHECK(called(waiters) == called_at_once + 1);
    CHECK(ch.size() == 2);
    for (std::size_t i = 1; i < waiters.size(); ++i)
      CHECK(waiters[i].arrive() == channel_status::success);
    for (std::size_t i = 0; i < waiters.size(); ++i)
      CHECK(waiters[i].item == static_cast<int>(i));
  }
  SECTION("senders, of which one more was called for lack of items") {
    channel ch(1, overflow::block, "", called_at_once);
    fill(ch, 1);
    auto waiters = make_waiters<sender>(ch, called_at_once + 3);
    CHECK(receive(ch) == -1);
    for (int i = 0; i <= static_cast<int>(called_at_once); ++i)
      CHECK(receive(ch) == i);
    CHECK(called(waiters) == called_at_once + 1);
    CHECK(waiters.front().arrive() == channel_status::success);
    CHECK(called(waiters) == called_at_once + 1);
    CHECK(ch.size() == 0);
    CHECK(waiters[1].arrive() == channel_status::success);
    CHECK(called(waiters) == called_at_once + 2);
    CHECK(ch.size() == 1);
    for (std::size_t i = 2; i < waiters.size(); ++i) {
      if (i > called_at_once) // the others' items are out already
        CHECK(receive(ch) == static_cast<int>(i));
      CHECK(waiters[i].arrive() == channel_status::success);
    }
  }
}

TEST_CASE("a batch goes to waiting receivers and into the ring alike", "[channel][waiters]") {
  const std::size_t called_at_once = some_limits();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 2, 64);
  channel ch(capacity, overflow::block, "", called_at_once);
  auto waiters = make_waiters<receiver>(ch, called_at_once + 2);
  const std::size_t count = called_at_once + 4;
  std::vector<int> items(count);
  for (std::size_t i = 0; i < count; ++i)
    items[i] = static_cast<int>(i);
  std::size_t sent = 0;
  CHECK(ch.send_all(items, sent, {}) == channel_status::success);
  CHECK(sent == count);
  CHECK(called(waiters) == (capacity == 2 ? called_at_once + 2 : called_at_once));
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    CHECK(waiters[i].arrive() == channel_status::success);
    CHECK(waiters[i].item == static_cast<int>(i));
  }
  CHECK(receive(ch) == static_cast<int>(waiters.size()));
  CHECK(receive(ch) == static_cast<int>(waiters.size()) + 1);
}

TEST_CASE("no more senders are called at once than can run", "[channel][waiters]") {
  const std::size_t called_at_once = some_limits();
  const std::size_t capacity = called_at_once + 2;
  channel ch(capacity, overflow::block, "", called_at_once);
  fill(ch, capacity);
  auto waiters = make_waiters<sender>(ch, called_at_once + 2);
  for (std::size_t i = 0; i < capacity; ++i)
    CHECK(receive(ch) == -1);
  CHECK(called(waiters) == called_at_once);
  CHECK(ch.size() == called_at_once);

  SECTION("who arrives lets the next one in") {
    CHECK(waiters.front().arrive() == channel_status::success);
    CHECK(called(waiters) == called_at_once + 1);
    for (std::size_t i = 1; i < waiters.size(); ++i)
      CHECK(waiters[i].arrive() == channel_status::success);
    for (std::size_t i = 0; i < waiters.size(); ++i)
      CHECK(receive(ch) == static_cast<int>(i));
    CHECK_FALSE(receive(ch));
  }
  SECTION("others may use the room meanwhile, and who arrives then calls nobody") {
    send(ch, 100);
    send(ch, 101);
    CHECK(waiters.front().arrive() == channel_status::success);
    CHECK(called(waiters) == called_at_once);
    CHECK(receive(ch) == 0); // lets the next one in
    CHECK(called(waiters) == called_at_once + 1);
    for (std::size_t i = 1; i <= called_at_once; ++i)
      CHECK(waiters[i].arrive() == channel_status::success);
    for (std::size_t i = 1; i < called_at_once; ++i)
      CHECK(receive(ch) == static_cast<int>(i));
    CHECK(receive(ch) == 100);
    CHECK(waiters.back().arrive() == channel_status::success);
  }
  SECTION("a receiver that finds the ring empty takes from the next one, whoever is on the way") {
    for (std::size_t i = 0; i < waiters.size(); ++i)
      CHECK(receive(ch) == static_cast<int>(i));
    CHECK(called(waiters) == waiters.size());
    CHECK_FALSE(receive(ch));
    for (sender& one : waiters)
      CHECK(one.arrive() == channel_status::success);
  }
  SECTION("a batch takes from the ring, then from the waiting senders") {
    std::vector<int> items;
    items.reserve(waiters.size() + 10);
    REQUIRE(ch.receive_some(items, waiters.size() + 10, {}) == waiters.size());
    CHECK(called(waiters) == waiters.size());
    for (std::size_t i = 0; i < waiters.size(); ++i) {
      CHECK(items[i] == static_cast<int>(i));
      CHECK(waiters[i].arrive() == channel_status::success);
    }
  }
  SECTION("a close turns away waiting senders, although there is room") {
    CHECK(ch.close());
    CHECK(waiters.back().arrive() == channel_status::closed);
    CHECK(waiters[called_at_once].arrive() == channel_status::closed);
    for (std::size_t i = 0; i < called_at_once; ++i) {
      CHECK(waiters[i].arrive() == channel_status::success);
      CHECK(receive(ch) == static_cast<int>(i));
    }
    CHECK_FALSE(receive(ch));
  }
}

TEST_CASE("a batch that leaves items behind lets senders in", "[channel][waiters]") {
  channel ch(2, overflow::block, "");
  fill(ch, 2);
  auto waiters = make_waiters<sender>(ch, 2);
  std::vector<int> items;
  items.reserve(1);
  CHECK(ch.receive_some(items, 1, {}) == 1);
  CHECK(waiters.front().arrive() == channel_status::success);
  CHECK(receive(ch) == -1);
  CHECK(receive(ch) == 0);
  CHECK(receive(ch) == 1);
  CHECK(waiters.back().arrive() == channel_status::success);
}

TEST_CASE("who finds nobody to call counts nobody", "[channel][waiters]") {
  channel ch(2, overflow::block, "");
  CHECK_FALSE(receive(ch));
  fill(ch, 2);
  int one_more = 0;
  CHECK(ch.try_send(one_more) == channel_status::full);
  SECTION("senders") {
    auto gone = make_waiters<sender>(ch, 2);
    for (sender& one : gone)
      one.claim_elsewhere();
    CHECK(receive(ch) == -1);
    CHECK(receive(ch) == -1);
    CHECK_FALSE(receive(ch));
    fill(ch, 2);
    auto waiters = make_waiters<sender>(ch, 1);
    CHECK(receive(ch) == -1);
    CHECK(waiters.front().arrive() == channel_status::success);
    CHECK(channel_probe::on_their_way(ch) == 0);
  }
  SECTION("receivers") {
    CHECK(receive(ch) == -1);
    CHECK(receive(ch) == -1);
    auto gone = make_waiters<receiver>(ch, 2);
    for (receiver& one : gone)
      one.claim_elsewhere();
    fill(ch, 2);
    CHECK(ch.try_send(one_more) == channel_status::full);
    CHECK(receive(ch) == -1);
    CHECK(receive(ch) == -1);
    auto waiters = make_waiters<receiver>(ch, 1);
    send(ch, 1);
    CHECK(waiters.front().arrive() == channel_status::success);
    CHECK(channel_probe::on_their_way(ch) == 0);
  }
}

// `wait` has a deadline that has passed: it is linked, and is kept there until `meanwhile()` is
// done.
template <class Wait, class Meanwhile>
void held_up_while_linked(Wait wait, Meanwhile meanwhile) {
  test::gate gate;
  roost::detail::thread_slot* thread = nullptr;
  roost::task_scope scope;
  scope.spawn([&] {
    thread = &roost::detail::this_thread;
    gate.pass();
    wait();
  });
  gate.wait_for_arrivals(1);
  {
    const std::lock_guard stays_linked(thread->lock);
    gate.open();
    meanwhile();
  }
  scope.join();
}

TEST_CASE("at its deadline a wait finds what is there and nobody was called for",
          "[channel][waiters]") {
  const std::size_t called_at_once = roost::detail::worth_waking();
  auto ends = roost::make_channel<int>(called_at_once + 1);
  channel& ch = channel_probe::core(ends.tx);
  const int last = static_cast<int>(called_at_once);
  std::optional<int> received;
  const auto send_all = [&] {
    for (int i = 0; i <= last; ++i)
      send(ch, i);
  };

  SECTION("an item") {
    auto called = make_waiters<receiver>(ch, called_at_once);
    SECTION("by a receive") {
      held_up_while_linked([&] { received = ends.rx.receive_until(roost::clock::now()).value(); },
                           [&] {
                             test::wait_until_waiting(ends.rx, called_at_once + 1);
                             send_all();
                           });
    }
    SECTION("by a select") {
      roost::selector one;
      one.add(roost::on_receive(ends.rx, [&](auto result) { received = result.value(); }));
      // It is linked only before its deadline: so it has more time, until it does.
      for (auto patience = 10ms; !received; patience *= 2) {
        std::atomic<bool> is_back{false};
        held_up_while_linked(
            [&] {
              (void)one.select_until(roost::clock::now() + patience);
              is_back = true;
            },
            [&] {
              const auto is_linked = [&] { return test::waiting(ends.rx) == called_at_once + 1; };
              test::wait_until([&] { return is_linked() || is_back; });
              if (!is_back)
                send_all();
            });
      }
    }
    CHECK(received == last);
    for (receiver& each : called)
      CHECK(each.arrive() == channel_status::success);
  }
  SECTION("room") {
    fill(ch, called_at_once + 1);
    auto called = make_waiters<sender>(ch, called_at_once);
    channel_status sent{};
    held_up_while_linked([&] { sent = ends.tx.send_until(last, roost::clock::now()).status(); },
                         [&] {
                           test::wait_until_waiting(ends.tx, called_at_once + 1);
                           for (int i = 0; i <= last; ++i)
                             CHECK(receive(ch) == -1);
                         });
    CHECK(sent == channel_status::success);
    for (sender& each : called)
      CHECK(each.arrive() == channel_status::success);
    for (int i = 0; i <= last; ++i)
      CHECK(receive(ch) == i);
  }
}

TEST_CASE("without a ring everybody is called at once", "[channel][waiters]") {
  const std::size_t called_at_once = some_limits();
  channel ch(0, overflow::block, "", called_at_once);
  SECTION("receivers") {
    auto waiters = make_waiters<receiver>(ch, called_at_once + 2);
    for (int i = 0; i < static_cast<int>(called_at_once) + 2; ++i)
      send(ch, i);
    for (receiver& one : waiters)
      CHECK(one.arrive() == channel_status::success);
  }
  SECTION("senders") {
    auto waiters = make_waiters<sender>(ch, called_at_once + 2);
    for (std::size_t i = 0; i < waiters.size(); ++i)
      CHECK(receive(ch) == static_cast<int>(i));
    for (sender& one : waiters)
      CHECK(one.arrive() == channel_status::success);
  }
}
