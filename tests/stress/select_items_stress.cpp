// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/ledger.hpp"
#include "support/lockstep.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"
#include "support/tracked.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

// Selects against other threads: whatever races, exactly one case happens, and every item is on
// exactly one side afterwards.

using namespace std::chrono_literals;
using roost::channel_status;
using roost::on_receive;
using roost::on_send;
using roost::on_timeout;
using test::item_counts;
using test::ledger;
using test::make_item;
using test::random_numbers;
using test::rounds;
using test::tracked_item;
using test::value_of;

namespace {

constexpr auto ignore = [](auto&&...) {};

} // namespace

TEST_CASE("selects that send and receive crosswise at two channels meet and never block each other",
          "[select][stress]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1);
  const int count = rounds(15000);
  auto one = roost::make_channel<int>(capacity);
  auto two = roost::make_channel<int>(capacity);
  std::array<int, 2> sent{};
  std::array<int, 2> received{};
  {
    const auto cross = [&](std::size_t me, const auto& to, const auto& from) {
      while (sent[me] + received[me] < count) {
        roost::select(on_send(to, 1, [&](auto r) { sent[me] += bool(r); }),
                      on_receive(from, [&](auto r) { received[me] += r.has_value(); }),
                      on_timeout(1ms)); // the other one may be done
      }
    };
    roost::task_scope scope;
    scope.spawn([&] { cross(0, one.tx, two.rx); });
    scope.spawn([&] { cross(1, two.tx, one.rx); });
  }
  const int left = static_cast<int>(one.rx.size() + two.rx.size());
  CHECK(sent[0] + sent[1] == received[0] + received[1] + left);
  CHECK(sent[0] + received[0] == count);
  CHECK(test::waiting(one.rx) + test::waiting(two.rx) == 0);
  CHECK(test::waiting(one.tx) + test::waiting(two.tx) == 0);
  CHECK(test::channel_probe::on_their_way(one.tx) + test::channel_probe::on_their_way(two.tx) == 0);
}

TEST_CASE("selects that send and receive at one channel meet others and never themselves",
          "[select][stress]") {
  const int threads = GENERATE(2, 4);
  const int count = rounds(10000);
  auto ch = roost::make_channel<int>();
  std::atomic<int> sent = 0;
  std::atomic<int> received = 0;
  std::atomic<int> own = 0;
  {
    roost::task_scope scope;
    for (int me = 0; me < threads; ++me) {
      scope.spawn([&, me] {
        while (sent < count) {
          roost::select(on_send(ch.tx, me, [&](auto r) { sent += bool(r); }),
                        on_receive(ch.rx,
                                   [&](auto r) {
                                     ++received;
                                     own += r.value() == me;
                                   }),
                        on_timeout(1ms));
        }
      });
    }
  }
  CHECK(own == 0);
  CHECK(sent == received);
}

TEST_CASE("two senders that find one waiting select do not both give it their item",
          "[select][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(6000);
  auto one = roost::make_channel<int>();
  auto two = roost::make_channel<int>();
  ledger book(2 * count);
  {
    const auto offer = [&](const auto& tx, int first, std::uint64_t stream) {
      random_numbers random(stream);
      for (int id = first; id < 2 * count; id += 2) {
        test::dither(random, 100);
        for (int tries = 1; !tx.try_send(id); ++tries) {
          if (tries % 64 == 0) // on one processor the select could not run meanwhile
            std::this_thread::yield();
        }
        book.accepted(id);
      }
      tx.close();
    };
    roost::task_scope scope;
    scope.spawn([&] { offer(one.tx, 0, 1); });
    scope.spawn([&] { offer(two.tx, 1, 2); });
    int open = 2;
    const auto take = [&](auto r) {
      if (r)
        book.received(*r);
      open -= r.status() == channel_status::closed;
    };
    while (open == 2)
      roost::select(on_receive(one.rx, take), on_receive(two.rx, take));
    for (const auto* rx : {&one.rx, &two.rx}) {
      for (const int id : *rx)
        book.received(id);
    }
  }
  CHECK(book.faults().empty());
  CHECK(book.received_items() == 2 * count);
}

