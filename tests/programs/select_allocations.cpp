// SPDX-License-Identifier: BSL-1.0
// A select of fixed cases allocates nothing, whether it has to wait or not, and one that cannot get
// the memory that an item needs leaves everything as it was.
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/allocations.hpp"
#include "support/descriptors.hpp"
#include "support/expect.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using roost::on_done;
using roost::on_receive;
using roost::on_send;
using roost::on_set;
using roost::on_tick;
using roost::on_timeout;
using roost::otherwise;
using test::expect;
using test::goes_without_memory;

namespace {

constexpr auto ignore = [](auto&&...) {};

void without_waiting() {
  const auto numbers = roost::make_channel<int>(2);
  const auto texts = roost::make_channel<std::string>(2);
  const auto owned = roost::make_channel<std::unique_ptr<int>>(2);
  const auto unlimited = roost::make_channel<int>(roost::unbounded);
  expect(bool(unlimited.tx.send(1)), "the unbounded channel has its first room");
  roost::event set;
  set.set();
  roost::wait_group idle;
  roost::ticker every(1ns);
  std::string text = "an item too long to lie in the string itself";
  auto pointer = std::make_unique<int>(1);
  const bool happened = goes_without_memory([&] {
    for (int turn = 0; turn < 1000; ++turn) {
      roost::select(on_receive(numbers.rx, ignore),
                    on_send(numbers.tx, 1, ignore),
                    on_receive(texts.rx, [&](auto r) { text = *std::move(r); }),
                    on_receive(owned.rx, [&](auto r) { pointer = *std::move(r); }),
                    on_receive(unlimited.rx, ignore),
                    on_set(set),
                    on_done(idle),
                    on_tick(every),
                    on_timeout(1h));
      if (!text.empty())
        roost::select(on_send(texts.tx, std::move(text), ignore), otherwise());
      if (pointer)
        roost::select_biased(on_send(owned.tx, std::move(pointer), ignore), otherwise());
    }
  });
  expect(happened, "a select that finds something allocates nothing");
}

void at_descriptors() {
  const test::two_ends ends = test::a_pipe();
  const auto items = roost::make_channel<int>();
  roost::selector all;
  all.add(roost::on_readable(ends.near));
  all.add(on_receive(items.rx, ignore));
  (void)roost::wait_readable_for(ends.near, 1ms); // the thread has its waker
  const bool happened = goes_without_memory([&] {
    for (int turn = 0; turn < 10; ++turn) {
      (void)roost::wait_readable_for(ends.near, 100us);
      roost::select(roost::on_readable(ends.near), on_receive(items.rx, ignore), on_timeout(100us));
      (void)all.select_for(100us);
      ends.write();
      roost::wait_readable(ends.near);
      roost::select(roost::on_readable(ends.near), on_receive(items.rx, ignore));
      (void)all.select();
      (void)ends.read();
    }
  });
  expect(happened, "a wait for descriptors allocates nothing");
}

void waiting() {
  const auto asked = roost::make_channel<int>();
  const auto answered = roost::make_channel<std::string>();
  const auto idle = roost::make_channel<int>();
  std::jthread other([&] {
    std::string text = "an item too long to lie in the string itself";
    for (int turn = 0; turn < 200; ++turn) {
      test::wait_until_waiting(idle.rx, 1);
      if (turn % 2 == 0) {
        (void)asked.rx.receive();
      } else {
        (void)answered.tx.send(text);
      }
    }
  });
  // The first wait of a thread may make what the others use again.
  roost::select(on_receive(idle.rx, ignore), on_timeout(1ms));
  const bool happened = goes_without_memory([&] {
    for (int turn = 0; turn < 200; turn += 2) {
      roost::select(on_receive(idle.rx, ignore), on_send(asked.tx, 1, ignore), on_timeout(1h));
      roost::select(on_receive(answered.rx, ignore), on_receive(idle.rx, ignore));
    }
    roost::select(on_receive(idle.rx, ignore), on_timeout(1ms));
  });
  expect(happened, "a select that waits allocates nothing");
  other.join();
}

// A box of an item is memory that a select needs.
void boxed_items() {
  test::item_counts counts;
  auto first = roost::make_channel<test::tracked_item>(1);
  auto second = roost::make_channel<test::tracked_item>(1);
  test::tracked_item one(counts, 1);
  test::tracked_item two(counts, 2);
  for (int failing = 0; failing < 2; ++failing) {
    test::until_failure = failing;
    bool failed = false;
    try {
      roost::select(on_send(first.tx, std::move(one), ignore),
                    on_send(second.tx, std::move(two), ignore));
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    test::until_failure = -1;
    expect(failed, "each item that may be sent has a box");
    // NOLINTNEXTLINE(bugprone-use-after-move): nothing was sent
    expect(one.value() == 1 && two.value() == 2, "the items are in their variables");
    expect(first.rx.size() + second.rx.size() == 0, "nothing was sent");
  }
}

void adding_to_a_selector() {
  test::item_counts counts;
  auto ch = roost::make_channel<test::tracked_item>(100);
  roost::selector all;
  int failures = 0;
  for (int value = 0; value < 40;) {
    test::tracked_item item(counts, value);
    test::until_failure = failures;
    bool failed = false;
    try {
      all.add(on_send(ch.tx, std::move(item), ignore));
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    test::until_failure = -1;
    expect(all.size() == static_cast<std::size_t>(value + (failed ? 0 : 1)), "added or not");
    // NOLINTNEXTLINE(bugprone-use-after-move): that is what this is about
    expect(!failed || item.value() == value, "an item that was not added is in its variable");
    failures = failed ? failures + 1 : 0;
    value += failed ? 0 : 1;
  }
  roost::ticker every(1ns);
  const std::size_t ticks = all.add(on_tick(every));
  for (int i = 0; i < 40; ++i)
    all.add(on_timeout(0ns));
  expect(goes_without_memory([&] {
           for (int turn = 0; all.size() > 1; ++turn) // the tick stays
             turn % 2 == 0 ? all.select_biased() : all.select();
           all.remove(ticks);
         }),
         "selects of a selector allocate nothing");
  int sum = 0;
  for (int i = 0; i < 40; ++i)
    sum += ch.rx.try_receive()->value();
  expect(sum == 780, "each item once");
  expect(counts.live == 0, "no item is left");
}

} // namespace

int main() {
  const long before = test::living_allocations;
  without_waiting();
  boxed_items();
  adding_to_a_selector();
  expect(test::living_allocations == before, "memory is lost");
  waiting();
  at_descriptors();
  return test::exit_code();
}
