// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/line_of.hpp>
#include <roost/detail/scope/scope_outcome.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/threads/timekeeper.hpp>
#include <roost/detail/threads/tree.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// A scope as its owner sees it, the thread that made it: where its stops come from, and what the
/// owner is told of what went wrong. The tasks are scope_state's, which is the whole.
class scope_owner : public stop_domain, private timer {
 public:
  scope_owner(const scope_owner&) = delete;
  scope_owner& operator=(const scope_owner&) = delete;

  /// Links it to what is around, sets its deadline, covers the owner. Then the scope is open.
  void open();

  /// The scope is left, normally or not: asks the tasks to stop if its policy says so.
  void leave(bool unwinding) noexcept;

  /// What the owner has to be told at the end, once; null if nothing. Only after the end. If there
  /// is no memory for it, that is told; the failures are left for report_unobserved().
  std::exception_ptr take_outcome() noexcept {
    try {
      std::exception_ptr outcome =
          outcome_.tell_end(errors_, stopped_by_own_deadline() ? make_timeout() : nullptr);
      if (outcome)
        throw_with_moment(outcome_.moment());
      return outcome;
    } catch (...) {
      return std::current_exception();
    }
  }

  /// True if work was cut short because what is around was stopped. For the scope to end normally
  /// would let the owner, which is to stop as well, go on with what is half done. Not so where
  /// tasks are there to be stopped in the end.
  bool cut_short_from_outside() const noexcept {
    return exit_ == on_exit::join && stopped_by(stop_reason::parent) && outcome_.was_cut_short();
  }

  /// From now on the owner's waits throw `stopped`, whatever the cause: the end tells that.
  void tell_at_end() noexcept { tells_at_end_ = true; }

  /// What the body of a with_scope ends by.
  enum class body_end { failed, stopped, stopped_by_token };

  /// Stops the tasks because `error` left the body of a with_scope. It is kept as a failure of the
  /// body, unless it came from the scope itself.
  body_end body_failed(const std::exception_ptr& error);

  /// The owner leaves by an exception. Only after the end.
  void left_by_exception() noexcept { outcome_.leave_with_shown(); }

  /// True while an exception passes through the owner's block on the calling thread. Compared with
  /// the count at the start, not with zero: a scope may be made inside a destructor that runs
  /// because of an exception. On another thread than that of the start, zero is all there is.
  bool unwinds() const noexcept {
    return std::uncaught_exceptions() > (on_owner_thread() ? exceptions_at_start_ : 0);
  }

  bool stopped_by(stop_reason reason) const noexcept {
    return stop_requested() && cause()->reason == reason;
  }

  /// What left the body is thrown to the owner itself. Only after the end.
  void tell(const std::exception_ptr& error) noexcept { outcome_.tell(error); }

  std::vector<failure> failures() const {
    const std::lock_guard lock(lock_);
    return outcome_.show_all();
  }

  /// Gives what nobody was told to the hook. Only after the end.
  void report_unobserved() const noexcept { outcome_.report_untold(); }

  const std::string& name() const noexcept { return name_; }
  const site& where() const noexcept { return where_; }
  std::string name_and_line() const {
    return detail::name_and_line("scope", name_, "made", where_);
  }
  bool covers_owner() const noexcept { return covers_owner_; }
  /// Not so in a task that runs inside a wait of the owner.
  bool on_owner_thread() const noexcept {
    return owner_ == std::this_thread::get_id() && (!covers_owner_ || cover_.covers_this_thread());
  }

  /// True if to wait for the end here would be for ever: in one of the tasks or inside one, or in a
  /// std::stop_callback that a deadline runs.
  bool would_deadlock() const noexcept {
    return runs_inside(*this) || this_thread.timekeeper == timekeeper_;
  }

 protected:
  scope_owner(const scope_options& options, site where);
  ~scope_owner() override = default;

  /// Takes the owner, the deadline and the link off again.
  void release_owner() noexcept;

  /// Keeps a failure; if `stops`, the scope stops because of it. `moment` is moment_of_caught().
  void keep(failure_record& failed, std::uint64_t moment, stop_cause cause, bool stops) noexcept;

  /// True if a stop for this reason must not pass for a normal end where there was work.
  static bool cuts_work_short(stop_reason reason) noexcept {
    return reason == stop_reason::deadline || reason == stop_reason::parent;
  }

  /// It is the first of those that share a tree.
  bool outermost() const noexcept { return outermost_; }
  on_error errors() const noexcept { return errors_; }
  std::thread::id covered_thread() const noexcept {
    return covers_owner_ ? owner_ : std::thread::id();
  }
  bool is_cover(const context& c) const noexcept { return &c == &cover_; }
  bool is_body(const failure_record& f) const noexcept { return &f == &body_; }

