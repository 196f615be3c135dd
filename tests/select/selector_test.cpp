// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"
#include "support/virtual_time.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using roost::channel_status;
using roost::on_done;
using roost::on_receive;
using roost::on_send;
using roost::on_set;
using roost::on_tick;
using roost::on_timeout;
using test::item_counts;
using test::make_item;
using test::value_of;

namespace {

constexpr auto ignore = [](auto&&...) {};

} // namespace

TEST_CASE("a selector stays where it is and starts empty", "[selector]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<roost::selector>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<roost::selector>);
  roost::selector all;
  CHECK(all.empty());
  CHECK(all.size() == 0);
  CHECK_FALSE(all.try_select());
  CHECK_FALSE(all.select_for(1ms));
  CHECK_FALSE(all.select_until(roost::clock::now() + 1ms));
  CHECK_FALSE(all.remove(0));
  CHECK_FALSE(all.remove(1));
}

TEST_CASE("a selector tells the key of the case that happened", "[selector]") {
  std::vector<roost::channel_ends<int>> channels;
  std::vector<std::size_t> keys;
  std::size_t from = 0;
  int got = 0;
  roost::selector all;
  for (std::size_t i = 0; i < 5; ++i) {
    channels.push_back(roost::make_channel<int>(1));
    keys.push_back(all.add(on_receive(channels[i].rx, [&, i](auto r) {
      from = i;
      got = r.value();
    })));
  }
  CHECK(std::set(keys.begin(), keys.end()).size() == 5);
  for (const std::size_t i : {3U, 0U, 4U, 4U, 1U}) {
    REQUIRE(channels[i].tx.send(static_cast<int>(10 + i)));
    CHECK(all.select() == keys[i]);
    CHECK(from == i);
    CHECK(got == static_cast<int>(10 + i));
  }
  CHECK(all.remove(keys[2]));
  CHECK_FALSE(all.remove(keys[2]));
  REQUIRE(channels[2].tx.send(7)); // nobody asks there any more
  CHECK_FALSE(all.try_select());
  REQUIRE(channels[3].tx.send(8));
  CHECK(all.select() == keys[3]); // the others keep their keys
  const std::size_t again = all.add(on_receive(channels[2].rx, ignore));
  CHECK(std::count(keys.begin(), keys.end(), again) == 0);
  CHECK(all.select() == again);
}

TEST_CASE("cases of a selector go when they have happened for the last time", "[selector]") {
  auto ch = roost::make_channel<int>(2);
  REQUIRE(ch.tx.send(1));
  ch.tx.close();
  auto out = roost::make_channel<int>(2);
  roost::event set;
  set.set();
  roost::wait_group idle;
  roost::task_scope scope;
  const auto task = scope.spawn([] {});
  scope.join();
  std::vector<channel_status> ends;
  roost::selector all;
  all.add(on_receive(ch.rx, [&](auto r) { ends.push_back(r.status()); }));
  all.add(on_send(out.tx, 5, ignore));
  all.add(on_set(set));
  all.add(on_done(idle));
  all.add(on_done(task));
  all.add(on_timeout(0ms));
  all.add(roost::on_deadline(roost::clock::time_point::min()));
  CHECK(all.size() == 7);
  std::set<std::size_t> happened;
  for (int turn = 0; turn < 8; ++turn)
    happened.insert(all.select());
  CHECK(all.empty());
  CHECK(happened.size() == 7); // one of them twice: it received, and then its channel was closed
  CHECK(ends == std::vector{channel_status::success, channel_status::closed});
  CHECK(out.rx.size() == 1);
}

TEST_CASE("a selector drains all its channels until they are closed", "[selector]") {
  std::vector<int> sums(4);
  roost::task_scope scope;
  roost::selector all;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    auto ch = roost::make_channel<int>(i);
    all.add(on_receive(ch.rx, [&, i](auto r) { sums[i] += r ? *r : 0; }));
    scope.spawn([tx = std::move(ch.tx)] {
      for (int item = 1; item <= 20; ++item)
        (void)tx.send(item);
    });
  }
  while (!all.empty())
    all.select();
  CHECK(sums == std::vector(4, 210));
}

