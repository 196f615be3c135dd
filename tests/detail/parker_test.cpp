// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/wait/parker.hpp>

#include "support/catch.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

// How a thread is put to sleep and woken, and which thread gets its parker next.

using namespace std::chrono_literals;
using roost::detail::no_deadline;
using roost::detail::parker;
using roost::detail::parker_lease;
using roost::detail::parker_pool;

TEST_CASE("a parker stays where it is", "[parker]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<parker>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<parker>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<parker_lease>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<parker_lease>);
  STATIC_REQUIRE(noexcept(std::declval<parker&>().park_until(no_deadline)));
  STATIC_REQUIRE(noexcept(std::declval<parker&>().unpark()));
}

TEST_CASE("a wake that comes first is kept for the next sleep", "[parker]") {
  parker p;
  p.unpark();
  CHECK(p.park_until(no_deadline));
  p.unpark();
  p.park();
}

TEST_CASE("several wakes count as one", "[parker]") {
  parker p;
  p.unpark();
  p.unpark();
  CHECK(p.park_until(roost::clock::time_point{}));
  CHECK_FALSE(p.park_until(roost::clock::time_point{}));
}

TEST_CASE("a sleep whose time has passed takes a wake that is there", "[parker]") {
  const auto past = GENERATE(roost::clock::time_point{}, roost::clock::time_point::min());
  parker p;
  CHECK_FALSE(p.park_until(past));
  p.unpark();
  CHECK(p.park_until(past));
  CHECK_FALSE(p.park_until(past));
}

TEST_CASE("a timed sleep ends at its deadline and not before", "[parker]") {
  parker p;
  for (int turn = 0; turn < 3; ++turn) {
    const auto deadline = roost::clock::now() + 10ms;
    CHECK_FALSE(p.park_until(deadline));
    CHECK(roost::clock::now() >= deadline);
  }
}

TEST_CASE("a wake ends a sleep, however long it was to be", "[parker]") {
  const auto deadline = GENERATE(
      as<roost::clock::time_point>(), no_deadline, no_deadline - 1ns, roost::clock::now() + 1h);
  parker p;
  int woken = 0;
  {
    std::atomic<int> turn = 0;
    const std::jthread sleeper([&] {
      for (int i = 1; i <= 100; ++i) {
        turn = i;
        woken += p.park_until(deadline);
      }
    });
    for (int i = 1; i <= 100; ++i) {
      test::wait_until([&] { return turn >= i; });
      p.unpark();
    }
  }
  CHECK(woken == 100);
}

TEST_CASE("a wake that was meant for an earlier operation ends no later one", "[parker]") {
  auto ch = roost::make_channel<int>();
  roost::event e;
  parker_lease mine;
  mine.get().unpark();
  const auto start = roost::clock::now();
  CHECK(ch.rx.receive_for(5ms).status() == roost::channel_status::timeout);
  CHECK(roost::clock::now() >= start + 5ms);
  mine.get().unpark();
  CHECK_FALSE(e.wait_for(1ms));
  mine.get().unpark();
  CHECK(ch.tx.send_for(1, 1ms).status() == roost::channel_status::timeout);

  std::atomic<parker*> sleeper = nullptr;
  std::optional<int> got;
  {
    const std::jthread receiver([&] {
      parker_lease lease;
      sleeper = &lease.get();
      if (const auto item = ch.rx.receive())
        got = *item;
    });
    test::wait_until_waiting(ch.rx, 1);
    for (int i = 0; i < 100; ++i)
      sleeper.load()->unpark();
    CHECK(test::waiting(ch.rx) == 1);
    CHECK(ch.tx.send(7));
  }
  CHECK(got == 7);
}

TEST_CASE("a thread keeps its parker until it ends and then the next one may have it", "[parker]") {
  parker* first = nullptr;
  parker* again = nullptr;
  parker* other = nullptr;
  std::jthread([&] {
    first = &parker_lease().get();
    parker_lease outer;
    again = &parker_lease().get();
    std::jthread([&] { other = &parker_lease().get(); }).join();
  }).join();
  CHECK(first == again);
  CHECK(other != first);
  parker* reused = nullptr;
  std::jthread([&] { reused = &parker_lease().get(); }).join();
  CHECK(reused == first);
}

TEST_CASE("a waker may come when the thread it woke has ended", "[parker]") {
  parker* late = nullptr;
  std::jthread([&] { late = &parker_lease().get(); }).join();
  late->unpark(); // nobody sleeps on it; it is still there
  int got = 0;
  auto ch = roost::make_channel<int>();
  {
    const std::jthread receiver([&] { got = ch.rx.receive().value(); });
    test::wait_until_waiting(ch.rx, 1);
    CHECK(ch.tx.send(3));
  }
  CHECK(got == 3);
}

namespace {

// Receives while the thread's locals are destroyed.
struct farewell {
  roost::channel_ends<int>* channel = nullptr;
  int* got = nullptr;
  std::atomic<bool>* timed_out = nullptr;

  farewell() = default;
  farewell(const farewell&) = delete;
  farewell& operator=(const farewell&) = delete;
  ~farewell() { // NOLINT(bugprone-exception-escape): nobody stops this thread
    *timed_out = channel->rx.receive_for(1ms).status() == roost::channel_status::timeout;
    *got = channel->rx.receive().value();
  }
};

} // namespace

TEST_CASE("a thread may wait in the destructors of its locals", "[parker][thread_exit]") {
  // If it waited before, its parker is given back before this destructor runs, or after.
  enum class waited { never, before_the_local_was_made, after_it_was_made };
  const auto when =
      GENERATE(waited::never, waited::before_the_local_was_made, waited::after_it_was_made);
  auto ch = roost::make_channel<int>();
  int got = 0;
  std::atomic<bool> timed_out = false;
  const auto wait = [&] { (void)ch.rx.receive_for(0ns); };
  {
    const std::jthread thread([&] {
      if (when == waited::before_the_local_was_made)
        wait();
      thread_local farewell last;
      last.channel = &ch;
      last.got = &got;
      last.timed_out = &timed_out;
      if (when == waited::after_it_was_made)
        wait();
    });
    test::wait_until([&] { return timed_out.load(); });
    CHECK(ch.tx.send(8));
  }
  CHECK(got == 8);
}

TEST_CASE("parkers taken from the pool are all different", "[parker]") {
  parker_pool& pool = parker_pool::instance();
  parker& a = pool.take();
  parker& b = pool.take();
  parker& c = pool.take();
  CHECK(&a != &b);
  CHECK(&b != &c);
  CHECK(&a != &c);
  pool.give_back(b);
  CHECK(&pool.take() == &b);
  pool.give_back(a);
  pool.give_back(b);
  pool.give_back(c);
}