  scope_outcome outcome_; // guarded by lock_ until the scope has ended

 private:
  friend struct probe;

  class cover final : public context {
   public:
    explicit cover(scope_owner& s) noexcept : context(s), scope_(s) {}
    [[noreturn]] void raise() override { scope_.raise_to_owner(); }
    const std::shared_ptr<const stop_cause>& told_cause() const noexcept override {
      const bool is_outer = scope_.stopped_by(stop_reason::parent) && outer() != nullptr &&
                            outer()->domain().stop_requested();
      return is_outer ? outer()->told_cause() : domain().cause();
    }

   private:
    scope_owner& scope_;
  };

  struct body_failure final : failure_record {
    explicit body_failure(const scope_owner& s) noexcept : scope(s) {}
    failure describe() const noexcept override {
      return describe_failure(error, scope.name_, scope.where_);
    }
    const scope_owner& scope;
  };

  scope_owner(const scope_options& options, clock::time_point own_deadline, site where);

  stop_domain& domain_for(context& around) const;
  void set_deadline(bool is_outers);
  [[noreturn]] void raise_to_owner();
  std::exception_ptr show_to_owner();
  bool stopped_by_own_deadline() const noexcept { return stopped_by(stop_reason::deadline); }
  std::exception_ptr make_timeout() const;

  inline void outer_stopped(stop_domain& outer) noexcept override; // see ~scope_state
  void expired() noexcept override { stop_at_deadline(); }
  void stop_at_deadline() noexcept {
    stop(describe_stop(stop_reason::deadline, deadline_passed(), {}, where_));
  }
  std::string whose_deadline_passed() const {
    return "the deadline of scope " + name_or_unnamed(name_) + " passed";
  }
  std::string deadline_passed() const noexcept;

  // Constant.
  const clock::time_point own_deadline_;
  const std::string name_;
  const site where_;
  const on_exit exit_;
  const on_error errors_;
  const bool inherit_;
  const bool covers_owner_;
  const void* const timekeeper_ = &tree_->keeper; // compared, not looked at
  const bool outermost_ = tree_.use_count() == 1;
  const std::thread::id owner_ = std::this_thread::get_id();
  const int exceptions_at_start_ = std::uncaught_exceptions();

  bool tells_at_end_ = false; // the owner's alone
  body_failure body_{*this};  // its record
  cover cover_{*this};
};

// --- implementation ---------------------------------------------------------

inline clock::time_point own_deadline(const scope_options& options) noexcept {
  return earlier(options.deadline, deadline_after(options.timeout));
}

inline clock::time_point deadline_around(const scope_options& options) noexcept {
  const context* const around = options.inherit ? this_thread.top : nullptr;
  return around != nullptr ? around->domain().deadline() : no_deadline;
}

inline std::shared_ptr<tree> tree_for(const scope_options& options) {
  return options.covers_owner ? tree_around_or_new() : std::make_shared<tree>();
}

inline scope_owner::scope_owner(const scope_options& options, site where)
    : scope_owner(options, own_deadline(options), where) {}

inline scope_owner::scope_owner(const scope_options& options,
                                clock::time_point own_deadline,
                                site where)
    : stop_domain(
          earlier(own_deadline, deadline_around(options)), tree_for(options), birthplace_here()),
      own_deadline_(own_deadline),
      name_(options.name),
      where_(where),
      exit_(options.exit),
      errors_(options.errors),
      inherit_(options.inherit),
      covers_owner_(options.covers_owner) {
  if (options.limit == 0) {
    throw std::invalid_argument("roost::task_scope: " + name_and_line() +
                                ", has a limit of 0, with which no task would ever run; leave it "
                                "out to set none");
  }
}

// What stops a wait says whose deadline it was.
inline std::string scope_owner::deadline_passed() const noexcept {
  try {
    return name_.empty() ? "the deadline passed" : whose_deadline_passed();
  } catch (const std::bad_alloc&) { // a stop matters more than its description
    return {};
  }
}

// A scope that does not cover its owner may outlive the task that makes it. So it follows that
// task's scope, and not what can be stopped of the task alone.
inline stop_domain& scope_owner::domain_for(context& around) const {
  if (covers_owner_)
    return around.domain_to_follow();
  return &around == this_thread.task ? this_thread.task->scope() : around.domain();
}

