// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/scope/block_cache.hpp>
#include <roost/detail/scope/scope_state.hpp>
#include <roost/detail/scope/sightings.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/scope/worker.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/stop/task_domain.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/yield.hpp>
#include <roost/detail/threads/scope_tree.hpp>
#include <roost/detail/threads/thread_pool.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/owned_lock.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/stop.hpp>

#include <cstdint>
#include <exception>
#include <mutex>
#include <utility>

// How the tasks of a scope run, and how their threads leave:
//
//     worker::work()   runs a task, and then those that are queued
//     worker::run()    the call; then, in this order: a failure is kept and the others are stopped,
//                      the callable is destroyed, and the handle goes on
//     next(), left()   the scope gives the worker the next task, or counts it down

namespace roost::inline v0::detail {

/// The scope of a task: a task is made for one.
ROOST_BODY scope_state& scope_of(const task& t) noexcept {
  return static_cast<scope_state&>(t.scope());
}

ROOST_BODY task::~task() = default;

ROOST_BODY void task::run_on_pool() noexcept {
  worker(scope_of(*this), *this).work();
}

ROOST_COLD_BODY void task::fail_on_pool(const std::exception_ptr& no_thread) noexcept {
  const contexts_set_aside aside; // of the thread that offers another fork
  worker(scope_of(*this), *this).work(no_thread);
}

// --- a worker -------------------------------------------------------------------

ROOST_BODY worker::worker(scope_state& scope, task& first) noexcept
    : stand_in(scope),
      runs(&first),
      scope_(scope),
      gone_(scope.blocks()) {}

ROOST_BODY void worker::work(const std::exception_ptr& no_thread) noexcept {
  is_job = !no_thread;
  thread_started_ = scope_.thread_started();
  run(*runs, scope_.started(*this), no_thread);
  run_others();
}

ROOST_BODY void worker::work_inside_wait() noexcept {
  {
    const contexts_set_aside aside;
    run_first();
  }
  run_others();
}

ROOST_BODY void worker::run_first() noexcept {
  run(*runs, scope_.started(*this));
}

// A task is released before it is counted down: the release destroys what its user left in it.
ROOST_BODY void worker::run_others() noexcept {
  while (runs != nullptr) {
    task& ended = *runs;
    scope_.next(*this);
    ended.release(&gone_);
    if (runs == nullptr) {
      gone_.flush();
      scope_.left(*this);
    }
    if (runs != nullptr)
      run(*runs, false);
  }
}

[[noreturn]] ROOST_COLD_BODY void die_holding(const owned_lock& held) noexcept {
  die("a task ended while it held a mutex, which no other can unlock; let a mutex::guard hold it, "
      "or take a semaphore for what another task gives back",
      "mutex",
      held.name.view(),
      "locked",
      held.where);
}

ROOST_BODY void worker::run(task& t, bool dropped, const std::exception_ptr& no_thread) noexcept {
  this_thread.task = &t;
  this_thread.touched.moment = 0;
  this_actor.task = t.id();
  t.begins();
  if (is_observed()) [[unlikely]]
    tell_of_task(sighting_kind::task_begin, t, scope_.id());
  t.enter();
  task::outcome outcome = task::outcome::stopped;
  if (dropped) {
    t.stopped_by = t.domain().cause();
  } else if (no_thread) {
    scope_.failed(t, no_thread, 0);
    outcome = task::outcome::failed;
  } else {
    outcome = call(scope_, t, [&] {
      if (thread_started_ != nullptr)
        thread_started_(t.name());
      t.invoke();
    });
  }
  outcome = destroy_callable(scope_, t, outcome);
  t.leave();
  t.leave_own_domain();
  if (this_thread.top != nullptr) {
    die("a task ended before a scope, shield or stop_when that it made; let them end in a block, "
        "or take a background_scope",
        "task",
        t.name(),
        "spawned",
        t.spawned());
  }
  if (const owned_lock* const held = this_thread.held.back())
    die_holding(*held);
  this_thread.task = nullptr;
  t.complete(outcome);
}

ROOST_BODY void
worker::complete_unrun(scope_state& scope, task& t, task::outcome outcome) noexcept {
  t.complete(destroy_callable(scope, t, outcome));
}

ROOST_BODY task::outcome
worker::destroy_callable(scope_state& scope, task& t, task::outcome outcome) noexcept {
  const task::outcome destruction = call(scope, t, [&t] { t.destroy_callable(); });
  if (destruction != task::outcome::value && outcome != task::outcome::failed) {
    t.destroy_result();
    outcome = destruction;
  }
  // A result or an exception that no handle can claim any more is destroyed here, inside the task,
  // and not when the task is released.
  if (t.let_go_of_result() && !t.is_kept)
    t.error = nullptr;
  return outcome;
}

template <class F>
task::outcome worker::call(scope_state& scope, task& t, F f) noexcept {
  try {
    f();
    return task::outcome::value;
  } catch (const stopped& s) {
    return failed(scope, t, &s);
  } catch (...) {
    return failed(scope, t, nullptr);
  }
}

// In a handler. `as` is what was caught if it is a `stopped`.
ROOST_COLD_BODY task::outcome
worker::failed(scope_state& scope, task& t, const stopped* as) noexcept {
  const bool is_stop =
      as != nullptr && (scope.stop_requested() || t.domain().stop_requested() || as->by_token());
  if (is_stop) {
    t.stopped_by = as->cause_;
    return task::outcome::stopped;
  }
  scope.failed(t, std::current_exception(), moment_of_caught());
  return task::outcome::failed;
}

// --- the four calls -----------------------------------------------------------------

ROOST_BODY bool scope_state::started(worker& w) noexcept {
  task& t = *w.runs;
  this_thread.know_number();
  const std::lock_guard lock(lock_);
  bind(t, this_thread); // for a stop of this task alone
  erase(t);
  contexts().push_back(w);
  bind(w, this_thread);
  return stop_requested() || t.domain().stop_requested();
}

// A second failure of one task, by its callable's destructor, goes to the hook.
ROOST_COLD_BODY void
scope_state::failed(task& t, const std::exception_ptr& error, std::uint64_t moment) noexcept {
  const bool first = t.error == nullptr;
  if (first)
    t.error = error;
  if (is_observed()) [[unlikely]]
    tell_of_failure(error, t.id(), id_);
  const failure what = describe_failure(error, t.name(), t.spawned());
  if (on_failure_ && give_to_handler(what))
    return;
  if (!first) {
    unobserved_hook.load()(what);
    return;
  }
  t.retain();
  t.is_kept = true;
  (void)keep(t,
             moment,
             describe_stop(stop_reason::failure, {}, t.name(), t.spawned(), error),
             errors_ == on_error::fail_fast);
}

// False if the handler threw: then the failure is the scope's.
ROOST_COLD_BODY bool scope_state::give_to_handler(const failure& failed) noexcept {
  try {
    on_failure_(failed);
    return true;
  } catch (const stopped&) { // the scope was stopped, and the handler waited for something
  } catch (...) {
    unobserved_hook.load()(describe_failure(std::current_exception(), failed.task, failed.where));
  }
  return false;
}

ROOST_BODY void scope_state::next(worker& w) noexcept {
  claimed_list woken;
  {
    const std::lock_guard lock(lock_);
    run_next(w, woken);
  }
  woken.complete(wait_state::done);
}

ROOST_BODY void scope_state::run_next(worker& w, claimed_list& woken) noexcept {
  w.runs = stop_requested() ? nullptr : dequeue(woken);
  if (w.runs == nullptr)
    return;
  queue_.begin_in_place();
  bind(*w.runs, this_thread);
}

// First the worker offers the processor to threads that may be about to spawn, and looks again: to
// leave and be woken would cost more. If no other thread wants the processor, this takes as long as
// any wait spins. An owner that waits for the end closes the buffer: so it need not wait for these
// looks as well. A task that spawns at the limit may open it again; that costs the looks, and no
// task is lost: the worker closes the buffer itself, and takes what is in there, before it is
// counted down under the same lock.
ROOST_BODY void scope_state::left(worker& w) noexcept {
  constexpr int times = 12;
  for (int i = 0; i < times && buffer_.may_be_open(); ++i) {
    sync::yield();
    if (buffer_.may_have_tasks())
      next(w);
    if (w.runs != nullptr)
      return;
  }
  claimed_list woken;
  thread_pool* const idle = outermost_ ? &tree_->threads : nullptr;
  bool over = false;
  for (;;) {
    drop_queue();
    const std::lock_guard lock(lock_);
    close_buffer();
    run_next(w, woken);
    if (w.runs == nullptr) {
      // The stop has come since. Its thread drops these as well, but may be in a callback that
      // waits for one of them.
      if (queue_.front() != nullptr)
        continue;
      if (w.is_job) // before the owner can know that the scope is over, and start other tasks
        tree_->threads.expect_this_thread();
      erase(w);
      queue_.ended();
      wake_if_over(woken);
    }
    over = is_closed();
    break;
  }
  woken.complete(wait_state::done);
  if (over && idle != nullptr)
    idle->dismiss_idle(); // they exit while the owner wakes
}

// --- where nothing is left --------------------------------------------------------

// Once the owner waits for the end, the thread that finds nothing left closes the scope.
ROOST_BODY bool scope_state::close_if_over() noexcept {
  if (!queue_.idle())
    return false;
  if (phase_ == phase::ending) {
    phase_ = phase::closed;
    refuse_stops();
  }
  return true;
}

ROOST_BODY void scope_state::wake_if_over(claimed_list& woken) noexcept {
  if (close_if_over())
    woken.push_all(joiners_);
}

ROOST_BODY void scope_state::ended_uncounted() noexcept {
  claimed_list woken;
  {
    const std::lock_guard lock(lock_);
    queue_.ended_uncounted();
    wake_if_over(woken);
  }
  woken.complete(wait_state::done);
}

// --- tasks that run in a wait for them ----------------------------------------------

ROOST_BODY void scope_state::take_uncounted(task& t, claimed_list& woken) noexcept {
  drain_buffer();
  queue_.take(t, woken);
  queue_.begin_uncounted();
}

/// While it lives, reports show the caller, whose contexts are set aside, in a call that waits for
/// `t`; the caller's thread runs `t` meanwhile.
class help_shown final : public awaited {
 public:
  ROOST_BODY
  help_shown(const task& t, const blocked_call& call, const contexts_set_aside& aside) noexcept
      : task_(t),
        shown_{call,
               this,
               t.id(),
               aside.task(),
               sync::now_roughly(),
               this_thread.number_call(),
               &aside.held(),
               this_thread.helps} {
    this_thread.set_helping(&shown_);
  }
  ROOST_BODY ~help_shown() { this_thread.set_helping(shown_.around); }
  help_shown(const help_shown&) = delete;
  help_shown& operator=(const help_shown&) = delete;

