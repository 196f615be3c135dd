// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/lockstep.hpp"
#include "support/memory.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"

#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

// Selects against other threads: which case happens, and what it leaves behind.

using roost::on_done;
using roost::on_receive;
using roost::on_send;
using roost::on_set;
using roost::otherwise;
using test::random_numbers;
using test::rounds;

namespace {

constexpr auto ignore = [](auto&&...) {};

} // namespace

TEST_CASE("a waiting select of one channel many times is fair to its cases", "[select][stress]") {
  const int count = rounds(4000);
  const double noise = 4.4172 / (2 * std::sqrt(double{1} * count));
  auto ch = roost::make_channel<int>();
  std::array<int, 5> chosen{};
  {
    roost::task_scope scope;
    scope.spawn([&] {
      for (int i = 0; i < count; ++i) {
        ++chosen.at(roost::select(on_receive(ch.rx, ignore),
                                  on_receive(ch.rx, ignore),
                                  on_receive(ch.rx, ignore),
                                  on_receive(ch.rx, ignore),
                                  on_receive(ch.rx, ignore)));
      }
    });
    for (int i = 0; i < count; ++i) {
      test::wait_until_waiting(ch.rx, 5);
      (void)ch.tx.send(i);
    }
  }
  for (const int each : chosen)
    CHECK(std::abs(each / double{1} / count - 0.2) < noise);
}

TEST_CASE("a close reaches every select and all see the same cause", "[select][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(4000);
  const auto cause = std::make_exception_ptr(std::runtime_error("cause"));
  std::vector<roost::channel_ends<int>> channels;
  for (int i = 0; i < count; ++i)
    channels.push_back(roost::make_channel<int>());
  auto idle = roost::make_channel<int>();
  std::array<std::vector<std::exception_ptr>, 2> seen;
  std::vector<bool> failed(static_cast<std::size_t>(count));
  int closed_twice = 0;
  test::lockstep step(3);
  std::atomic<int> closes = 0;
  {
    const auto watch = [&](std::size_t me, std::uint64_t stream) {
      random_numbers random(stream);
      for (const auto& ch : channels) {
        step.meet();
        test::dither(random, 100);
        if (me == 1)
          closes += ch.rx.close(); // before it waits itself
        roost::select(on_receive(idle.rx, ignore),
                      on_receive(ch.rx, [&](auto r) { seen.at(me).push_back(r.error()); }));
        step.meet();
      }
    };
    roost::task_scope scope;
    scope.spawn([&] { watch(0, 1); });
    scope.spawn([&] { watch(1, 2); });
    random_numbers random(3);
    for (std::size_t i = 0; i < channels.size(); ++i) {
      const int before = closes;
      step.meet();
      test::dither(random, 100);
      failed[i] = channels[i].tx.fail(cause);
      step.meet();
      closed_twice += (closes != before) == failed[i];
    }
  }
  int wrong = 0;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    for (const auto& each : seen)
      wrong += each.at(i) != (failed[i] ? cause : nullptr);
  }
  CHECK(wrong == 0);
  CHECK(closed_twice == 0);
  CHECK(test::waiting(idle.rx) == 0);
}

