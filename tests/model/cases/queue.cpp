// SPDX-License-Identifier: BSL-1.0

#include <roost/channel.hpp>

#include "model/model.hpp"

#include <memory>
#include <vector>

namespace {

// --- the ring, with each side under its own lock alone -----------------------------------

MODEL_CASE("queue: two slots, four items", .random_runs = 3000) {
  auto [tx, rx] = roost::make_channel<int>(2);
  model::together(
      [&] {
        for (int i = 0; i < 4; ++i)
          (void)tx.send(i);
      },
      [&] {
        for (int i = 0; i < 4; ++i)
          model::check(rx.receive().value() == i, "items come in another order");
      });
}

MODEL_CASE("queue: items that are pointers to what was made", .random_runs = 2000) {
  auto [tx, rx] = roost::make_channel<std::unique_ptr<int>>(2);
  model::together(
      [&] {
        for (int i = 0; i < 3; ++i)
          (void)tx.send(std::make_unique<int>(i));
      },
      [&] {
        for (int i = 0; i < 3; ++i)
          model::check(*rx.receive().value() == i, "an item is not what was sent");
      });
}

MODEL_CASE("queue: tries that do not wait", .complete_within = 20000) {
  auto [tx, rx] = roost::make_channel<int>(1);
  int sent = 0;
  int got = 0;
  model::together(
      [&] {
        for (int i = 0; i < 3; ++i)
          sent += tx.try_send(i) ? 1 : 0;
      },
      [&] {
        for (int i = 0; i < 3; ++i)
          got += rx.try_receive() ? 1 : 0;
      });
  while (rx.try_receive())
    ++got;
  model::check(got == sent, "an item is lost, or comes twice");
}

// A thread that puts and then finds nobody, and one that finds nothing and then waits: one sees the
// other.
MODEL_CASE("queue: no room and no item are true for one moment", .complete_within = 20000) {
  auto [a_tx, a_rx] = roost::make_channel<int>(1);
  auto [b_tx, b_rx] = roost::make_channel<int>(1);
  bool a_full = false;
  bool b_full = false;
  (void)a_tx.try_send(0);
  (void)b_tx.try_send(0);
  model::together(
      [&] {
        (void)a_rx.try_receive();
        b_full = !b_tx.try_send(1);
      },
      [&] {
        (void)b_rx.try_receive();
        a_full = !a_tx.try_send(1);
      });
  model::check(!(a_full && b_full), "neither sees what the other has done before");
}

MODEL_CASE("queue: the oldest goes where it is full",
           .random_runs = 2000,
           .complete_within = 40000) {
  auto [tx, rx] = roost::make_channel<int>(1, roost::overflow::drop_oldest);
  int last = -1;
  model::together(
      [&] {
        for (int i = 0; i < 3; ++i)
          (void)tx.send(i);
      },
      [&] {
        while (last < 2) {
          const int item = rx.receive().value();
          model::check(item > last, "an older item comes later");
          last = item;
        }
      });
}

MODEL_CASE("queue: batches", .random_runs = 2000) {
  auto [tx, rx] = roost::make_channel<int>(2);
  model::together(
      [&] {
        (void)tx.send_all(std::vector<int>{0, 1, 2});
      },
      [&] {
        std::vector<int> got;
        while (got.size() < 3)
          (void)rx.receive_some(got, 3);
        model::check(got == std::vector<int>{0, 1, 2}, "items come in another order");
      });
}

// Also where both wait, one has been called for the first item, and the second is in the queue when
// the third comes.
MODEL_CASE("queue: two receivers get the two oldest of three", .random_runs = 2000) {
  auto [tx, rx] = roost::make_channel<int>(1);
  int first = -1;
  int second = -1;
  model::together(
      [&] {
        for (int i = 0; i < 3; ++i)
          (void)tx.send(i);
      },
      [&] { first = rx.receive().value(); },
      [&] { second = rx.receive().value(); });
  model::check(first + second == 1 && rx.try_receive().value() == 2,
               "a newer item overtakes an older one");
}

// --- the chain: it grows at once from no block ---------------------------------------------

MODEL_CASE("queue: a chain gets its first block from one of two senders") {
  auto [tx, rx] = roost::make_channel<int>(roost::unbounded);
  int got = 0;
  model::together([&] { (void)tx.send(1); },
                  [&] { (void)tx.send(1); },
                  [&] { got = rx.receive().value() + rx.receive().value(); });
  model::check(got == 2, "an item is lost, or comes twice");
}

struct large {
  long at = 0;
  long more[7] = {};
};

// 256 items of this size fill a block: a second is added, and the first is left, while both sides
// are at work.
MODEL_CASE("queue: a chain goes on in the next block", .random_runs = 1000) {
  auto [tx, rx] = roost::make_channel<large>(roost::unbounded);
  for (long i = 0; i < 255; ++i) {
    (void)tx.try_send(large{i});
    if (i < 254)
      (void)rx.try_receive();
  }
  model::together(
      [&] {
        for (long i = 255; i < 258; ++i)
          (void)tx.send(large{i});
      },
      [&] {
        for (long i = 254; i < 258; ++i)
          model::check(rx.receive().value().at == i, "items come in another order");
      });
}

MODEL_CASE("queue: the last receiver discards what a sender sends", .complete_within = 20000) {
  auto [tx, rx] = roost::make_channel<std::unique_ptr<int>>(2);
  auto end = std::make_unique<roost::receiver<std::unique_ptr<int>>>(std::move(rx));
  model::together(
      [&] {
        (void)tx.send(std::make_unique<int>(1));
        (void)tx.send(std::make_unique<int>(2));
      },
      [&] { end.reset(); });
}

} // namespace
