// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/scope/scope.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/failure.hpp>
#include <roost/report.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>
#include <roost/task_handle.hpp>
#include <roost/this_task.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace roost::inline v0 {

namespace detail {
struct with_scope_access;
struct joint_tasks;
struct scope_probe; // the tests' window
} // namespace detail

/// The name of a task, for reports and this_task::name().
class task_name {
 public:
  /// Refers to the characters, which the spawn then copies.
  template <std::convertible_to<std::string_view> String>
  // NOLINTNEXTLINE(google-explicit-constructor): a name is written as a string of any kind
  task_name(const String& name) : name_(name) {}

  /// The characters.
  std::string_view view() const noexcept { return name_; }

 private:
  std::string_view name_;
};

/// Owns tasks: none of them outlives it. For a block; as a member of a class take a
/// background_scope.
///
/// ```cpp
/// {
///   std::vector<page> pages = load();
///   roost::task_scope scope;                    // after what its tasks refer to
///   for (auto& p : pages) scope.spawn("render", [&p] { p.render(); });
/// } // joined here; a failed task rethrows here
/// ```
///
/// The end: if its block is left normally, the scope waits for all tasks (on_exit::join) or stops
/// them first (on_exit::stop), and throws what join() throws. If the block is left by an exception,
/// the scope stops its tasks and waits; failures of tasks then go to the unobserved-failure hook.
///
/// Cancellation: a scope covers the thread that made it, from construction to join. Once it stops,
/// each wait of a task throws `stopped`. The owner's first wait throws what join() would throw at
/// that moment: the first failure, timeout_error, or else `stopped`; every later wait of the owner
/// throws `stopped`. So only the first one can let the cause itself leave the block. A wait that
/// throws a failure does not take it: if code in the middle catches it, join() and the normal end
/// throw it all the same.
/// After a request_stop(), and where the enclosing scope stops, the owner's waits throw `stopped`,
/// which is no std::exception: in main() it ends the program unless it is caught. So a body that
/// waits is better written as a with_scope: its waits throw nothing but `stopped`, its end throws
/// the cause, and after a request_stop() of its own it returns.
/// The scope stops with the enclosing one. The end itself, join() and wait_for() are never
/// interrupted.
///
/// Lifetime: declare what tasks refer to before the scope, and the channel ends that you keep after
/// it. What is declared before a scope outlives its tasks; what is declared after it dies before
/// they have ended, unless you join() first. Channel ends are counted handles: one that is
/// destroyed before the scope's end tells the tasks that their peer is gone, so a loop left early
/// does not leave them waiting.
///
/// Callers: any thread, tasks included, may spawn, stop and query while the scope is open. The
/// thread that made it has to end it, unless `covers_owner` is false.
/// Errors: whatever a task throws reaches the owner or the hook. The first failure is the one whose
/// unwinding was the first to touch roost, even if another one is known before it: so the cause
/// comes before the failures of tasks that react to an end, a token or a permit destroyed by its
/// unwinding. See scope_options for policies.
/// Threads: each task that runs has one to itself, a std::jthread of the outermost scope around,
/// which takes the next task when one has ended. Up to 64 idle threads are kept, each for 10 s; all
/// are joined, and their thread_locals destroyed, when the outermost scope ends. So a task may find
/// thread_locals as an earlier task has left them, but nothing of roost's own state. fork: without
/// a scope there are no threads of roost, and the child may use all of it; while one is open, as in
/// any program with threads, the child may only exec or _exit.
/// Cost: a spawn is one allocation at most, unless its name is long, and the wake of a thread
/// unless one is awake.
class task_scope {
 public:
  /// Opens the scope, which covers this thread from here on. Throws std::invalid_argument for a
  /// limit of 0.
  explicit task_scope(const scope_options& options = {}, site where = site::current());
  /// The end of the scope, see above.
  ~task_scope() noexcept(false);
  task_scope(const task_scope&) = delete;
  task_scope& operator=(const task_scope&) = delete;

