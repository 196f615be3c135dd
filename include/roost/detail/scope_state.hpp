// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/context.hpp>
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
#include <condition_variable>
#include <cstddef>
#include <cstdint>
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

/// True if the calling thread runs that task, or one inside it; a task of that scope, or one inside
/// such a task.
bool runs_inside(const task& t) noexcept;
bool runs_inside(const stop_domain& scope) noexcept;

/// Everything of a task_scope but its type. How a task goes through it:
///
///     launch()  counted, registered as a context, its thread started
///     run()     its call; then, in this order: a failure is kept and the others are stopped, the
///               callable is destroyed, the handle goes on, and it is counted down
///     reap()    its thread, about to exit, is joined by a later launch() or by end()
///
/// INVARIANT: after it has been counted down, a task's thread touches nothing of the scope. And
/// end() returns only when nothing is counted and every thread is joined.
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
  std::exception_ptr take_outcome() {
    return outcome_.tell_end(errors_, stopped_by_own_deadline() ? make_timeout() : nullptr);
  }

  /// Stops the tasks because `error` left the body of a with_scope. True if it is a failure of the
  /// body, false if it came from the scope itself.
  bool body_failed(const std::exception_ptr& error);

  /// The body's failure is thrown to the owner.
  void observe_body() noexcept { body_.observed = true; }

  std::vector<failure> failures();

  /// Gives what nobody was told to the hook. Only after end().
  void report_unobserved() const noexcept;

  const std::string& name() const noexcept { return name_; }
  const site& where() const noexcept { return where_; }
  bool closed() const noexcept;
  bool covers_owner() const noexcept { return covers_owner_; }
  bool on_owner_thread() const noexcept { return owner_ == std::this_thread::get_id(); }

  /// True if the calling thread runs a task of this scope, or one inside such a task.
  bool runs_this_thread() const noexcept { return runs_inside(*this); }

 private:
  friend struct probe;
  friend bool runs_inside(const task& t) noexcept;
  friend bool runs_inside(const stop_domain& scope) noexcept;

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

  // All of these run on the task's thread, with no lock held.
  void run(task& t) noexcept;
  task::outcome call(task& t) noexcept;
  void fail(task& t, std::exception_ptr error) noexcept;
  void count_down(task& t) noexcept;

  void drop(task& t);
  void take_back(task& t);
  static void reap(task* finished) noexcept;

  bool idle() const noexcept { return running_ == 0 && starting_ == 0; } // caller holds mutex_
  bool wait_idle(std::unique_lock<std::mutex>& lock, clock::time_point deadline);
  void report_stall(std::unique_lock<std::mutex>& lock);

  /// Keeps a failure; if `stops`, the scope stops because of it.
  void keep(failure_record& failed, stop_cause cause, bool stops) noexcept;

  [[noreturn]] void raise_to_owner();
  bool stopped_by_own_deadline() const noexcept {
    return stop_requested() && cause()->reason == stop_reason::deadline;
  }
  std::exception_ptr make_timeout() const;

  inline void on_stop() noexcept override;
  inline void outer_stopped(stop_domain& outer) noexcept override;
  void expired() noexcept override { stop_at_deadline(); }
  void stop_at_deadline() noexcept {
    stop(describe_stop(stop_reason::deadline, "the deadline passed", {}, where_));
  }

  // Constant.
  const std::string name_;
  const site where_;
  const on_exit exit_;
  const on_error errors_;
  const std::function<void(const failure&)> on_failure_;
  const clock::duration stall_after_;
  const bool inherit_;
  const bool covers_owner_;
  const std::thread::id owner_ = std::this_thread::get_id();
  // The scope whose task made this one, and that task: to tell who waits for an ancestor.
  const std::shared_ptr<scope_state> maker_;
  const std::uint64_t maker_task_;

  std::condition_variable idle_;   // notified under mutex_, when idle() and when stopped
  std::size_t running_ = 0;        // guarded by mutex_; tasks not counted down
  std::size_t starting_ = 0;       // guarded by mutex_; launch() calls under way
  bool closed_ = false;            // guarded by mutex_
  task* finished_ = nullptr;       // guarded by mutex_; their threads are to be joined
  clock::time_point stopped_at_{}; // guarded by mutex_
  scope_outcome outcome_;          // guarded by mutex_ until end() is over
  body_failure body_{*this};       // as its record
  cover cover_{*this};
};

