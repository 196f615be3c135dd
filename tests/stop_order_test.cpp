// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/no_thread_left.hpp"

#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

// A stop ends some tasks before others hear of it. What the first leave behind, a closed channel
// or an empty wait group, must not pass for a normal end with the others.

namespace {

/// Calls a function when it is first moved: between the look for a stop and the first try of what
/// sends it.
struct hooked {
  explicit hooked(std::function<void()> f) : hook(std::move(f)) {}
  hooked(hooked&& other) noexcept : hook(std::exchange(other.hook, nullptr)) {
    if (hook)
      std::exchange(hook, nullptr)();
  }
  hooked& operator=(hooked&&) noexcept = default;
  hooked(const hooked&) = delete;
  hooked& operator=(const hooked&) = delete;
  ~hooked() = default;

  std::function<void()> hook;
};

} // namespace

TEST_CASE("a stop that comes while a send begins goes before the close that it finds",
          "[channel][stop]") {
  auto ch = roost::make_channel<hooked>(1);
  roost::task_scope scope;
  hooked item([&] {
    scope.request_stop();
    ch.rx.close();
  });
  CHECK(test::thrown_by([&] { (void)ch.tx.send(std::move(item)); }) == "stopped");
}

TEST_CASE("a stop that comes while a select begins goes before what lasts", "[select][stop]") {
  auto full = roost::make_channel<hooked>();
  auto ch = roost::make_channel<int>(1);
  roost::event event;
  roost::task_scope scope;
  bool happened = false;
  hooked item([&] {
    scope.request_stop();
    ch.tx.close();
    event.set();
  });
  const auto sends = [&] { return roost::on_send(full.tx, std::move(item), [](auto) {}); };
  SECTION("a close") {
    CHECK(test::thrown_by([&] {
            roost::select(sends(), roost::on_receive(ch.rx, [&](auto) { happened = true; }));
          }) == "stopped");
  }
  SECTION("an event") {
    CHECK(test::thrown_by([&] {
            roost::select(sends(), roost::on_set(event, [&] { happened = true; }));
          }) == "stopped");
  }
  SECTION("but not before an item") {
    REQUIRE(ch.tx.send(7));
    CHECK(test::thrown_by([&] {
            roost::select(sends(),
                          roost::on_receive(ch.rx, [&](auto r) { happened = r.value() == 7; }));
          }) == "nothing");
    CHECK(happened);
    return;
  }
  CHECK_FALSE(happened);
}

TEST_CASE("a stop that comes while a wait looks goes before what it finds", "[event][stop]") {
  struct stopping_queue : roost::detail::wait_queue {
    using wait_queue::wait;
  };
  roost::task_scope scope;
  stopping_queue queue;
  CHECK(test::thrown_by([&] {
          queue.wait({}, roost::detail::no_deadline, [&] {
            scope.request_stop();
            return true;
          });
        }) == "stopped");
}

TEST_CASE("a stop has reached all scopes inside before any callback runs", "[task_scope][stop]") {
  const test::no_thread_left check;
  roost::task_scope around({.covers_owner = false});
  std::optional<roost::task_scope> one;
  std::optional<roost::task_scope> other;
  around
      .spawn([&] {
        one.emplace(roost::scope_options{.covers_owner = false});
        other.emplace(roost::scope_options{.covers_owner = false});
      })
      .get();
  int told = 0;
  {
    const auto tell = [&] { told += one->stop_requested() && other->stop_requested() ? 1 : 0; };
    const std::stop_callback first(one->get_stop_token(), tell);
    const std::stop_callback second(other->get_stop_token(), tell);
    const std::stop_callback last(around.get_stop_token(), tell);
    around.request_stop();
  }
  CHECK(told == 3);
  one.reset();
  other.reset();
}