inline void scope_owner::open() {
  context* const around = inherit_ ? this_thread.top : nullptr;
  if (around != nullptr)
    follow(domain_for(*around).shared_from_this());
  // Of equal deadlines the outer one counts: then it is left to the timekeeper, which has that one
  // before.
  if (own_deadline_ != no_deadline)
    set_deadline(around != nullptr && around->domain().deadline() <= own_deadline_);
  if (covers_owner_)
    cover_.cover_this_thread();
}

inline void scope_owner::set_deadline(bool is_outers) {
  if (own_deadline_ <= sync::now() && !is_outers) {
    stop_at_deadline();
    return;
  }
  if (stop_requested())
    return;
  try {
    tree_->keeper.add(*this, own_deadline_);
  } catch (...) { // no thread; but once the scope is stopped its deadline changes nothing
    if (!stop_requested()) {
      unfollow();
      throw;
    }
  }
}

inline void scope_owner::release_owner() noexcept {
  if (covers_owner_)
    cover_.uncover();
  unfollow();
  if (own_deadline_ != no_deadline) // the keeper's lock is for all scopes of the tree
    tree_->keeper.remove(*this);
  tree_.reset();
}

inline void scope_owner::leave(bool unwinding) noexcept {
  if (unwinding) {
    stop(describe_stop(stop_reason::scope_exit, "the scope was left by an exception", {}, where_));
  } else if (exit_ == on_exit::stop) {
    stop(describe_stop(stop_reason::scope_exit, "the scope was left", {}, where_));
  }
}

inline void scope_owner::outer_stopped(stop_domain& outer) noexcept {
  const stop_cause& why = *outer.cause();
  stop_cause cause =
      describe_stop(stop_reason::parent, why.message, why.task, why.where, why.error);
  stop(std::move(cause));
}

inline void scope_owner::keep(failure_record& failed,
                              std::uint64_t moment,
                              stop_cause cause,
                              bool stops) noexcept {
  try {
    cause.message = message_of(failed.error);
  } catch (...) { // there is no memory for the text; the failure itself is kept
  }
  stop_wave wave;
  bool first = false;
  {
    const std::lock_guard lock(lock_);
    failed.moment = moment != 0 ? moment : next_moment();
    outcome_.add(failed);
    failed.stops = stops && !stop_requested();
    first = failed.stops && mark_stopped(std::move(cause), wave.woken);
  }
  if (first)
    spread(wave);
}

inline std::exception_ptr scope_owner::make_timeout() const {
  return std::make_exception_ptr(timeout_error("roost: " + whose_deadline_passed(), name_, where_));
}

inline void scope_owner::raise_to_owner() {
  if (const std::exception_ptr shown = show_to_owner()) {
    throw_with_moment(outcome_.shown_moment());
    std::rethrow_exception(shown);
  }
  // This thread may own the scope around, too: then it is to get that scope's failure or timeout.
  context* const around = cover_.outer();
  const bool from_around = stopped_by(stop_reason::parent) && around != nullptr;
  if (from_around && !tells_at_end_ && around->domain().stop_requested())
    around->raise();
  throw make_stopped(cover_.told_cause());
}

// What a wait throws that is not a `stopped`; null if it is one.
inline std::exception_ptr scope_owner::show_to_owner() {
  const bool late = stopped_by_own_deadline();
  const bool first = !tells_at_end_ && !outcome_.has_shown();
  const std::exception_ptr timeout = first && late ? make_timeout() : nullptr;
  const bool in_flight = unwinds();
  const std::exception_ptr handled = std::current_exception();
  const std::lock_guard lock(lock_);
  if (late)
    outcome_.cut_short();
  if (first)
    return outcome_.show(errors_, timeout);
  outcome_.show_again(in_flight, handled);
  return nullptr;
}

// A `stopped` is no failure of the body; whether it is one of the enclosing task is decided there.
// If this scope's own trouble is behind it, that is told instead, and told again if need be.
inline scope_owner::body_end scope_owner::body_failed(const std::exception_ptr& error) {
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
    if (outcome_.untell(error)) {
      from_scope = true;
    } else if (from_scope) {
      if (stopped_by_own_deadline())
        outcome_.cut_short();
      if (stopped_by(stop_reason::failure) || stopped_by_own_deadline())
        outcome_.untell_first();
    }
  }
  if (from_scope) {
    stop(describe_stop(stop_reason::scope_exit, "the body ended", {}, where_, error));
  } else {
    body_.error = error;
    keep(body_, moment, describe_stop(stop_reason::failure, {}, name_, where_, error), true);
  }
  return end;
}

} // namespace roost::inline v0::detail
