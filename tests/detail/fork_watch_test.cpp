// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/threads/fork_watch.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>

using namespace std::chrono_literals;
using roost::detail::fork_watch;

namespace {

constexpr fork_watch::stamp none = fork_watch::none;
constexpr roost::clock::time_point now;

} // namespace

TEST_CASE("a fork is due when nothing gets on for a whole pause", "[fork_watch]") {
  fork_watch watch;
  const auto fork = watch.offered();
  CHECK_FALSE(watch.stands_still(fork)); // nobody has looked yet
  watch.begin_pause();
  CHECK_FALSE(watch.stands_still(fork));
  CHECK(watch.is_due(fork, 100, now));
  SECTION("and so are all as old, for whoever comes") {
    CHECK(watch.stands_still(fork));
    CHECK_FALSE(watch.stands_still(none));
  }
  SECTION("until something gets on") {
    watch.got_on();
    CHECK_FALSE(watch.stands_still(fork));
  }
  SECTION("until the next pause begins") {
    watch.begin_pause();
    CHECK_FALSE(watch.stands_still(fork));
  }
}

TEST_CASE("a fork that came during the pause is not due after it", "[fork_watch]") {
  fork_watch watch;
  watch.begin_pause();
  const auto fork = watch.offered();
  CHECK_FALSE(watch.is_due(fork, 0, now));
  CHECK_FALSE(watch.stands_still(fork));
  watch.begin_pause();
  CHECK(watch.is_due(fork, 0, now));
}

TEST_CASE("while others get on a fork is due after a time that grows with the threads at work",
          "[fork_watch]") {
  const auto surplus = GENERATE(as<std::size_t>(), 0, 1, 5);
  const auto wanted = fork_watch::patience * static_cast<int>(surplus + 1);
  fork_watch watch;
  const auto fork = watch.offered();
  const auto due_at = [&](roost::clock::time_point when, fork_watch::stamp oldest) {
    watch.begin_pause();
    watch.got_on();
    return watch.is_due(oldest, surplus, when);
  };
  CHECK_FALSE(due_at(now, fork));
  CHECK_FALSE(due_at(now + wanted - 1us, fork));
  SECTION("it gets there") {
    CHECK(due_at(now + wanted, fork));
    // The next one is not due at once, as old as it may be.
    CHECK_FALSE(due_at(now + wanted, fork));
    CHECK_FALSE(due_at(now + 2 * wanted - 1us, fork));
    CHECK(due_at(now + 2 * wanted, fork));
  }
  SECTION("it is taken back, and another one is the oldest") {
    const auto younger = watch.offered();
    CHECK(younger != fork);
    CHECK_FALSE(due_at(now + wanted, younger));
    CHECK(due_at(now + 2 * wanted, younger));
  }
  SECTION("there is none left") {
    CHECK_FALSE(due_at(now + wanted, none));
    CHECK_FALSE(due_at(now + 9 * wanted, none));
  }
}

TEST_CASE("pauses get longer while forks get on, and short again when nothing does",
          "[fork_watch]") {
  fork_watch watch;
  auto fork = watch.offered();
  CHECK(watch.begin_pause() == fork_watch::shortest_pause);
  for (int i = 0; i < 10; ++i) {
    watch.got_on();
    fork = watch.offered();
    CHECK_FALSE(watch.is_due(fork, 0, now));
    CHECK(watch.begin_pause() <= fork_watch::longest_pause);
  }
  CHECK(watch.offered() != none);
  CHECK(watch.begin_pause() == fork_watch::longest_pause);
  SECTION("as it stands still") {
    CHECK(watch.is_due(fork, 0, now));
    (void)watch.offered();
    CHECK(watch.begin_pause() == fork_watch::shortest_pause);
  }
  SECTION("as there are no more forks") {
    CHECK_FALSE(watch.is_busy());
    CHECK(watch.begin_pause() == fork_watch::shortest_pause);
  }
}
