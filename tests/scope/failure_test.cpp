// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

roost::failure make_failure(const char* what, const char* task = "") {
  return {std::make_exception_ptr(std::runtime_error(what)), task, roost::site::current()};
}

int calls = 0;
std::thread::id called_on;

void count_calls(const roost::failure&) {
  ++calls;
  called_on = std::this_thread::get_id();
}

} // namespace

TEST_CASE("an exception_list is an exception that can be copied without throwing", "[failure]") {
  STATIC_REQUIRE(std::is_base_of_v<std::exception, roost::exception_list>);
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<roost::exception_list>);
  STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<roost::exception_list>);
  STATIC_REQUIRE(noexcept(std::declval<roost::exception_list&>().failures()));
  STATIC_REQUIRE(noexcept(roost::set_unobserved_failure_hook(nullptr)));
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::vector<roost::failure>, roost::exception_list>);
}

TEST_CASE("an exception_list says what failed", "[failure]") {
  const roost::exception_list one({make_failure("bad syntax", "parser")});
  CHECK(std::string(one.what()) == "1 task failed: \"parser\": bad syntax");
  const roost::exception_list two({make_failure("first", "a"), make_failure("second")});
  CHECK(std::string(two.what()) == "2 tasks failed: \"a\": first; (unnamed): second");
  REQUIRE(two.failures().size() == 2);
  CHECK(two.failures()[1].task.empty());
  CHECK(test::message_of(two.failures()[1].error) == "second");
  const roost::exception_list other({{std::make_exception_ptr(1), "number", {}}});
  CHECK(std::string(other.what()) ==
        "1 task failed: \"number\": an exception that is not a std::exception");
  CHECK(std::string(roost::exception_list({}).what()) == "0 tasks failed");
}

TEST_CASE("copies of an exception_list share the failures", "[failure]") {
  auto copy = [] {
    const roost::exception_list original({make_failure("kept", "a")});
    return roost::exception_list(original);
  }();
  const roost::exception_list again(copy);
  CHECK(&again.failures() == &copy.failures());
  copy = roost::exception_list({});
  CHECK(std::string(again.what()) == "1 task failed: \"a\": kept");
}

TEST_CASE("setting a hook returns the one before and null restores the default", "[failure]") {
  const auto original = roost::set_unobserved_failure_hook(&count_calls);
  CHECK(original != nullptr);
  CHECK(roost::set_unobserved_failure_hook(nullptr) == &count_calls);
  CHECK(roost::set_unobserved_failure_hook(original) == original);
}

TEST_CASE("the hook is called on the thread that ends the scope", "[failure]") {
  const test::no_thread_left check;
  const auto original = roost::set_unobserved_failure_hook(&count_calls);
  calls = 0;
  const auto body = [] {
    roost::task_scope scope;
    scope.spawn([] { throw std::runtime_error("task"); });
    test::wait_until([&] { return scope.stop_requested(); });
    throw std::runtime_error("body");
  };
  CHECK(test::thrown_by(body) == "body");
  roost::set_unobserved_failure_hook(original);
  CHECK(calls == 1);
  CHECK(called_on == std::this_thread::get_id());
}

TEST_CASE("a failure is given to the hook once", "[failure]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto body = [] {
    test::gate all;
    roost::task_scope scope;
    for (int i = 0; i < 3; ++i) {
      scope.spawn([&] {
        all.pass();
        throw std::runtime_error("boom");
      });
    }
    all.wait_for_arrivals(3);
    all.open();
    CHECK(test::thrown_by([&] { scope.join(); }) == "boom");
  };
  CHECK(test::thrown_by(body) == "nothing");
  CHECK(test::unobserved_failures::messages() == "boom;boom;");
}

TEST_CASE("what was read through failures is not given to the hook", "[failure]") {
  const test::no_thread_left check;
  const test::unobserved_failures unobserved;
  const auto body = [] {
    roost::task_scope scope;
    scope.spawn([] { throw std::runtime_error("task"); });
    test::wait_until([&] { return scope.stop_requested(); });
    CHECK(scope.failures().size() == 1);
    throw std::runtime_error("body");
  };
  CHECK(test::thrown_by(body) == "body");
  CHECK(test::unobserved_failures::messages().empty());
}