/// Notes that the owner of the task's scope was told of its failure, if this is the owner. The
/// scope may be gone by now.
void observe(task& t) noexcept;

// --- implementation: opening and ending -------------------------------------

inline scope_state* scope_of_this_task() noexcept {
  return this_thread.task != nullptr ? static_cast<scope_state*>(&this_thread.task->domain())
                                     : nullptr;
}

inline std::shared_ptr<scope_state> share(scope_state* scope) {
  return scope != nullptr ? std::static_pointer_cast<scope_state>(scope->shared_from_this())
                          : nullptr;
}

inline clock::time_point effective_deadline(const scope_options& options) noexcept {
  const context* const around = options.inherit ? this_thread.top : nullptr;
  return std::min({options.deadline,
                   deadline_after(options.timeout),
                   around != nullptr ? around->domain().deadline() : no_deadline});
}

inline std::shared_ptr<timekeeper> keeper_around() {
  const context* const around = this_thread.top;
  return around != nullptr && around->domain().keeper() ? around->domain().keeper()
                                                        : std::make_shared<timekeeper>();
}

inline scope_state::scope_state(const scope_options& options, site where)
    : stop_domain(effective_deadline(options), keeper_around()),
      name_(options.name),
      where_(where),
      exit_(options.exit),
      errors_(options.errors),
      on_failure_(options.on_failure),
      stall_after_(options.stall_after),
      inherit_(options.inherit),
      covers_owner_(options.covers_owner),
      maker_(share(scope_of_this_task())),
      maker_task_(this_thread.task != nullptr ? this_thread.task->id() : 0) {}

inline scope_state::~scope_state() {
  outcome_.for_each([this](failure_record& f) {
    if (&f != &body_)
      static_cast<task&>(f).release();
  });
}

inline void scope_state::open() {
  const context* const around = inherit_ ? this_thread.top : nullptr;
  if (around == nullptr || deadline() < around->domain().deadline()) {
    if (deadline() != no_deadline && deadline() <= clock::now()) {
      stop_at_deadline();
    } else if (deadline() != no_deadline) {
      keeper_->add(*this, deadline());
    }
  }
  if (around != nullptr)
    follow(around->domain().shared_from_this());
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
    finished = std::exchange(finished_, nullptr);
  }
  reap(finished);
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
      if (stopped_by_own_deadline())
        outcome_.cut_short();
      lock.unlock();
      drop(t);
      return;
    }
    contexts().push_back(t);
    ++running_;
    ++starting_;
    finished = std::exchange(finished_, nullptr);
  }
  t.retain();
  if (covers_owner_)
    t.owner = owner_;
  try {
    t.thread = std::jthread([this, &t] { run(t); });
  } catch (...) {
    reap(finished);
    take_back(t);
    throw;
  }
  reap(finished);
  const std::lock_guard lock(mutex_);
  t.thread_kept = true;
  if (t.ended)
    t.next_finished = std::exchange(finished_, &t);
  --starting_;
  if (idle())
    idle_.notify_all();
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
    --running_;
    --starting_;
    if (idle())
      idle_.notify_all();
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
  t.leave();
  this_thread.task = nullptr;
  t.complete(outcome);
  count_down(t);
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
  if (on_failure_) {
    try {
      on_failure_(t.describe());
      return;
    } catch (...) {
      t.error = std::current_exception();
    }
  }
  t.retain();
  stop_cause cause = describe_stop(stop_reason::failure, {}, t.name(), t.spawned(), t.error);
  keep(t, std::move(cause), errors_ == on_error::fail_fast);
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
    first = stops && !stop_requested() && mark_stopped(own_cause(std::move(cause)), woken);
  }
  if (first)
    broadcast(woken);
}

inline void scope_state::count_down(task& t) noexcept {
  const std::lock_guard lock(mutex_);
  erase(t);
  t.ended = true;
  if (t.thread_kept)
    t.next_finished = std::exchange(finished_, &t);
  --running_;
  if (idle())
    idle_.notify_all();
}

