// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/ledger.hpp"
#include "support/lockstep.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

// Two that want to decide how one operation ends: the item is on exactly one side afterwards.

using namespace std::chrono_literals;
using roost::channel_status;
using test::item_counts;
using test::ledger;
using test::make_item;
using test::owned_item;
using test::random_numbers;
using test::rounds;
using test::value_of;

TEST_CASE("a stop and an item that race leave the item with exactly one side",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  const int count = rounds(1500);
  random_numbers random(3);
  auto ch = roost::make_channel<int>(capacity);
  test::lockstep step(2);
  std::vector<bool> accepted(static_cast<std::size_t>(count));
  std::atomic<bool> receiving = false;
  int got_items = 0;
  int wrong = 0;
  {
    const std::jthread sender([&] {
      random_numbers mine(4);
      for (int round = 0; round < count; ++round) {
        step.meet();
        test::dither(mine, 400);
        do {
          accepted[static_cast<std::size_t>(round)] = bool(ch.tx.try_send(round));
        } while (!accepted[static_cast<std::size_t>(round)] && receiving);
        step.meet();
      }
    });
    for (int round = 0; round < count; ++round) {
      int got = -1;
      receiving = true;
      {
        roost::task_scope scope;
        scope.spawn([&] { got = ch.rx.receive().value(); });
        if (random.one_in(2))
          test::wait_until_waiting(ch.rx, 1);
        step.meet();
        test::dither(random, 400);
        scope.request_stop();
        scope.join();
      }
      receiving = false;
      step.meet();
      const auto left = ch.rx.try_receive();
      wrong += (got == round) + (left && *left == round) !=
               static_cast<int>(accepted[static_cast<std::size_t>(round)]);
      got_items += got == round;
    }
  }
  CHECK(wrong == 0);
  CHECK(test::waiting(ch.rx) == 0);
  CAPTURE(got_items, count);
}

TEST_CASE("a timeout and an item that race leave the item with exactly one side",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  const int count = rounds(8000);
  ledger book(count);
  item_counts counts;
  auto ch = roost::make_channel<owned_item>(capacity);
  {
    const std::jthread sender([&, tx = std::move(ch.tx)] {
      random_numbers random(5);
      for (int id = 0; id < count; ++id) {
        auto item = make_item<owned_item>(counts, id);
        for (;;) {
          const auto timeout = std::chrono::microseconds(random.below(30));
          if (tx.send_for(std::move(item), timeout)) {
            book.accepted(id);
            break;
          }
          book.kept(id, value_of(item)); // NOLINT(bugprone-use-after-move): it was not taken
        }
      }
    });
    random_numbers random(6);
    for (;;) {
      const auto got = ch.rx.receive_for(std::chrono::microseconds(random.below(30)));
      if (got)
        book.received(value_of(*got));
      if (got.status() == channel_status::closed)
        break;
    }
  }
  CHECK(book.faults().empty());
  CHECK(book.received_items() == count);
  CHECK(counts.live == 0);
}

TEST_CASE("no item is left with a receiver that gave up at the head of the line",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(5000);
  auto ch = roost::make_channel<int>();
  ledger book(count);
  {
    roost::task_scope scope;
    for (std::uint64_t i = 0; i < 3; ++i) {
      scope.spawn([&, i] { // impatient ones: they come first and leave all the time
        random_numbers random(10 + i);
        for (;;) {
          const auto got = ch.rx.receive_for(std::chrono::microseconds(random.below(20)));
          if (got)
            book.received(*got);
          if (got.status() == channel_status::closed)
            break;
        }
      });
    }
    scope.spawn([&] {
      for (const int item : ch.rx)
        book.received(item);
    });
    for (int i = 0; i < count; ++i) {
      if (ch.tx.send(i))
        book.accepted(i);
    }
    ch.tx.close();
  }
  CHECK(book.faults().empty());
  CHECK(book.received_items() == count);
  CHECK(test::waiting(ch.rx) == 0);
}

TEST_CASE("a token that stops while its stop_when ends harms no operation", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(3000);
  random_numbers random(7);
  auto ch = roost::make_channel<int>();
  test::lockstep step(2);
  std::atomic<std::stop_source*> source = nullptr;
  int accepted = 0;
  int got = 0;
  {
    const std::jthread other([&] {
      random_numbers mine(8);
      for (int round = 0; round < count; ++round) {
        step.meet();
        test::dither(mine, 400);
        accepted += bool(ch.tx.try_send(round));
        source.load()->request_stop();
        step.meet();
      }
    });
    for (int round = 0; round < count; ++round) {
      std::stop_source outside;
      source = &outside;
      step.meet();
      test::dither(random, 200);
      {
        const roost::stop_when s(outside.get_token());
        try {
          got += ch.rx.receive_for(std::chrono::microseconds(random.below(50))).has_value();
        } catch (const roost::stopped&) {
        }
      }
      step.meet();
    }
  }
  CHECK(got == accepted);
  CHECK(test::waiting(ch.rx) == 0);
}
