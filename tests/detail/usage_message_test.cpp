// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

// What the exceptions for bad use say: the line that is to be changed, and which scope or task it
// is about.

namespace {

std::string at_line(std::size_t line) {
  return std::string(__FILE__) + ":" + std::to_string(line);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("an end that was moved from tells the line that uses it", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  const auto tx = std::move(ch.tx);
  const auto rx = std::move(ch.rx);
  std::size_t line = 0;
  const auto tells_line = [&](auto use) {
    const std::string says = test::thrown_by(use);
    INFO(says);
    CHECK(has(says, "this end of a channel was moved from"));
    CHECK(has(says, at_line(line)));
  };
  const auto ignore = [](auto&&) {};
  // clang-format off
  line = __LINE__, tells_line([&] { (void)ch.tx.send(1); });
  line = __LINE__, tells_line([&] { (void)ch.tx.send_for(1, std::chrono::hours(1)); });
  line = __LINE__, tells_line([&] { (void)ch.tx.try_send(1); });
  line = __LINE__, tells_line([&] { (void)ch.tx.send_all({1, 2}); });
  line = __LINE__, tells_line([&] { ch.tx.fail(std::make_exception_ptr(1)); });
  line = __LINE__, tells_line([&] { ch.tx.close(); });
  line = __LINE__, tells_line([&] { (void)ch.tx.size(); });
  line = __LINE__, tells_line([&] { (void)roost::weak_sender<int>(ch.tx); });
  line = __LINE__, tells_line([&] { roost::select(roost::on_send(ch.tx, 1, ignore)); });
  line = __LINE__, tells_line([&] { (void)ch.rx.receive(); });
  line = __LINE__, tells_line([&] { (void)ch.rx.try_receive(); });
  line = __LINE__, tells_line([&] { for (const int i : ch.rx) (void)i; });
  line = __LINE__, tells_line([&] { roost::select(roost::on_receive(ch.rx, ignore)); });
  // clang-format on
}

TEST_CASE("a handle that was moved from tells the line that uses it, and what to do",
          "[task_handle]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto from = scope.spawn([] {});
  const auto to = std::move(from);
  const std::string says = test::thrown_by([&] { from.get(); });
  CHECK(says == "roost::task_handle: this handle was moved from, and is used at " +
                    at_line(__LINE__ - 2) + "; use the one that it was moved to");
}

TEST_CASE("a result without an item tells the line that wants one", "[channel]") {
  auto ch = roost::make_channel<int>(1);
  const auto want = [&] { (void)ch.rx.try_receive().value(); };
  const std::size_t line = __LINE__ - 1;
  CHECK(has(test::thrown_by(want), at_line(line) + ": no item yet"));
  ch.tx.close();
  CHECK(has(test::thrown_by(want), at_line(line) + ": no item, the channel is closed"));
}

TEST_CASE("a spawn after the join tells both lines and the scope's name", "[task_scope]") {
  const test::no_thread_left check;
  roost::task_scope scope({.name = "crawl"});
  const std::size_t made = __LINE__ - 1;
  scope.join();
  const std::string spawn = test::thrown_by([&] { scope.spawn([] {}); });
  CHECK(has(spawn, at_line(__LINE__ - 1)));
  CHECK(has(spawn, "scope \"crawl\", made at " + at_line(made)));
  const std::string try_spawn = test::thrown_by([&] { (void)scope.try_spawn([] {}); });
  CHECK(has(try_spawn, at_line(__LINE__ - 1)));
  CHECK(has(try_spawn, "scope \"crawl\", made at " + at_line(made)));
}

TEST_CASE("a join that would wait for ever tells its line and the scope", "[task_scope]") {
  const test::no_thread_left check;
  std::string join;
  roost::task_scope scope({.name = "own"});
  const std::size_t made = __LINE__ - 1;
  scope.spawn([&] { join = test::thrown_by([&] { scope.join(); }); });
  const std::size_t line = __LINE__ - 1;
  scope.join();
  CHECK(has(join, "roost::task_scope::join at " + at_line(line)));
  CHECK(has(join, "scope \"own\", made at " + at_line(made)));
}

TEST_CASE("a scope that the standard library made is asked for a name", "[task_scope]") {
  const auto says = [](const roost::scope_options& options) {
    const auto scope = std::make_unique<roost::task_scope>(options);
    scope->join();
    return test::thrown_by([&] { scope->spawn([] {}); });
  };
  CHECK(has(says({.name = "crawl"}), "scope \"crawl\", made by the standard library"));
  CHECK(
      has(says({}), "scope (unnamed), made by the standard library: a name would tell which one"));
  CHECK_FALSE(has(says({}), "unique_ptr.h"));
}

TEST_CASE("a handle tells its line and its task", "[task_handle]") {
  const test::no_thread_left check;
  roost::task_scope scope;
  auto handle = scope.spawn("adds up", [] { return 1; });
  const std::size_t spawned = __LINE__ - 1;
  CHECK(handle.get() == 1);
  const std::string again = test::thrown_by([&] { (void)handle.get(); });
  CHECK(has(again, "roost::task_handle::get at " + at_line(__LINE__ - 1)));
  CHECK(has(again, "task \"adds up\", spawned at " + at_line(spawned)));
  const auto other = std::move(handle);
  // NOLINTNEXTLINE(bugprone-use-after-move): that is what this is about
  CHECK(has(test::thrown_by([&] { (void)handle.ready(); }), at_line(__LINE__)));
}

TEST_CASE("what is done or wanted too often tells its line", "[wait_group][semaphore]") {
  roost::wait_group group;
  CHECK(has(test::thrown_by([&] { group.done(); }), at_line(__LINE__)));
  roost::semaphore two(2);
  CHECK(has(test::thrown_by([&] { (void)two.acquire(3); }), at_line(__LINE__)));
  CHECK(has(test::thrown_by([&] { (void)two.try_acquire(3); }), at_line(__LINE__)));
}
