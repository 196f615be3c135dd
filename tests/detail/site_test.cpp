// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

using namespace std::chrono_literals;

namespace {

bool is_here(const roost::site& where, std::size_t line) {
  return where.line == line && std::string_view(where.file).ends_with("site_test.cpp") &&
         *where.function != '\0';
}

/// The line that is recorded while a task is blocked in `wait()`; 0 for another file.
template <class F>
std::size_t line_of(F wait) {
  roost::task_scope scope({.covers_owner = false});
  scope.spawn(wait);
  roost::site where;
  test::wait_until([&] {
    const auto call = test::scope_probe::first_task_call(scope);
    where = call.where;
    return *call.operation != '\0';
  });
  scope.request_stop();
  return is_here(where, where.line) ? where.line : 0;
}

roost::site made_here(roost::site where = roost::site::current()) {
  return where;
}

} // namespace

TEST_CASE("a site is cheap to copy", "[site]") {
  STATIC_REQUIRE(std::is_trivially_copyable_v<roost::site>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<roost::site>);
  STATIC_REQUIRE(noexcept(roost::site::current()));
}

TEST_CASE("a site tells file and function and line of the caller", "[site]") {
  const roost::site where = made_here();
  CHECK(is_here(where, __LINE__ - 1));
  const roost::site none;
  CHECK(none.line == 0);
  CHECK(std::string(none.file).empty());
  const roost::site direct = roost::site::current();
  CHECK(is_here(direct, __LINE__ - 1));
}

TEST_CASE("spawn records the line that spawns", "[site]") {
  const test::no_thread_left check;
  const auto fails = [] { throw std::runtime_error("boom"); };
  roost::wait_group group;
  roost::task_scope scope({.errors = roost::on_error::collect});
  scope.spawn(fails);
  const std::size_t unnamed = __LINE__ - 1;
  CHECK(scope.wait_for(1h));
  scope.spawn("named", fails);
  const std::size_t named = __LINE__ - 1;
  CHECK(scope.wait_for(1h));
  group.spawn(scope, fails);
  const std::size_t counted = __LINE__ - 1;
  CHECK(scope.wait_for(1h));
  scope.spawn("over several lines", //
              fails);
  const std::size_t several = __LINE__ - 2;
  CHECK(scope.wait_for(1h));
  const auto failures = scope.failures();
  CHECK_THROWS_AS(scope.join(), roost::exception_list);
  REQUIRE(failures.size() == 4);
  CHECK(is_here(failures[0].where, unnamed));
  CHECK(is_here(failures[1].where, named));
  CHECK(is_here(failures[2].where, counted));
  CHECK(failures[3].where.line >= several);
  CHECK(failures[3].where.line <= several + 1);
}

TEST_CASE("what stops records its line", "[site]") {
  const test::no_thread_left check;
  roost::task_scope requested({.covers_owner = false});
  requested.request_stop();
  CHECK(is_here(requested.cause().where, __LINE__ - 1));
  requested.join();

  roost::task_scope late({.timeout = 0ms, .covers_owner = false});
  CHECK(is_here(late.cause().where, __LINE__ - 1));
  late.join();

  roost::site body_failed;
  roost::site exited;
  const auto note = [](roost::task_scope& scope, roost::site& where) {
    scope.spawn([&] {
      roost::event never;
      try {
        never.wait();
      } catch (const roost::stopped& s) {
        where = s.cause().where;
        throw;
      }
    });
    test::wait_until_blocked(scope, 1);
  };
  const auto body = [&](roost::task_scope& scope) {
    note(scope, body_failed);
    throw std::runtime_error("body");
  };
  const std::size_t with_line = __LINE__ + 1;
  CHECK(test::thrown_by([&] { roost::with_scope(body); }) == "body");
  CHECK(is_here(body_failed, with_line));
  const std::size_t exit_line = __LINE__ + 2;
  {
    roost::task_scope scope({.exit = roost::on_exit::stop});
    note(scope, exited);
  }
  CHECK(is_here(exited, exit_line));
}

TEST_CASE("waits record the line of the caller", "[site]") {
  const test::no_thread_left check;
  const auto later = roost::clock::now() + 1h;
  roost::event never;
  roost::wait_group group;
  group.add();
  CHECK(line_of([&] { never.wait(); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)never.wait_for(1h); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)never.wait_until(later); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { group.wait(); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)group.wait_for(1h); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)group.wait_until(later); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { roost::this_task::sleep_for(1h); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { roost::this_task::sleep_until(later); }) == std::size_t{__LINE__});
}

TEST_CASE("waits for handles and scopes record the line of the caller", "[site]") {
  const test::no_thread_left check;
  const auto later = roost::clock::now() + 1h;
  roost::event done;
  const auto wait = [&] {
    const roost::shield s(1h);
    done.wait();
  };
  roost::task_scope outer;
  auto handle = outer.spawn(wait);
  CHECK(line_of([&] { handle.get(); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)handle.wait_for(1h); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)handle.wait_until(later); }) == std::size_t{__LINE__});

  roost::task_scope other({.covers_owner = false});
  other.spawn(wait);
  std::optional<roost::task_scope> waiter;
  const auto line_in = [&](auto ends_scope) {
    waiter.emplace(roost::scope_options{.covers_owner = false});
    waiter->spawn(ends_scope);
    roost::site where;
    test::wait_until([&] {
      const auto call = test::scope_probe::first_task_call(*waiter);
      where = call.where;
      return std::string_view(call.operation).starts_with("task_scope");
    });
    done.set();
    waiter->join();
    return is_here(where, where.line) ? where.line : 0;
  };
  std::size_t line = 0;
  SECTION("wait_for") {
    line = __LINE__ + 1;
    CHECK(line_in([&] { (void)other.wait_for(1h); }) == line);
  }
  SECTION("join") {
    line = __LINE__ + 1;
    CHECK(line_in([&] { other.join(); }) == line);
  }
  SECTION("the destructor, which has the line of the construction") {
    const auto block = [&] {
      line = __LINE__ + 1;
      roost::task_scope nested;
      nested.spawn(wait);
    };
    const std::size_t recorded = line_in(block);
    CHECK(recorded == line);
  }
  done.set();
}

TEST_CASE("channel operations record the line of the caller", "[site]") {
  const test::no_thread_left check;
  const auto later = roost::clock::now() + 1h;
  const int item = 1;
  auto ends = roost::make_channel<int>();
  CHECK(line_of([&] { (void)ends.tx.send(1); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)ends.tx.send(item); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)ends.tx.send_for(1, 1h); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)ends.tx.send_for(item, 1h); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)ends.tx.send_until(1, later); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)ends.tx.send_until(item, later); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)ends.rx.receive(); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)ends.rx.receive_for(1h); }) == std::size_t{__LINE__});
  CHECK(line_of([&] { (void)ends.rx.receive_until(later); }) == std::size_t{__LINE__});
}

TEST_CASE("a range-for over a receiver records the line of the loop", "[site]") {
  const test::no_thread_left check;
  auto ends = roost::make_channel<int>(1);
  SECTION("for its first item") {
    std::size_t line = 0;
    const auto loop = [&] {
      line = __LINE__ + 1;
      for (int i : ends.rx)
        (void)i;
    };
    const std::size_t recorded = line_of(loop);
    CHECK(recorded == line);
  }
  SECTION("for the next one, too") {
    CHECK(ends.tx.send(1));
    std::size_t line = 0;
    const auto loop = [&] {
      line = __LINE__ + 1;
      for (int i : ends.rx)
        (void)i;
    };
    const std::size_t recorded = line_of(loop);
    CHECK(recorded == line);
  }
}
