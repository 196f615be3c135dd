// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/ledger.hpp"
#include "support/lockstep.hpp"
#include "support/seed.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>

// The end of a channel, in a race with whoever uses it.

using roost::channel_status;
using test::item_counts;
using test::ledger;
using test::lockstep;
using test::make_item;
using test::owned_item;
using test::random_numbers;
using test::rounds;
using test::tracked_item;
using test::value_of;

namespace {

template <class T>
using maybe_channel = std::optional<roost::channel_ends<T>>;

// Runs both sides of a race, side by side: `here(round, random)` in this thread and
// `there(round, random)` in another one, between `before(round)` and `after(round)`. Returns how
// many rounds it was: as many as wanted, or fewer where they take too long.
template <class Before, class Here, class There, class After>
int race(int most, Before before, Here here, There there, After after) {
  const test::race_time time;
  std::atomic<int> count{most};
  lockstep step(2);
  const std::jthread other([&] {
    random_numbers random(102);
    for (int round = 0; round < count; ++round) {
      step.meet();
      test::dither(random);
      there(round, random);
      step.meet();
    }
  });
  random_numbers random(101);
  for (int round = 0; round < count; ++round) {
    before(round);
    step.meet();
    test::dither(random);
    here(round, random);
    if (time.is_over())
      count = round + 1;
    step.meet();
    after(round);
  }
  return count;
}

} // namespace