TEST_CASE("selects and plain operations share channels and lose nothing", "[select][stress]") {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7);
  constexpr int senders = 4;
  const int each = rounds(2500);
  item_counts counts;
  ledger book(senders * each);
  {
    auto one = roost::make_channel<tracked_item>(capacity);
    auto two = roost::make_channel<tracked_item>(capacity);
    const auto take = [&](auto r) {
      if (r)
        book.received(value_of(*r));
      return r.has_value();
    };
    const auto drain = [&](const auto& rx) {
      while (take(rx.receive())) {
      }
    };
    roost::task_scope receivers;
    receivers.spawn([&] { drain(one.rx), drain(two.rx); });
    receivers.spawn([&] { drain(two.rx), drain(one.rx); });
    for (int i = 0; i < 2; ++i) {
      receivers.spawn([&] {
        bool open = true;
        const auto take_if_open = [&](auto r) { open = take(std::move(r)); };
        while (open)
          roost::select(on_receive(one.rx, take_if_open), on_receive(two.rx, take_if_open));
      });
    }
    roost::task_scope sending;
    for (int s = 0; s < senders; ++s) {
      sending.spawn([&, s] {
        random_numbers random(static_cast<std::uint64_t>(s));
        for (int id = s * each; id < (s + 1) * each; ++id) {
          const auto& tx = random.one_in(2) ? one.tx : two.tx;
          const auto& rx = random.one_in(2) ? one.rx : two.rx;
          auto item = make_item<tracked_item>(counts, id);
          bool sent = s % 2 == 0 && tx.send(std::move(item));
          while (!sent) {
            roost::select(on_send(tx, std::move(item), [&](auto r) { sent = bool(r); }),
                          on_receive(rx, take),
                          on_timeout(std::chrono::microseconds(random.below(50))));
            if (!sent) // NOLINTNEXTLINE(bugprone-use-after-move): it was not taken
              book.kept(id, value_of(item));
          }
          book.accepted(id);
        }
      });
    }
    sending.join();
    one.tx.close();
    two.tx.close();
  }
  CHECK(book.faults().empty());
  CHECK(book.received_items() == senders * each);
  CHECK(counts.live == 0);
}

TEST_CASE("a select that ends by a stop has received nothing and lost nothing",
          "[select][stress]") {
  ROOST_TEST_SHOW_SEED();
  const bool sending = GENERATE(false, true);
  const int count = rounds(1500);
  random_numbers random(3);
  item_counts counts;
  auto ch = roost::make_channel<tracked_item>();
  auto idle = roost::make_channel<int>();
  test::lockstep step(2);
  std::atomic<bool> running = false;
  std::atomic<int> met = 0;
  int happened = 0;
  int wrong = 0;
  {
    const std::jthread peer([&] {
      random_numbers mine(4);
      for (int round = 0; round < count; ++round) {
        auto item = make_item<tracked_item>(counts, round);
        bool done = false;
        step.meet();
        test::dither(mine, 400);
        do {
          done = sending ? ch.rx.try_receive().has_value() : bool(ch.tx.try_send(std::move(item)));
        } while (!done && running);
        met += done;
        step.meet();
      }
    });
    for (int round = 0; round < count; ++round) {
      bool handled = false;
      auto item = make_item<tracked_item>(counts, round);
      const int before = met;
      running = true;
      {
        roost::task_scope scope;
        scope.spawn([&] {
          if (sending) {
            roost::select(on_receive(idle.rx, ignore),
                          on_send(ch.tx, std::move(item), [&](auto r) { handled = bool(r); }));
          } else {
            roost::select(on_receive(ch.rx, [&](auto r) { handled = r.has_value(); }),
                          on_receive(idle.rx, ignore));
          }
        });
        if (random.one_in(2))
          test::wait_until_waiting(idle.rx, 1);
        step.meet();
        test::dither(random, 400);
        scope.request_stop();
        scope.join();
      }
      running = false;
      step.meet();
      happened += handled;
      wrong += handled != (met != before);
      // NOLINTNEXTLINE(bugprone-use-after-move): only a select that has sent it has taken it
      wrong += (value_of(item) == round) != !(sending && handled);
    }
  }
  CHECK(wrong == 0);
  CHECK(happened == met);
  CHECK(test::waiting(idle.rx) + test::waiting(ch.rx) == 0);
  CHECK(test::waiting(ch.tx) == 0);
  CHECK(counts.live == 0);
}

TEST_CASE("no item is left with selects that time out at the head of the line",
          "[select][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(5000);
  auto ch = roost::make_channel<int>();
  auto idle = roost::make_channel<int>();
  ledger book(count);
  {
    roost::task_scope scope;
    for (std::uint64_t i = 0; i < 3; ++i) {
      scope.spawn([&, i] { // impatient ones: they come first and leave all the time
        random_numbers random(10 + i);
        bool open = true;
        const auto take = [&](auto r) {
          open = r.has_value();
          if (r)
            book.received(*r);
        };
        while (open) {
          roost::select(on_receive(ch.rx, take),
                        on_receive(idle.rx, ignore),
                        on_timeout(std::chrono::microseconds(random.below(20))));
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
  CHECK(test::waiting(ch.rx) + test::waiting(idle.rx) == 0);
}
