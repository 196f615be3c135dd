// SPDX-License-Identifier: BSL-1.0
// Whether notes of a scope say that nothing in it can go on. What is noted is made up here;
// programs in which it is so, or not, are in programs/deadlock_notice.cpp.
#include <roost.hpp>
#include <roost/detail/scope/verdict.hpp>

#include "support/catch.hpp"

#include <cstdint>

using roost::detail::activity;
using roost::detail::are_same_calls;
using roost::detail::call_note;
using roost::detail::object_note;
using roost::detail::scope_note;
using roost::detail::task_note;
using roost::detail::task_phase;
using roost::detail::tree_notes;

namespace {

call_note endless(std::uint64_t number) {
  call_note call;
  call.operation = "event::wait";
  call.number = number;
  return call;
}

/// A scope whose owner joins it, with two tasks that wait.
struct sample {
  sample() {
    notes.scopes.make_room(4);
    notes.tasks.make_room(8);
    notes.objects.make_room(4);
    scope = add_scope(1, 0);
    first = add_task(2, 1);
    second = add_task(3, 1);
  }
  sample(const sample&) = delete;
  sample& operator=(const sample&) = delete;

  scope_note* add_scope(std::uint64_t id, std::uint64_t in) {
    scope_note* const s = notes.scopes.add();
    s->id = id;
    s->made_in = in;
    s->limit = roost::unlimited;
    s->owner_thread = 100 + in;
    s->owner = endless(10 * id);
    s->owner.joins = true;
    s->owner.joined = id;
    return s;
  }
  task_note* add_task(std::uint64_t id, std::uint64_t in) {
    task_note* const t = notes.tasks.add();
    t->id = id;
    t->scope = in;
    t->phase = task_phase::running;
    t->thread = 100 + id;
    t->call = endless(10 * id);
    scope->running += in == scope->id ? 1 : 0;
    return t;
  }
  bool all_are_blocked() const { return roost::detail::all_are_blocked(notes, tree); }
  object_note* add_object(std::uint32_t users) {
    object_note* const o = notes.objects.add();
    if (o != nullptr)
      o->users = users;
    return o;
  }

  static constexpr std::uint32_t tree = 17;

  tree_notes notes;
  scope_note* scope = nullptr;
  task_note* first = nullptr;
  task_note* second = nullptr;
};

} // namespace

TEST_CASE("all are blocked where each waits without an end", "[verdict]") {
  CHECK(sample().all_are_blocked());
}

TEST_CASE("whatever may go on keeps a verdict from being given", "[verdict]") {
  sample s;
  SECTION("a task runs") {
    s.first->call = call_note();
  }
  SECTION("a task starts") {
    s.first->phase = task_phase::starting;
  }
  SECTION("a task is about to end") {
    s.first->phase = task_phase::ending;
  }
  SECTION("a task waits until a deadline") {
    s.second->call.until_deadline = true;
  }
  SECTION("a task is in a blocking_region") {
    s.second->call.is_foreign = true;
  }
  SECTION("a task runs inside the wait of another one") {
    s.first->call.runs = s.second->id;
    s.second->thread = s.first->thread;
    s.second->call = call_note();
  }
  SECTION("a worker is between two tasks") {
    ++s.scope->running;
  }
  SECTION("the owner runs") {
    s.scope->owner = call_note();
  }
  SECTION("the owner waits until a deadline") {
    s.scope->owner.until_deadline = true;
  }
  SECTION("the owner is not covered, and nobody joins") {
    s.scope->owner_thread = 0;
  }
  SECTION("the owner is not covered, and joins what has no task any more") {
    s.scope->owner_thread = 0;
    s.scope->is_joined = true;
    s.scope->running = 0;
  }
  SECTION("a thread outside has used what is waited for") {
    s.add_object(activity::unknown);
  }
  SECTION("a thread of another root scope has") {
    s.add_object(18);
  }
  SECTION("the scope is stopped") {
    s.scope->reason = roost::stop_reason::requested;
  }
  SECTION("a task that was queued is about to begin") {
    s.scope->limit = 3;
    task_note* const third = s.add_task(9, 1);
    third->phase = task_phase::starting;
    third->call = call_note();
  }
  SECTION("a task joins a scope that is not there any more") {
    s.first->call.joins = true;
    s.first->call.joined = 4;
  }
  SECTION("a scope inside is joined and has no task any more") {
    s.first->call.joins = true;
    s.first->call.joined = 4;
    s.add_scope(4, 2)->owner_thread = s.first->thread;
  }
  SECTION("the owner joins a scope inside that has no task any more") {
    s.add_scope(4, 0)->owner_thread = s.scope->owner_thread;
    s.scope->owner.joined = 4;
  }
  SECTION("there was no room for a note") {
    while (task_note* const more = s.notes.tasks.add())
      *more = *s.first;
    s.scope->running = s.notes.tasks.size();
  }
  SECTION("there was no room for a note of what is waited for") {
    while (s.add_object(sample::tree) != nullptr) {
    }
  }
  CHECK_FALSE(s.all_are_blocked());
}

TEST_CASE("queued tasks, and joined scopes with tasks, keep no verdict back", "[verdict]") {
  sample s;
  SECTION("a task is queued behind those that are blocked") {
    s.scope->limit = 2;
    s.scope->queued = 1;
    task_note* const queued = s.add_task(9, 1);
    --s.scope->running;
    queued->phase = task_phase::queued;
    queued->call = call_note();
  }
  SECTION("the system has refused a thread to a task, which is queued for those that run") {
    s.scope->limit = 3;
    s.scope->queued = 1;
  }
  SECTION("a task joins a scope of its own") {
    s.first->call.joins = true;
    s.first->call.joined = 4;
    scope_note* const inner = s.add_scope(4, 2);
    inner->owner_thread = s.first->thread;
    inner->running = 1;
    s.add_task(5, 4);
  }
  SECTION("only threads of the scope have used what is waited for, or none") {
    s.add_object(sample::tree);
    s.add_object(activity::none);
  }
  SECTION("a thread joins a scope that does not cover its owner") {
    s.scope->owner_thread = 0;
    s.scope->is_joined = true;
  }
  SECTION("a scope inside does not cover its owner, which is some thread of these") {
    scope_note* const inner = s.add_scope(4, 2);
    inner->owner_thread = 0;
    inner->around = 1;
  }
  CHECK(s.all_are_blocked());
}

TEST_CASE("the same calls are the same threads in the same waits", "[verdict]") {
  sample before;
  sample after;
  CHECK(are_same_calls(before.notes, after.notes));
  SECTION("a task has waited anew") {
    ++after.second->call.number;
  }
  SECTION("the owner has waited anew") {
    ++after.scope->owner.number;
  }
  SECTION("a task has taken the place of another one") {
    after.second->id = 7;
  }
  SECTION("a task has come") {
    after.add_task(8, 1);
  }
  SECTION("a task has begun after its scope was noted, and has ended before it was noted again") {
    ++after.scope->begun;
  }
  CHECK_FALSE(are_same_calls(before.notes, after.notes));
}