TEST_CASE("a tick stays in its selector", "[selector]") {
  test::bubble([&] {
    roost::ticker every(1h);
    int ticks = 0;
    roost::selector all;
    const std::size_t key = all.add(on_tick(every, [&] { ++ticks; }));
    for (int turn = 0; turn < 5; ++turn)
      CHECK(all.select() == key);
    CHECK(ticks == 5);
    CHECK(all.size() == 1);
  });
}

TEST_CASE("the time of a selector's timeout runs from when it was made", "[selector]") {
  test::bubble([&] {
    roost::selector all;
    const auto start = roost::clock::now();
    const std::size_t late = all.add(on_timeout(2h));
    const std::size_t early = all.add(on_timeout(1h));
    CHECK(all.select() == early);
    CHECK(all.select() == late);
    CHECK(roost::clock::now() - start == 2h);
    CHECK(all.empty());
  });
}

TEST_CASE("select_for gives up at its deadline and not before and leaves the cases", "[selector]") {
  test::bubble([&] {
    auto ch = roost::make_channel<int>(1);
    roost::selector all;
    const std::size_t key = all.add(on_receive(ch.rx, ignore));
    const auto start = roost::clock::now();
    CHECK_FALSE(all.select_for(1h));
    CHECK(roost::clock::now() - start == 1h);
    CHECK_FALSE(all.select_for(-1h));
    CHECK(test::waiting(ch.rx) == 0);
    CHECK(all.size() == 1);
    REQUIRE(ch.tx.send(1));
    CHECK(all.select_until(roost::clock::time_point::min()) == key); // what is there is taken
    CHECK_FALSE(all.try_select());
    REQUIRE(ch.tx.send(1));
    CHECK(all.select_for(std::chrono::hours::max()) == key);
  });
}

TEST_CASE("select_biased of a selector prefers the case that was added first", "[selector]") {
  roost::event set;
  set.set();
  auto ch = roost::make_channel<int>(1);
  roost::selector all;
  roost::event unset;
  const std::size_t gone = all.add(on_set(set));
  all.add(on_set(unset));
  const std::size_t first = all.add(on_receive(ch.rx, ignore));
  auto other = roost::make_channel<int>(1);
  const std::size_t last = all.add(on_receive(other.rx, ignore));
  all.remove(gone);
  for (int turn = 0; turn < 100; ++turn) {
    REQUIRE(ch.tx.try_send(turn));
    (void)other.tx.try_send(turn);
    REQUIRE(all.select_biased() == first);
  }
  CHECK(all.select_biased() == last);
}

TEST_CASE("a waiting selector is woken and out of all lines afterwards", "[selector]") {
  auto one = roost::make_channel<int>();
  auto two = roost::make_channel<int>();
  roost::event unset;
  std::size_t key_of_two = 0;
  roost::task_scope scope;
  auto woken = scope.spawn([&] {
    roost::selector all;
    all.add(on_set(unset));
    all.add(on_receive(one.rx, ignore));
    key_of_two = all.add(on_receive(two.rx, ignore));
    return all.select();
  });
  test::wait_until_waiting(two.rx, 1);
  CHECK(test::waiting(one.rx) == 1);
  REQUIRE(two.tx.send(1));
  CHECK(woken.get() == key_of_two);
  CHECK(test::waiting(one.rx) == 0);
  CHECK(test::waiting(two.rx) == 0);
  CHECK(test::waiting(unset) == 0);
}

TEST_CASE("handlers add and remove cases and their own too", "[selector]") {
  auto ch = roost::make_channel<int>(4);
  for (int i = 1; i <= 4; ++i)
    REQUIRE(ch.tx.send(i));
  roost::event set;
  set.set();
  item_counts counts;
  std::vector<int> got;
  {
    roost::selector all;
    std::size_t own = 0;
    std::vector<std::size_t> added;
    own = all.add(on_receive(ch.rx, [&, kept = test::tracked_item(counts, 5)](auto r) {
      got.push_back(r.value());
      for (int i = 0; i < 100; ++i) // so that all that the selector holds has to move
        added.push_back(all.add(on_set(set, [&] { got.push_back(-1); })));
      for (std::size_t i = 0; i < 99; ++i)
        got.push_back(all.remove(added[i]) ? 0 : 1000);
      got.push_back(all.remove(own) ? 0 : 1000);
      got.push_back(all.remove(own) ? 1000 : 0);
      got.push_back(kept.value()); // the handler lives until it has returned
    }));
    CHECK(all.select() == own);
    CHECK(counts.live == 0);
    CHECK(all.size() == 1);
    CHECK(all.select() == added.back());
    CHECK(all.empty());
  }
  CHECK(got.front() == 1);
  CHECK(std::count(got.begin(), got.end(), 0) == 101);
  CHECK(std::count(got.begin(), got.end(), 1000) == 0);
  CHECK(std::count(got.begin(), got.end(), 5) == 1);
  CHECK(got.back() == -1);
  CHECK(ch.rx.size() == 3);
}

