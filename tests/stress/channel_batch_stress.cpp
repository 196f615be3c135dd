// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/ledger.hpp"
#include "support/lockstep.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"
#include "support/tracked.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Batches and failures in races: what was sent is received once and in order, the rest is kept.

using test::item_counts;
using test::ledger;
using test::make_item;
using test::no_limit;
using test::owned_item;
using test::random_numbers;
using test::rounds;
using test::tracked_item;
using test::value_of;

namespace {

// Sends what is in a variable, which is looked at afterwards: no use after a move.
template <class T>
std::size_t send_all_from(const roost::sender<T>& tx, std::vector<T>& variable) {
  return tx.send_all(std::move(variable));
}

template <class T>
std::vector<T> items(item_counts& counts, int first, int count) {
  std::vector<T> all;
  for (int i = first; i < first + count; ++i)
    all.push_back(make_item<T>(counts, i));
  return all;
}

// How many items of a range that starts with `first` are not there, or not in order.
template <class T>
int disorder(const std::vector<T>& all, int first, std::size_t count) {
  int wrong = all.size() != count;
  for (const T& item : all)
    wrong += value_of(item) != first++;
  return wrong;
}

} // namespace

TEMPLATE_TEST_CASE("batches and single items arrive once each and in order",
                   "[channel][stress]",
                   owned_item,
                   tracked_item) {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, 1025, no_limit);
  const int count = rounds(5000);
  constexpr int senders = 2;
  ledger book(senders * count);
  item_counts counts;
  std::atomic<int> out_of_order = 0;
  {
    auto ch = test::make_ends<TestType>(capacity);
    roost::task_scope scope;
    for (int r = 0; r < 2; ++r) {
      scope.spawn([&, rx = ch.rx, r] {
        random_numbers random(static_cast<std::uint64_t>(30 + r));
        std::vector<int> latest(senders, -1);
        std::vector<TestType> got;
        for (;;) {
          got.clear();
          if (random.one_in(4)) {
            auto one = rx.receive();
            if (one)
              got.push_back(*std::move(one));
          } else {
            (void)rx.receive_some(got, static_cast<std::size_t>(1 + random.below(10)));
          }
          if (got.empty())
            break;
          for (const auto& item : got) {
            const int value = value_of(item);
            int& before = latest[static_cast<std::size_t>(value / count)];
            out_of_order += value <= before;
            before = value;
            book.received(value);
          }
        }
      });
    }
    for (int s = 0; s < senders; ++s) {
      scope.spawn([&, tx = ch.tx, s] {
        random_numbers random(static_cast<std::uint64_t>(40 + s));
        for (int next = s * count; next < (s + 1) * count;) {
          const int size = std::min(1 + random.below(10), (s + 1) * count - next);
          auto batch = items<TestType>(counts, next, size);
          if (tx.send_all(std::move(batch)) == static_cast<std::size_t>(size)) {
            for (int i = 0; i < size; ++i)
              book.accepted(next + i);
          }
          next += size;
        }
      });
    }
    ch.tx = roost::make_channel<TestType>().tx; // the tasks have the only ends
  }
  CHECK(book.faults().empty());
  CHECK(book.received_items() == senders * count);
  CHECK(out_of_order == 0);
  CHECK(counts.live == 0);
}

TEMPLATE_TEST_CASE("a close and a stop that race with a batch leave each item on one side",
                   "[channel][stress]",
                   owned_item,
                   tracked_item) {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 2, no_limit);
  const int count = rounds(400);
  constexpr int size = 40;
  random_numbers random(1);
  item_counts counts;
  int wrong = 0;
  int cut = 0;
  for (int round = 0; round < count; ++round) {
    auto ch = test::make_ends<TestType>(capacity);
    auto batch = items<TestType>(counts, 0, size);
    std::vector<TestType> got;
    std::optional<std::size_t> sent;
    {
      roost::task_scope receiver;
      receiver.spawn([&] {
        while (ch.rx.receive_some(got, 3) != 0) {
        }
      });
      roost::task_scope sender({.inherit = false});
      auto done = sender.spawn([&] { sent = send_all_from(ch.tx, batch); });
      if (random.one_in(2))
        test::wait_until(
            [&] { return test::scope_probe::blocked_tasks(receiver) == 1 || done.ready(); });
      test::dither(random, 20'000);
      switch (round % 3) {
      case 0:
        ch.tx.close();
        break;
      case 1:
        sender.request_stop();
        break;
      default:
        receiver.request_stop();
        ch.rx.close();
      }
      sender.join();
      ch.tx.close();
    }
    while (auto left = ch.rx.try_receive())
      got.push_back(*std::move(left));
    wrong += sent && *sent != got.size();
    wrong += disorder(got, 0, got.size());
    wrong += disorder(batch, static_cast<int>(got.size()), size - got.size());
    cut += !batch.empty() && !got.empty();
  }
  CHECK(wrong == 0);
  CHECK(counts.live == 0);
  CAPTURE(cut, count);
}

