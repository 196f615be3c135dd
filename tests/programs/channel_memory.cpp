// SPDX-License-Identifier: BSL-1.0
// What a channel holds: after a burst it gives its memory back once it is drained; in a steady flow
// it allocates nothing; and one with a limit that was full once never allocates again.
#include <roost.hpp>

#include "support/allocations.hpp"
#include "support/channel_forms.hpp"
#include "support/expect.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <vector>

using test::expect;
using test::no_limit;

namespace {

// One block that is being filled and emptied, and a free one.
constexpr long kept_blocks = 2;

template <class Drain, class Find>
void gives_back_what_a_burst_took(const char* how,
                                  std::size_t capacity,
                                  Drain drain,
                                  Find find_none) {
  auto ch = test::make_ends<long>(capacity);
  find_none(ch.rx); // a first wait of the thread allocates what it sleeps on
  const long before = test::living_allocations;
  constexpr long items = 1'000'000;
  for (int burst = 0; burst < 3; ++burst) {
    for (long i = 0; i < items; ++i)
      expect(bool(ch.tx.send(i)), "there is room");
    const long in_burst = test::living_allocations - before;
    expect(in_burst > 100, "the items lie in many blocks");
    drain(ch.rx, items);
    expect(ch.rx.size() == 0, "all were received");
    const long kept = test::living_allocations - before;
    std::printf("%s: %ld blocks, %ld kept\n", how, in_burst, kept);
    expect(kept <= kept_blocks, "memory is kept after a burst");
    find_none(ch.rx);
    expect(test::living_allocations - before <= 1,
           "the last block is kept once it was found empty");
  }
}

void one_by_one(const roost::receiver<long>& rx, long items) {
  for (long i = 0; i < items; ++i)
    expect(rx.receive().value() == i, "in order");
}

void in_batches(const roost::receiver<long>& rx, long items) {
  std::vector<long> got;
  for (long i = 0; i < items;) {
    got.clear();
    (void)rx.receive_some(got, 1000);
    for (const long item : got)
      expect(item == i++, "in order");
  }
}

void by_select(const roost::receiver<long>& rx, long items) {
  for (long i = 0; i < items; ++i)
    roost::select(roost::on_receive(rx, [&](auto item) { expect(*item == i, "in order"); }));
}

void try_receive(const roost::receiver<long>& rx) {
  expect(!rx.try_receive(), "none is left");
}

void wait_in_vain(const roost::receiver<long>& rx) {
  expect(!rx.receive_for(std::chrono::milliseconds(1)), "none is left");
}

void select_otherwise(const roost::receiver<long>& rx) {
  roost::select(roost::on_receive(rx, [](auto) { expect(false, "none is left"); }),
                roost::otherwise([] {}));
}

void select_in_vain(const roost::receiver<long>& rx) {
  roost::select(roost::on_receive(rx, [](auto) { expect(false, "none is left"); }),
                roost::on_timeout(std::chrono::milliseconds(1), [] {}));
}

void needs_none_in_a_steady_flow() {
  auto ch = roost::make_channel<long>(roost::unbounded);
  const auto flow = [&](long items, long at_once) {
    for (long i = 0; i < items; ++i) {
      expect(bool(ch.tx.try_send(i)), "it takes all");
      if (i >= at_once)
        expect(ch.rx.try_receive().value() == i - at_once, "in order");
    }
    while (ch.rx.try_receive()) {
    }
  };
  flow(10'000, 100);
  test::no_memory = true;
  flow(100'000, 100);
  test::no_memory = false;
}

void needs_none_once_it_was_full() {
  constexpr std::size_t capacity = 5000;
  auto ch = roost::make_channel<long>(capacity);
  const auto fill_and_drain = [&] {
    long in = 0;
    while (ch.tx.try_send(in))
      ++in;
    expect(in == static_cast<long>(capacity), "it takes its capacity");
    for (long out = 0; out < in; ++out)
      expect(ch.rx.try_receive().value() == out, "in order");
  };
  fill_and_drain();
  test::no_memory = true;
  for (int turn = 0; turn < 7; ++turn) {
    fill_and_drain();
    expect(bool(ch.tx.try_send(0)) && ch.rx.try_receive(), "moves on by one");
  }
  test::no_memory = false;
}

} // namespace

int main() {
  gives_back_what_a_burst_took("one by one", no_limit, one_by_one, try_receive);
  gives_back_what_a_burst_took("in batches", no_limit, in_batches, wait_in_vain);
  gives_back_what_a_burst_took("by select", no_limit, by_select, select_in_vain);
  gives_back_what_a_burst_took("by select", no_limit, by_select, select_otherwise);
  gives_back_what_a_burst_took("with a limit", 10'000'000, one_by_one, wait_in_vain);
  needs_none_in_a_steady_flow();
  needs_none_once_it_was_full();
  return test::exit_code();
}
