// SPDX-License-Identifier: BSL-1.0
#include <roost/detail/base/counted.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"

#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using roost::detail::counted_object;
using roost::detail::counted_ptr;
using roost::detail::make_counted;

struct animal : counted_object {
  explicit animal(int& alive) noexcept : count(alive) { ++count; }
  ~animal() override { --count; }
  int& count;
};

struct bird final : animal {
  bird(int& alive, int wings_) noexcept : animal(alive), wings(wings_) {}
  int wings;
};

} // namespace

TEST_CASE("a counted object goes with the last pointer to it", "[counted]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<bird>);
  int alive = 0;
  counted_ptr<bird> first = make_counted<bird>(alive, 2);
  CHECK(alive == 1);
  CHECK(first.use_count() == 1);
  {
    const counted_ptr<bird> second = first;
    CHECK(second == first);
    CHECK(second->wings == 2);
    CHECK(first.use_count() == 2);
    first.reset();
    CHECK(first == nullptr);
    CHECK(first.use_count() == 0);
    CHECK_FALSE(first);
    CHECK(alive == 1);
    CHECK(second.use_count() == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("a counted pointer can be moved, swapped, and assigned to itself", "[counted]") {
  int alive = 0;
  counted_ptr<bird> a = make_counted<bird>(alive, 2);
  counted_ptr<bird> b = std::move(a);
  CHECK(a == nullptr); // NOLINT(bugprone-use-after-move): that is what is tested
  CHECK(b.use_count() == 1);
  a.swap(b);
  CHECK(b == nullptr);
  const counted_ptr<bird>& same = a;
  a = same;
  CHECK(a.use_count() == 1);
  a = make_counted<bird>(alive, 4);
  CHECK(alive == 1);
  CHECK((*a).wings == 4);
  a = nullptr;
  CHECK(alive == 0);
}

TEST_CASE("a counted pointer becomes one to a base or to what is constant", "[counted]") {
  STATIC_REQUIRE(std::is_convertible_v<counted_ptr<bird>, counted_ptr<animal>>);
  STATIC_REQUIRE(std::is_convertible_v<counted_ptr<bird>, counted_ptr<const bird>>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<counted_ptr<animal>, counted_ptr<bird>>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<counted_ptr<const bird>, counted_ptr<bird>>);
  int alive = 0;
  {
    counted_ptr<bird> whole = make_counted<bird>(alive, 2);
    const counted_ptr<const bird> constant = whole;
    const counted_ptr<animal> base = std::move(whole);
    CHECK(alive == 1);
    CHECK(base.get() == constant.get());
  }
  CHECK(alive == 0); // by the destructor of the derived type
}

TEST_CASE("an object that no counted pointer owns outlives all of them", "[counted]") {
  int alive = 0;
  {
    bird local(alive, 2);
    { const counted_ptr<bird> pointer(local); }
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("the thread that lets go last sees what all others have done with a counted object",
          "[counted]") {
  struct sums final : counted_object {
    explicit sums(int& where) noexcept : result(where) {}
    ~sums() override {
      for (const int part : parts)
        result += part;
    }
    int& result;
    int parts[4] = {};
  };
  int result = 0;
  {
    std::vector<std::thread> threads;
    test::gate begin;
    auto shared = make_counted<sums>(result);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([mine = shared, &begin, i]() mutable {
        begin.pass();
        for (int round = 0; round < 100; ++round)
          const counted_ptr<sums> another = mine;
        mine->parts[i] = i + 1; // not synchronized but by the count
        mine.reset();
      });
    }
    shared.reset();
    begin.open();
    for (std::thread& t : threads)
      t.join();
  }
  CHECK(result == 10);
}
