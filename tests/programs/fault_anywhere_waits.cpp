// SPDX-License-Identifier: BSL-1.0
// Each allocation and each creation of a thread fails in turn, on whatever thread, while threads
// wait for each other at channels and at what else there is to wait for: an exception comes out or
// it goes well, no item is lost, and what they have waited at works as before.
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/faults.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using roost::on_done;
using roost::on_receive;
using roost::on_send;
using roost::on_set;
using roost::on_tick;
using roost::on_timeout;
using test::attack;
using test::expect;
using test::expect_refusal_or_nothing;
using test::item_counts;
using test::long_name;
using test::tracked_item;

namespace {

constexpr int many = 5;

// --- channels ------------------------------------------------------------------------

void making_channels() {
  expect_refusal_or_nothing(attack([] {
    const auto small = roost::make_channel<int>(16, long_name);
    const auto large = roost::make_channel<int>(5000);
    const auto latest = roost::make_channel<std::string>(1, roost::overflow::drop_oldest);
    const auto any = roost::make_channel<tracked_item>(roost::unbounded, long_name);
    const roost::weak_sender weak(any.tx);
    expect(bool(latest.tx.send("a text that is too long to lie in the string itself")), "sent");
    expect(bool(large.tx.send(1)), "sent");
    expect(weak.lock().has_value(), "it is open");
  }));
}

/// Sends and receives in two tasks; what was sent is received or in the channel.
template <class Send, class Receive>
void send_and_receive(std::size_t capacity, Send send, Receive receive) {
  item_counts counts;
  std::atomic<int> sent{0};
  std::atomic<int> received{0};
  {
    auto ch = roost::make_channel<tracked_item>(capacity);
    const auto kept = ch.rx;
    const std::exception_ptr error = attack([&] {
      roost::task_scope scope;
      scope.spawn([&, tx = std::move(ch.tx)]() mutable {
        const roost::sender<tracked_item> mine = std::move(tx);
        send(mine, counts, sent);
      });
      scope.spawn([&] { receive(ch.rx, received); });
    });
    expect_refusal_or_nothing(error);
    expect(error != nullptr || received == many, "if nothing is thrown all are received");
    expect(sent == received + static_cast<int>(kept.size()), "no item is lost, and none doubled");
  }
  expect(counts.live == 0, "each item dies once");
}

constexpr auto send_each = [](const auto& tx, item_counts& counts, std::atomic<int>& sent) {
  for (int i = 0; i < many; ++i) {
    tracked_item item(counts, i);
    try {
      if (!tx.send(std::move(item)))
        return;
    } catch (...) {
      // NOLINTNEXTLINE(bugprone-use-after-move): it was not taken
      expect(item.value() == i, "the item stays in its variable");
      throw;
    }
    ++sent;
  }
};
constexpr auto receive_each = [](const auto& rx, std::atomic<int>& received) {
  while (rx.receive())
    ++received;
};

void sends_and_receives_that_meet() {
  send_and_receive(0, send_each, receive_each);
}

void sends_and_receives_in_a_small_channel() {
  send_and_receive(1, send_each, receive_each);
}

void batches() {
  send_and_receive(
      2,
      [](const auto& tx, item_counts& counts, std::atomic<int>& sent) {
        std::vector<tracked_item> all;
        for (int i = 0; i < many; ++i)
          all.emplace_back(counts, i);
        const auto before = all.size();
        const auto note = [&] { sent = static_cast<int>(before - all.size()); };
        try {
          (void)tx.send_all(std::move(all));
        } catch (...) {
          note();
          throw;
        }
        note();
      },
      [](const auto& rx, std::atomic<int>& received) {
        std::vector<tracked_item> all;
        try {
          while (rx.receive_some(all, 3) != 0) {
          }
        } catch (...) {
          received = static_cast<int>(all.size());
          throw;
        }
        received = static_cast<int>(all.size());
      });
}

/// `select` is select() or select_biased().
template <class Select>
void selects_by(Select select) {
  send_and_receive(
      0,
      [select](const auto& tx, item_counts& counts, std::atomic<int>& sent) {
        const auto other = roost::make_channel<tracked_item>(); // nobody receives
        for (int i = 0; i < many; ++i) {
          tracked_item item(counts, i);
          bool open = true;
          try {
            select(on_send(tx, std::move(item), [&](auto r) { open = bool(r); }),
                   on_send(other.tx, std::move(item), [](auto) {}));
          } catch (...) {
            // NOLINTNEXTLINE(bugprone-use-after-move): it was not taken
            expect(item.value() == i, "the item stays in its variable");
            throw;
          }
          if (!open)
            return;
          ++sent;
        }
      },
      [select](const auto& rx, std::atomic<int>& received) {
        roost::event never;
        bool open = true;
        while (open) {
          select(on_receive(rx,
                            [&](auto r) {
                              open = bool(r);
                              received += open ? 1 : 0;
                            }),
                 on_set(never),
                 on_timeout(1h));
        }
      });
}

void selects() {
  selects_by([](auto&&... cases) { roost::select(std::forward<decltype(cases)>(cases)...); });
}

void biased_selects() {
  selects_by(
      [](auto&&... cases) { roost::select_biased(std::forward<decltype(cases)>(cases)...); });
}

void selectors() {
  send_and_receive(
      0,
      [](const auto& tx, item_counts& counts, std::atomic<int>& sent) {
        roost::selector all;
        for (int i = 0; i < many; ++i) {
          tracked_item item(counts, i);
          try {
            all.add(on_send(tx, std::move(item), [&](auto r) { sent += r ? 1 : 0; }));
          } catch (...) {
            // NOLINTNEXTLINE(bugprone-use-after-move): it was not taken
            expect(item.value() == i, "the item stays in its variable");
            throw;
          }
        }
        while (!all.empty())
          all.select();
      },
      [](const auto& rx, std::atomic<int>& received) {
        roost::event never;
        roost::selector all;
        bool open = true;
        all.add(on_receive(rx, [&](auto r) {
          open = bool(r);
          received += open ? 1 : 0;
        }));
        all.remove(all.add(on_set(never)));
        while (open)
          (void)all.select_for(1h);
      });
}

// --- what else there is to wait for --------------------------------------------------

void semaphores() {
  roost::semaphore one(1);
  std::atomic<int> held{0};
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope;
    for (int i = 0; i < 3; ++i) {
      scope.spawn([&] {
        const auto permit = one.acquire();
        ++held;
        roost::this_task::sleep_for(10us);
      });
    }
  });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || held == 3, "if nothing is thrown all had it");
  expect(one.available() == 1, "no permit is lost");
}

