// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/crew.hpp>
#include <roost/detail/scope_outcome.hpp>
#include <roost/detail/stall_report.hpp>
#include <roost/detail/task.hpp>
#include <roost/detail/task_context.hpp>
#include <roost/detail/thread_slot.hpp>
#include <roost/detail/timekeeper.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// Everything of a task_scope but its type. How a task goes through it:
///
///     launch()  counted, registered as a context, its thread started
///     run()     its call; then, in this order: a failure is kept and the others are stopped, the
///               callable is destroyed, the handle goes on, and it is counted down
///     crew      its thread, about to exit, is joined by a later launch() or by end()
///
/// INVARIANT: end() returns only when nothing is counted and every thread is joined.
class scope_state final : public stop_domain, private timer {
 public:
  scope_state(const scope_options& options, site where);
  scope_state(const scope_state&) = delete;
  scope_state& operator=(const scope_state&) = delete;
  inline ~scope_state() override; // `inline` here: a key function would cost every includer

  /// Links it to what is around, sets its deadline, covers the owner. Then the scope is open.
  void open();

  /// Starts `t` on a thread of its own, or drops it if the scope was stopped. Throws scope_closed,
  /// or std::system_error if there is no thread; then `t` has not run and never will.
  void launch(task& t);

  /// Waits, uninterrupted, until nothing runs; false when `deadline` passed first.
  bool wait_idle(clock::time_point deadline, const blocked_call& call);

  /// The scope is left, normally or not: asks the tasks to stop if its policy says so.
  void leave(bool unwinding) noexcept;

  /// Waits, joins the threads, takes the owner out of the scope. False if that was done before.
  bool end(const blocked_call& call);

  /// What the owner has to be told at the end, once; null if nothing. Only after end().
  std::exception_ptr take_outcome();

  /// Stops the tasks because `error` left the body of a with_scope. True if it is a failure of the
  /// body, false if it came from the scope itself.
  bool body_failed(const std::exception_ptr& error);

  /// The body's failure is thrown to the owner.
  void body_told() noexcept { body_.told = true; }

  std::vector<failure> failures() const {
    const std::lock_guard lock(mutex_);
    return outcome_.show_all();
  }

  /// Gives what nobody was told to the hook. Only after end().
  void report_unobserved() const noexcept { outcome_.report_untold(); }

  const std::string& name() const noexcept { return name_; }
  const site& where() const noexcept { return where_; }
  bool closed() const noexcept;
  bool covers_owner() const noexcept { return covers_owner_; }
  bool on_owner_thread() const noexcept { return owner_ == std::this_thread::get_id(); }

 private:
  friend struct probe;

  class cover final : public context {
   public:
    explicit cover(scope_state& s) noexcept : context(s), scope_(s) {}
    [[noreturn]] void raise() override { scope_.raise_to_owner(); }

   private:
    scope_state& scope_;
  };

  struct body_failure final : failure_record {
    explicit body_failure(const scope_state& s) noexcept : scope(s) {}
    failure describe() const override { return {error, scope.name_, scope.where_}; }
    const scope_state& scope;
  };

  scope_state(const scope_options& options, clock::time_point own_deadline, site where);

  // All of these run on the task's thread, with no lock held.
  void run(task& t) noexcept;
  task::outcome call(task& t) noexcept;
  void fail(task& t, std::exception_ptr error) noexcept;
  bool give_to_handler(task& t) noexcept;

  void drop(task& t);
  void take_back(task& t);

  bool wait_idle(std::unique_lock<std::mutex>& lock, clock::time_point deadline);
  std::string describe_stall() noexcept; // caller holds mutex_

  /// Keeps a failure; if `stops`, the scope stops because of it.
  void keep(failure_record& failed, stop_cause cause, bool stops) noexcept;

  [[noreturn]] void raise_to_owner();
  bool stopped_by(stop_reason reason) const noexcept {
    return stop_requested() && cause()->reason == reason;
  }
  bool stopped_by_own_deadline() const noexcept { return stopped_by(stop_reason::deadline); }
  bool cuts_work_short() const noexcept {
    return stopped_by_own_deadline() || stopped_by(stop_reason::parent);
  }
  std::exception_ptr make_timeout() const;

