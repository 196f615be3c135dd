// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

// Descriptors in a selector, which keeps them in a set.

using namespace std::chrono_literals;
using roost::on_readable;
using roost::on_receive;
using roost::on_timeout;
using roost::on_writable;

namespace {

constexpr auto ignore = [](auto&&...) {};

} // namespace

TEST_CASE("a descriptor's case stays in a selector until it is removed", "[posix][selector]") {
  const test::two_ends ends = test::a_pipe();
  roost::selector all;
  int calls = 0;
  const std::size_t key = all.add(on_readable(ends.near, [&] { ++calls; }));
  CHECK(all.size() == 1);
  CHECK_FALSE(all.try_select());
  CHECK_FALSE(all.select_for(1ms));
  ends.write();
  CHECK(all.select() == key);
  CHECK(all.try_select() == key);
  CHECK(all.select_biased() == key);
  CHECK(calls == 3);
  (void)ends.read();
  CHECK_FALSE(all.try_select());
  ends.write();
  CHECK(all.remove(key));
  CHECK_FALSE(all.remove(key));
  CHECK(all.empty());
  CHECK_FALSE(all.select_for(1ms));
}

TEST_CASE("a report names the descriptors of a selector", "[posix][selector][report]") {
  const auto detail_with = [](std::size_t count) {
    std::vector<test::two_ends> pipes;
    std::string names = "fd ";
    for (std::size_t i = 0; i < count; ++i) {
      pipes.push_back(test::a_pipe());
      if (i < 4)
        names += (i == 0 ? "" : ", ") + std::to_string(pipes.back().near);
    }
    roost::event done;
    roost::task_scope scope;
    scope.spawn("watches", [&] {
      roost::selector all;
      for (const test::two_ends& p : pipes)
        all.add(on_readable(p.near));
      const std::size_t end = all.add(roost::on_set(done));
      while (all.select() != end) {
      }
    });
    test::wait_until_blocked(scope, 1);
    const roost::report r = scope.report();
    done.set();
    std::string told;
    for (const roost::object_report& what : test::call_in(r, "watches").waits_for) {
      if (what.kind == "descriptors")
        told = what.detail;
    }
    return std::pair(told, names);
  };
  const auto [three, three_names] = detail_with(3);
  CHECK(three == three_names);
  const auto [seven, seven_names] = detail_with(7);
  CHECK(seven == seven_names + " and 3 more");
}

TEST_CASE("a selector waits for descriptors, channels and timers at once", "[posix][selector]") {
  const test::two_ends ends = test::a_pipe();
  auto ch = roost::make_channel<int>();
  roost::ticker never(1h);
  roost::selector all;
  const std::size_t ticks = all.add(roost::on_tick(never));
  const std::size_t item = all.add(on_receive(ch.rx, ignore));
  const std::size_t readable = all.add(on_readable(ends.near));
  CHECK(all.size() == 3);
  std::vector<std::size_t> keys;
  roost::task_scope scope;
  const auto select_once = [&](auto&& wake) {
    scope.spawn([&] { keys.push_back(all.select()); });
    test::wait_until_blocked(scope, 1);
    wake();
    REQUIRE(scope.wait_for(1h));
  };
  select_once([&] { REQUIRE(ch.tx.send(1)); });
  select_once([&] { ends.write(); });
  (void)ends.read();
  const std::size_t soon = all.add(on_timeout(1ms));
  keys.push_back(all.select());
  CHECK(keys == std::vector<std::size_t>{item, readable, soon});
  CHECK(all.size() == 3);
  CHECK(all.remove(ticks));
}

TEST_CASE("some hundred descriptors in a selector", "[posix][selector]") {
  std::vector<test::two_ends> many(400);
  roost::selector all;
  for (test::two_ends& each : many) {
    each = test::an_eventfd();
    all.add(on_readable(each.near, [&] { (void)each.read(); }));
  }
  std::size_t got = 0;
  std::vector<bool> seen(many.size() + 1);
  {
    roost::task_scope scope;
    scope.spawn([&] {
      for (; got < many.size(); ++got)
        seen.at(all.select()) = true;
    });
    test::wait_until_blocked(scope, 1);
    for (const test::two_ends& each : many)
      each.write();
  }
  CHECK(std::count(seen.begin(), seen.end(), true) == static_cast<std::ptrdiff_t>(many.size()));
  CHECK_FALSE(all.try_select());
}

TEST_CASE("a file in a selector is always ready", "[posix][selector]") {
  const test::descriptor file(
      test::checked(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "open"));
  const test::two_ends ends = test::a_pipe();
  roost::selector all;
  const std::size_t key = all.add(on_readable(file));
  all.add(on_readable(ends.near));
  CHECK(all.select() == key);
  CHECK(all.select() == key);
  CHECK(all.remove(key));
  CHECK_FALSE(all.try_select());
}

TEST_CASE("another descriptor may have the number of one that was closed", "[posix][selector]") {
  roost::selector all;
  test::two_ends first = test::a_pipe();
  const int number = first.near;
  const std::size_t old_key = all.add(on_readable(number));
  first.near.close();
  test::two_ends second = test::a_pipe();
  if (second.near != number)
    test::checked(::dup2(second.near, number), "dup2");
  const std::size_t key = all.add(on_readable(number));
  CHECK(all.remove(old_key)); // in the wrong order: it does not take the new one with it
  second.write();
  CHECK(all.select() == key);
  if (second.near != number)
    (void)::close(number);
}