TEST_CASE("otherwise never happens while one thing or another can at every moment",
          "[select][stress]") {
  const int count = rounds(20000);
  int wrong = 0;
  std::atomic<int> changes = 0;
  SECTION("one of two groups is always done") {
    roost::wait_group one;
    roost::wait_group two;
    roost::task_scope scope;
    scope.spawn([&] {
      for (; changes < 10 * count; ++changes) {
        { const auto busy = one.enter(); }
        { const auto busy = two.enter(); }
      }
    });
    while (changes < 10 * count)
      wrong += roost::select(on_done(one), on_done(two), otherwise()) == 2;
  }
  SECTION("a channel is always either full or empty") {
    auto ch = roost::make_channel<int>(1);
    roost::task_scope scope;
    scope.spawn([&] {
      for (; changes < 10 * count; ++changes) {
        (void)ch.tx.try_send(1);
        (void)ch.rx.try_receive();
      }
    });
    while (changes < 10 * count) {
      wrong +=
          roost::select(on_receive(ch.rx, ignore), otherwise(), on_send(ch.tx, 2, ignore)) == 1;
    }
  }
  SECTION("whoever takes an item from one channel has put one into the other before") {
    test::lockstep step(2);
    auto one = roost::make_channel<int>(2);
    auto two = roost::make_channel<int>(2);
    roost::task_scope scope;
    scope.spawn([&] {
      for (int i = 0; i < count; ++i) {
        step.meet();
        (void)two.tx.send(i);
        (void)one.rx.try_receive();
        step.meet();
      }
    });
    for (int i = 0; i < count; ++i) {
      (void)one.tx.try_send(i);
      step.meet();
      wrong +=
          roost::select(on_receive(one.rx, ignore), on_receive(two.rx, ignore), otherwise()) == 2;
      step.meet();
      (void)one.rx.try_receive();
      (void)two.rx.try_receive();
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("whoever returns from a select may destroy what it waited for", "[select][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(5000);
  test::lockstep step(2);
  std::atomic<roost::event*> shared_event = nullptr;
  std::atomic<roost::wait_group*> shared_group = nullptr;
  const std::jthread other([&] {
    random_numbers random(1);
    for (int round = 0; round < count; ++round) {
      step.meet();
      test::dither(random);
      if (round % 2 == 0) {
        shared_event.load()->set();
      } else {
        shared_group.load()->done();
      }
    }
  });
  roost::event unset;
  random_numbers random(2);
  int wrong = 0;
  for (std::size_t round = 0; round < static_cast<std::size_t>(count); ++round) {
    auto e = std::make_unique<roost::event>();
    auto g = std::make_unique<roost::wait_group>();
    g->add();
    shared_event = e.get();
    shared_group = g.get();
    step.meet();
    test::dither(random);
    wrong += roost::select(on_set(*e), on_done(*g), on_set(unset)) != round % 2;
  }
  CHECK(wrong == 0);
  CHECK(test::waiting(unset) == 0);
}

TEST_CASE("selects leave nothing behind at a channel that never has anything",
          "[select][stress][memory]") {
  const int count = rounds(20000);
  auto idle = roost::make_channel<int>();
  auto busy = roost::make_channel<int>(1);
  roost::task_scope scope;
  scope.spawn([&] {
    while (busy.tx.send(1)) {
    }
  });
  const auto receive = [&] {
    for (int i = 0; i < count; ++i)
      roost::select(on_receive(idle.rx, ignore), on_receive(busy.rx, ignore));
  };
  receive(); // what is kept from the first time on is no growth
  const test::memory_growth growth;
  receive();
  CHECK(growth.kib() < test::noise_kib);
  CHECK(test::waiting(idle.rx) == 0);
  busy.rx.close();
}

TEST_CASE("philosophers who take whichever fork is free all eat", "[select][stress]") {
  constexpr std::size_t seats = 5;
  const int meals = rounds(10000);
  test::lockstep step(seats);
  std::vector<roost::channel_ends<int>> forks;
  for (std::size_t i = 0; i < seats; ++i) {
    forks.push_back(roost::make_channel<int>(1));
    REQUIRE(forks[i].tx.send(0));
  }
  std::array<int, seats> eaten{};
  std::array<int, seats> uses{}; // of each fork: only its holder touches it
  {
    roost::task_scope scope;
    for (std::size_t me = 0; me < seats; ++me) {
      scope.spawn([&, me] {
        const std::size_t left = me;
        const std::size_t right = (me + 1) % seats;
        step.meet();
        while (eaten[me] < meals) {
          const std::size_t first = roost::select(on_receive(forks[left].rx, ignore),
                                                  on_receive(forks[right].rx, ignore)) == 0
                                        ? left
                                        : right;
          const std::size_t second = left + right - first;
          roost::select( // without a second fork, the first one is laid down
              on_receive(forks[second].rx,
                         [&](auto&&) {
                           ++eaten[me], ++uses[left], ++uses[right];
                           (void)forks[second].tx.send(0);
                         }),
              otherwise());
          (void)forks[first].tx.send(0);
        }
      });
    }
  }
  for (std::size_t i = 0; i < seats; ++i) {
    CHECK(eaten.at(i) == meals);
    CHECK(uses.at(i) == 2 * meals);
    CHECK(forks[i].rx.size() == 1);
  }
}