  inline void on_stop() noexcept override;
  inline void outer_stopped(stop_domain& outer) noexcept override;
  void expired() noexcept override { stop_at_deadline(); }
  void stop_at_deadline() noexcept {
    stop(describe_stop(stop_reason::deadline, "the deadline passed", {}, where_));
  }

  // Constant.
  const clock::time_point own_deadline_;
  const std::string name_;
  const site where_;
  const on_exit exit_;
  const on_error errors_;
  const std::function<void(const failure&)> on_failure_;
  const clock::duration stall_after_;
  const bool inherit_;
  const bool covers_owner_;
  const std::thread::id owner_ = std::this_thread::get_id();

  crew crew_;                                   // guarded by mutex_
  bool closed_ = false;                         // guarded by mutex_
  std::optional<clock::time_point> stopped_at_; // guarded by mutex_
  scope_outcome outcome_;                       // guarded by mutex_ until end() is over
  body_failure body_{*this};                    // as its record
  cover cover_{*this};
};

// --- implementation: opening and ending -------------------------------------

inline clock::time_point own_deadline(const scope_options& options) noexcept {
  return std::min(options.deadline, deadline_after(options.timeout));
}

inline clock::time_point deadline_around(const scope_options& options) noexcept {
  const context* const around = options.inherit ? this_thread.top : nullptr;
  return around != nullptr ? around->domain().deadline() : no_deadline;
}

inline scope_state::scope_state(const scope_options& options, site where)
    : scope_state(options, own_deadline(options), where) {}

inline scope_state::scope_state(const scope_options& options,
                                clock::time_point own_deadline,
                                site where)
    : stop_domain(
          std::min(own_deadline, deadline_around(options)), keeper_around(), birthplace_here()),
      own_deadline_(own_deadline),
      name_(options.name),
      where_(where),
      exit_(options.exit),
      errors_(options.errors),
      on_failure_(options.on_failure),
      stall_after_(options.stall_after),
      inherit_(options.inherit),
      covers_owner_(options.covers_owner) {}

inline scope_state::~scope_state() {
  outcome_.for_each([this](failure_record& f) {
    if (&f != &body_)
      static_cast<task&>(f).release();
  });
}

inline void scope_state::open() {
  const context* const around = inherit_ ? this_thread.top : nullptr;
  if (around != nullptr)
    follow(around->domain().shared_from_this());
  if (own_deadline_ <= clock::now()) {
    stop_at_deadline();
  } else if (own_deadline_ != no_deadline) {
    try {
      keeper_->add(*this, own_deadline_);
    } catch (...) {
      unfollow();
      throw;
    }
  }
  if (covers_owner_) {
    add(cover_, &this_thread);
    cover_.enter();
  }
}

inline bool scope_state::closed() const noexcept {
  const std::lock_guard lock(mutex_);
  return closed_;
}

inline void scope_state::leave(bool unwinding) noexcept {
  if (unwinding) {
    stop(describe_stop(stop_reason::scope_exit, "the scope was left by an exception", {}, where_));
  } else if (exit_ == on_exit::stop) {
    stop(describe_stop(stop_reason::scope_exit, "the scope was left", {}, where_));
  }
}

inline bool scope_state::end(const blocked_call& call) {
  task* finished = nullptr;
  {
    const blocked_region region(call);
    std::unique_lock lock(mutex_);
    if (closed_)
      return false;
    wait_idle(lock, no_deadline);
    if (std::exchange(closed_, true))
      return false;
    refuse_stops();
    finished = crew_.take_finished();
  }
  crew::join(finished);
  unfollow();
  keeper_->remove(*this);
  keeper_.reset();
  if (covers_owner_) {
    cover_.leave();
    remove(cover_);
  }
  return true;
}

// --- implementation: tasks --------------------------------------------------

