// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/seed.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <stop_token>
#include <thread>
#include <unistd.h>
#include <vector>

// Waits for the system, whose end races what else can end them.

using namespace std::chrono_literals;
using test::rounds;

TEST_CASE("readiness that races a stop loses no byte", "[posix][stress]") {
  const int kind = GENERATE(0, 1, 2);
  const int count = rounds(10000);
  const test::two_ends ends = test::a_pipe();
  roost::selector all;
  all.add(roost::on_readable(ends.near));
  int woken = 0;
  int stopped = 0;
  int lost = 0;
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  std::vector<std::stop_source> stops(static_cast<std::size_t>(count));
  roost::task_scope scope;
  scope.spawn([&] {
    for (int i = 0; i < count; ++i) {
      bool has_byte = false;
      {
        const roost::stop_when now(stops[static_cast<std::size_t>(i)].get_token());
        ++begun;
        try {
          if (kind == 0) {
            roost::wait_readable(ends.near);
          } else if (kind == 1) {
            roost::select(roost::on_readable(ends.near), roost::on_timeout(1h));
          } else {
            all.select();
          }
          ++woken;
          has_byte = true;
        } catch (const roost::stopped&) {
          ++stopped;
        }
      }
      // Either way the byte comes, and is there once.
      if (!has_byte)
        roost::wait_readable(ends.near);
      std::array<char, 2> bytes{};
      lost += ::read(ends.near, bytes.data(), bytes.size()) == 1 ? 0 : 1;
      ++ended;
    }
  });
  std::jthread writer([&] {
    for (int i = 0; i < count; ++i) {
      while (begun <= i)
        std::this_thread::yield();
      ends.write();
      while (ended <= i)
        std::this_thread::yield();
    }
  });
  for (int i = 0; i < count; ++i) {
    while (begun <= i)
      std::this_thread::yield();
    stops[static_cast<std::size_t>(i)].request_stop();
    while (ended <= i)
      std::this_thread::yield();
  }
  scope.join();
  CHECK(lost == 0);
  CHECK(woken + stopped == count);
}

TEST_CASE("descriptors, channels, deadlines and signals race in one wait", "[posix][stress]") {
  const int count = rounds(5000);
  const test::two_ends ends = test::a_socketpair();
  auto ch = roost::make_channel<int>(4);
  roost::signal_watch signals({SIGUSR1});
  const bool by_selector = GENERATE(false, true);
  int bytes = 0;
  int items = 0;
  int timeouts = 0;
  int taken = 0;
  const auto read = [&] {
    std::array<char, 64> some{};
    const auto size = ::read(ends.near, some.data(), some.size());
    bytes += size > 0 ? static_cast<int>(size) : 0;
  };
  const auto take_item = [&](auto item) { items += item ? 1 : 0; };
  const auto take_signal = [&](int) { ++taken; };
  roost::task_scope scope;
  scope.spawn([&] {
    roost::selector all;
    all.add(roost::on_readable(ends.near, read));
    all.add(roost::on_receive(ch.rx, take_item));
    all.add(roost::on_signal(signals, take_signal));
    const auto one = [&](roost::clock::duration limit) {
      if (by_selector) {
        if (!all.select_for(limit))
          ++timeouts;
      } else {
        roost::select(roost::on_readable(ends.near, read),
                      roost::on_receive(ch.rx, take_item),
                      roost::on_signal(signals, take_signal),
                      roost::on_timeout(limit, [&] { ++timeouts; }));
      }
    };
    const auto has_all = [&] { return bytes == count && items == count && taken > 0; };
    for (int i = 0; !has_all(); ++i)
      one(i % 4 == 0 ? 20us : 1ms);
  });
  scope.spawn([&] {
    for (int i = 0; i < count; ++i)
      (void)ch.tx.send(i);
  });
  scope.spawn([&] {
    for (int i = 0; i < count; ++i) {
      roost::wait_writable(ends.far);
      ends.write();
      if (i % 16 == 0)
        (void)::kill(::getpid(), SIGUSR1);
    }
  });
  scope.join();
  CHECK(bytes == count);
  CHECK(items == count);
  CHECK(taken > 0);
}

TEST_CASE("threads that share one descriptor read each byte once", "[posix][stress]") {
  const int count = rounds(4000);
  const test::two_ends ends = test::a_pipe();
  std::atomic<int> read = 0;
  roost::task_scope scope({.exit = roost::on_exit::stop});
  for (int i = 0; i < 4; ++i) {
    scope.spawn([&] {
      for (;;) {
        roost::wait_readable(ends.near);
        char byte = 0;
        if (::read(ends.near, &byte, 1) == 1)
          ++read;
      }
    });
  }
  for (int i = 0; i < count; ++i) {
    roost::wait_writable(ends.far);
    ends.write();
  }
  while (read < count)
    std::this_thread::yield();
  CHECK(read == count);
}
