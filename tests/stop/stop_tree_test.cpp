// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/base/counted.hpp>

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/no_thread_left.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

// A stop marks a domain and all below, wakes all that are blocked there, and then calls the users'
// callbacks. What it meets on that way: tasks that other threads look at, other stops, and domains
// that begin and end.

using namespace std::chrono_literals;
using roost::detail::counted_ptr;
using roost::detail::stop_domain;

namespace {

counted_ptr<stop_domain> domain_in(const counted_ptr<stop_domain>& outer) {
  auto made = roost::detail::make_counted<stop_domain>(roost::detail::no_deadline,
                                                       roost::detail::tree_ptr());
  if (outer != nullptr)
    made->follow(outer);
  return made;
}

roost::stop_cause requested(const char* message) {
  return roost::detail::describe_stop(
      roost::stop_reason::requested, message, {}, roost::site::current());
}

} // namespace

TEST_CASE("a stop of a scope does not wait for a thread that looks at one of its tasks",
          "[task_scope][stop]") {
  const test::no_thread_left check;
  roost::task_scope outer({.covers_owner = false});
  outer.spawn([&] {
    roost::task_scope inner;
    auto task = inner.spawn([] { roost::event().wait(); });
    test::wait_until_blocked(inner, 1);
    // This thread holds what guards the task's end, as a stop of that task alone does.
    roost::detail::handle_access::task(task, roost::site::current()).unless_ended([&] {
      return outer.request_stop();
    });
  });
  outer.join();
  CHECK(outer.stop_requested());
}

TEST_CASE("callbacks of a stop are called children first and siblings in their order", "[stop]") {
  std::vector<int> called;
  const auto root = domain_in(nullptr);
  const auto first = domain_in(root);
  const auto inner = domain_in(first);
  const auto second = domain_in(root);
  const auto note = [&](int number) { return [&called, number] { called.push_back(number); }; };
  const std::stop_callback on_root(root->token(), note(4));
  const std::stop_callback on_second(second->token(), note(3));
  const std::stop_callback on_first(first->token(), note(2));
  const std::stop_callback on_inner(inner->token(), note(1));
  CHECK(root->stop(requested("all")));
  CHECK(called == std::vector<int>{1, 2, 3, 4});
  for (const auto& d : {inner, first, second})
    d->unfollow();
}

TEST_CASE("a child that stops before its parent keeps its own cause", "[stop]") {
  const auto root = domain_in(nullptr);
  const auto child = domain_in(root);
  const auto grandchild = domain_in(child);
  CHECK(child->stop(requested("child")));
  CHECK(root->stop(requested("root")));
  CHECK_FALSE(child->stop(requested("again")));
  CHECK(root->cause()->told.message == "root");
  CHECK(child->cause()->told.message == "child");
  CHECK(grandchild->cause() == child->cause());
  grandchild->unfollow();
  child->unfollow();
}

TEST_CASE("a domain follows one other at a time, and is stopped at once if that was", "[stop]") {
  const auto one = domain_in(nullptr);
  const auto other = domain_in(nullptr);
  const auto follower = domain_in(one);
  const auto below = domain_in(follower);
  follower->follow(other);
  one->stop(requested("one"));
  CHECK_FALSE(follower->stop_requested());
  other->stop(requested("other"));
  CHECK(follower->cause()->told.message == "other");
  CHECK(below->stop_requested());

  const auto late = domain_in(other);
  CHECK(late->cause() == other->cause());
  const auto free = domain_in(one);
  CHECK(free->stop_requested());
  for (const auto& d : {below, follower, late, free})
    d->unfollow();
}

TEST_CASE("a stop does not wait for the callbacks of another stop", "[task_scope][stop]") {
  const test::no_thread_left check;
  test::gate in_callback;
  roost::task_scope outer({.covers_owner = false});
  std::optional<roost::task_scope> inner;
  outer.spawn([&] { inner.emplace(roost::scope_options{.covers_owner = false}); }).get();
  {
    const std::stop_callback holds_up(inner->get_stop_token(), [&] { in_callback.pass(); });
    const std::jthread stopper([&] { inner->request_stop(); });
    in_callback.wait_for_arrivals(1);
    CHECK(outer.request_stop()); // returns, although the other stop still tells
    CHECK(outer.get_stop_token().stop_requested());
    in_callback.open();
  }
  inner.reset();
}

TEST_CASE("a shield may end while a stop is on its way to it", "[shield][stop]") {
  const test::no_thread_left check;
  test::gate in_callback;
  roost::event cleaned;
  roost::task_scope outer({.covers_owner = false});
  std::optional<roost::task_scope> before;
  outer.spawn([&] { before.emplace(roost::scope_options{.covers_owner = false}); }).get();
  bool stopped_after = false;
  auto task = outer.spawn([&] {
    {
      const roost::shield s(1h);
      cleaned.wait();
    }
    stopped_after = test::thrown_by([] { roost::this_task::checkpoint(); }) == "stopped";
  });
  test::wait_until_blocked(outer, 1);
  {
    const std::stop_callback holds_up(before->get_stop_token(), [&] { in_callback.pass(); });
    const std::jthread stopper([&] { outer.request_stop(); });
    in_callback.wait_for_arrivals(1); // the shield is marked as hiding, and is to be told
    cleaned.set();
    test::wait_until([&] { return task.ready(); });
    in_callback.open();
  }
  CHECK(stopped_after);
  before.reset();
}