  /// Runs `f()`, or `f(std::stop_token)` if it takes one, as a task of this scope. Once the scope
  /// was stopped, `f` is destroyed unrun and the handle's get() throws `stopped`. Where the scope's
  /// limit is reached, spawn() queues `f`; where the queue is full, too, it waits for a place,
  /// unless the caller runs inside the scope. Throws what a wait throws; scope_closed after join();
  /// and std::system_error if the system gives no thread and the scope, if it has a limit, has no
  /// running task whose thread could take `f`. If it throws, `f` was not run.
  ///
  /// Keep what a stop must not lose in an object that is declared before the scope, and not in the
  /// captures of `f`: if `f` is destroyed unrun, so are the items that wait in a receiver it has
  /// captured.
  ///
  /// It is no checkpoint where it need not wait, so that destructors may call it. An owner that
  /// only spawns therefore hears of a failure, a deadline or a stop only at the end: a loop of
  /// spawns, as in a service, should call this_task::checkpoint() in each turn.
  template <class F>
  auto spawn(F&& f, site where = site::current()) {
    return spawn(task_name(std::string_view()), std::forward<F>(f), where);
  }
  /// The same with a name for the task.
  template <class F>
  auto spawn(task_name name, F&& f, site where = site::current());

  /// Refused: bind arguments of the callable with a lambda.
  template <class F, class... Args>
    requires(detail::are_arguments<Args...> && !std::is_convertible_v<F, task_name>)
  void spawn(F&&, Args&&...) { refuse_arguments<Args...>(); }
  /// Refused: bind arguments of the callable with a lambda.
  template <class F, class... Args>
    requires detail::are_arguments<Args...>
  void spawn(task_name, F&&, Args&&...) { refuse_arguments<Args...>(); }

  /// Spawns as spawn() does if that would not wait and the scope is not stopped; else returns
  /// nothing and leaves `f` untouched. It never waits: several threads that call it at the same
  /// moment may exceed the backlog by their number. In a task of this scope it never refuses for
  /// lack of a place, as spawns never wait there: to bound what such a task spawns (one that
  /// accepts connections, say), let it spawn into another scope. A task is counted for a moment
  /// longer than get() of its handle waits. Throws scope_closed after join().
  template <class F>
  [[nodiscard("nothing means that it was not spawned")]] auto
  try_spawn(F&& f, site where = site::current()) {
    return try_spawn(task_name(std::string_view()), std::forward<F>(f), where);
  }
  /// The same with a name for the task.
  template <class F>
  [[nodiscard("nothing means that it was not spawned")]] auto
  try_spawn(task_name name, F&& f, site where = site::current());
  /// Refused: bind arguments of the callable with a lambda.
  template <class F, class... Args>
    requires(detail::are_arguments<Args...> && !std::is_convertible_v<F, task_name>)
  void try_spawn(F&&, Args&&...) { refuse_arguments<Args...>(); }
  /// Refused: bind arguments of the callable with a lambda.
  template <class F, class... Args>
    requires detail::are_arguments<Args...>
  void try_spawn(task_name, F&&, Args&&...) { refuse_arguments<Args...>(); }

  /// Waits for every task, those that they spawn meanwhile included, and closes the scope. Then it
  /// throws the first failure, an exception_list, or timeout_error, unless the owner has taken it
  /// by get() of the task's handle; or, if a stop of the enclosing scope cut work short, the
  /// exception that the owner's next wait would throw. A request to stop is no failure: then join()
  /// returns. From then on the owner's waits belong to the enclosing task again. A second call
  /// returns at once. In one of the scope's own tasks it throws std::system_error instead of
  /// waiting for ever.
  void join(site where = site::current());

  /// True when nothing is left to run, false when the time passed first. Does not close the scope.
  [[nodiscard]] bool wait_for(detail::any_duration timeout, site where = site::current()) {
    return wait_until(detail::deadline_after(timeout), where);
  }
  /// The same until a point in time.
  [[nodiscard]] bool wait_until(detail::any_time_point deadline, site where = site::current());

  /// Asks all tasks and nested scopes to stop, and wakes their waits. True for the call that did
  /// it; later calls only run callbacks on tokens that the first has yet to come to. Callbacks on
  /// the tokens of the scope and of all inside run here.
  bool request_stop(std::string_view why = {}, site where = site::current()) noexcept;

