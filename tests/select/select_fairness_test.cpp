// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/virtual_time.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

// Among the cases that can happen at once each is as likely.

using namespace std::chrono_literals;
using roost::on_deadline;
using roost::on_done;
using roost::on_receive;
using roost::on_send;
using roost::on_set;
using roost::on_tick;
using roost::otherwise;

namespace {

constexpr auto ignore = [](auto&&...) {};
constexpr int draws = 10000;

// How far from its expectation a share of so many fair draws is once in 100'000 times, at most.
const double noise = 4.4172 / (2 * std::sqrt(double{draws}));

template <std::size_t N>
using counts = std::array<int, N>;

// The largest distance of a share from 1/n.
template <std::size_t N>
double unevenness(const counts<N>& chosen) {
  double largest = 0;
  for (const int count : chosen)
    largest = std::max(largest, std::abs(count / double{draws} - 1 / static_cast<double>(N)));
  return largest;
}

template <std::size_t N>
using channels = std::array<roost::channel_ends<int>, N>;

template <std::size_t... I>
channels<sizeof...(I)> channels_with_an_item(std::index_sequence<I...>) {
  channels<sizeof...(I)> all{((void)I, roost::make_channel<int>(1))...};
  for (const auto& each : all)
    REQUIRE(each.tx.send(1));
  return all;
}

template <std::size_t... I>
std::size_t receive_from_one(const channels<sizeof...(I)>& all, std::index_sequence<I...>) {
  return roost::select(on_receive(all[I].rx, ignore)...);
}

template <std::size_t N>
double unevenness_of_receives() {
  constexpr auto each = std::make_index_sequence<N>();
  const auto all = channels_with_an_item(each);
  counts<N> chosen{};
  for (int i = 0; i < draws; ++i) {
    const std::size_t index = receive_from_one(all, each);
    ++chosen.at(index);
    REQUIRE(all.at(index).tx.send(1));
  }
  return unevenness(chosen);
}

} // namespace

TEST_CASE("a select is fair to channels that all have an item", "[select]") {
  CHECK(unevenness_of_receives<2>() < noise);
  CHECK(unevenness_of_receives<3>() < noise);
  CHECK(unevenness_of_receives<5>() < noise);
  CHECK(unevenness_of_receives<10>() < noise);
}

TEST_CASE("a select is fair to cases of all kinds", "[select]") {
  const auto items = roost::make_channel<int>(1);
  const auto closed = roost::make_channel<int>();
  closed.tx.close();
  const auto room = roost::make_channel<int>(1);
  roost::event set;
  set.set();
  roost::wait_group idle;
  roost::task_scope scope;
  const auto task = scope.spawn([] {});
  scope.join();
  roost::ticker fast(1ns);
  counts<8> chosen{};
  for (int i = 0; i < draws; ++i) {
    (void)items.tx.try_send(1);
    (void)room.rx.try_receive();
    ++chosen.at(roost::select(on_receive(items.rx, ignore),
                              on_receive(closed.rx, ignore),
                              on_send(room.tx, 1, ignore),
                              on_set(set),
                              on_done(idle),
                              on_done(task),
                              on_tick(fast),
                              on_deadline(roost::clock::time_point::min())));
  }
  CHECK(unevenness(chosen) < noise);
}

TEST_CASE("cases that cannot happen shift nothing between those that can", "[select]") {
  const auto empty = roost::make_channel<int>();
  constexpr auto never = roost::clock::time_point::max();
  roost::event unset;
  roost::event set;
  set.set();
  std::array<int, 9> chosen{};
  for (int i = 0; i < draws; ++i) {
    ++chosen.at(roost::select(on_set(unset),
                              on_receive(empty.rx, ignore),
                              on_set(set),
                              on_deadline(never),
                              on_set(unset),
                              otherwise(),
                              on_set(set),
                              on_set(set),
                              on_send(empty.tx, 1, ignore)));
  }
  CHECK(unevenness(counts<3>{chosen[2], chosen[6], chosen[7]}) < noise);
  CHECK(std::accumulate(chosen.begin(), chosen.end(), 0) == chosen[2] + chosen[6] + chosen[7]);
}

TEST_CASE("a select is fair to the cases of one channel", "[select]") {
  const auto ch = roost::make_channel<int>(1);
  counts<5> chosen{};
  for (int i = 0; i < draws; ++i) {
    REQUIRE(ch.tx.try_send(i));
    ++chosen.at(roost::select(on_receive(ch.rx, ignore),
                              on_receive(ch.rx, ignore),
                              on_receive(ch.rx, ignore),
                              on_receive(ch.rx, ignore),
                              on_receive(ch.rx, ignore)));
  }
  CHECK(unevenness(chosen) < noise);
}

TEST_CASE("a selector is fair whatever it did before", "[selector]") {
  roost::event set;
  set.set();
  roost::event unset;
  const auto items = roost::make_channel<int>(1);
  counts<4> chosen{};
  roost::selector all;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    all.add(on_set(unset));
    all.add(on_receive(items.rx, [&, i](auto&&) { ++chosen.at(i); }));
  }
  for (int i = 0; i < draws; ++i) {
    (void)all.try_select();
    REQUIRE(items.tx.try_send(i));
    all.select();
  }
  CHECK(unevenness(chosen) < noise);
}

TEST_CASE("neither a case that is always ready nor a tick is starved", "[select]") {
  test::bubble([&] {
    roost::event set;
    set.set();
    roost::ticker every(1h);
    int ticks = 0;
    int sets = 0;
    while (ticks < 10) {
      roost::this_task::sleep_for(20min); // the set is ready each time, the tick every third
      roost::select(on_set(set, [&] { ++sets; }), on_tick(every, [&] { ++ticks; }));
    }
    CHECK(sets > 0);
  });
}

TEST_CASE("neither a ready channel nor a timeout that is over is starved", "[select]") {
  const auto ch = roost::make_channel<int>(roost::unbounded);
  for (int i = 0; i < draws; ++i)
    REQUIRE(ch.tx.send(i));
  counts<2> chosen{};
  for (int i = 0; i < draws; ++i)
    ++chosen.at(roost::select(on_receive(ch.rx, ignore), roost::on_timeout(0ms)));
  CHECK(unevenness(chosen) < noise);
}