TEST_CASE("the last sender goes while a receiver begins to wait and it learns of the end",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  const bool sends_before = GENERATE(false, true);
  std::optional<roost::sender<int>> tx;
  std::optional<roost::receiver<int>> rx;
  int items = 0;
  int closed = 0;
  int other = 0;
  const int count = race(
      rounds(20'000),
      [&](int) {
        auto ch = roost::make_channel<int>(capacity);
        tx = std::move(ch.tx);
        rx = std::move(ch.rx);
      },
      [&](int round, random_numbers&) {
        if (sends_before)
          (void)tx->send(round);
        tx.reset();
      },
      [&](int round, random_numbers&) {
        for (;;) {
          const auto got = rx->receive();
          if (!got) {
            ++(got.status() == channel_status::closed ? closed : other);
            break;
          }
          ++(*got == round ? items : other);
        }
      },
      [&](int) {});
  CHECK(closed == count);
  CHECK(items == (sends_before ? count : 0));
  CHECK(other == 0);
}

TEMPLATE_TEST_CASE("the last receiver goes while a sender begins to wait and no item is lost",
                   "[channel][stress]",
                   owned_item,
                   tracked_item) {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, test::no_limit);
  item_counts counts;
  std::optional<roost::sender<TestType>> tx;
  std::optional<roost::receiver<TestType>> rx;
  int wrong = 0;
  race(
      rounds(10'000),
      [&](int) {
        auto ch = test::make_ends<TestType>(capacity);
        tx = std::move(ch.tx);
        rx = std::move(ch.rx);
      },
      [&](int, random_numbers&) { rx.reset(); },
      [&](int round, random_numbers&) {
        for (;;) { // until it learns that nobody listens
          auto item = make_item<TestType>(counts, round);
          const auto end = test::send_from(*tx, item).status();
          const bool kept = value_of(item) == round;
          wrong += (end == channel_status::success) == kept;
          if (end == channel_status::closed)
            break;
        }
      },
      [&](int) {
        wrong += counts.live != 0; // what was accepted died with the last receiver
        wrong += tx->size() != 0;
      });
  CHECK(wrong == 0);
}

TEST_CASE("a close and a send that race agree on who has the item", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, test::no_limit);
  const bool by_receiver = GENERATE(false, true);
  const int count = rounds(20'000);
  item_counts counts;
  ledger book(count);
  maybe_channel<owned_item> ch;
  race(
      count,
      [&](int) { ch = test::make_ends<owned_item>(capacity); },
      [&](int, random_numbers&) {
        if (by_receiver) {
          ch->rx.close();
        } else {
          ch->tx.close();
        }
      },
      [&](int round, random_numbers&) {
        auto item = make_item<owned_item>(counts, round);
        if (test::send_from(ch->tx, item)) {
          book.accepted(round);
        } else {
          book.kept(round, value_of(item));
        }
      },
      [&](int) {
        while (const auto left = ch->rx.try_receive())
          book.received(value_of(*left));
      });
  CHECK(book.faults().empty());
  ch.reset();
  CHECK(counts.live == 0);
}

TEST_CASE("a close and a receive that race lose no item that was sent before",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  maybe_channel<int> ch;
  int got = 0;
  int wrong = 0;
  const int count = race(
      rounds(20'000),
      [&](int) { ch = roost::make_channel<int>(1); },
      [&](int round, random_numbers&) {
        (void)ch->tx.send(round);
        ch->tx.close();
      },
      [&](int round, random_numbers&) {
        got += ch->rx.receive().value() == round;
        wrong += ch->rx.receive().status() != channel_status::closed;
      },
      [&](int) {});
  CHECK(got == count);
  CHECK(wrong == 0);
}

TEST_CASE("of two closes that race exactly one closes", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  maybe_channel<int> ch;
  bool here = false;
  bool there = false;
  int wrong = 0;
  race(
      rounds(20'000),
      [&](int) { ch = roost::make_channel<int>(); },
      [&](int, random_numbers&) { here = ch->tx.close(); },
      [&](int, random_numbers&) { there = ch->rx.close(); },
      [&](int) { wrong += here == there; });
  CHECK(wrong == 0);
}

TEST_CASE("both last ends go at once and nothing is left", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  item_counts counts;
  std::optional<roost::sender<tracked_item>> tx;
  std::optional<roost::receiver<tracked_item>> rx;
  int wrong = 0;
  race(
      rounds(10'000),
      [&](int round) {
        auto ch = roost::make_channel<tracked_item>(4);
        for (int i = 0; i < round % 5; ++i)
          (void)ch.tx.send(tracked_item(counts, i));
        tx = std::move(ch.tx);
        rx = std::move(ch.rx);
      },
      [&](int, random_numbers&) { tx.reset(); },
      [&](int, random_numbers&) { rx.reset(); },
      [&](int) { wrong += counts.live != 0; });
  CHECK(wrong == 0);
}

TEST_CASE("a channel that goes as soon as its one item came is not touched any more",
          "[channel][stress]") {
  // The receiver's thread, its stack, and both ends of the channel go while the sender returns.
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  const int count = rounds(2500);
  item_counts counts;
  random_numbers random(103);
  int wrong = 0;
  for (int round = 0; round < count; ++round) {
    int got = -1;
    auto ch = roost::make_channel<tracked_item>(capacity);
    std::jthread receiver([&got, rx = std::move(ch.rx)] { got = rx.receive()->value(); });
    test::dither(random, 2000);
    {
      const auto tx = std::move(ch.tx);
      wrong += !tx.send(tracked_item(counts, round));
    }
    receiver.join();
    wrong += got != round;
    wrong += counts.live != 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("channels with any number of items in them die with them", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(40);
  random_numbers random(104);
  item_counts counts;
  int wrong = 0;
  for (int round = 0; round < count; ++round) {
    const int sends = random.below(5'000);
    const int receives = random.below(sends / 2 + 1);
    {
      auto ch = roost::make_channel<tracked_item>(roost::unbounded);
      roost::task_scope scope;
      scope.spawn([&counts, sends, tx = std::move(ch.tx)] {
        for (int i = 0; i < sends; ++i)
          (void)tx.send(tracked_item(counts, i));
      });
      scope.spawn([receives, rx = std::move(ch.rx)] {
        for (int i = 0; i < receives; ++i)
          (void)rx.receive();
      });
    }
    wrong += counts.live != 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("items that use their channel while it ends see it whole", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  item_counts counts;
  std::optional<roost::sender<tracked_item>> tx;
  std::optional<roost::receiver<tracked_item>> rx;
  std::optional<roost::sender<tracked_item>> for_items; // written only between the rounds
  counts.on_destroy = [&](int value) {
    if (value >= 1000)
      return;
    (void)for_items->size();
    (void)for_items->try_send(tracked_item(counts, 1000 + value));
    if (value % 4 == 3)
      for_items->close();
  };
  int wrong = 0;
  race(
      rounds(10'000),
      [&](int) {
        auto ch = roost::make_channel<tracked_item>(4);
        for_items = ch.tx;
        tx = std::move(ch.tx);
        rx = std::move(ch.rx);
        for (int i = 0; i < 3; ++i)
          (void)tx->try_send(tracked_item(counts, i));
      },
      [&](int, random_numbers& random) {
        if (random.one_in(2))
          (void)rx->try_receive();
        rx.reset();
      },
      [&](int round, random_numbers&) {
        for (int i = 0; i < 4; ++i)
          (void)tx->try_send(tracked_item(counts, round % 1000));
        tx.reset();
      },
      [&](int) { wrong += counts.live != 0; });
  CHECK(wrong == 0);
  for_items.reset();
}

TEST_CASE("ends that are copied and dropped all the time close the channel exactly once",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(300);
  int wrong = 0;
  for (int round = 0; round < count; ++round) {
    auto ch = roost::make_channel<int>(2);
    std::atomic<int> accepted = 0;
    int received = 0;
    {
      roost::task_scope scope;
      for (int i = 0; i < 3; ++i) {
        scope.spawn([&accepted, i, tx = ch.tx] {
          random_numbers random(static_cast<std::uint64_t>(i));
          for (int n = 0; n < 20; ++n) {
            auto copy = tx;
            auto other = std::move(copy);
            copy = other; // NOLINT(bugprone-use-after-move): assigned to, not used
            accepted += bool(copy.send(n));
          }
        });
      }
      { const auto mine = std::move(ch.tx); }
      for (auto rx = ch.rx; rx.receive();) {
        const auto copy = rx;
        rx = copy;
        ++received;
      }
    }
    wrong += accepted != 60 || received != 60 || !ch.rx.closed();
  }
  CHECK(wrong == 0);
}

TEST_CASE("who learns from a weak sender that the last one has gone finds the channel closed",
          "[channel][stress]") {
  const int count = rounds(20'000);
  std::optional<roost::sender<int>> tx;
  std::atomic<int> goes{-1};
  std::atomic<int> gone{-1};
  const std::jthread other([&] {
    for (int round = 0; round < count; ++round) {
      while (goes != round)
        std::this_thread::yield();
      tx.reset();
      gone = round;
    }
  });
  int open = 0;
  int empty = 0;
  for (int round = 0; round < count; ++round) {
    auto ch = roost::make_channel<int>(1);
    const roost::weak_sender<int> weak(ch.tx);
    tx.emplace(std::move(ch.tx));
    goes = round;
    for (int looks = 0; weak.lock(); ++looks) {
      if (looks > 1000) // the other has no processor
        std::this_thread::yield();
    }
    if (round % 2 == 0) {
      open += !ch.rx.closed();
    } else {
      empty += ch.rx.try_receive().status() != roost::channel_status::closed;
    }
    while (gone != round)
      std::this_thread::yield();
  }
  CHECK(open == 0);
  CHECK(empty == 0);
}

TEST_CASE("a weak sender that races with the last sender has an end that sends or none",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  std::optional<roost::sender<int>> tx;
  std::optional<roost::receiver<int>> rx;
  std::optional<roost::weak_sender<int>> weak;
  bool locked = false;
  bool sent = false;
  int faults = 0;
  race(
      rounds(5'000),
      [&](int) {
        auto ch = roost::make_channel<int>(1);
        tx.emplace(std::move(ch.tx));
        rx.emplace(std::move(ch.rx));
        weak.emplace(*tx);
        locked = sent = false;
      },
      [&](int, random_numbers&) { tx.reset(); },
      [&](int round, random_numbers&) {
        if (const auto end = weak->lock()) {
          locked = true;
          sent = bool(end->try_send(round));
        }
      },
      [&](int round) {
        faults += sent != locked;
        faults += !rx->closed();
        const auto item = rx->try_receive();
        faults += item.has_value() != sent;
        faults += item && *item != round;
      });
  CHECK(faults == 0);
}
