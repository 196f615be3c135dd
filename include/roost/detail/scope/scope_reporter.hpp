// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/scope/scope_state.hpp>
#include <roost/detail/scope/stall_watch.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/scope/verdict.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/tally.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/scope_options.hpp>
#include <roost/stop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <utility>

// What a thread does while it waits for tasks of a scope, and the owner in any other wait: it
// reports what makes the wait too long. So no other thread is needed for that.

namespace roost::inline v0::detail {

/// While the owner of a root scope waits, looks now and then whether anything in that scope can go
/// on, and tells once if nothing can. The owner may wait in a scope inside, or in a task that it
/// runs. Waits of other threads never do that.
class scope_state::verdict_watch final {
 public:
  verdict_watch() {
    if (root_ != nullptr)
      set_next(sync::now_roughly());
  }

  clock::time_point next_look() const noexcept { return next_; }
  /// True if it has told.
  ROOST_COLD_BODY bool look(clock::time_point now) noexcept;

  /// The root that the calling thread owns, if that is to be looked at. A bubble looks itself.
  static scope_state* root_here() noexcept {
    auto* const root = static_cast<scope_state*>(this_thread.root); // only scopes are there
    const bool looks = root != nullptr && root->telling_ != telling::done && !sync::is_in_bubble();
    return looks ? root : nullptr;
  }

 private:
  void set_next(clock::time_point now) noexcept {
    constexpr clock::duration at_least = std::chrono::milliseconds(1);
    const clock::duration wanted = stall_watch::patience_of(root_->stall_after_);
    const clock::duration patience = wanted > at_least ? wanted : at_least;
    next_ = patience > no_deadline - now ? no_deadline : now + patience;
  }

  scope_state* const root_ = root_here();
  clock::time_point next_ = no_deadline;
};

/// Watches while a thread waits for tasks of the scope, or for a place there. On its stack.
class scope_state::reporter final : public watcher {
 public:
  explicit reporter(scope_state& scope) : scope_(scope), watch_(scope.stall_after_) {}

  clock::time_point next_look() noexcept override {
    const std::lock_guard lock(scope_.lock_);
    next_ = scope_.next_report(watch_);
    return earlier(next_, verdict_.next_look());
  }
  ROOST_COLD_BODY void look() noexcept override;

 private:
  scope_state& scope_;
  verdict_watch verdict_; // first, so that it is due first: it says more
  stall_watch watch_;
  clock::time_point next_ = no_deadline; // of watch_, at the last next_look()
};

/// Watches while the owner waits for anything else. Reports are made if the environment wants it.
class scope_state::owner_watch final : public watcher {
 public:
  explicit owner_watch(scope_state& scope) : scope_(scope), watch_(scope.stall_after_) {}

  clock::time_point next_look() noexcept override {
    next_ = watch_.next({});
    return earlier(next_, verdict_.next_look());
  }
  ROOST_COLD_BODY void look() noexcept override;

