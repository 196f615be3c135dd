// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/ledger.hpp"
#include "support/lockstep.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>

// Channels that drop, under load: what was sent was received, dropped or left, and nothing twice.

using roost::channel_status;
using roost::overflow;
using test::item_counts;
using test::ledger;
using test::make_item;
using test::random_numbers;
using test::rounds;
using test::tracked_item;
using test::value_of;

namespace {

// Where an item ends: each one that ends in this thread is put down in this way.
enum class fate { dropped, received, kept };
thread_local fate now_ending = fate::dropped;

// Calls `f` with this in force.
template <class F>
void ending_as(fate how, F f) {
  now_ending = how;
  f();
  now_ending = fate::dropped;
}

void put_down_ends(item_counts& counts, ledger& book) {
  counts.on_destroy = [&book](int value) {
    switch (now_ending) {
    case fate::dropped:
      book.discarded(value);
      break;
    case fate::received:
      book.received(value);
      break;
    case fate::kept:
      book.kept(value, value);
      break;
    }
  };
}

// Sends items with these numbers until the channel is closed.
void send_numbers(
    const roost::sender<tracked_item>& tx, item_counts& counts, ledger& book, int first, int last) {
  random_numbers random(static_cast<std::uint64_t>(first));
  for (int id = first; id < last; ++id) {
    std::optional<tracked_item> item(std::in_place, counts, id);
    const auto sent = random.one_in(2) ? tx.send(*std::move(item)) : tx.try_send(*std::move(item));
    if (sent)
      book.accepted(id);
    ending_as(fate::kept, [&] { item.reset(); });
    if (sent.status() == channel_status::closed)
      return;
    if (random.one_in(4))
      test::dither(random, 200);
  }
}

// Lets go of what it received, and of nothing else.
template <class Result>
void end_received(Result& got) {
  ending_as(fate::received, [&] { const auto last = std::move(got); });
}

} // namespace

TEST_CASE("dropped and received and left are together what was sent", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const auto policy = GENERATE(overflow::drop_oldest, overflow::drop_newest);
  const std::size_t capacity = GENERATE(as<std::size_t>(), 1, 4, 100);
  const int count = rounds(100'000);
  ledger book(2 * count);
  item_counts counts;
  put_down_ends(counts, book);
  std::size_t dropped = 0;
  int left = 0;
  std::atomic<int> out_of_order = 0;
  {
    auto ch = roost::make_channel<tracked_item>(capacity, policy);
    std::atomic<bool> over = false;
    roost::task_scope receivers;
    for (std::uint64_t r = 0; r < 2; ++r) {
      receivers.spawn([&, r] {
        random_numbers random(50 + r);
        int latest[] = {-1, -1};
        while (!over) {
          auto got = random.one_in(2) ? ch.rx.try_receive()
                                      : ch.rx.receive_for(std::chrono::microseconds(50));
          if (!got)
            continue;
          int& before = latest[got->value() / count];
          out_of_order += got->value() <= before;
          before = got->value();
          end_received(got);
        }
      });
    }
    {
      roost::task_scope senders;
      senders.spawn([&] { send_numbers(ch.tx, counts, book, 0, count); });
      senders.spawn([&] { send_numbers(ch.tx, counts, book, count, 2 * count); });
    }
    over = true;
    receivers.join();
    left = static_cast<int>(ch.rx.size());
    dropped = ch.tx.dropped();
    while (auto got = ch.rx.try_receive())
      end_received(got);
  }
  CHECK(book.faults().empty());
  CHECK(out_of_order == 0);
  CHECK(left <= static_cast<int>(capacity));
  CHECK(book.received_items() + static_cast<int>(dropped) == 2 * count);
  CHECK(book.accepted_items() == (policy == overflow::drop_oldest ? 2 * count //
                                                                  : book.received_items()));
  CHECK(counts.live == 0);
}

TEST_CASE("a channel that drops and is left by its last receiver destroys each item once",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const auto policy = GENERATE(overflow::drop_oldest, overflow::drop_newest);
  const int count = rounds(600);
  constexpr int most = 200; // items a round and sender
  ledger book(count * 2 * most);
  item_counts counts;
  put_down_ends(counts, book);
  test::lockstep step(3);
  std::optional<roost::channel_ends<tracked_item>> ch; // handed over while all meet
  {
    const auto send = [&](int which) {
      for (int round = 0; round < count; ++round) {
        step.meet();
        const auto tx = ch->tx;
        const int first = (2 * round + which) * most;
        send_numbers(tx, counts, book, first, first + most);
        step.meet();
      }
    };
    const std::jthread one([&] { send(0); });
    const std::jthread two([&] { send(1); });
    random_numbers random(9);
    for (int round = 0; round < count; ++round) {
      ch.emplace(roost::make_channel<tracked_item>(2, policy));
      step.meet();
      {
        const auto rx = std::move(ch->rx);
        for (int i = random.below(20); i > 0; --i) {
          auto got = rx.try_receive();
          if (got)
            end_received(got);
        }
        test::dither(random, 1000);
      }
      step.meet();
    }
    ch.reset();
  }
  CHECK(book.faults().empty());
  CHECK(book.accepted_items() > 0);
  CHECK(counts.live == 0);
}

TEST_CASE("the latest item is received or there although the channel closes meanwhile",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(400);
  test::lockstep step(3);
  std::optional<roost::channel_ends<int>> ch; // handed over while all meet
  int accepted = -1;                          // likewise
  std::optional<int> received;                // likewise
  int wrong = 0;
  {
    const std::jthread sender([&] {
      for (int round = 0; round < count; ++round) {
        step.meet();
        accepted = -1;
        for (int i = 0; ch->tx.send(i); ++i)
          accepted = i;
        step.meet();
      }
    });
    const std::jthread receiver([&] {
      random_numbers random(12);
      for (int round = 0; round < count; ++round) {
        step.meet();
        received.reset();
        for (const int item : ch->rx) {
          received = item;
          test::dither(random, 50);
        }
        step.meet();
      }
    });
    random_numbers random(11);
    for (int round = 0; round < count; ++round) {
      ch.emplace(roost::make_channel<int>(1, overflow::drop_oldest));
      step.meet();
      test::dither(random, 400);
      ch->tx.close();
      step.meet();
      wrong += received.value_or(-1) != accepted;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("items that send while they make room for others lose none", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(100'000);
  item_counts counts;
  std::atomic<int> ended = 0;
  std::atomic<int> sent = 0;
  std::atomic<bool> over = false;
  {
    auto ch = roost::make_channel<tracked_item>(2, overflow::drop_oldest);
    const auto send = [&](int value) {
      if (ch.tx.send(tracked_item(counts, value)))
        ++sent;
    };
    counts.on_destroy = [&](int value) {
      ++ended;
      if (value % 8 == 0 && !over)
        send(value + 1);
    };
    {
      roost::task_scope scope;
      for (int task = 0; task < 2; ++task) {
        scope.spawn([&] {
          for (int i = 0; i < count; ++i)
            send(i);
        });
      }
      for (int i = 0; i < count; ++i)
        (void)ch.rx.try_receive();
    }
    over = true;
  }
  CHECK(ended == sent);
  CHECK(counts.live == 0);
}
