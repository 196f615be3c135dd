// SPDX-License-Identifier: BSL-1.0
// A fault that needs an unlucky switch: two tasks that miss the cache at the same time load twice.
// As a plain test it passes for years. explore() runs it in many orders of its steps until one
// fails, and prints the seed of that one, by which replay() or ROOST_SEED runs just that again.
#define CATCH_CONFIG_MAIN // Catch2 2.x; with 3.x, link Catch2::Catch2WithMain
#include <roost.hpp>
#include <roost/testing.hpp>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

// What is tested. Each page is to be loaded once.
struct cache {
  std::string get(int key, bool looks_again) {
    if (const std::lock_guard lock(mutex); pages.count(key) != 0)
      return pages[key];
    // What was seen is old news here: the mutex was free for a moment.
    const std::lock_guard lock(mutex);
    if (looks_again && pages.count(key) != 0)
      return pages[key];
    ++loads;
    return pages[key] = "page " + std::to_string(key);
  }

  roost::mutex mutex;
  std::map<int, std::string> pages;
  int loads = 0;
};

void two_want_a_page(bool looks_again) {
  cache shared; // all that a run uses is made in it
  roost::task_scope scope;
  for (int i = 0; i < 2; ++i)
    scope.spawn([&] { (void)shared.get(7, looks_again); });
  scope.join();
  if (shared.loads != 1)
    throw std::logic_error("the page was loaded twice");
}

TEST_CASE("the page is loaded once, whichever task goes on first") {
  CHECK_NOTHROW(roost::testing::explore([] { two_want_a_page(true); }));
}

TEST_CASE("a cache that does not look again is found out, and its seed shows it each time") {
  const auto faulty = [] { two_want_a_page(false); };
  std::string seed; // as printed: "turn-1", or "pct3-1f00d-76"
  try {
    roost::testing::explore(faulty);
  } catch (const roost::testing::explore_error& found) {
    seed = found.seed();
  }
  CHECK_THROWS_AS(roost::testing::replay(faulty, seed), std::logic_error);
}
