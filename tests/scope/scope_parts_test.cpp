// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/detail/base/counted.hpp>

#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

// The parts of a scope, each alone.

using roost::detail::claimed_list;
using roost::detail::context;
using roost::detail::failure_log;
using roost::detail::failure_record;
using roost::detail::intrusive_list;
using roost::detail::run_queue;
using roost::detail::spawn_buffer;
using roost::detail::stop_domain;
using roost::detail::wait_node;
using roost::detail::wait_record;
using roost::detail::wait_state;

namespace {

struct idle_task final : roost::detail::task {
  idle_task(stop_domain& scope, const char* name)
      : roost::detail::task(scope, name, roost::site::current()) {}
  void invoke() override {}
  void destroy_callable() override {}
  void destroy_result() noexcept override {}

 private:
  void destroy(roost::detail::block_cache::returns*) noexcept override {}
};

struct four_tasks {
  roost::detail::counted_ptr<stop_domain> scope = roost::detail::make_counted<stop_domain>(
      roost::detail::no_deadline, roost::detail::tree_ptr());
  idle_task a{*scope, "a"};
  idle_task b{*scope, "b"};
  idle_task c{*scope, "c"};
  idle_task d{*scope, "d"};
};

/// Takes all, first to last.
std::string take_all(run_queue& queue) {
  std::string names;
  claimed_list woken;
  while (const roost::detail::task* const t = queue.take_first(woken))
    names += t->name();
  woken.complete(wait_state::done);
  return names;
}

struct record final : failure_record {
  explicit record(const char* what) { error = std::make_exception_ptr(std::runtime_error(what)); }
  roost::failure describe() const noexcept override { return {error, "task", {}}; }
  void let_go() noexcept override { error = nullptr; }
};

} // namespace

// --- the queue --------------------------------------------------------------------

TEST_CASE("a run queue counts what runs and what the limit does not count", "[scope_parts]") {
  run_queue queue(2, 1);
  CHECK(queue.limited());
  CHECK(queue.idle());
  queue.begin();
  CHECK(queue.may_run());
  queue.begin();
  CHECK_FALSE(queue.may_run());
  queue.begin_uncounted();
  queue.begin_in_place();
  CHECK(queue.running() == 2);
  CHECK(queue.counted() == 3);
  CHECK(queue.begun() == 4);
  queue.ended();
  queue.ended();
  CHECK_FALSE(queue.idle());
  queue.ended_uncounted();
  CHECK(queue.idle());
}

TEST_CASE("a run queue gives its tasks first in first out, and any of them when asked",
          "[scope_parts]") {
  four_tasks t;
  run_queue queue(1, 3);
  queue.push_back(t.a);
  queue.push_back(t.b);
  queue.push_back(t.c);
  CHECK(t.b.is_queued);
  CHECK(queue.places() == 0);
  claimed_list woken;
  queue.take(t.b, woken);
  CHECK_FALSE(t.b.is_queued);
  CHECK(queue.places() == 1);
  CHECK(queue.length() == 2);
  CHECK(take_all(queue) == "ac");
}

TEST_CASE("a run queue lets a waiting spawn in for each task that goes", "[scope_parts]") {
  four_tasks t;
  run_queue queue(1, 1);
  queue.push_back(t.a);
  std::array<roost::detail::parker_lease, 2> parkers;
  std::array<wait_record, 2> records{wait_record(parkers[0].get()), wait_record(parkers[1].get())};
  wait_node for_b(&t.b);
  wait_node for_c(&t.c);
  queue.spawns().push_back(for_b, records[0]);
  queue.spawns().push_back(for_c, records[1]);
  CHECK(queue.places() == 0);
  claimed_list woken;
  CHECK(queue.take_first(woken) == &t.a);
  CHECK(t.b.is_queued);
  CHECK_FALSE(t.c.is_queued);
  CHECK(queue.take_first(woken) == &t.b);
  CHECK(queue.take_first(woken) == &t.c);
  CHECK(queue.take_first(woken) == nullptr);
  woken.complete(wait_state::done);
  for (wait_record& r : records)
    CHECK(r.await(roost::detail::no_deadline) == wait_state::done);
}

