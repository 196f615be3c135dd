// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/scope/scope_reporter.hpp>
#include <roost/detail/scope/scope_state.hpp>
#include <roost/detail/scope/sightings.hpp>
#include <roost/detail/scope/spawn_buffer.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/scope/worker.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/sync/yield.hpp>
#include <roost/detail/threads/scope_tree.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstddef>
#include <exception>
#include <mutex>

// How a task gets into a scope: it is started, queued, or dropped.
//
// INVARIANT: the buffer is open only while the limit is reached, the scope is not stopped, and no
// spawn waits for a place; and it takes no more tasks than the queue has places for. A spawn that
// takes the scope's lock closes the buffer first, and opens it again once its task is queued and
// others may follow. A worker that is about to leave closes the buffer, and then looks for tasks
// before it is counted down. So a spawn either adds its task before that, and the worker finds it;
// or it finds the buffer closed, and takes the scope's lock.

namespace roost::inline v0::detail {

/// The operation of a spawn that waits for a place in the queue.
class scope_state::entrance final : public detail::operation {
 public:
  entrance(scope_state& scope, task& t) noexcept
      : detail::operation(scope.lock_, &scope.queue_.spawns(), &t),
        scope_(scope),
        task_(t) {}

  bool try_locked() noexcept override {
    got_ = scope_.try_admit(task_, when_full::wait);
    return got_ != admission::none;
  }
  void conclude(wait_state end) noexcept override {
    if (end == wait_state::done)
      got_ = admission::queued; // it may even run by now
  }

  // Without the scope's lock, which the report may hold: reads only what is constant.
  void describe(object_note& note) const noexcept override {
    note.object = &scope_;
    note.kind = "scope";
    note.name.add(scope_.name());
    note.detail.add("limit ").add(scope_.queue_.limit()).add(", backlog ");
    note.detail.add(scope_.queue_.backlog());
  }
  // Only tasks of the scope make a place: threads of its tree, which may be another one.
  void describe_users(object_note& note) const noexcept override {
    note.users = tree_mark::both(note.users, number_of_tree(scope_));
  }

  admission got() const noexcept { return got_; }

