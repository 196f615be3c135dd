// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"
#include "support/ledger.hpp"
#include "support/memory.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

// Many items, many threads, and what is left of it: nothing.

using namespace std::chrono_literals;
using roost::channel_status;
using test::ledger;
using test::no_limit;
using test::rounds;

TEST_CASE("many items from one sender arrive in order", "[channel][stress]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 128, 1025, no_limit);
  const int count = rounds(capacity <= 1 ? 20'000 : 100'000);
  auto ch = test::make_ends<int>(capacity);
  int next = 0;
  int out_of_order = 0;
  {
    roost::task_scope scope;
    scope.spawn([&, tx = std::move(ch.tx)] {
      for (int i = 0; i < count; ++i)
        (void)tx.send(i);
    });
    for (const int item : ch.rx)
      out_of_order += item != next++;
  }
  CHECK(next == count);
  CHECK(out_of_order == 0);
}

TEST_CASE("each of many items from many senders to many receivers arrives once",
          "[channel][stress]") {
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 7, 1025, no_limit);
  const int senders = GENERATE(1, 4, 10);
  const int receivers = GENERATE(1, 4);
  const int each = rounds(capacity > 1000 ? 40'000 : 4'000) / senders;
  ledger book(senders * each);
  auto ch = test::make_ends<int>(capacity);
  {
    roost::task_scope scope;
    for (int s = 0; s < senders; ++s) {
      scope.spawn([&, s, tx = ch.tx] {
        for (int i = s * each; i < (s + 1) * each; ++i) {
          if (tx.send(i))
            book.accepted(i);
        }
      });
    }
    for (int r = 0; r < receivers; ++r) {
      scope.spawn([&, r, rx = ch.rx] {
        switch (r % 3) {
        case 0:
          for (const int item : rx)
            book.received(item);
          break;
        case 1:
          while (const auto got = rx.receive())
            book.received(*got);
          break;
        default:
          for (bool open = true; open;) {
            const auto got = rx.receive_for(100us);
            if (got)
              book.received(*got);
            open = got.status() != channel_status::closed;
          }
        }
      });
    }
    { const auto mine = std::move(ch.tx); }
  }
  CHECK(book.faults().empty());
  CHECK(book.received_items() == senders * each);
}

TEST_CASE("bursts of twice the capacity go through", "[channel][stress]") {
  const int capacity = GENERATE(1, 10, 100, 1025, 10'000);
  const int bursts = rounds(20'000) / (2 * capacity) + 1;
  auto ch = roost::make_channel<int>(static_cast<std::size_t>(capacity));
  int next = 0;
  int out_of_order = 0;
  {
    roost::task_scope scope;
    scope.spawn([&, tx = std::move(ch.tx)] {
      for (int i = 0; i < bursts * 2 * capacity; ++i)
        (void)tx.send(i);
    });
    for (int burst = 0; burst < bursts; ++burst) {
      for (int i = 0; i < 2 * capacity; ++i)
        out_of_order += ch.rx.receive().value() != next++;
    }
  }
  CHECK(out_of_order == 0);
  CHECK(ch.rx.receive().status() == channel_status::closed);
}

TEST_CASE("requests and answers pass each other", "[channel][stress]") {
  const int count = rounds(30'000);
  auto requests = roost::make_channel<int>(100);
  auto answers = roost::make_channel<int>(roost::unbounded);
  long long sum = 0;
  int answered = 0;
  {
    roost::task_scope scope;
    scope.spawn([&, tx = std::move(answers.tx)] {
      for (const int request : requests.rx)
        (void)tx.send(2 * request);
    });
    const auto note = [&](const roost::receive_result<int>& answer) {
      answered += answer.has_value();
      sum += answer ? *answer : 0;
      return answer.has_value();
    };
    for (int i = 0; i < count; ++i) {
      (void)requests.tx.send(i);
      while (note(answers.rx.try_receive())) {
      }
    }
    requests.tx.close();
    while (note(answers.rx.receive())) {
    }
  }
  CHECK(answered == count);
  CHECK(sum == static_cast<long long>(count) * (count - 1));
}

TEST_CASE("far more threads than processors meet without capacity", "[channel][stress]") {
  constexpr int threads = 64;
  const int each = rounds(40);
  ledger book(threads * each);
  auto ch = roost::make_channel<int>();
  {
    roost::task_scope scope;
    for (int t = 0; t < threads; ++t) {
      scope.spawn([&, t, tx = ch.tx] {
        for (int i = t * each; i < (t + 1) * each; ++i) {
          if (tx.send(i))
            book.accepted(i);
        }
      });
      scope.spawn([&, rx = ch.rx] {
        for (const int item : rx)
          book.received(item);
      });
    }
    { const auto mine = std::move(ch.tx); }
  }
  CHECK(book.faults().empty());
  CHECK(book.received_items() == threads * each);
}

TEST_CASE("two receivers that both wait share what comes", "[channel][stress]") {
  // Waiters are served in turn, so that neither of two that are as fast starves.
  const int count = rounds(4'000);
  auto ch = roost::make_channel<int>();
  std::atomic<int> received[2] = {0, 0};
  {
    roost::task_scope scope;
    for (auto& mine : received) {
      scope.spawn([&ch, &mine] {
        while (ch.rx.receive())
          ++mine;
      });
    }
    for (int i = 0; i < count; ++i) {
      test::wait_until_waiting(ch.rx, 2);
      (void)ch.tx.send(i);
    }
    ch.tx.close();
  }
  CHECK(received[0] + received[1] == count);
  CHECK(received[0] >= count / 4);
  CHECK(received[1] >= count / 4);
}

TEST_CASE("waits that time out leave nothing behind", "[channel][stress][memory]") {
  const int count = rounds(50'000);
  auto ch = roost::make_channel<int>();
  const auto time_out = [&](int n) {
    int wrong = 0;
    for (int i = 0; i < n; ++i) {
      wrong += ch.rx.receive_for(0ns).status() != channel_status::timeout;
      wrong += ch.tx.send_for(i, 0ns).status() != channel_status::timeout;
    }
    return wrong;
  };
  int wrong = time_out(5'000); // what is kept for good has been made by then
  const test::memory_growth growth;
  wrong += time_out(count);
  CHECK(wrong == 0);
  CHECK(test::waiting(ch.rx) == 0);
  CHECK(test::waiting(ch.tx) == 0);
  CHECK(growth.kib() < test::noise_kib);
}

TEST_CASE("the check of the memory notices what is left behind", "[channel][stress][memory]") {
  const test::memory_growth growth;
  if (test::resident_kib() == 0)
    return; // this system does not tell
  const std::vector<char> left(std::size_t{8} << 20U, 'x');
  CHECK(growth.kib() >= test::noise_kib);
  CHECK(left.back() == 'x');
}