inline void scope_state::launch(task& t) {
  task* finished = nullptr;
  {
    std::unique_lock lock(mutex_);
    if (closed_) {
      lock.unlock();
      t.destroy_callable();
      throw scope_closed(
          "roost::task_scope::spawn: the scope was joined and takes no more tasks; spawn before "
          "join(), or make another scope");
    }
    if (stop_requested()) {
      if (cuts_work_short())
        outcome_.cut_short();
      lock.unlock();
      drop(t);
      return;
    }
    contexts().push_back(t);
    crew_.begin_spawn();
    finished = crew_.take_finished();
  }
  t.retain();
  if (covers_owner_)
    t.owner = owner_;
  try {
    t.thread = std::jthread([this, &t] { run(t); });
  } catch (...) {
    crew::join(finished);
    take_back(t);
    throw;
  }
  crew::join(finished);
  const std::lock_guard lock(mutex_);
  crew_.thread_stored(t);
}

// The scope was stopped before the task could run.
inline void scope_state::drop(task& t) {
  t.stopped_by = cause();
  t.destroy_callable();
  t.complete(task::outcome::stopped);
}

// There was no thread for it.
inline void scope_state::take_back(task& t) {
  std::exception_ptr thrown;
  try {
    t.destroy_callable();
  } catch (...) {
    thrown = std::current_exception();
  }
  t.release();
  {
    const std::lock_guard lock(mutex_);
    erase(t);
    crew_.no_thread();
  }
  if (thrown)
    std::rethrow_exception(thrown);
}

inline void scope_state::run(task& t) noexcept {
  bool dropped = false;
  {
    const std::lock_guard lock(mutex_);
    bind(t, this_thread);
    dropped = stop_requested();
  }
  this_thread.task = &t;
  t.enter();
  task::outcome outcome = task::outcome::stopped;
  if (dropped) {
    t.stopped_by = cause();
  } else {
    outcome = call(t);
  }
  try {
    t.destroy_callable();
  } catch (...) {
    if (outcome == task::outcome::failed) {
      unobserved_hook.load()({std::current_exception(), std::string(t.name()), t.spawned()});
    } else {
      t.destroy_result();
      fail(t, std::current_exception());
      outcome = task::outcome::failed;
    }
  }
  t.let_go_of_result();
  t.leave();
  this_thread.task = nullptr;
  t.complete(outcome);
  const std::lock_guard lock(mutex_);
  erase(t);
  crew_.count_down(t);
}

inline task::outcome scope_state::call(task& t) noexcept {
  std::exception_ptr error;
  try {
    t.invoke();
    return task::outcome::value;
  } catch (const stopped& s) {
    if (stop_requested() || s.by_token()) {
      t.stopped_by = s.cause_;
      return task::outcome::stopped;
    }
    error = std::current_exception();
  } catch (...) {
    error = std::current_exception();
  }
  fail(t, std::move(error));
  return task::outcome::failed;
}

inline void scope_state::fail(task& t, std::exception_ptr error) noexcept {
  t.error = std::move(error);
  if (on_failure_ && give_to_handler(t))
    return;
  t.retain();
  stop_cause cause = describe_stop(stop_reason::failure, {}, t.name(), t.spawned(), t.error);
  keep(t, std::move(cause), errors_ == on_error::fail_fast);
}

// False if it is a failure of the scope all the same: there was no memory to describe it, or the
// handler itself has failed.
inline bool scope_state::give_to_handler(task& t) noexcept {
  std::optional<failure> described;
  try {
    described = t.describe();
  } catch (const std::bad_alloc&) {
    return false;
  }
  try {
    on_failure_(*described);
    return true;
  } catch (...) {
    t.error = std::current_exception();
    return false;
  }
}

inline void scope_state::keep(failure_record& failed, stop_cause cause, bool stops) noexcept {
  try {
    cause.message = message_of(failed.error);
  } catch (const std::bad_alloc&) { // the failure itself is kept
  }
  claimed_list woken;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    outcome_.add(failed);
    first = stops && mark_stopped(std::move(cause), woken);
  }
  if (first)
    broadcast(woken);
}