void wait_groups() {
  roost::wait_group group;
  std::atomic<int> ran{0};
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope;
    for (int i = 0; i < 2; ++i) {
      group.spawn(scope, [&] {
        roost::this_task::sleep_for(10us);
        ++ran;
      });
    }
    group.wait();
    roost::select(on_done(group));
    expect(ran == 2, "it waits for all");
  });
  expect_refusal_or_nothing(error);
  expect(group.wait_for(0ns), "nothing is counted any more");
}

void events() {
  roost::event set;
  std::atomic<int> told{0};
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope;
    for (int i = 0; i < 2; ++i) {
      scope.spawn([&] {
        set.wait();
        ++told;
      });
    }
    auto handle = scope.spawn([&] { roost::select(on_set(set), on_timeout(1h)); });
    roost::this_task::sleep_for(10us);
    set.set();
    roost::select(on_done(handle));
    handle.get();
  });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || told == 2, "if nothing is thrown all are told");
}

void tickers() {
  roost::ticker every(10us);
  std::atomic<int> ticks{0};
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope;
    scope.spawn([&] {
      every.wait();
      ++ticks;
    });
    roost::select(on_tick(every));
    ++ticks;
  });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || ticks == 2, "if nothing is thrown each has a tick");
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  // Failures beyond the first of a scope: there is nothing else to lose than why.
  roost::set_unobserved_failure_hook([](const roost::failure& f) {
    expect(test::is_refusal(f.error), "only what was refused fails");
  });
  test::with_each_fault("making channels", &making_channels);
  test::with_each_fault("sends and receives that meet", &sends_and_receives_that_meet);
  test::with_each_fault("sends and receives in a small channel",
                        &sends_and_receives_in_a_small_channel);
  test::with_each_fault("batches", &batches);
  test::with_each_fault("selects", &selects);
  test::with_each_fault("biased selects", &biased_selects);
  test::with_each_fault("selectors", &selectors);
  test::with_each_fault("semaphores", &semaphores);
  test::with_each_fault("wait groups", &wait_groups);
  test::with_each_fault("events", &events);
  test::with_each_fault("tickers", &tickers);
  return test::exit_code();
}
