// SPDX-License-Identifier: BSL-1.0
// Which tasks wait for each other, by notes that are made up here: such as a report takes while
// tasks go on. report_deadlocks_test.cpp has tasks that do.
#include <roost.hpp>
#include <roost/detail/report/deadlocks.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

using roost::detail::call_note;
using roost::detail::deadlock_search;
using roost::detail::held_note;
using roost::detail::object_note;
using roost::detail::scope_note;
using roost::detail::task_note;
using roost::detail::task_phase;
using roost::detail::tree_notes;

namespace {

/// Task 2 wants a mutex that task 3 holds, which waits for the end of task 2. Both are in scope 1,
/// which its owner joins.
struct sample {
  sample() {
    notes.scopes.make_room(4);
    notes.tasks.make_room(8);
    notes.objects.make_room(8);
    notes.held.make_room(4);
    scope = notes.scopes.add();
    scope->id = 1;
    scope->owner_thread = 100;
    block(scope->owner, 7);
    scope->owner.joins = true;
    scope->owner.joined = 1;
    wants = add_task(2);
    awaits(*wants, "mutex", &of_mutex, 0);
    holds = add_task(3);
    awaits(*holds, "task", wants, 2);
    holds->call.first_held = notes.held.size();
    held_note* const held = notes.held.add();
    held->object = &of_mutex;
    holds->call.held_count = 1;
  }
  sample(const sample&) = delete;
  sample& operator=(const sample&) = delete;

  static void block(call_note& call, std::uint64_t number) {
    call.operation = "waits";
    call.number = number;
  }
  task_note* add_task(std::uint64_t id) {
    task_note* const t = notes.tasks.add();
    t->id = id;
    t->scope = 1;
    t->phase = task_phase::running;
    block(t->call, 10 * id);
    return t;
  }
  void awaits(task_note& t, const char* kind, const void* object, std::uint64_t task) {
    t.call.first = notes.objects.size();
    t.call.count = 1;
    also_awaits(t, kind, object, task);
  }
  void also_awaits(const task_note&, const char* kind, const void* object, std::uint64_t task) {
    object_note* const o = notes.objects.add();
    o->kind = kind;
    o->object = object;
    o->task = task;
  }
  std::size_t found() const {
    const deadlock_search search(notes);
    return search.has_found() ? search.deadlocks().size() : 0;
  }

  int of_mutex = 0;
  tree_notes notes;
  scope_note* scope = nullptr;
  task_note* wants = nullptr;
  task_note* holds = nullptr;
};

} // namespace

TEST_CASE("a circle of waits is found, with the join behind it", "[report]") {
  const sample s;
  const auto found = deadlock_search(s.notes).deadlocks();
  REQUIRE(found.size() == 1);
  CHECK(found[0].circle.size() == 2);
  REQUIRE(found[0].others.size() == 1);
  CHECK(found[0].others[0].task == 0);
  CHECK(found[0].others[0].scope == 1);
}

TEST_CASE("whatever may end a wait keeps it out of a circle", "[report]") {
  sample s;
  REQUIRE(s.found() == 1);
  SECTION("the other runs") {
    s.holds->call = call_note();
  }
  SECTION("the other has ended, or has not begun") {
    s.holds->phase = task_phase::ending;
  }
  SECTION("a time limit") {
    s.wants->call.until_deadline = true;
  }
  SECTION("a call that is not roost's") {
    s.holds->call.is_foreign = true;
  }
  SECTION("another waits for what nobody knows") {
    s.awaits(*s.holds, "event", &s, 0);
  }
  SECTION("it is not known what one waits for") {
    s.holds->call.count = 0;
  }
  SECTION("one takes what comes first") {
    s.awaits(*s.holds, "task", s.wants, 2);
    s.also_awaits(*s.holds, "channel", &s, 0);
    s.holds->call.count = 2;
  }
  SECTION("the mutex is another's") {
    s.holds->call.held_count = 0;
  }
  SECTION("the task that is waited for is not here") {
    s.awaits(*s.holds, "task", &s, 99);
  }
  CHECK(s.found() == 0);
}

TEST_CASE("notes without room for all tell of no circle", "[report]") {
  sample s;
  while (s.notes.objects.add() != nullptr) {
  }
  CHECK(s.found() == 0);
}

TEST_CASE("a circle of notes of different moments is none", "[report]") {
  const sample first;
  sample later;
  SECTION("one is in another call by then") {
    later.holds->call.number = 31;
  }
  SECTION("one runs by then") {
    later.wants->call = call_note();
  }
  SECTION("one is gone by then") {
    later.holds->id = 4;
  }
  SECTION("it is one after all") {
    later.scope->owner.number = 8;
    deadlock_search search(first.notes);
    search.keep_what_stays(later.notes);
    REQUIRE(search.deadlocks().size() == 1);
    CHECK(search.deadlocks()[0].circle.size() == 2);
    CHECK(search.deadlocks()[0].others.empty()); // the owner has gone on
    return;
  }
  deadlock_search search(first.notes);
  REQUIRE(search.has_found());
  search.keep_what_stays(later.notes);
  CHECK_FALSE(search.has_found());
}