TEST_CASE("a handler may select on the selector that called it", "[selector]") {
  auto ch = roost::make_channel<int>(8);
  for (int i = 1; i <= 4; ++i)
    REQUIRE(ch.tx.send(i));
  ch.tx.close();
  std::vector<int> got;
  roost::selector all;
  all.add(on_receive(ch.rx, [&](auto r) {
    if (!r)
      return;
    all.select();
    got.push_back(*r);
  }));
  all.select();
  CHECK(got == std::vector{4, 3, 2, 1});
  CHECK(all.empty());
}

TEST_CASE("what a handler throws comes out of the selector which goes on", "[selector]") {
  auto ch = roost::make_channel<int>(2);
  roost::event set;
  set.set();
  const auto fail = [](auto&&...) { throw std::runtime_error("thrown by a handler"); };
  roost::selector all;
  const std::size_t key = all.add(on_receive(ch.rx, fail));
  REQUIRE(ch.tx.send(1));
  CHECK(test::thrown_by([&] { all.select(); }) == "thrown by a handler");
  CHECK(all.size() == 1);
  CHECK(ch.rx.size() == 0);
  all.add(on_set(set, fail));
  CHECK(test::thrown_by([&] { (void)all.try_select(); }) == "thrown by a handler");
  CHECK(all.size() == 1); // it has happened for the last time all the same
  CHECK(all.remove(key));
}

TEST_CASE("the ends that a selector keeps count as any", "[selector]") {
  auto ch = roost::make_channel<int>();
  {
    roost::selector all;
    {
      auto tx = std::move(ch.tx);
      all.add(on_send(tx, 1, ignore));
    }
    CHECK_FALSE(ch.rx.closed());
    CHECK(ch.rx.try_receive().status() == channel_status::empty);
  }
  CHECK(ch.rx.try_receive().status() == channel_status::closed);

  auto back = roost::make_channel<int>();
  roost::selector all;
  std::size_t key = 0;
  {
    auto rx = std::move(back.rx);
    key = all.add(on_receive(rx, ignore));
  }
  CHECK_FALSE(back.tx.closed());
  CHECK(all.remove(key));
  CHECK(back.tx.closed());
}

TEMPLATE_TEST_CASE("an item to be sent goes with its case if it could not be",
                   "[selector]",
                   std::string,
                   test::owned_item,
                   test::tracked_item,
                   test::unassignable_item) {
  item_counts counts;
  auto ch = roost::make_channel<TestType>();
  {
    roost::selector all;
    const std::size_t removed = all.add(on_send(ch.tx, make_item<TestType>(counts, 1), ignore));
    const std::size_t sent = all.add(on_send(ch.tx, make_item<TestType>(counts, 2), ignore));
    all.add(on_send(ch.tx, make_item<TestType>(counts, 3), ignore));
    CHECK_FALSE(all.try_select());
    CHECK(all.remove(removed));
    int got = 0;
    {
      roost::task_scope scope;
      scope.spawn([&] { got = value_of(ch.rx.receive().value()); });
      test::wait_until_waiting(ch.rx, 1);
      CHECK(all.select_biased() == sent);
    }
    CHECK(got == 2);
    CHECK(all.size() == 1);
  }
  CHECK(counts.live == 0);
  CHECK_FALSE(ch.rx.try_receive());
}