  ROOST_COLD_BODY void describe(note_list<object_note>& notes) const noexcept override {
    if (object_note* const note = notes.add())
      describe_task(task_, *note);
  }
  void sleeps(const waiter_note&) const noexcept override {} // it does not

 private:
  const task& task_;
  const helping_call shown_;
};

ROOST_BODY void scope_state::run_here_if_queued(task& t, const blocked_call& call) noexcept {
  // In this order: a task that is not ready still has its scope.
  if (this_thread_is_stopped() || t.ready() || !runs_inside(t.scope()))
    return;
  scope_state& scope = scope_of(t);
  claimed_list woken;
  {
    const std::lock_guard lock(scope.lock_);
    if (!t.is_queued || scope.stop_requested())
      return;
    scope.take_uncounted(t, woken);
    scope.contexts().push_back(t);
  }
  woken.complete(wait_state::done);
  {
    worker here(scope, t);
    {
      const contexts_set_aside aside;
      const help_shown shown(t, call, aside);
      here.run_first();
    }
    const std::lock_guard lock(scope.lock_);
    scope.erase(here);
  }
  scope.release_uncounted(t);
}

// take_back() counts a task out under lock_. Were no thread of the tree awake then, it would look
// for a deadlock, and wait for lock_ for ever. But the caller is awake, and is counted as well.
ROOST_BODY task* scope_state::take_ready() noexcept {
  for (context* c = contexts().front(); c != nullptr; c = contexts().next(*c)) {
    const bool begun = c == &frame_ || slot_of(*c) != nullptr;
    if (!begun && tree_->threads.take_back(static_cast<task&>(*c)))
      return &static_cast<task&>(*c);
  }
  return nullptr;
}

ROOST_BODY void scope_state::run_here_what_is_ready() noexcept {
  for (;;) {
    task* t = nullptr;
    {
      const std::lock_guard lock(lock_);
      t = take_ready();
    }
    if (t == nullptr)
      return;
    worker(*this, *t).work_inside_wait();
  }
}

// --- stops ------------------------------------------------------------------------

// The task's own domain is made before the locks are taken, and stopped before it can be seen.
ROOST_COLD_BODY bool scope_state::stop_alone(task& t, stop_cause cause) {
  const counted_ptr<stop_domain> kept = t.scope_unless_ended();
  if (kept == nullptr)
    return false;
  scope_state& scope = scope_of(t);
  const auto stopped = make_counted<task_domain>(scope.deadline());
  stopped->stop(std::move(cause));

  counted_ptr<task_domain> own;
  bool never_runs = false;
  claimed_list woken;
  claimed_list let_in;
  const bool may_stop = t.unless_ended([&] {
    const std::lock_guard lock(scope.lock_);
    never_runs = t.is_queued;
    if (never_runs)
      scope.take_uncounted(t, let_in);
    const bool is_first = !scope.stop_requested();
    own = is_first ? t.stop_alone(stopped, slot_of(t), woken) : t.own(slot_of(t));
    return is_first;
  });
  const bool is_its_first = may_stop && own == stopped;
  if (is_its_first)
    show_stop(stopped->cause()->told, t.id(), scope.id_);
  woken.complete(wait_state::stopped);
  let_in.complete(wait_state::done);
  if (never_runs) {
    scope.drop(t);
    scope.release_uncounted(t);
  }
  if (!may_stop) { // it has ended, or its scope was stopped: that stop may still be on its way here
    if (own != nullptr)
      own->tell_rest();
    return false;
  }
  if (is_its_first || !own->stop(stopped->cause()))
    return is_its_first;
  show_stop(stopped->cause()->told, t.id(), scope.id_);
  return true;
}

ROOST_COLD_BODY void scope_state::on_stop(const stop_cause& cause, claimed_list& woken) noexcept {
  stopped_at_ = sync::now();
  show_stop(cause, 0, id_);
  close_buffer();
  queue_.spawns().drop_leaving();
  if (cuts_work_short(cause.reason) && has_work())
    log_.cut_short();
  woken.push_all(queue_.spawns());
  woken.push_all(joiners_); // they look again, and report from now on what does not stop
}

ROOST_COLD_BODY void scope_state::drop(task& t) noexcept {
  t.stopped_by = t.domain().cause();
  worker::complete_unrun(*this, t, task::outcome::stopped);
}

// Takes the next task that will never run, be it queued or its spawn still waiting; null if there
// is none. The caller holds lock_, and lets go of the task by release_uncounted().
ROOST_COLD_BODY task* scope_state::take_unrun(claimed_list& woken) noexcept {
  close_buffer();
  task* const t = queue_.take_first(woken);
  if (t != nullptr)
    queue_.begin_uncounted();
  return t;
}

ROOST_BODY void scope_state::release_uncounted(task& t) noexcept {
  {
    block_cache::returns gone(blocks_);
    t.release(&gone);
  }
  ended_uncounted();
}

// Drops the tasks that a stop of the scope has kept from running. Their callables are destroyed
// here, or by another thread that finds them: the one that stops, one whose task ends, or one that
// waits for the end.
ROOST_COLD_BODY void scope_state::drop_what_is_queued() noexcept {
  task* t = nullptr;
  while (stop_requested()) {
    claimed_list woken;
    {
      const std::lock_guard lock(lock_);
      t = take_unrun(woken);
    }
    woken.complete(wait_state::done);
    if (t == nullptr)
      return;
    drop(*t);
    release_uncounted(*t);
  }
}

// A callable's destructor must not delay, or end in, the thread that keeps the time.
ROOST_COLD_BODY void scope_state::stop_told() noexcept {
  if (this_thread.timekeeper == nullptr) {
    drop_queue();
    return;
  }
  {
    const std::lock_guard lock(lock_);
    if (queue_.front() == nullptr)
      return;
    queue_.begin_uncounted();
  }
  try {
    tree_->threads.start(dropping_);
  } catch (...) { // no thread
    dropping_.run_on_pool();
  }
}

ROOST_COLD_BODY void scope_state::dropping::run_on_pool() noexcept {
  scope_.drop_queue();
  scope_.ended_uncounted();
}

} // namespace roost::inline v0::detail