inline void scope_state::reap(task* finished) noexcept {
  while (finished != nullptr) {
    task* const next = finished->next_finished;
    finished->thread.join();
    finished->release();
    finished = next;
  }
}

// --- implementation: waiting ------------------------------------------------

inline bool scope_state::wait_idle(clock::time_point deadline, const blocked_call& call) {
  const blocked_region region(call);
  std::unique_lock lock(mutex_);
  return wait_idle(lock, deadline);
}

// The one who waits is also the one who reports who lets it wait: no other thread is needed.
inline bool scope_state::wait_idle(std::unique_lock<std::mutex>& lock, clock::time_point deadline) {
  const std::optional<clock::duration> forced = stall_from_environment();
  const clock::time_point since = forced ? clock::now() : no_deadline;
  const clock::duration patience = forced.value_or(stall_after_);
  for (clock::duration waited = patience; !idle();) {
    const clock::time_point start = stop_requested() ? stopped_at_ : since;
    const clock::time_point report =
        start == no_deadline || waited > no_deadline - start ? no_deadline : start + waited;
    const clock::time_point until = std::min(deadline, report);
    if (until == no_deadline) {
      idle_.wait(lock);
    } else if (idle_.wait_until(lock, until) == std::cv_status::timeout && !idle()) {
      const clock::time_point now = clock::now();
      if (now >= deadline)
        return false;
      if (now < report)
        continue;
      report_stall(lock);
      waited = 2 * std::max(waited, now - start);
    }
  }
  return true;
}

inline void scope_state::report_stall(std::unique_lock<std::mutex>& lock) {
  std::vector<running_task> tasks;
  const std::size_t expected = running_;
  lock.unlock();
  tasks.reserve(expected);
  lock.lock();
  const clock::time_point now = clock::now();
  std::optional<clock::duration> since_stop;
  if (stop_requested())
    since_stop = now - stopped_at_;
  for (context* c = contexts().front(); c != nullptr; c = contexts().next(*c)) {
    if (c == &cover_ || tasks.size() == expected)
      continue;
    const auto& t = static_cast<const task&>(*c);
    running_task& described = tasks.emplace_back();
    described.name = t.name();
    described.spawned = t.spawned();
    described.age = now - t.since();
    described.look_at(slot_of(*c));
  }
  lock.unlock();
  print_stall(name_, tasks, since_stop);
  lock.lock();
}

// --- implementation: stops and what the owner is told -----------------------

inline void scope_state::on_stop() noexcept {
  stopped_at_ = clock::now();
  if (stopped_by_own_deadline() && running_ > 0)
    outcome_.cut_short();
  idle_.notify_all(); // whoever waits counts the patience from now
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

inline bool scope_state::body_failed(const std::exception_ptr& error) {
  bool from_scope = false;
  try {
    std::rethrow_exception(error);
  } catch (const stopped&) {
    from_scope = stop_requested();
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

inline std::vector<failure> scope_state::failures() {
  std::vector<failure> all;
  const std::lock_guard lock(mutex_);
  outcome_.for_each([&](failure_record& f) { all.push_back(f.describe()); });
  outcome_.for_each([](failure_record& f) { f.observed = true; });
  return all;
}

inline void scope_state::report_unobserved() const noexcept {
  outcome_.for_each([](failure_record& f) {
    if (!f.observed.exchange(true))
      unobserved_hook.load()(f.describe());
  });
}

// --- implementation: who is inside whom -------------------------------------

inline bool runs_inside(const stop_domain& scope) noexcept {
  for (const scope_state* s = scope_of_this_task(); s != nullptr; s = s->maker_.get()) {
    if (s == &scope)
      return true;
  }
  return false;
}

inline bool runs_inside(const task& t) noexcept {
  if (this_thread.task == nullptr)
    return false;
  if (this_thread.task->id() == t.id())
    return true;
  for (const scope_state* s = scope_of_this_task(); s != nullptr; s = s->maker_.get()) {
    if (s->maker_task_ == t.id())
      return true;
  }
  return false;
}

inline void observe(task& t) noexcept {
  const bool covered = t.owner != std::thread::id();
  if (covered ? t.owner == std::this_thread::get_id() : !runs_inside(t.domain()))
    t.observed = true;
}

} // namespace roost::inline v0::detail