 private:
  scope_state& scope_;
  task& task_;
  admission got_ = admission::none;
};

ROOST_BODY void scope_state::launch(task& t, const blocked_call& call, when_full full) {
  show_spawn(t, id_);
  t.owner = frame_.covered_thread();
  t.owner_task = made_in().task;
  admission got = admission::none;
  std::exception_ptr error;
  counted_ptr<stop_domain> kept; // the end of a callable may bring about the scope's
  try {
    got = admit(t, call, full);
    if (got == admission::to_run)
      got = start(t, kept);
  } catch (...) {
    error = std::current_exception();
  }
  if (error || !is_in(got)) {
    if (kept == nullptr)
      kept = shared_from_this();
    turn_away(t, got, error);
  }
  sync::at_call(nullptr); // the task may begin now
}

ROOST_BODY void scope_state::run_here(task& t) {
  show_spawn(t, id_);
  t.owner = frame_.covered_thread();
  t.owner_task = made_in().task;
  admission got = admission::none;
  {
    const std::lock_guard lock(lock_);
    got = try_admit(t, when_full::exceed);
  }
  if (got == admission::to_run)
    worker(*this, t).work_inside_wait();
  else
    turn_away(t, got, nullptr);
}

ROOST_BODY bool scope_state::find_place_at_once(const site& where) {
  {
    const std::lock_guard lock(lock_);
    if (!is_closed())
      return !stop_requested() && (queue_.may_run() || find_place());
  }
  refuse(where);
}

ROOST_BODY scope_state::admission
scope_state::admit(task& t, const blocked_call& call, when_full full) {
  if (queue_.limited()) {
    const spawn_buffer::answer buffered = buffer_.add(t);
    if (buffered == spawn_buffer::answer::added)
      return admission::queued;
    // Offers the processor to the workers, which make places: then there are many places, and not
    // one.
    if (buffered == spawn_buffer::answer::full && full == when_full::wait && !runs_inside(*this))
      sync::yield();
  }
  {
    const std::lock_guard lock(lock_);
    if (const admission at_once = try_admit(t, full); at_once != admission::none)
      return at_once;
  }
  if (this_thread_is_stopped())
    return admission::none;
  // Once the task is let in it may bring about the scope's end, while this thread still looks.
  const counted_ptr<stop_domain> kept = shared_from_this();
  reporter meanwhile(*this);
  blocked_call watched = call;
  watched.meanwhile = &meanwhile;
  entrance to_get_in(*this, t);
  (void)wait_for_one(to_get_in, watched, no_deadline);
  return to_get_in.got();
}

ROOST_BODY scope_state::admission scope_state::try_admit(task& t, when_full full) noexcept {
  if (is_closed())
    return admission::closed;
  if (stop_requested()) {
    if (cuts_work_short(cause()->told.reason))
      log_.cut_short();
    return admission::dropped;
  }
  if (queue_.may_run()) {
    queue_.begin();
    contexts().push_back(t);
    return admission::to_run;
  }
  if (!find_place() && full == when_full::wait)
    return admission::none;
  enqueue(t);
  return admission::queued;
}

// True if a task may be queued. Only tasks of a scope make places there, so a task never waits for
// one in its own scope. The buffer is closed first, because its tasks take places; while a spawn
// waits for a place, it stays closed. enqueue() opens it again. After find_place_at_once() it stays
// closed until the next task is queued: until then each spawn takes the scope's lock.
ROOST_BODY bool scope_state::find_place() noexcept {
  close_buffer();
  queue_.spawns().drop_leaving();
  return queue_.places() != 0 || runs_inside(*this);
}

ROOST_BODY void scope_state::enqueue(task& t) noexcept {
  close_buffer(); // its tasks came first
  queue_.push_back(t);
  if (!queue_.may_run() && queue_.spawns().empty())
    buffer_.open(queue_.places());
}

ROOST_BODY void scope_state::close_buffer() noexcept {
  buffer_.close(
      [this](intrusive_list<context>& tasks, std::size_t count) { queue_.append(tasks, count); });
}

ROOST_BODY void scope_state::drain_buffer() noexcept {
  buffer_.drain([this](intrusive_list<context>& tasks, std::size_t count) {
    queue_.append(tasks, count);
    return queue_.places();
  });
}

ROOST_BODY task* scope_state::dequeue(claimed_list& woken) noexcept {
  if (queue_.front() == nullptr)
    drain_buffer();
  return queue_.take_first(woken);
}

ROOST_COLD_BODY void scope_state::refuse(const site& where) const {
  throw scope_closed(joined({"roost::task_scope::spawn at ",
                             where,
                             ": ",
                             name_and_line(),
                             ", was joined and takes no more tasks; spawn before join(), or make "
                             "another scope"}));
}

// In a fork, forks are many and short: so they are offered. Not in a bubble, where no time passes
// by which the fork_watch could see that one is long.
ROOST_BODY bool has_many_forks() noexcept {
  return this_thread.task != nullptr && static_cast<const task*>(this_thread.task)->is_fork &&
         !sync::is_in_bubble();
}

// If it destroys the callable, it sets `kept` before.
ROOST_BODY scope_state::admission scope_state::start(task& t, counted_ptr<stop_domain>& kept) {
  try {
    if (t.is_fork && has_many_forks())
      tree_->threads.offer(t);
    else
      tree_->threads.start(t);
    return admission::to_run;
  } catch (...) {
    if (leave_to_others(t))
      return admission::queued;
    if (tree_->threads.start_on_idle(t)) // theirs: they have ended since a thread was refused
      return admission::to_run;
    kept = shared_from_this();
    take_back(t);
    return admission::dropped;
  }
}

// There is no thread for `t`. If other tasks of a limited scope run, `t` is queued for the first of
// their workers that is free. Until then fewer run than may, and a later task that gets a thread
// may overtake it.
ROOST_COLD_BODY bool scope_state::leave_to_others(task& t) noexcept {
  const std::lock_guard lock(lock_);
  if (stop_requested() || !queue_.limited() || queue_.running() == 1)
    return false;
  erase(t);
  close_buffer();
  queue_.ended();
  enqueue(t);
  return true;
}

// There is no thread for `t`, and no other worker to leave it to. Tasks that were queued meanwhile
// will not be run either; they fail. But a stop goes first, for `t` and for them: it may have come
// while the thread was being refused, and then they are dropped as if there had been a thread.
// Returns if `t` is dropped; else throws what its caller has caught. In any case what the
// callable's destructor throws goes first.
ROOST_COLD_BODY void scope_state::take_back(task& t) {
  const std::exception_ptr no_thread = std::current_exception();
  std::exception_ptr destruction;
  try {
    t.destroy_callable();
  } catch (...) {
    destruction = std::current_exception();
  }
  bool others_failed = false;
  bool is_stopped = false;
  for (;;) {
    claimed_list woken;
    task* stranded = nullptr;
    {
      const std::lock_guard lock(lock_);
      stranded = take_unrun(woken);
      if (stranded == nullptr) {
        is_stopped = stop_requested();
        erase(t);
        queue_.ended();
        wake_if_over(woken);
      }
    }
    woken.complete(wait_state::done);
    if (stranded == nullptr)
      break;
    if (stop_requested()) {
      drop(*stranded);
    } else {
      others_failed = true; // which may be what stops the scope
      failed(*stranded, no_thread, 0);
      worker::complete_unrun(*this, *stranded, task::outcome::failed);
    }
    release_uncounted(*stranded);
  }
  if (destruction)
    std::rethrow_exception(destruction);
  if (others_failed || !is_stopped)
    std::rethrow_exception(no_thread);
}

// NOLINTBEGIN(clang-analyzer-cplusplus.NewDelete): the handle keeps the task
ROOST_COLD_BODY void
scope_state::turn_away(task& t, admission got, const std::exception_ptr& error) {
  hide_spawn(t, id_); // unless it is completed below
  t.release();
  if (stop_requested())
    t.stopped_by = cause();
  t.destroy_callable();
  if (error)
    std::rethrow_exception(error);
  if (got == admission::closed)
    refuse(t.spawned());
  show_spawn(t, id_);
  t.complete(task::outcome::stopped);
  if (got == admission::none) // a stop has ended the wait
    throw_if_stopped();
}
// NOLINTEND(clang-analyzer-cplusplus.NewDelete)

} // namespace roost::inline v0::detail