TEST_CASE("a case removed after its descriptor was closed does not keep a selector awake",
          "[posix][selector]") {
  test::two_ends first = test::a_pipe();
  const test::descriptor elsewhere(::dup(first.near)); // so the system knows it still
  const test::two_ends second = test::a_pipe();
  roost::selector all;
  const std::size_t key = all.add(on_readable(first.near));
  const std::size_t other = all.add(on_readable(second.near));
  first.near.close();
  CHECK(all.remove(key));
  first.write();
  CHECK_FALSE(all.select_for(1ms));
  second.write();
  CHECK(all.select() == other);
}

TEST_CASE("nor does it where no other descriptor is left", "[posix][selector]") {
  test::two_ends first = test::a_pipe();
  const test::descriptor elsewhere(::dup(first.near));
  const auto ch = roost::make_channel<int>(1);
  roost::selector all;
  (void)all.add(on_receive(ch.rx, [](const auto&) {}));
  const std::size_t key = all.add(on_readable(first.near));
  first.near.close();
  CHECK(all.remove(key));
  first.write();
  const auto cpu_time = [] {
    timespec used{};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  };
  bool has_slept = false;
  for (int tries = 0; tries < 5 && !has_slept; ++tries) { // a try may be unlucky, not all
    const auto before = cpu_time();
    CHECK_FALSE(all.select_for(200ms));
    has_slept = cpu_time() - before < 20ms;
  }
  CHECK(has_slept);
  const test::two_ends second = test::a_pipe();
  const std::size_t other = all.add(on_readable(second.near));
  second.write();
  CHECK(all.select() == other);
}

TEST_CASE("what is open elsewhere does not make another one of its number ready",
          "[posix][selector]") {
  test::two_ends first = test::a_pipe();
  const int number = first.near;
  const test::descriptor elsewhere(::dup(number)); // so the system knows it still
  roost::selector all;
  const std::size_t old_key = all.add(on_readable(number));
  first.near.close();
  const test::two_ends second = test::a_pipe();
  if (second.near != number)
    test::checked(::dup2(second.near, number), "dup2");
  const std::size_t key = all.add(on_readable(number));
  first.write();
  CHECK_FALSE(all.select_for(1ms));
  CHECK(all.remove(old_key));
  CHECK_FALSE(all.select_for(1ms));
  second.write();
  CHECK(all.select() == key);
  if (second.near != number)
    (void)::close(number);
}

TEST_CASE("of several that had a number in turn, a selector tells of the one that has it now",
          "[posix][selector]") {
  test::two_ends first = test::a_pipe();
  const int number = first.near;
  const test::descriptor first_elsewhere(test::checked(::dup(number), "dup"));
  const test::two_ends second = test::a_pipe();
  roost::selector all;
  all.add(on_readable(number)); // not removed before another one gets the number
  test::checked(::dup2(second.near, number), "dup2");
  all.add(on_readable(number));
  test::checked(::dup2(first_elsewhere, number), "dup2");
  all.add(on_readable(number));
  second.write();
  CHECK_FALSE(all.select_for(1ms));
  first.write(); // now all of both would be ready
  std::vector<bool> seen(4);
  for (int i = 0; i < 200; ++i)
    seen.at(all.select()) = true;
  CHECK(std::count(seen.begin(), seen.end(), true) == 3);
}

TEST_CASE("a handler may add and remove descriptors, its own included", "[posix][selector]") {
  const test::two_ends a = test::a_pipe();
  const test::two_ends b = test::a_pipe();
  a.write();
  b.write();
  roost::selector all;
  std::size_t first = 0;
  std::size_t second = 0;
  first = all.add(on_readable(a.near, [&] {
    all.remove(first);
    second = all.add(on_readable(b.near, [&] { all.remove(second); }));
  }));
  CHECK(all.select() == first);
  CHECK(all.size() == 1);
  CHECK(all.select() == second);
  CHECK(all.empty());
}

TEST_CASE("a selector moves from thread to thread with its descriptors", "[posix][selector]") {
  const test::two_ends ends = test::a_pipe();
  auto ch = roost::make_channel<int>();
  roost::selector all;
  all.add(on_readable(ends.near));
  all.add(on_receive(ch.rx, ignore));
  CHECK_FALSE(all.select_for(1ms)); // with this thread's waker
  for (int i = 0; i < 3; ++i) {
    roost::task_scope scope; // whose threads are new
    std::size_t key = 0;
    scope.spawn([&] { key = all.select(); });
    test::wait_until_blocked(scope, 1);
    REQUIRE(ch.tx.send(1));
    scope.join();
    CHECK(key == 2);
  }
}

TEST_CASE("a file that has the number of a pipe that is open elsewhere is one case",
          "[posix][selector]") {
  roost::selector all;
  test::two_ends ends = test::a_pipe();
  ends.write();
  const int number = ends.near;
  const test::descriptor elsewhere(test::checked(::dup(number), "dup"));
  const std::size_t key = all.add(on_readable(number));
  ends.near.close();
  CHECK(all.remove(key));
  const test::descriptor file(test::checked(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
  REQUIRE(static_cast<int>(file) == number);
  const std::size_t of_file = all.add(on_readable(file));
  for (int i = 0; i < 3; ++i)
    CHECK(all.select() == of_file);
}

TEST_CASE("a deadline in the far past has passed", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  constexpr auto long_ago = roost::clock::time_point::min();
  roost::selector all;
  all.add(on_readable(ends.near));
  CHECK_FALSE(all.select_until(long_ago));
  CHECK_FALSE(roost::wait_readable_until(ends.near, long_ago));
  roost::signal_watch signals({SIGUSR2});
  CHECK_FALSE(signals.wait_until(long_ago));
}
