// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/no_thread_left.hpp"
#include "support/numbered_items.hpp"
#include "support/visits.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// clang 14 to 16 cannot compile all of libstdc++'s views
#if !defined(__clang__) || __clang_major__ >= 17
#include <ranges>
#define ROOST_TEST_VIEWS
#endif

using test::visits;

namespace {

/// Goes through a range of the numbers below `count` with this and that limit, 0 for the default.
template <class R>
bool visits_all(R&& range, int count) {
  bool all = true;
  for (const std::size_t limit : {1U, 2U, 4U, 100U, 0U}) {
    visits seen(count);
    roost::for_each(range, [&](int number) { seen(number); }, {.limit = limit});
    all = all && seen.once_each();
  }
  return all;
}

template <class Container>
Container filled(int count) {
  const std::vector<int> all = test::numbers(0, count);
  return Container(all.begin(), all.end());
}

} // namespace

TEST_CASE("for_each visits every element once", "[for_each]") {
  const test::no_thread_left check;
  const int count = GENERATE(0, 1, 2, 40, 3000);
  CHECK(visits_all(filled<std::vector<int>>(count), count));
  CHECK(visits_all(filled<std::deque<int>>(count), count));
  CHECK(visits_all(filled<std::list<int>>(count), count));
  CHECK(visits_all(filled<std::forward_list<int>>(count), count));
  CHECK(visits_all(filled<const std::vector<int>>(count), count));
  CHECK(visits_all(filled<const std::list<int>>(count), count));
}

TEST_CASE("for_each goes through arrays", "[for_each]") {
  const test::no_thread_left check;
  const int plain[] = {2, 0, 1};
  CHECK(visits_all(plain, 3));
  CHECK(visits_all(std::array{1, 0}, 2));
  CHECK(visits_all(std::array<int, 0>(), 0));
}

TEST_CASE("for_each gives the elements themselves", "[for_each]") {
  const test::no_thread_left check;
  std::vector<int> numbers = test::numbers(0, 500);
  std::list<std::unique_ptr<int>> owners;
  for (const int number : numbers)
    owners.push_back(std::make_unique<int>(number));
  roost::for_each(numbers, [](int& number) { number *= 2; }, {.limit = 2});
  CHECK(numbers[499] == 998);
  roost::for_each(owners, [](std::unique_ptr<int>& owner) { owner.reset(); }, {.limit = 2});
  for (const auto& owner : owners)
    CHECK(owner == nullptr);

  std::map<std::string, int> ages{{"a", 1}, {"b", 2}};
  roost::for_each(ages, [](std::pair<const std::string, int>& age) { ++age.second; });
  CHECK(ages == std::map<std::string, int>{{"a", 2}, {"b", 3}});

  struct member {
    int value = 0;
    void raise() { ++value; }
  };
  std::vector<member> members(3);
  roost::for_each(members, &member::raise);
  CHECK(members[0].value + members[1].value + members[2].value == 3);
}

TEST_CASE("for_each goes through truth values", "[for_each]") {
  const test::no_thread_left check;
  const std::vector<bool> values{true, false, true};
  std::atomic<int> truths{0};
  roost::for_each(values, [&](bool value) { truths += value ? 1 : 0; }, {.limit = 2});
  std::vector<bool> changed = values;
  roost::for_each(changed, [](auto&& value) { value = !value; }, {.limit = 1});
  CHECK(truths == 2);
  CHECK(changed == std::vector<bool>{false, true, false});
}

TEST_CASE("for_each receives until the channel is closed", "[for_each]") {
  const test::no_thread_left check;
  const std::size_t limit = GENERATE(as<std::size_t>(), 1, 2, 4);
  auto [tx, rx] = roost::make_channel<int>();
  visits seen(300);
  roost::task_scope scope;
  scope.spawn([out = std::move(tx)] {
    for (int i = 0; i < 300 && out.send(i); ++i) {
    }
  });
  roost::for_each(rx, [&](int number) { seen(number); }, {.limit = limit});
  CHECK(seen.once_each());
}

TEST_CASE("for_each hands over received items that cannot be copied", "[for_each]") {
  const test::no_thread_left check;
  auto [tx, rx] = roost::make_channel<std::unique_ptr<int>>(100);
  for (int i = 0; i < 100; ++i)
    REQUIRE(tx.send(std::make_unique<int>(i)));
  tx.close();
  visits seen(100);
  roost::for_each(rx, [&](std::unique_ptr<int>& item) { seen(*std::exchange(item, nullptr)); });
  CHECK(seen.once_each());
}