TEST_CASE("of failures and closes that race one wins and all receivers see the same",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(3000);
  constexpr std::size_t closers = 3; // the last one closes without a failure
  constexpr std::size_t receivers = 2;
  const std::exception_ptr failures[closers] = {
      std::make_exception_ptr(std::runtime_error("first")),
      std::make_exception_ptr(std::runtime_error("second")),
      nullptr,
  };
  test::lockstep step(closers + receivers);
  std::optional<roost::channel_ends<int>> ch; // handed over while all meet
  bool won[closers] = {};                     // likewise
  std::exception_ptr told[receivers];         // likewise
  int wrong = 0;
  int wins[closers] = {};
  {
    const auto close = [&](std::size_t which) {
      random_numbers random(60 + which);
      for (int round = 0; round < count; ++round) {
        step.meet();
        test::dither(random, 200);
        won[which] = failures[which] ? ch->tx.fail(failures[which]) : ch->rx.close();
        step.meet();
      }
    };
    const auto receive = [&](std::size_t which) {
      for (int round = 0; round < count; ++round) {
        step.meet();
        told[which] = ch->rx.receive().error();
        step.meet();
      }
    };
    const std::jthread first([&] { close(0); });
    const std::jthread second([&] { close(1); });
    const std::jthread plain([&] { close(2); });
    const std::jthread other([&] { receive(1); });
    for (int round = 0; round < count; ++round) {
      ch.emplace(roost::make_channel<int>());
      step.meet();
      told[0] = ch->rx.receive().error();
      step.meet();
      wrong += std::count(std::begin(won), std::end(won), true) != 1;
      const auto winner = static_cast<std::size_t>(std::find(won, won + closers, true) - won);
      if (winner == closers)
        continue;
      ++wins[winner];
      for (const auto& error : told)
        wrong += error != failures[winner];
      wrong += ch->rx.try_receive().error() != failures[winner];
    }
  }
  CHECK(wrong == 0);
  CAPTURE(wins[0], wins[1], wins[2]);
}

TEST_CASE("what was sent before a failure is received before it", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, 1025, no_limit);
  const int count = rounds(1000);
  const auto failure = std::make_exception_ptr(std::runtime_error("the source is gone"));
  test::lockstep step(3);
  std::optional<roost::channel_ends<int>> ch; // handed over while all meet
  int accepted = 0;                           // likewise
  int received = 0;                           // likewise
  int wrong = 0;
  {
    const std::jthread sender([&] {
      for (int round = 0; round < count; ++round) {
        step.meet();
        for (accepted = 0; accepted < 200 && ch->tx.send(accepted);)
          ++accepted;
        step.meet();
      }
    });
    const std::jthread receiver([&] {
      random_numbers random(71);
      for (int round = 0; round < count; ++round) {
        step.meet();
        received = 0;
        std::vector<int> batch;
        std::exception_ptr told;
        try {
          while (random.one_in(2) && ch->rx.receive_some(batch, 4) != 0) {
          }
          for (const int item : ch->rx)
            received += item >= 0;
        } catch (...) {
          told = std::current_exception();
        }
        received += static_cast<int>(batch.size());
        wrong += told != failure;
        step.meet();
      }
    });
    random_numbers random(70);
    for (int round = 0; round < count; ++round) {
      ch.emplace(test::make_ends<int>(capacity));
      step.meet();
      test::dither(random, 2000);
      ch->tx.fail(failure);
      step.meet();
      wrong += received != accepted;
    }
  }
  CHECK(wrong == 0);
}