 private:
  scope_state& scope_;
  verdict_watch verdict_; // first, so that it is due first: it says more
  stall_watch watch_;
  clock::time_point next_ = no_deadline; // of watch_, at the last next_look()
};

ROOST_COLD_BODY bool scope_state::verdict_watch::look(clock::time_point now) noexcept {
  if (now < next_)
    return false;
  const verdict found = look_at_tree(root_->tree_->counted->number());
  if (found == verdict::goes_on || found == verdict::is_unclear) {
    set_next(now);
    return false;
  }
  root_->act_on_verdict(found == verdict::is_deadlocked ? standstill::is_certain
                                                        : standstill::is_likely);
  if (root_->telling_ != telling::done) { // another thread may tell it, and lack the memory
    set_next(now);
    return false;
  }
  next_ = no_deadline;
  return true;
}

ROOST_COLD_BODY void scope_state::owner_watch::look() noexcept {
  const clock::time_point now = sync::now();
  const bool told = verdict_.look(now);
  if (now < next_ && !told)
    return;
  if (!told)
    tell_stall(scope_);
  watch_.reported(sync::now()); // a sink may take its time
}

ROOST_COLD_BODY on_deadlock scope_state::wanted_verdict() const noexcept {
  return on_deadlock_ != on_deadlock::ignore ? on_deadlock_ : deadlock_from_environment();
}

// Acts once, on whatever thread finds the verdict, perhaps inside a wait of that thread. If the
// stop does not reach all of the tree, because a scope in it has `inherit` false, the sink is told
// as well.
ROOST_COLD_BODY void scope_state::act_on_verdict(standstill what) noexcept {
  telling before = telling::not_yet;
  if (!telling_.compare_exchange_strong(before, telling::under_way))
    return;
  count_seldom(counted::verdicts);
  const on_deadlock wanted = wanted_verdict();
  const bool stops_all = wanted == on_deadlock::stop && fail_in_deadlock();
  const bool is_told =
      stops_all ||
      tell_standstill(*this, wanted == on_deadlock::ignore ? what : standstill::was_asked_for);
  // Not told: there was no memory for it, and the owner looks again.
  telling_ = is_told ? telling::done : telling::not_yet;
  if (wanted == on_deadlock::abort)
    std::abort();
}

ROOST_COLD_BODY void scope_state::nothing_goes_on() noexcept {
  act_on_verdict(standstill::was_asked_for);
}

// True if the stop reaches all threads of the tree.
ROOST_COLD_BODY bool scope_state::fail_in_deadlock() noexcept {
  const bool is_alone = is_only_root();
  if (deadlock_.error != nullptr) // kept before: only the text was not told
    return is_alone;
  const std::exception_ptr error = make_deadlock_error(*this);
  const wait_set_aside aside; // callbacks of the stop may wait, too
  stop_cause cause = describe_stop(stop_reason::failure, {}, name_, where_, error);
  deadlock_.error = error;
  if (!keep(deadlock_, 0, std::move(cause), true))
    deadlock_.let_go(); // the scope has ended meanwhile
  return is_alone;
}

ROOST_COLD_BODY bool scope_state::is_only_root() const noexcept {
  const counted_ptr<activity> own = counted();
  bool found = false;
  for_each_root([&](const stop_domain& root) {
    const scope_tree* const its = root.shared().get();
    found = found || (its != nullptr && &root != this && its->counted == own);
  });
  return !found;
}

ROOST_BODY wait_state scope_state::cover::sleep(wait_record& record,
                                                clock::time_point deadline,
                                                watcher* meanwhile) noexcept {
  if (meanwhile != nullptr || !stall_watch::watches_all_waits())
    return context::sleep(record, deadline, meanwhile);
  owner_watch watch(scope_);
  return record.await(deadline, &watch);
}

ROOST_BODY wait_state scope_state::await_as_owner(wait_record& record,
                                                  clock::time_point deadline) noexcept {
  if (!stall_watch::watches_all_waits() && verdict_watch::root_here() == nullptr)
    return record.await(deadline);
  owner_watch watch(*this);
  return record.await(deadline, &watch);
}

// True if a task has not completed, or a spawn waits.
ROOST_COLD_BODY bool scope_state::has_work() const noexcept {
  bool found = queue_.front() != nullptr || !queue_.spawns().empty();
  for_each_running([&](const task& t, thread_slot*) { found = found || !t.has_ended(); });
  return found;
}

// A worker between two tasks is counted, and has no task to be shown.
ROOST_COLD_BODY bool scope_state::all_are_blocked() const noexcept {
  std::size_t blocked = 0;
  for_each_running([&](const task&, thread_slot* thread) {
    if (thread != nullptr && thread->waits_for_others())
      ++blocked;
  });
  return blocked == queue_.counted();
}

ROOST_COLD_BODY clock::time_point scope_state::next_report(stall_watch& watch) noexcept {
  drain_buffer();
  const bool stands = queue_.front() != nullptr && stopped_at_ == no_deadline;
  return watch.next({stopped_at_, stands ? queue_.begun() : stall_watch::no_queue});
}

// Where only the queue is the reason to look, a task may simply be computing: then nothing is told.
ROOST_COLD_BODY void scope_state::reporter::look() noexcept {
  const clock::time_point now = sync::now();
  if (verdict_.look(now)) {
    watch_.reported(sync::now()); // which says the same
    return;
  }
  if (now < next_)
    return;
  bool stalls = false;
  {
    const std::lock_guard lock(scope_.lock_);
    if (scope_.next_report(watch_) != next_) // something has moved
      return;
    stalls = watch_.reports_all() || scope_.all_are_blocked();
  }
  if (stalls)
    tell_stall(scope_);
  watch_.reported(sync::now()); // a sink may take its time
}

} // namespace roost::inline v0::detail
