// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/scope/failure_log.hpp>
#include <roost/detail/scope/scope_reporter.hpp>
#include <roost/detail/scope/scope_state.hpp>
#include <roost/detail/scope/sightings.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/scope/verdict.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/stop/tree_ptr.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/sync/nap.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/threads/scope_tree.hpp>
#include <roost/detail/threads/timekeeper.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

// The owner's side of a scope: where its stops come from, how it ends, and what the owner is told.

namespace roost::inline v0::detail {

// --- how it begins ------------------------------------------------------------------

ROOST_BODY clock::time_point own_deadline(const scope_options& options) noexcept {
  return earlier(options.deadline, deadline_after(options.timeout));
}

ROOST_BODY clock::time_point deadline_around(const scope_options& options) noexcept {
  const context* const around = options.inherit ? this_thread.top : nullptr;
  return around != nullptr ? around->domain().deadline() : no_deadline;
}

ROOST_BODY tree_ptr tree_for(const scope_options& options) {
  return options.covers_owner ? tree_around_or_new() : new_tree(options.inherit);
}

ROOST_BODY scope_state::scope_state(const scope_options& options, site where)
    : scope_state(options, detail::own_deadline(options), where) {}

ROOST_BODY
scope_state::scope_state(const scope_options& options, clock::time_point own_deadline, site where)
    : stop_domain(earlier(own_deadline, deadline_around(options)),
                  tree_for(options),
                  birthplace_here(options.covers_owner)),
      own_deadline_(own_deadline),
      name_(options.name),
      where_(where),
      exit_(options.exit),
      errors_(options.errors),
      on_deadlock_(options.on_deadlock),
      inherit_(options.inherit),
      stall_after_(options.stall_after),
      on_failure_(options.on_failure),
      frame_(*this, options.covers_owner),
      queue_(options.limit, options.backlog),
      thread_started_(options.thread_started != nullptr ? options.thread_started
                                                        : tree_->thread_started) {
  if (options.limit == 0) {
    throw std::invalid_argument(joined({"roost::task_scope: ",
                                        name_and_line(),
                                        ", has a limit of 0, with which no task would ever run; "
                                        "leave it out to set none"}));
  }
  if (outermost_) // no other thread has the tree so far
    tree_->thread_started = thread_started_;
}

ROOST_BODY scope_state::~scope_state() = default;

ROOST_BODY void scope_state::open() {
  context* const around = inherit_ ? this_thread.top : nullptr;
  if (outermost_)
    tree_->counted->add_outermost_scope();
  if (around != nullptr) {
    follow(parent_in(*around).shared_from_this());
  } else {
    if (outermost_ && wanted_verdict() != on_deadlock::ignore) {
      tree_->counted->watch(&look_for_deadlock);
      tree_->counted->one_more(); // its owner
    }
    become_root();
  }
  // Of equal deadlines the outer one counts: then this one is left to the timekeeper, which has the
  // outer one before it.
  if (own_deadline_ != no_deadline)
    set_deadline(around != nullptr && around->domain().deadline() <= own_deadline_);
  if (frame_.covers()) {
    frame_.cover_this_thread();
    activity_here = tree_->counted.get();
    if (outer() == nullptr && this_thread.root == nullptr)
      this_thread.root = this;
  }
  if (is_observed()) [[unlikely]]
    tell({.kind = sighting_kind::scope_begin, .scope = id_, .text = name_, .where = where_});
}

// A scope that does not cover its owner may outlive the task that makes it. So it is a child of
// that task's scope, and not of the domain of the task alone.
ROOST_BODY stop_domain& scope_state::parent_in(context& around) const {
  if (frame_.covers())
    return around.domain_to_follow();
  return &around == this_thread.task ? this_thread.task->scope() : around.domain();
}

ROOST_BODY void scope_state::set_deadline(bool is_outers) {
  if (own_deadline_ <= sync::now() && !is_outers) {
    stop_at_deadline();
    return;
  }
  if (stop_requested())
    return;
  try {
    tree_->keeper.add(deadline_timer_, own_deadline_);
  } catch (...) { // no thread; but once the scope is stopped its deadline changes nothing
    if (!stop_requested()) {
      unfollow();
      if (outermost_)
        tree_->counted->drop_outermost_scope();
      throw;
    }
  }
}

// --- where its stops come from --------------------------------------------------------

ROOST_BODY void scope_state::leave(bool unwinding) noexcept {
  if (unwinding) {
    stop(describe_stop(stop_reason::scope_exit, "the scope was left by an exception", {}, where_));
  } else if (exit_ == on_exit::stop) {
    stop(describe_stop(stop_reason::scope_exit, "the scope was left", {}, where_));
  }
}

ROOST_COLD_BODY void scope_state::outer_stopped(const counted_ptr<const kept_cause>& cause,
                                                stop_wave& wave) noexcept {
  mark(describe_stop(stop_reason::parent,
                     cause->told.message,
                     cause->told.task,
                     cause->told.where,
                     cause->told.error),
       wave);
}

ROOST_COLD_BODY void scope_state::stop_at_deadline() noexcept {
  stop(describe_stop(stop_reason::deadline, deadline_passed(), {}, where_));
}

// The cause of the stop says whose deadline it was.
ROOST_COLD_BODY std::string scope_state::deadline_passed() const noexcept {
  try {
    return name_.empty() ? "the deadline passed" : whose_deadline_passed();
  } catch (const std::bad_alloc&) { // a stop matters more than its description
    return {};
  }
}

ROOST_COLD_BODY std::string scope_state::whose_deadline_passed() const {
  if (name_.empty())
    return joined({"the deadline of ", name_and_line(), ", passed"});
  return joined({"the deadline of scope ", in_quotes(name_), " passed"});
}

ROOST_COLD_BODY std::exception_ptr scope_state::make_timeout() const {
  return std::make_exception_ptr(
      timeout_error(joined({"roost: ", whose_deadline_passed()}), name_, where_));
}

// Keeps a failure; if `stops`, the scope stops because of it. False if the scope is closed.
ROOST_COLD_BODY bool scope_state::keep(failure_record& failed,
                                       std::uint64_t moment,
                                       stop_cause cause,
                                       bool stops) noexcept {
  try {
    cause.message = message_of(failed.error);
  } catch (...) { // there is no memory for the text; the failure itself is kept
  }
  stop_wave wave;
  {
    const std::lock_guard lock(lock_);
    if (is_closed())
      return false;
    failed.moment = moment != 0 ? moment : next_moment();
    log_.add(failed);
    failed.stops = stops && !stop_requested();
    if (failed.stops)
      mark(std::move(cause), wave);
  }
  wave.deliver();
  return true;
}

// --- how it ends ------------------------------------------------------------------------

ROOST_BODY bool scope_state::end(const blocked_call& call, absence* waits) {
  // The thread that ends a root scope which does not cover it is no thread of the scope; it is
  // counted as the owner. Others may end the scope at the same time.
  counted_ptr<activity> own;
  bool over = false;
  {
    const std::lock_guard lock(lock_);
    if (phase_ == phase::ended)
      return false;
    if (phase_ == phase::open) {
      phase_ = phase::ending;
      if (outermost_ && outer() == nullptr && !frame_.covers() && tree_->counted->is_watched())
        own = tree_->counted;
      over = close_if_over();
      if (over) // as it is where a caller ran all its forks itself
        phase_ = phase::ended;
    }
  }
  if (over) {
    ++this_thread.waits; // it might have blocked
  } else {
    wait_idle(no_deadline, call, own != nullptr ? own.get() : activity_here);
    const std::lock_guard lock(lock_);
    if (std::exchange(phase_, phase::ended) == phase::ended)
      return false;
  }
  if (is_observed()) [[unlikely]]
    tell({.kind = sighting_kind::scope_end, .scope = id_});
  if (waits != nullptr) // it keeps the tree
    waits->end();
  release_owner();
  return true;
}

ROOST_BODY bool
scope_state::wait_idle(clock::time_point deadline, const blocked_call& call, activity* counted) {
  ++this_thread.waits; // it may block
  reporter meanwhile(*this);
  blocked_call join = call;
  join.joins = id_;
  join.meanwhile = &meanwhile;
  for (;;) {
    // If the stop came from a callback that waits here, no other thread does it. The users'
    // destructors may wait in it, so the thread is not shown as blocked so far.
    drop_queue();
    try {
      parker_lease lease;
      wait_record record(lease.get());
      if (deadline == no_deadline)
        record.count_in(counted);
      wait_node place(nullptr);
      {
        const std::lock_guard lock(lock_);
        if (close_if_over())
          return true;
        close_buffer();
        joiners_.push_back(place, record);
      }
      const blocked_region region(record, join, deadline);
      if (await_shown(record, join, deadline) == wait_state::timed_out) {
        const std::lock_guard lock(lock_);
        joiners_.remove(place);
        return close_if_over();
      }
    } catch (const std::bad_alloc&) { // for the parker; but the tasks must be waited for
      sync::nap();
      const std::lock_guard lock(lock_);
      if (const bool over = close_if_over(); over || sync::now() >= deadline)
        return over;
    }
  }
}

ROOST_BODY void scope_state::release_owner() noexcept {
  if (frame_.covers()) {
    frame_.uncover();
    const tree_ptr around = tree_around();
    activity_here = around ? around->counted.get() : nullptr;
  }
  // Meanwhile one more thread counts as awake: a thread that blocked now would be the last, and its
  // look would find a scope or a timer that is about to go.
  activity* const counted =
      outermost_ && tree_->counted->is_watched() ? tree_->counted.get() : nullptr;
  if (counted != nullptr)
    counted->one_more();
  unfollow();
  if (outermost_)
    tree_->counted->drop_outermost_scope();
  if (own_deadline_ != no_deadline) // the keeper's lock is for all scopes of the tree
    tree_->keeper.remove(deadline_timer_);
  if (counted != nullptr)
    counted->one_less();
  const bool ends_tree = tree_.is_the_only_one() && tree_->counted.use_count() == 1;
  const std::uint32_t number = tree_->counted->number();
  tree_.reset();
  if (frame_.covers() && ends_tree)
    activity::give_back(number);
}

ROOST_BODY void scope_state::take_leave() noexcept {
  log_.show_unreported();
  log_.for_each([](failure_record& f) { f.let_go(); });
  log_.clear();
  on_failure_ = nullptr;
}

// --- what the owner is told -----------------------------------------------------------------

ROOST_BODY std::exception_ptr scope_state::take_outcome() noexcept {
  try {
    std::exception_ptr outcome =
        log_.report_at_end(errors_, stopped_by(stop_reason::deadline) ? make_timeout() : nullptr);
    if (outcome)
      throw_with_moment(log_.moment());
    return outcome;
  } catch (...) {
    return std::current_exception();
  }
}

// In a wait of the owner, once the scope has stopped.
ROOST_COLD_BODY void scope_state::throw_to_owner() {
  if (const std::exception_ptr thrown = take_thrown()) {
    throw_with_moment(log_.thrown_moment());
    std::rethrow_exception(thrown);
  }
  // This thread may own the scope around, too: then it is to get that scope's failure or timeout.
  context* const around = frame_.stopped_from_around();
  if (around != nullptr && !reports_at_end_only_)
    around->raise();
  throw make_stopped(frame_.told_cause());
}

// The exception that such a wait throws instead of a `stopped`; null if it throws a `stopped`.
ROOST_COLD_BODY std::exception_ptr scope_state::take_thrown() {
  const bool late = stopped_by(stop_reason::deadline);
  const bool first = !reports_at_end_only_ && !log_.has_thrown();
  const std::exception_ptr timeout = first && late ? make_timeout() : nullptr;
  const bool in_flight = frame_.unwinds();
  const std::exception_ptr handled = std::current_exception();
  const std::lock_guard lock(lock_);
  if (late)
    log_.cut_short();
  if (first)
    return log_.throw_first(errors_, timeout);
  log_.throw_again(in_flight, handled);
  return nullptr;
}

// A `stopped` is no failure of the body; whether it is one of the enclosing task, that task
// decides. If this scope's own failure or deadline has caused the `stopped`, the cause is reported
// instead, and once more if need be.
ROOST_COLD_BODY scope_state::body_end scope_state::body_failed(const std::exception_ptr& error) {
  // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): it is read below, past the handlers
  const std::uint64_t moment = moment_of_caught();
  body_end end = body_end::failed;
  try {
    std::rethrow_exception(error);
  } catch (const stopped& s) {
    end = s.by_token() ? body_end::stopped_by_token : body_end::stopped;
  } catch (...) { // looked at below
  }
  bool from_scope = end != body_end::failed;
  {
    const std::lock_guard lock(lock_);
    const bool late = stopped_by(stop_reason::deadline);
    if (log_.unreport(error)) {
      from_scope = true;
    } else if (from_scope) {
      if (late)
        log_.cut_short();
      if (stopped_by(stop_reason::failure) || late)
        log_.unreport_first();
    }
  }
  if (from_scope) {
    stop(describe_stop(stop_reason::scope_exit, "the body ended", {}, where_, error));
  } else {
    body_.error = error;
    if (is_observed()) [[unlikely]]
      tell_of_failure(error, 0, id_);
    (void)keep(body_, moment, describe_stop(stop_reason::failure, {}, name_, where_, error), true);
  }
  return end;
}

} // namespace roost::inline v0::detail