TEST_CASE("for_each and transform go through a broadcast of items that cannot be copied",
          "[for_each][transform]") {
  const test::no_thread_left check;
  const std::size_t limit = GENERATE(as<std::size_t>(), 1, 2, 4);
  const roost::broadcast<std::unique_ptr<int>> tx(100);
  const auto rx = tx.subscribe();
  const auto other = tx.subscribe();
  for (int i = 0; i < 100; ++i)
    REQUIRE(tx.send(std::make_unique<int>(i)));
  tx.close();
  visits seen(100);
  roost::for_each(rx, [&](const std::unique_ptr<int>& item) { seen(*item); }, {.limit = limit});
  CHECK(seen.once_each());
  const auto value = [](const std::unique_ptr<int>& item) { return *item; };
  CHECK(roost::transform(other, value, {.limit = limit}) == test::numbers(0, 100));

  const roost::watch<std::unique_ptr<int>> latest(std::make_unique<int>(7));
  const auto changes = latest.subscribe();
  latest.close();
  CHECK(roost::transform(changes, value, {.limit = limit}) == std::vector{7});
}

TEST_CASE("an item of a broadcast stays while for_each has it in hand", "[for_each]") {
  const test::no_thread_left check;
  const roost::broadcast<std::unique_ptr<int>> tx(1);
  const auto rx = tx.subscribe();
  roost::task_scope scope;
  scope.spawn([&] {
    for (int i = 0; i < 4; ++i)
      (void)tx.send(std::make_unique<int>(i));
    tx.close();
  });
  // Each waits until all four have come: so the iterator has gone on, and the ring has let go.
  std::atomic<int> sum{0};
  roost::wait_group all_there;
  all_there.add(4);
  roost::for_each(rx,
                  [&](const std::unique_ptr<int>& item) {
                    all_there.done();
                    all_there.wait();
                    sum += *item;
                  },
                  {.limit = 4});
  CHECK(sum == 6);
}

#ifdef ROOST_TEST_VIEWS
TEST_CASE("for_each goes through views", "[for_each]") {
  const test::no_thread_left check;
  using namespace std::views;
  const std::vector<int> numbers = test::numbers(0, 100);
  const auto halve = [](int n) { return n / 2; };
  const auto is_even = [](int n) { return n % 2 == 0; };
  CHECK(visits_all(iota(0, 200), 200));
  CHECK(visits_all(iota(0) | take(200), 200));
  CHECK(visits_all(numbers | reverse, 100));
  CHECK(visits_all(numbers | filter(is_even) | transform(halve), 50));
  CHECK(visits_all(filled<std::list<int>>(100) | transform([](int n) { return n; }), 100));
  CHECK(visits_all(iota(0, 3) | transform([](int n) { return iota(10 * n, 10 * n + 10); }) | join,
                   30));
  std::istringstream text("3 1 0 2");
  visits seen(4);
  roost::for_each(std::ranges::istream_view<int>(text), [&](int number) { seen(number); });
  CHECK(seen.once_each());
}

TEST_CASE("for_each goes through more elements than there is memory", "[for_each]") {
  const test::no_thread_left check;
  const std::uint64_t many = (std::uint64_t{1} << 32U) + 3; // of 32 bits 3 would be left
  std::atomic<int> visited{0};
  const auto fail_at_the_tenth = [&](std::uint64_t) {
    if (++visited == 10)
      throw std::out_of_range("the tenth");
  };
  CHECK_THROWS_AS(roost::for_each(std::views::iota(std::uint64_t{0}, many), fail_at_the_tenth),
                  std::out_of_range);
}

TEST_CASE("for_each hands over what cannot be copied from a range to be gone through once",
          "[for_each]") {
  const test::no_thread_left check;
  const std::vector<int> numbers = test::numbers(0, 20);
  visits seen(20);
  std::istringstream text("0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
  auto owners = std::ranges::istream_view<int>(text) |
                std::views::transform([](int n) { return std::make_unique<int>(n); });
  roost::for_each(owners, [&](std::unique_ptr<int> owner) { seen(*owner); }, {.limit = 4});
  CHECK(seen.once_each());
}
#endif

TEST_CASE("for_each calls nothing for an empty range", "[for_each]") {
  const test::no_thread_left check;
  std::atomic<int> calls{0};
  const auto count = [&](int) { ++calls; };
  roost::for_each(std::vector<int>(), count);
  roost::for_each(std::list<int>(), count);
  auto channel = roost::make_channel<int>();
  channel.tx.close();
  roost::for_each(channel.rx, count);
  CHECK(calls == 0);
}
