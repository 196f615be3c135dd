// SPDX-License-Identifier: BSL-1.0
// What a text of roost's own says and advises where nothing goes on.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

/// The text of the deadlock_error that ends a scope in which `body(scope)` leaves nothing to go on.
template <class Body>
std::string told_of(roost::scope_options options, Body body) {
  options.stall_after = roost::clock::duration::max();
  options.on_deadlock = roost::on_deadlock::stop;
  try {
    roost::with_scope(options, std::move(body));
  } catch (const roost::deadlock_error& error) {
    return error.what();
  }
  return "nothing";
}

bool has(const std::string& text, std::string_view words) {
  return text.find(words) != std::string::npos;
}

std::size_t hints_in(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = text.find("  hint: "); at != std::string::npos;
       at = text.find("  hint: ", at + 1))
    ++count;
  return count;
}

const std::string stop_hint = "hint: if tasks are to wait until a stop";

} // namespace

TEST_CASE("a barrier for more tasks than may run has a hint that names the limit", "[report]") {
  roost::barrier phase(3);
  const std::size_t line = __LINE__ + 3;
  const std::string text = told_of({.name = "steps", .limit = 2}, [&](roost::task_scope& scope) {
    for (int i = 0; i < 3; ++i)
      scope.spawn([&] { phase.arrive_and_wait(); });
  });
  INFO(text);
  CHECK(has(text,
            "  hint: the barrier at " + std::string(__FILE__) + ":" + std::to_string(line) +
                " waits for 3, and scope \"steps\" runs at most 2 tasks at once: raise its "
                ".limit\n"));
  CHECK(hints_in(text) == 1);
}

TEST_CASE("a barrier that nobody else comes to has no hint about a limit", "[report]") {
  roost::barrier phase(3);
  const std::string text = told_of({.limit = 3}, [&](roost::task_scope& scope) {
    for (int i = 0; i < 2; ++i)
      scope.spawn([&] { phase.arrive_and_wait(); });
  });
  INFO(text);
  CHECK(has(text, "(2 of 3 arrived)"));
  CHECK(hints_in(text) == 0);
}

TEST_CASE("tasks that are queued behind waiting ones have a hint that names the limit",
          "[report]") {
  roost::wait_group jobs;
  jobs.add(2);
  const std::string text = told_of({.name = "jobs", .limit = 1}, [&](roost::task_scope& scope) {
    scope.spawn([&] {
      jobs.done();
      jobs.wait();
    });
    scope.spawn([&] { jobs.done(); });
  });
  INFO(text);
  CHECK(has(text,
            "  hint: scope \"jobs\" runs at most 1 task at once, so 1 is queued: if those that run "
            "wait for it, raise .limit\n"));
  CHECK(hints_in(text) == 1);
}

TEST_CASE("a wait while others want a mutex of its thread has a hint about that alone",
          "[report]") {
  roost::mutex cache("cache");
  roost::event is_held;
  auto rows = roost::make_channel<int>(0, "rows");
  const std::size_t line = __LINE__ + 5;
  const std::string text = told_of({}, [&](roost::task_scope& scope) {
    scope.spawn("producer", [&] {
      const roost::mutex::guard held(cache);
      is_held.set();
      (void)rows.tx.send(1);
    });
    scope.spawn("consumer", [&] {
      is_held.wait();
      const roost::mutex::guard wanted(cache);
      (void)rows.rx.receive();
    });
  });
  INFO(text);
  CHECK(has(text,
            "  hint: \"producer\" waits in sender::send at " + std::string(__FILE__) + ":" +
                std::to_string(line) +
                " while it holds mutex \"cache\", for which others wait: let it unlock that "
                "first\n"));
  CHECK(hints_in(text) == 1); // a stop, or the end of a receiver, is no remedy
}

TEST_CASE("an owner that joins with a mutex that its task wants has that hint", "[report]") {
  roost::mutex m("m");
  const std::string text = told_of({.name = "app"}, [&](roost::task_scope& scope) {
    roost::mutex::guard held(m);
    scope.spawn("wants", [&] { const roost::mutex::guard wanted(m); });
    scope.join();
  });
  INFO(text);
  CHECK(has(text, "  hint: the owner of scope \"app\" waits in task_scope::join at "));
  CHECK(
      has(text, " while it holds mutex \"m\", for which others wait: let it unlock that first\n"));
  CHECK(hints_in(text) == 1);
}

TEST_CASE("a stop is advised where a task waits for news, and not where it waits for others",
          "[report]") {
  SECTION("an event") {
    roost::event news;
    const std::string text =
        told_of({}, [&](roost::task_scope& scope) { scope.spawn([&] { news.wait(); }); });
    INFO(text);
    CHECK(has(text, stop_hint));
  }
  SECTION("a channel, which has a hint of its own") {
    auto jobs = roost::make_channel<int>(4, "jobs");
    const std::string text = told_of(
        {}, [&](roost::task_scope& scope) { scope.spawn([&] { (void)jobs.rx.receive(); }); });
    INFO(text);
    CHECK(has(text, "  hint: channel \"jobs\" stays open, as 1 sender is left: close() it"));
    CHECK(has(text, stop_hint));
    CHECK(hints_in(text) == 2);
  }
  SECTION("a channel for each task, which share a hint") {
    std::vector<roost::channel_ends<int>> replies;
    for (int i = 0; i < 3; ++i)
      replies.push_back(roost::make_channel<int>(4));
    const std::string text = told_of({}, [&](roost::task_scope& scope) {
      for (const auto& reply : replies)
        scope.spawn([&] { (void)reply.rx.receive(); });
    });
    INFO(text);
    CHECK(has(text, " in receiver::receive (each its own; 0/4, 1 sender) at "));
    CHECK(hints_in(text) == 2);
  }
  SECTION("permits that are held") {
    roost::semaphore forks(1);
    const std::string text = told_of({}, [&](roost::task_scope& scope) {
      scope.spawn([&] {
        const auto left = forks.acquire();
        const auto right = forks.acquire();
      });
    });
    INFO(text);
    CHECK(has(text, "in semaphore::acquire (0 of 1 permit free, 1 holder)"));
    CHECK(hints_in(text) == 0);
  }
}

TEST_CASE("the first line says which threads wait", "[report]") {
  roost::event never_set;
  SECTION("the owner alone") {
    const std::string text =
        told_of({.name = "alone"}, [&](roost::task_scope&) { never_set.wait(); });
    CHECK(text.starts_with("roost: DEADLOCK: nothing in scope \"alone\" can go on: it has no task, "
                           "and its owner waits\n"));
  }
  SECTION("tasks alone") {
    roost::background_scope scope({.name = "service", .on_deadlock = roost::on_deadlock::stop});
    scope.spawn([&] { never_set.wait(); });
    std::string text;
    try {
      scope.join();
    } catch (const roost::exception_list& list) {
      text = list.what();
    }
    CHECK(has(text,
              "roost: DEADLOCK: nothing in scope \"service\" can go on: its tasks wait for each "
              "other\n"));
  }
}