TEST_CASE("a selector waits for a thousand channels", "[selector]") {
  std::vector<roost::channel_ends<int>> channels;
  std::vector<std::size_t> keys;
  for (int i = 0; i < 1000; ++i)
    channels.push_back(roost::make_channel<int>());
  roost::selector all;
  for (const auto& each : channels)
    keys.push_back(all.add(on_receive(each.rx, ignore)));
  std::vector<std::size_t> happened;
  const std::vector<std::size_t> order{999, 0, 512, 512, 77};
  {
    roost::task_scope scope;
    scope.spawn([&] {
      for (std::size_t i = 0; i < order.size(); ++i)
        happened.push_back(all.select());
    });
    for (const std::size_t i : order) {
      test::wait_until_waiting(channels[i].rx, 1);
      REQUIRE(channels[i].tx.send(1));
    }
  }
  REQUIRE(happened.size() == order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    CHECK(happened[i] == keys[order[i]]);
  std::size_t left = 0;
  for (const auto& each : channels)
    left += test::waiting(each.rx);
  CHECK(left == 0);
}

TEST_CASE("a selector is used for a thousand rounds while cases come and go", "[selector]") {
  std::vector<roost::channel_ends<int>> channels;
  for (int i = 0; i < 4; ++i)
    channels.push_back(roost::make_channel<int>(1));
  std::vector<std::size_t> keys;
  roost::selector all;
  for (const auto& each : channels)
    keys.push_back(all.add(on_receive(each.rx, ignore)));
  int wrong = 0;
  std::size_t newest = keys.back();
  for (std::size_t round = 0; round < 1000; ++round) {
    const std::size_t replaced = round % 3 + 1;
    wrong += !all.remove(keys[replaced]);
    keys[replaced] = all.add(on_receive(channels[replaced].rx, ignore));
    wrong += keys[replaced] <= newest;
    newest = keys[replaced];
    const std::size_t ready = round % 4;
    wrong += !channels[ready].tx.try_send(1);
    wrong += (round % 2 == 0 ? all.select() : all.select_biased()) != keys[ready];
    wrong += all.size() != 4 || all.try_select().has_value();
  }
  CHECK(wrong == 0);
}

TEST_CASE("an evicted item whose destructor changes the selector finds it whole", "[selector]") {
  struct busy {
    roost::selector* all = nullptr;
    const roost::receiver<int>* other = nullptr;
    busy(roost::selector& s, const roost::receiver<int>& rx) : all(&s), other(&rx) {}
    busy(busy&& from) noexcept : all(std::exchange(from.all, nullptr)), other(from.other) {}
    busy& operator=(busy&& from) noexcept {
      std::swap(all, from.all);
      std::swap(other, from.other);
      return *this;
    }
    busy(const busy&) = delete;
    busy& operator=(const busy&) = delete;
    ~busy() {
      if (all == nullptr)
        return;
      for (int i = 0; i < 100; ++i)
        all->add(on_receive(*other, ignore));
      (void)all->try_select();
    }
  };
  auto numbers = roost::make_channel<int>();
  {
    roost::selector all;
    auto latest = roost::make_channel<busy>(1, roost::overflow::drop_oldest);
    REQUIRE(latest.tx.send(busy(all, numbers.rx)));
    all.add(on_send(latest.tx, busy(all, numbers.rx), ignore));
    CHECK(all.try_select());
    CHECK(latest.rx.dropped() == 1);
    CHECK(all.size() == 100);
    latest.rx.try_receive()->all = nullptr; // does nothing more
  }
}

TEST_CASE("a case on a task whose handle has gone still happens", "[selector]") {
  test::gate gate;
  int calls = 0;
  roost::selector all;
  roost::task_scope scope;
  all.add(on_done(scope.spawn([&] {
    gate.pass();
    return 1;
  }),
                  [&] { ++calls; }));
  CHECK_FALSE(all.try_select());
  gate.open();
  all.select();
  CHECK(calls == 1);
  CHECK(all.empty());
}

TEST_CASE("a handler that is destroyed with its selector may still remove cases", "[selector]") {
  int removed = 0;
  struct remover {
    roost::selector* all;
    std::size_t key;
    int* removed;
    remover(roost::selector& s, std::size_t k, int& n) : all(&s), key(k), removed(&n) {}
    remover(remover&& from) noexcept
        : all(std::exchange(from.all, nullptr)),
          key(from.key),
          removed(from.removed) {}
    remover& operator=(remover&&) = delete;
    remover(const remover&) = delete;
    remover& operator=(const remover&) = delete;
    ~remover() {
      if (all != nullptr && all->remove(key))
        ++*removed;
    }
    void operator()() const {}
  };
  roost::event never;
  {
    roost::selector all;
    const std::size_t key = all.add(on_set(never));
    all.add(on_set(never, remover(all, key, removed)));
  }
  CHECK(removed == 1);
}