  /// For code that takes a token: it is stopped when the scope stops; see this_task::stop_token().
  std::stop_token get_stop_token() const noexcept { return state_->token(); }
  /// True once it was asked to stop, by whatever cause.
  bool stop_requested() const noexcept {
    detail::sync::at_call(nullptr);
    return state_->stop_requested();
  }

  /// Why it was stopped; reason `none` if it was not.
  stop_cause cause() const {
    if (!stop_requested())
      return {};
    return state_->cause()->told;
  }

  /// All failures so far, in the order they happened, except those that on_failure took, and a
  /// second one of the same task, from its callable's destructor, which the hook gets. The
  /// unobserved-failure hook does not get a failure that was returned here; the owner still does.
  std::vector<failure> failures() const { return state_->failures(); }

  /// This scope, its tasks, the scopes inside, and what each of them waits for, at this moment; see
  /// report.hpp.
  roost::report report() const;

 protected:
  /// Ends the scope as its destructor does, but what that would throw is left for the hook.
  void end_without_throwing() noexcept;

 private:
  friend struct detail::scope_probe;
  friend struct detail::with_scope_access;
  friend struct detail::joint_tasks;
  friend class outside_waker;

  template <class F>
  static constexpr bool check_callable();
  template <class... Args>
  static void refuse_arguments();

  /// Runs `f` as a task of this scope, but on the calling thread; the task has ended when this
  /// returns.
  template <class F>
  auto run_here(task_name name, F&& f, site where);

  template <class F, class Launch>
  auto spawn_by(task_name name, F&& f, site where, Launch launch);

  void require_no_deadlock(const char* call_at, const site& where) const;
  void require_can_end_here() const noexcept;
  void tell_owner(const std::exception_ptr& outcome) const;

  detail::unwinding_goes_on goes_on_;
  detail::counted_ptr<detail::scope_state> state_;
};

// --- implementation ---------------------------------------------------------

template <class F>
constexpr bool task_scope::check_callable() {
  using callable = std::decay_t<F>;
  constexpr bool fits = std::is_invocable_v<callable> || detail::takes_token<callable>;
  static_assert(fits,
                "roost::task_scope::spawn: the task must be callable with no arguments or with a "
                "std::stop_token; bind arguments with a lambda");
  return fits;
}

template <class... Args>
void task_scope::refuse_arguments() {
  static_assert(sizeof...(Args) == 0,
                "roost::task_scope::spawn: the task must be callable with no arguments or with a "
                "std::stop_token; bind arguments with a lambda; a name comes before the task");
}

template <class F>
auto task_scope::spawn(task_name name, F&& f, site where) {
  if constexpr (check_callable<F>()) {
    return spawn_by(name, std::forward<F>(f), where, [&](detail::task& t) {
      state_->launch(t, {"task_scope::spawn", state_->name(), where});
    });
  }
}

template <class F>
auto task_scope::try_spawn(task_name name, F&& f, site where) {
  if constexpr (check_callable<F>()) {
    using state = detail::scope_state;
    const auto launch = [&](detail::task& t) {
      state_->launch(t, {"task_scope::try_spawn", {}, where}, state::when_full::exceed);
    };
    using handle = decltype(spawn_by(name, std::forward<F>(f), where, launch));
    return state_->find_place_at_once(where)
               ? std::optional<handle>(spawn_by(name, std::forward<F>(f), where, launch))
               : std::optional<handle>();
  }
}

template <class F>
auto task_scope::run_here(task_name name, F&& f, site where) {
  return spawn_by(name, std::forward<F>(f), where, [&](detail::task& t) { state_->run_here(t); });
}

template <class F, class Launch>
auto task_scope::spawn_by(task_name name, F&& f, site where, Launch launch) {
  using callable = std::decay_t<F>;
  using result = typename detail::task_result<callable>::type;
  auto* const t = detail::callable_task<callable>::make(
      state_->blocks(), *state_, name.view(), where, std::forward<F>(f));
  task_handle<result> handle(*t);
  launch(*t);
  return handle;
}

#if ROOST_HAS_BODIES

ROOST_BODY report task_scope::report() const {
  return detail::report_of(*state_);
}

ROOST_BODY task_scope::task_scope(const scope_options& options, site where)
    : goes_on_(options.covers_owner),
      state_(detail::make_counted<detail::scope_state>(options, where)) {
  state_->open();
}