// --- the buffer ---------------------------------------------------------------------

TEST_CASE("a spawn buffer takes no more than it has places for, and none while it is closed",
          "[scope_parts]") {
  four_tasks t;
  spawn_buffer buffer;
  run_queue queue(1, 4);
  const auto append = [&](intrusive_list<context>& tasks, std::size_t count) {
    queue.append(tasks, count);
    return std::size_t{1};
  };
  CHECK(buffer.add(t.a) == spawn_buffer::answer::closed);
  buffer.open(2);
  CHECK(buffer.may_be_open());
  CHECK_FALSE(buffer.may_have_tasks());
  CHECK(buffer.add(t.a) == spawn_buffer::answer::added);
  CHECK(buffer.add(t.b) == spawn_buffer::answer::added);
  CHECK(buffer.add(t.c) == spawn_buffer::answer::full);
  CHECK(buffer.may_have_tasks());
  buffer.drain(append);
  CHECK(queue.length() == 2);
  CHECK(buffer.add(t.c) == spawn_buffer::answer::added);
  CHECK(buffer.add(t.d) == spawn_buffer::answer::full);
  buffer.close(append);
  CHECK_FALSE(buffer.may_be_open());
  CHECK(buffer.add(t.d) == spawn_buffer::answer::closed);
  CHECK(queue.length() == 3);
  CHECK(take_all(queue) == "abc");
}

// --- the log ----------------------------------------------------------------------------

TEST_CASE("a failure log is in the order of the moments", "[scope_parts]") {
  failure_log log;
  record late("late");
  record early("early");
  record last("last");
  late.moment = 5;
  early.moment = 2;
  last.moment = 5;
  log.add(late);
  log.add(early);
  log.add(last);
  CHECK(log.moment() == 2);
  std::vector<const failure_record*> order;
  log.for_each([&](const failure_record& f) { order.push_back(&f); });
  CHECK(order == std::vector<const failure_record*>{&early, &late, &last});
}

TEST_CASE("a failure log reports the first failure once, and once more if it is unreported",
          "[scope_parts]") {
  failure_log log;
  record first("first");
  record second("second");
  first.moment = 1;
  second.moment = 2;
  log.add(first);
  log.add(second);
  using roost::on_error;
  CHECK(log.throw_first(on_error::fail_fast, nullptr) == first.error);
  CHECK(log.report_at_end(on_error::fail_fast, nullptr) == first.error);
  CHECK(log.report_at_end(on_error::fail_fast, nullptr) == nullptr);
  CHECK(log.unreport(first.error));
  CHECK_FALSE(log.unreport(std::make_exception_ptr(1)));
  CHECK(log.report_at_end(on_error::fail_fast, nullptr) == first.error);
  CHECK(second.reported == false);
  CHECK(log.show_all().size() == 2);
  CHECK(second.shown == true);
}

TEST_CASE("a failure log reports its deadline before a failure if that cut work short",
          "[scope_parts]") {
  using roost::on_error;
  const auto timeout = std::make_exception_ptr(roost::timeout_error("late"));
  record one("one");
  one.moment = 1;
  SECTION("nothing was cut short") {
    failure_log log;
    CHECK(log.report_at_end(on_error::fail_fast, timeout) == nullptr);
  }
  SECTION("fail_fast") {
    failure_log log;
    log.add(one);
    log.cut_short();
    CHECK(log.report_at_end(on_error::fail_fast, timeout) == timeout);
    CHECK(log.report_at_end(on_error::fail_fast, timeout) == one.error);
  }
  SECTION("collect") {
    failure_log log;
    log.add(one);
    log.cut_short();
    try {
      std::rethrow_exception(log.report_at_end(on_error::collect, timeout));
    } catch (const roost::exception_list& all) {
      CHECK(all.failures().size() == 2);
    }
    CHECK(log.report_at_end(on_error::collect, timeout) == nullptr);
  }
}
