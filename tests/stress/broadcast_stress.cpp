// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/lockstep.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using roost::broadcast;
using roost::overflow;
using test::random_numbers;
using test::rounds;

namespace {

// Item n of a sender.
struct item {
  int sender;
  int number;
};

// Looks at the items of all senders as they come to one receiver.
struct order_check {
  explicit order_check(int senders) : next(static_cast<std::size_t>(senders), -1) {}

  // `lost` may be missing before it.
  void see(const item& i, std::uint64_t lost) {
    int& expected = next[static_cast<std::size_t>(i.sender)];
    gaps += expected >= 0 && i.number != expected;
    backwards += i.number < expected;
    expected = i.number + 1;
    missed += lost;
    ++count;
  }

  std::vector<int> next;
  int gaps = 0;
  int backwards = 0;
  std::uint64_t missed = 0;
  std::uint64_t count = 0;
};

} // namespace

TEST_CASE("each receiver of a broadcast gets all items of each sender in order",
          "[broadcast][stress]") {
  ROOST_TEST_SHOW_SEED();
  constexpr int senders = 2;
  constexpr int items = 300;
  const int count = rounds(30);
  random_numbers random(1);
  int wrong = 0;
  for (int round = 0; round < count; ++round) {
    const auto capacity = static_cast<std::size_t>(1 + random.below(4));
    auto tx = std::make_unique<broadcast<item>>(capacity);
    std::vector<order_check> checks(4, order_check(senders));
    std::atomic<int> refused = 0;
    {
      roost::task_scope scope;
      for (std::size_t r = 0; r < checks.size(); ++r) {
        const auto policy = r < 2 ? overflow::block : overflow::drop_oldest;
        scope.spawn([&, rx = tx->subscribe(policy), r] {
          auto& check = checks[r];
          if (r % 2 == 0) {
            while (const auto got = rx.receive())
              check.see(*got, got.missed());
            return;
          }
          roost::selector all;
          all.add(on_receive(rx, [&](auto got) {
            if (got)
              check.see(*got, got.missed());
          }));
          while (!all.empty())
            all.select();
        });
      }
      for (int s = 0; s < senders; ++s) {
        scope.spawn([&, end = *tx, s] {
          for (int i = 0; i < items; ++i) {
            if (i % 3 == 0) {
              roost::select(on_send(end, item{s, i}, [&](auto sent) { refused += !sent; }));
            } else {
              (void)end.send({s, i});
            }
          }
        });
      }
      tx.reset();
    }
    wrong += refused;
    for (std::size_t r = 0; r < checks.size(); ++r) {
      const bool gets_all = r < 2;
      wrong += checks[r].backwards != 0;
      wrong += checks[r].count + checks[r].missed != senders * items;
      wrong += gets_all && (checks[r].gaps != 0 || checks[r].missed != 0);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("receivers of a broadcast come and go and stop while it goes on", "[broadcast][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(60);
  int wrong = 0;
  for (int round = 0; round < count; ++round) {
    const broadcast<std::string> tx(2);
    std::atomic<std::uint64_t> got = 0;
    std::atomic<int> bad = 0;
    std::atomic<bool> done = false;
    {
      roost::task_scope receivers;
      roost::task_scope sending;
      for (std::uint64_t r = 0; r < 3; ++r) {
        receivers.spawn([&, r] {
          random_numbers random(10 * static_cast<std::uint64_t>(round) + r);
          while (!done) {
            const auto rx =
                tx.subscribe(random.one_in(3) ? overflow::drop_oldest : overflow::block);
            int last = -1;
            for (int i = random.below(20); i > 0; --i) {
              const auto item =
                  random.one_in(2) ? rx.receive_for(random.below(100) * 1us) : rx.receive();
              if (!item)
                continue;
              const int number = std::stoi(*item);
              bad += number <= last;
              last = number;
              ++got;
            }
          }
        });
      }
      sending.spawn([&] {
        const bool is_first = round == 0; // then something is received for certain
        for (int i = 0; i < 200 || (is_first && got == 0); ++i)
          (void)tx.send(std::to_string(i));
      });
      sending.join();
      done = true;
      receivers.request_stop();
    }
    wrong += bad;
    wrong += tx.receivers() != 0 || !tx.try_send("more") || !tx.try_send("and more");
  }
  CHECK(wrong == 0);
}

TEST_CASE("a send to a broadcast that a stop or a timeout races with happens or not",
          "[broadcast][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(800);
  random_numbers random(2);
  int wrong = 0;
  int endings[3] = {};
  for (int round = 0; round < count; ++round) {
    const broadcast<std::unique_ptr<int>> tx(1);
    const auto rx = tx.subscribe();
    REQUIRE(tx.send(std::make_unique<int>(0)));
    auto item = std::make_unique<int>(1);
    int ending = 2;
    bool receives = false;
    {
      roost::task_scope scope;
      scope.spawn([&, timeout = random.below(60) * 1us] {
        ending = tx.send_for(std::move(item), timeout) ? 0 : 1;
      });
      test::dither(random, 20'000);
      if (random.one_in(2)) {
        receives = true;
        (void)rx.try_receive();
      }
      if (random.one_in(3))
        scope.request_stop();
    }
    wrong += (ending == 0) != (item == nullptr);
    wrong += ending == 0 && !receives;
    if (!receives)
      (void)rx.try_receive();
    wrong += rx.try_receive().has_value() != (ending == 0);
    ++endings[ending];
  }
  CHECK(wrong == 0);
  CHECK((endings[0] > 0 || count < 200));
  CHECK((endings[1] > 0 || count < 200));
}

TEST_CASE("receivers that share a place get each item once", "[broadcast][stress]") {
  ROOST_TEST_SHOW_SEED();
  constexpr int items = 400;
  const int count = rounds(30);
  int wrong = 0;
  for (int round = 0; round < count; ++round) {
    auto tx = std::make_unique<broadcast<int>>(3U);
    std::vector<std::atomic<int>> seen(items);
    {
      roost::task_scope scope;
      const auto rx = tx->subscribe();
      for (int r = 0; r < 3; ++r) {
        scope.spawn([&, mine = rx] {
          for (const int i : mine)
            ++seen[static_cast<std::size_t>(i)];
        });
      }
      for (int i = 0; i < items; ++i)
        (void)tx->send(i);
      tx.reset();
    }
    for (const auto& times : seen)
      wrong += times != 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("those who watch a value end with the last one", "[watch][stress]") {
  ROOST_TEST_SHOW_SEED();
  constexpr int settings = 300;
  const int count = rounds(40);
  int wrong = 0;
  for (int round = 0; round < count; ++round) {
    auto value = std::make_unique<roost::watch<std::pair<int, int>>>(std::pair{0, 0});
    std::atomic<int> bad = 0;
    {
      roost::task_scope scope;
      for (std::uint64_t r = 0; r < 3; ++r) {
        scope.spawn([&, rx = value->subscribe(), r] {
          random_numbers random(r);
          int last = -1;
          for (const auto& [one, two] : rx) {
            bad += one != two || one <= last;
            last = one;
            test::dither(random, 2000);
            bad += rx.get().first < last;
          }
          bad += last != settings;
        });
      }
      random_numbers random(7);
      for (int i = 1; i <= settings; ++i) {
        value->set({i, i});
        test::dither(random, 1000);
      }
      value.reset();
    }
    wrong += bad;
  }
  CHECK(wrong == 0);
}