ROOST_BODY task_scope::~task_scope() noexcept(false) {
  if (state_->closed()) {
    const detail::unwinding_goes_on goes_on; // that of what join() has thrown
    state_->take_leave();
    return;
  }
  require_can_end_here();
  const detail::blocked_call call{"task_scope::~task_scope", state_->name(), state_->where()};
  if (state_->frame().unwinds()) {
    detail::note_unwinding();
    const detail::unwinding_goes_on goes_on;
    state_->leave(true);
    state_->end(call);
    state_->left_by_exception();
    state_->take_leave();
    return;
  }
  {
    const detail::unwinding_goes_on goes_on; // if it covers no owner, and is made in a handler
    state_->leave(false);
    state_->end(call);
  }
  const std::exception_ptr outcome = state_->take_outcome();
  const detail::thread_slot& here = detail::this_thread;
  const std::uint64_t moment = here.note_is_good() ? here.touched.moment : 0;
  state_->take_leave(); // runs users' code, which may wait
  if (outcome)
    detail::throw_with_moment(moment);
  // An owner that is not covered, and so not stopped with the scope, may be in a destructor.
  if (outcome || state_->frame().covers())
    tell_owner(outcome);
}

// ~task_scope then finds the scope closed, and gives the failures that its owner was not told of to
// the hook.
ROOST_BODY void task_scope::end_without_throwing() noexcept {
  if (state_->closed())
    return;
  require_can_end_here();
  detail::note_unwinding();
  const detail::unwinding_goes_on goes_on;
  state_->leave(false);
  state_->end({"task_scope::~task_scope", state_->name(), state_->where()});
}

ROOST_BODY void task_scope::require_can_end_here() const noexcept {
  if (state_->frame().covers() && !state_->frame().is_here()) {
    detail::die("a task_scope must end on the thread that made it; take a background_scope, or set "
                "covers_owner to false",
                "scope",
                state_->name(),
                "made",
                state_->where());
  }
  if (state_->would_deadlock()) {
    detail::die("a task_scope cannot be destroyed by one of its tasks, or by a callback that its "
                "deadline runs; let its owner end it",
                "scope",
                state_->name(),
                "made",
                state_->where());
  }
}

ROOST_BODY void task_scope::join(site where) {
  require_no_deadlock("roost::task_scope::join at ", where);
  if (state_->frame().covers() && !state_->frame().is_here()) {
    if (state_->closed()) // its owner ends it, or has ended it
      return;
    detail::throw_logic_error("roost::task_scope::join at ",
                              where,
                              detail::joined({": a scope is joined by the thread that made it; "
                                              "set covers_owner to false, or use wait_for() (",
                                              state_->name_and_line(),
                                              ")"}));
  }
  {
    const detail::unwinding_goes_on goes_on;
    if (!state_->end({"task_scope::join", state_->name(), where}))
      return;
  }
  tell_owner(state_->take_outcome());
}

ROOST_BODY void task_scope::tell_owner(const std::exception_ptr& outcome) const {
  if (outcome)
    std::rethrow_exception(outcome);
  if (state_->cut_short_from_outside())
    detail::throw_if_stopped();
}

ROOST_BODY bool task_scope::wait_until(detail::any_time_point deadline, site where) {
  require_no_deadlock("roost::task_scope::wait_for at ", where);
  return state_->wait_idle(deadline, {"task_scope::wait_for", state_->name(), where});
}

ROOST_BODY bool task_scope::request_stop(std::string_view why, site where) noexcept {
  detail::note_if_unwinding(); // no at_call(): a std::stop_callback may run this
  const detail::counted_ptr<detail::scope_state> state = state_; // it may end meanwhile
  return state->stop(detail::describe_stop(stop_reason::requested, why, this_task::name(), where));
}

ROOST_BODY void task_scope::require_no_deadlock(const char* call_at, const site& where) const {
  if (state_->would_deadlock()) {
    detail::throw_deadlock(call_at,
                           where,
                           detail::joined({": a task cannot wait for the scope that it is in, nor "
                                           "a callback that its deadline runs (",
                                           state_->name_and_line(),
                                           ")"}));
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
