// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"
#include "support/tracked.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

auto failing(const char* message) {
  return [message]() -> int { throw std::runtime_error(message); };
}

/// What an exception_list tells: each name and message, in its order.
template <class F>
std::string list_thrown_by(F f) {
  try {
    f();
    return "nothing thrown";
  } catch (const roost::exception_list& list) {
    std::string all;
    for (const roost::failure& one : list.failures())
      all += one.task + ": " + test::message_of(one.error) + ";";
    return all;
  } catch (const roost::stopped&) {
    return "stopped";
  }
}

} // namespace

TEST_CASE("a failure does not win, and nobody is told of it once there is a result", "[when_any]") {
  const test::no_thread_left check;
  const test::unobserved_failures hook;
  roost::event failed;
  const auto fail = [&]() -> int {
    const test::at_exit tell([&] { failed.set(); });
    throw std::runtime_error("before");
  };
  const auto win = [&] {
    failed.wait();
    return 5;
  };
  const auto fail_late = [&]() -> int {
    roost::event never;
    try {
      never.wait();
    } catch (const roost::stopped&) {
      throw std::runtime_error("after");
    }
    return 0;
  };
  CHECK(std::get<1>(roost::when_any(fail, win, fail_late)) == 5);
  CHECK(hook.messages().empty());
}

TEST_CASE("when all fail when_any throws their failures in the order they happened", "[when_any]") {
  const test::no_thread_left check;
  SECTION("of several") {
    roost::event gone[3]; // set at the end of a callable, when its failure is known
    auto calls = roost::make_channel<std::function<int()>>(3);
    const auto fail_after = [&](int place, int earlier) {
      std::shared_ptr<void> at_end(nullptr, [&gone, place](void*) { gone[place].set(); });
      REQUIRE(calls.tx.send([&gone, earlier, place, at_end = std::move(at_end)]() -> int {
        if (earlier >= 0)
          gone[earlier].wait();
        throw std::runtime_error(std::to_string(place));
      }));
    };
    fail_after(0, 1);
    fail_after(1, -1);
    fail_after(2, 0);
    calls.tx.close();
    CHECK(list_thrown_by([&] { (void)roost::when_any(calls.rx); }) ==
          "when_any 1: 1;when_any 0: 0;when_any 2: 2;");
  }
  SECTION("of one") {
    CHECK(list_thrown_by([] { (void)roost::when_any(failing("alone")); }) == "when_any 0: alone;");
  }
  SECTION("of a range") {
    const std::vector<std::function<int()>> calls(3, failing("x"));
    const std::string all = list_thrown_by([&] { (void)roost::when_any(calls); });
    for (const char* name : {"when_any 0: x;", "when_any 1: x;", "when_any 2: x;"})
      CHECK(all.find(name) != std::string::npos);
  }
}

TEST_CASE("failures that when_any throws nobody because it was stopped go to the hook",
          "[when_any]") {
  const test::no_thread_left check;
  test::unobserved_failures hook;
  struct call { // and no std::function: one that was moved from may keep a copy of what it held
    std::shared_ptr<void> at_end;
    roost::event* waits_for;

    int operator()() const {
      if (waits_for == nullptr)
        throw std::runtime_error("before the stop");
      waits_for->wait();
      return 0;
    }
  };
  roost::event failed;
  roost::event never;
  auto calls = roost::make_channel<call>(2);
  std::shared_ptr<void> at_end(nullptr, [&](void*) { failed.set(); }); // its failure is known
  REQUIRE(calls.tx.send({std::move(at_end), nullptr}));
  REQUIRE(calls.tx.send({nullptr, &never}));
  calls.tx.close();
  std::string thrown;
  {
    roost::task_scope scope;
    scope.spawn([&] {
      failed.wait();
      scope.request_stop();
    });
    thrown = test::thrown_by([&] { (void)roost::when_any(calls.rx); });
  }
  CHECK(thrown == "stopped");
  CHECK(hook.messages() == "before the stop;");
}

TEST_CASE("a callable ended by a token of its own has not succeeded", "[when_any]") {
  const test::no_thread_left check;
  std::stop_source source;
  source.request_stop();
  const auto ends_itself = [&] {
    const roost::stop_when s(source.get_token());
    roost::this_task::checkpoint();
    return 1;
  };
  CHECK(std::get<1>(roost::when_any(ends_itself, [] { return 2; })) == 2);
  CHECK(list_thrown_by([&] { (void)roost::when_any(ends_itself); }) == "when_any 0: stopped;");
}

TEST_CASE("a result that cannot be moved to the caller is a failure", "[when_any]") {
  const test::no_thread_left check;
  test::item_counts counts;
  const auto make = [&] { return test::throwing_item(counts, 1); };
  counts.moves_until_throw = 0;
  CHECK(list_thrown_by([&] { (void)roost::when_any(make); }) ==
        "when_any 0: this move was to throw;");
  counts.moves_until_throw = 0; // the first to succeed cannot, so the other one does
  roost::event failed;
  const auto fails = [&] {
    const test::at_exit tell([&] { failed.set(); });
    return make();
  };
  const auto result = roost::when_any(fails, [&] {
    failed.wait();
    return 2;
  });
  CHECK(counts.live == 0);
  REQUIRE(result.index() == 1);
  CHECK(std::get<1>(result) == 2);
}
