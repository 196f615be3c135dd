// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include "support/catch.hpp"
#include "support/lockstep.hpp"
#include "support/probe.hpp"
#include "support/seed.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using roost::detail::no_deadline;
using roost::detail::parker;
using roost::detail::spin_lock;
using roost::detail::wait_record;
using roost::detail::wait_state;
using test::random_numbers;
using test::rounds;

TEST_CASE("two threads that wake each other in turn lose no wake", "[parker][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(20'000);
  parker here;
  parker there;
  std::atomic<int> turn = 0; // even: this thread's
  int shared = 0;            // guarded by the turns
  const auto play = [&](parker& mine, parker& other, int parity, std::uint64_t stream) {
    random_numbers random(stream);
    for (int i = 0; i < count; ++i) {
      while (turn % 2 != parity) {
        if (random.one_in(2)) {
          mine.park();
        } else {
          mine.park_until(roost::clock::now() + std::chrono::microseconds(random.below(30)));
        }
      }
      ++shared;
      ++turn;
      test::dither(random, 100);
      other.unpark();
    }
  };
  {
    const std::jthread other([&] { play(there, here, 1, 2); });
    play(here, there, 0, 1);
  }
  CHECK(shared == 2 * count);
}

TEST_CASE("of a peer and a stop and a deadline exactly one decides how an operation ends",
          "[parker][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(4'000);
  test::lockstep step(3);
  std::optional<wait_record> record;
  parker mine;
  bool peer_won = false;
  bool stop_won = false;
  int wrong = 0;
  int wins[3] = {0, 0, 0};
  // However busy the machine is, the deadline wins sometimes.
  const auto deadline_alone = [](int round) { return round % 64 == 0; };
  const auto rival = [&](bool& won, wait_state outcome, std::uint64_t stream) {
    random_numbers random(stream);
    for (int round = 0; round < count; ++round) {
      step.meet();
      test::dither(random, random.one_in(4) ? 60'000 : 800);
      won = !deadline_alone(round) && record->try_claim();
      if (won) {
        test::dither(random, 100);
        record->complete(outcome);
      }
      step.meet();
    }
  };
  {
    const std::jthread peer([&] { rival(peer_won, wait_state::done, 2); });
    const std::jthread stop([&] { rival(stop_won, wait_state::stopped, 3); });
    random_numbers random(1);
    for (int round = 0; round < count; ++round) {
      record.emplace(mine);
      step.meet();
      const auto end =
          record->await(random.one_in(4) && !deadline_alone(round)
                            ? no_deadline
                            : roost::clock::now() + std::chrono::nanoseconds(random.below(4'000)));
      step.meet();
      const bool timed_out = end == wait_state::timed_out;
      wrong +=
          static_cast<int>(peer_won) + static_cast<int>(stop_won) + static_cast<int>(timed_out) !=
          1;
      wrong += peer_won != (end == wait_state::done);
      wrong += stop_won != (end == wait_state::stopped);
      wins[0] += peer_won;
      wins[1] += stop_won;
      wins[2] += timed_out;
    }
  }
  CHECK(wrong == 0);
  CHECK((wins[0] > 0 || count < 200));
  CHECK((wins[1] > 0 || count < 200));
  CHECK((wins[2] > 0 || count < 200));
}

TEST_CASE("a thread that ends right after it was woken is not touched any more",
          "[parker][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(1'500);
  random_numbers random(1);
  for (int round = 0; round < count; ++round) {
    auto e = std::make_shared<roost::event>();
    std::jthread thread([e] { e->wait(); });
    if (random.one_in(2))
      test::wait_until_waiting(*e, 1);
    test::dither(random, 2000);
    e->set();
    if (random.one_in(2))
      thread.join();
  }
}

namespace {

struct receives_at_thread_exit {
  roost::channel_ends<int>* channel = nullptr;
  std::atomic<int>* sum = nullptr;

  receives_at_thread_exit() = default;
  receives_at_thread_exit(const receives_at_thread_exit&) = delete;
  receives_at_thread_exit& operator=(const receives_at_thread_exit&) = delete;
  ~receives_at_thread_exit() { // NOLINT(bugprone-exception-escape): nobody stops this thread
    static_cast<void>(channel->rx.receive_for(1us));
    *sum += channel->rx.receive().value();
  }
};

} // namespace

TEST_CASE("threads that wait while their locals are destroyed get parkers of their own",
          "[parker][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int count = rounds(200);
  random_numbers random(1);
  int wrong = 0;
  for (int round = 0; round < count; ++round) {
    constexpr int threads = 4;
    auto ch = roost::make_channel<int>(roost::unbounded);
    std::atomic<int> sum = 0;
    {
      std::vector<std::jthread> all;
      for (int i = 0; i < threads; ++i) {
        all.emplace_back([&, waits_first = random.one_in(2)] {
          thread_local receives_at_thread_exit last;
          last.channel = &ch;
          last.sum = &sum;
          if (waits_first)
            static_cast<void>(ch.rx.receive_for(0ns));
        });
      }
      // Some of these are taken by the timed receives, so that more may be needed.
      while (sum < threads) {
        (void)ch.tx.send(1);
        std::this_thread::yield();
      }
    }
    wrong += sum != threads;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a spin lock lets one in at a time", "[parker][stress]") {
  const int count = rounds(300'000);
  constexpr int threads = 4;
  spin_lock lock;
  int shared = 0; // guarded by lock
  {
    std::vector<std::jthread> all;
    for (int t = 0; t < threads; ++t) {
      all.emplace_back([&] {
        for (int i = 0; i < count; ++i) {
          const std::lock_guard guard(lock);
          ++shared;
        }
      });
    }
  }
  CHECK(shared == threads * count);
  CHECK(lock.try_lock());
  CHECK_FALSE(lock.try_lock());
  lock.unlock();
}

TEST_CASE("whoever locks a spin lock next may destroy it", "[parker][stress]") {
  ROOST_TEST_SHOW_SEED();
  struct guarded {
    spin_lock lock;
    bool first_was_here = false; // guarded by lock
  };
  const test::race_time time;
  std::atomic<int> count{rounds(30'000)};
  test::lockstep step(2);
  guarded* shared = nullptr; // written while the other one waits to meet
  const auto pass = [&](guarded& g) {
    bool second = false;
    {
      const std::lock_guard guard(g.lock);
      second = std::exchange(g.first_was_here, true);
    }
    if (second)
      delete &g;
  };
  {
    const std::jthread other([&] {
      random_numbers random(2);
      for (int round = 0; round < count; ++round) {
        step.meet();
        guarded& g = *shared;
        step.meet();
        test::dither(random, 50);
        pass(g);
      }
    });
    random_numbers random(1);
    for (int round = 0; round < count; ++round) {
      shared = new guarded; // the second of the two destroys it
      guarded& g = *shared;
      step.meet();
      if (time.is_over())
        count = round + 1;
      step.meet();
      test::dither(random, 50);
      pass(g);
    }
  }
}