// --- implementation: waiting ------------------------------------------------

inline bool scope_state::wait_idle(clock::time_point deadline, const blocked_call& call) {
  const blocked_region region(call);
  std::unique_lock lock(mutex_);
  return wait_idle(lock, deadline);
}

// The one who waits is also the one who reports who lets it wait: no other thread is needed.
inline bool scope_state::wait_idle(std::unique_lock<std::mutex>& lock, clock::time_point deadline) {
  stall_watch watch(stall_after_);
  while (!crew_.idle()) {
    const clock::time_point report = watch.next(stopped_at_);
    if (crew_.wait(lock, std::min(deadline, report)) || crew_.idle())
      continue;
    const clock::time_point now = clock::now();
    if (now >= deadline)
      return false;
    if (now >= report) {
      const std::string report_text = describe_stall();
      watch.reported(now);
      lock.unlock();
      std::fputs(report_text.c_str(), stderr);
      lock.lock();
    }
  }
  return true;
}

// A line for each task; none if there is no memory for it this time.
inline std::string scope_state::describe_stall() noexcept {
  std::string text;
  try {
    for (context* c = contexts().front(); c != nullptr; c = contexts().next(*c)) {
      if (c != &cover_)
        text += stall_line(name_, static_cast<const task&>(*c), slot_of(*c), stopped_at_);
    }
  } catch (const std::bad_alloc&) {
    text.clear();
  }
  return text;
}

// --- implementation: stops and what the owner is told -----------------------

inline void scope_state::on_stop() noexcept {
  stopped_at_ = clock::now();
  if (cuts_work_short() && crew_.running() > 0)
    outcome_.cut_short();
  crew_.notify(); // whoever waits for it is patient from now on
}

inline void scope_state::outer_stopped(stop_domain& outer) noexcept {
  const stop_cause& why = *outer.cause();
  stop_cause cause =
      describe_stop(stop_reason::parent, why.message, why.task, why.where, why.error);
  stop(std::move(cause));
}

inline std::exception_ptr scope_state::make_timeout() const {
  return std::make_exception_ptr(
      timeout_error("roost: the deadline of scope " + name_or_unnamed(name_) + " passed"));
}

inline void scope_state::raise_to_owner() {
  const std::exception_ptr timeout = stopped_by_own_deadline() ? make_timeout() : nullptr;
  std::exception_ptr told;
  {
    const std::lock_guard lock(mutex_);
    told = outcome_.tell_wait(errors_, timeout);
  }
  if (told)
    std::rethrow_exception(told);
  throw make_stopped(cause());
}

inline std::exception_ptr scope_state::take_outcome() {
  std::exception_ptr told =
      outcome_.tell_end(errors_, stopped_by_own_deadline() ? make_timeout() : nullptr);
  // To end normally would let the enclosing task, which is to stop, go on with half-done work.
  if (!told && stopped_by(stop_reason::parent) && outcome_.was_cut_short())
    told = std::make_exception_ptr(make_stopped(cause()));
  return told;
}

inline bool scope_state::body_failed(const std::exception_ptr& error) {
  bool from_scope = false;
  try {
    std::rethrow_exception(error);
  } catch (const stopped&) {
    // Not a failure of the body; whether it is one of the enclosing task is decided there. If this
    // scope's own trouble is behind it, that is told instead, and told again if need be.
    from_scope = true;
    const std::lock_guard lock(mutex_);
    if (stopped_by(stop_reason::failure) || stopped_by_own_deadline())
      outcome_.untell_first();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    from_scope = outcome_.untell(error);
  }
  if (from_scope) {
    stop(describe_stop(stop_reason::scope_exit, "the body ended", {}, where_, error));
    return false;
  }
  body_.error = error;
  keep(body_, describe_stop(stop_reason::failure, {}, name_, where_, error), true);
  return true;
}

} // namespace roost::inline v0::detail
