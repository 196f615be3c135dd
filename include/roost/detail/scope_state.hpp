// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/attempt.hpp>
#include <roost/detail/block_cache.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/crew.hpp>
#include <roost/detail/parker.hpp>
#include <roost/detail/scope_runner.hpp>
#include <roost/detail/seat.hpp>
#include <roost/detail/task.hpp>
#include <roost/detail/task_context.hpp>
#include <roost/detail/task_line.hpp>
#include <roost/detail/thread_slot.hpp>
#include <roost/detail/wait_record.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <chrono>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace roost::inline v0::detail {

/// Everything of a task_scope but its type. How a task goes through it:
///
///     launch()  a thread of the crew starts it, or it waits in line, or it is dropped
///     work()    on that thread: runs it, and then those in line
///     run()     its call; then, in this order: a failure is kept and the others are stopped, the
///               callable is destroyed, and the handle goes on
///     finish()  the scope lets go of it, and counts it down
///
/// INVARIANT: end() returns only when nothing is counted. Whoever counts a task down, or lets it
/// into the line, touches nothing of the scope afterwards: it may be gone. (Unless something else
/// that is counted, or the caller, keeps it.)
class scope_state final : public scope_runner {
 public:
  scope_state(const scope_options& options, site where);
  scope_state(const scope_state&) = delete;
  scope_state& operator=(const scope_state&) = delete;
  inline ~scope_state() override; // `inline` here: a key function would cost every includer

  /// What to do where the line is full.
  enum class when_full { wait, exceed };

  /// Starts `t`, or puts it into the line, for which it may have to wait; or drops it if the scope
  /// was stopped. Throws scope_closed, what a wait throws, or std::system_error if there is no
  /// thread; then `t` has not run and never will.
  void launch(task& t, const blocked_call& call, when_full full = when_full::wait);

  /// True if launch() would neither wait nor drop.
  bool takes_at_once();

  /// Like launch(), but runs `t` on the calling thread, as a thread of the crew would. No limit
  /// counts.
  void run_here(task& t);

  /// Runs `t` on the calling thread if it is in line and that thread is in its scope: the caller is
  /// about to wait for it, and might be who keeps it in line.
  static void run_here_if_in_line(task& t) noexcept;

  /// Waits, uninterrupted, until nothing runs; false when `deadline` passed first.
  bool wait_idle(clock::time_point deadline, const blocked_call& call);

  /// Waits, then takes the owner out of the scope. False if that was done before.
  bool end(const blocked_call& call);

  bool closed() const noexcept;

  /// Where the memory of tasks comes from and goes to.
  block_cache& blocks() noexcept { return blocks_; }

  /// Runs here what was to run and has no thread yet: the caller is about to wait for it.
  void run_here_what_is_ready() noexcept;

  /// Runs `first` on its thread, and then those in line.
  void work(task& first) noexcept;

 private:
  friend struct probe;

  enum class admission { none, to_run, in_line, dropped, closed };
  static bool is_in(admission a) noexcept {
    return a == admission::to_run || a == admission::in_line;
  }
  class entrance;

  admission admit(task& t, const blocked_call& call, when_full full);
  [[noreturn]] static void refuse();
  void start(task& t);
  bool leave_to_others(task& t) noexcept;
  [[noreturn]] void take_back(task& t);
  void turn_away(task& t, admission got, const std::exception_ptr& error);

  // These run on the task's thread, with no lock held.
  bool arrive(seat& here) noexcept;
  void work_here(task& t) noexcept;
  void run_aside(seat& here) noexcept;
  task* finish(seat& here, block_cache::returns& gone) noexcept;
  void look_again(seat& here) noexcept;
  task* depart(seat& here) noexcept;

  // The caller holds lock_.
  bool has_room() noexcept;
  admission try_admit(task& t, when_full full) noexcept;
  void begin_next(seat& here, claimed_list& woken) noexcept;
  task* take_ready() noexcept;

  void count_down_aside() noexcept;

  // Calls `end(t)` with tasks that will never run, those whose spawn still waits included, until
  // there is none; and then, holding lock_, `finally(woken)`.
  template <class End, class Finally>
  void empty_line(End end, Finally finally) noexcept;
  void drop_line() noexcept;

  inline void stop_told() noexcept override;

  class dropping final : public job {
   public:
    explicit dropping(scope_state& s) noexcept : scope_(s) {}
    inline void run_on_crew() noexcept override;

   private:
    scope_state& scope_;
  };

  dropping dropping_{*this};
  block_cache blocks_;
  bool ended_ = false; // guarded by lock_
};

// --- implementation: the end ------------------------------------------------

inline scope_state::scope_state(const scope_options& options, site where)
    : scope_runner(options, where) {}

inline scope_state::~scope_state() {
  outcome_.for_each([this](failure_record& f) {
    if (!is_body(f))
      static_cast<task&>(f).release();
  });
}

inline bool scope_state::closed() const noexcept {
  const std::lock_guard lock(lock_);
  return closed_;
}

inline bool scope_state::end(const blocked_call& call) {
  {
    const std::lock_guard lock(lock_);
    if (ended_)
      return false;
    ending_ = true;
  }
  wait_idle(no_deadline, call);
  {
    const std::lock_guard lock(lock_);
    if (std::exchange(ended_, true))
      return false;
  }
  release_owner();
  return true;
}

// --- implementation: waiting ------------------------------------------------

inline bool scope_state::wait_idle(clock::time_point deadline, const blocked_call& call) {
  const blocked_region region(call);
  reporter meanwhile(*this);
  for (;;) {
    drop_line(); // if the stop came from a callback that waits here, nobody else does
    try {
      parker_lease parker;
      wait_record record(parker.get());
      wait_node place(nullptr);
      {
        const std::lock_guard lock(lock_);
        if (is_over())
          return true;
        line_.shut_door();
        joiners_.push_back(place, record);
      }
      if (record.await(deadline, &meanwhile) == wait_state::timed_out) {
        const std::lock_guard lock(lock_);
        joiners_.remove(place);
        return is_over();
      }
    } catch (const std::bad_alloc&) { // for the parker; but the tasks must be waited for
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

// --- implementation: how tasks get in ---------------------------------------

/// To get a task into a scope, where the line is full.
class scope_state::entrance final : public detail::attempt {
 public:
  entrance(scope_state& scope, task& t) noexcept
      : detail::attempt(scope.lock_, &scope.line_.spawns(), &t),
        scope_(scope),
        task_(t) {}

  bool try_locked() noexcept override {
    got_ = scope_.try_admit(task_, when_full::wait);
    return got_ != admission::none;
  }
  void conclude(wait_state end) noexcept override {
    if (end == wait_state::done) // or it runs already
      got_ = admission::in_line;
  }

  admission got() const noexcept { return got_; }

 private:
  scope_state& scope_;
  task& task_;
  admission got_ = admission::none;
};

inline void scope_state::launch(task& t, const blocked_call& call, when_full full) {
  t.owner = covered_thread();
  t.owner_task = made_in().task;
  admission got = admission::none;
  std::exception_ptr error;
  try {
    got = admit(t, call, full);
    if (got == admission::to_run)
      start(t);
  } catch (...) {
    error = std::current_exception();
  }
  if (error || !is_in(got))
    turn_away(t, got, error);
}

inline void scope_state::run_here(task& t) {
  t.owner = covered_thread();
  t.owner_task = made_in().task;
  admission got = admission::none;
  {
    const std::lock_guard lock(lock_);
    got = try_admit(t, when_full::exceed);
  }
  if (got != admission::to_run) {
    turn_away(t, got, nullptr);
    return;
  }
  work_here(t);
}

// The handle keeps the task.
inline void scope_state::turn_away(task& t, admission got, const std::exception_ptr& error) {
  t.release();
  if (stop_requested())
    t.stopped_by = cause();
  t.destroy_callable();
  if (error)
    std::rethrow_exception(error);
  if (got == admission::closed)
    refuse();
  t.complete(task::outcome::stopped);
  if (got == admission::none) // a stop has ended the wait
    throw_if_stopped();
}

inline bool scope_state::takes_at_once() {
  const std::lock_guard lock(lock_);
  if (closed_)
    refuse();
  return !stop_requested() && has_room();
}

inline scope_state::admission
scope_state::admit(task& t, const blocked_call& call, when_full full) {
  const task_line::entry by_door = line_.enter_by_door(t);
  if (by_door == task_line::entry::in_line)
    return admission::in_line;
  // Those that make places are to have the processor: then there are several, and not one by one.
  if (by_door == task_line::entry::full && full == when_full::wait && !runs_inside(*this))
    std::this_thread::yield();
  {
    const std::lock_guard lock(lock_);
    if (const admission at_once = try_admit(t, full); at_once != admission::none)
      return at_once;
  }
  if (this_thread_is_stopped())
    return admission::none;
  reporter meanwhile(*this);
  blocked_call watched = call;
  watched.meanwhile = &meanwhile;
  entrance to_get_in(*this, t);
  (void)wait_for_one(to_get_in, watched, no_deadline);
  return to_get_in.got();
}

inline bool scope_state::has_room() noexcept {
  return line_.may_run() || line_.has_place() || runs_inside(*this);
}

inline scope_state::admission scope_state::try_admit(task& t, when_full full) noexcept {
  if (closed_)
    return admission::closed;
  if (stop_requested()) {
    if (cuts_work_short())
      outcome_.cut_short();
    return admission::dropped;
  }
  if (full == when_full::wait && !has_room())
    return admission::none;
  if (!line_.may_run()) {
    line_.push_back(t);
    return admission::in_line;
  }
  begin(t);
  return admission::to_run;
}

inline void scope_state::refuse() {
  throw scope_closed(
      "roost::task_scope::spawn: the scope was joined and takes no more tasks; spawn before "
      "join(), or make another scope");
}

inline void scope_state::start(task& t) {
  try {
    tree_->threads.start(t);
  } catch (...) {
    if (!leave_to_others(t))
      take_back(t);
  }
}

// There is no thread for it; but others run, and whoever ends takes it. Until then fewer run than
// may, and one that is spawned later, and has a thread, may overtake it.
inline bool scope_state::leave_to_others(task& t) noexcept {
  const std::lock_guard lock(lock_);
  if (stop_requested() || !line_.limited() || line_.running() == 1)
    return false;
  erase(t);
  line_.shut_door();
  line_.left();
  line_.push_back(t);
  return true;
}

// There is no thread. With a limit others may have got into the line meanwhile, for lack of places
// to run, and nobody else will come to them; they fail. Throws what its caller has caught, or what
// the callable's destructor throws.
inline void scope_state::take_back(task& t) {
  std::exception_ptr error = std::current_exception();
  const std::exception_ptr no_thread = error;
  try {
    t.destroy_callable();
  } catch (...) {
    error = std::current_exception();
  }
  empty_line(
      [&](task& stranded) {
        fail(stranded, no_thread);
        complete(stranded, task::outcome::failed);
      },
      [&](claimed_list& woken) {
        erase(t);
        line_.left();
        wake_if_over(woken);
      });
  std::rethrow_exception(error);
}

// --- implementation: how tasks run and leave --------------------------------

inline void task::run_on_crew() noexcept {
  static_cast<scope_state&>(domain()).work(*this);
}

// True if the task is to be dropped: a stop was faster than its thread.
inline bool scope_state::arrive(seat& here) noexcept {
  const std::lock_guard lock(lock_);
  bind(*here.runs, this_thread);
  if (line_.limited()) { // others follow on this thread
    erase(*here.runs);
    contexts().push_back(here);
    bind(here, this_thread);
  }
  return stop_requested();
}

inline void scope_state::work(task& first) noexcept {
  block_cache::returns gone(blocks_); // empty when nothing of the scope runs here any more
  seat here(*this, first);
  run(first, arrive(here));
  while (task* const t = finish(here, gone))
    run(*t, false);
}

inline void scope_state::work_here(task& t) noexcept {
  block_cache::returns gone(blocks_);
  seat here(*this, t);
  run_aside(here);
  (void)finish(here, gone); // there is no line
}

inline void scope_state::run_aside(seat& here) noexcept {
  const contexts_set_aside aside;
  run(*here.runs, arrive(here));
}

inline void scope_state::run_here_if_in_line(task& t) noexcept {
  // In this order: what is not ready has a scope.
  if (this_thread_is_stopped() || t.ready() || !runs_inside(t.domain()))
    return;
  auto& scope = static_cast<scope_state&>(t.domain());
  claimed_list woken;
  {
    const std::lock_guard lock(scope.lock_);
    if (!t.in_line || scope.stop_requested())
      return;
    scope.line_.take(t, woken);
    scope.line_.begin_aside();
    scope.contexts().push_back(t);
  }
  woken.complete(wait_state::done);
  {
    block_cache::returns gone(scope.blocks_);
    seat here(scope, t);
    scope.run_aside(here);
    {
      const std::lock_guard lock(scope.lock_);
      scope.erase(here);
    }
    t.release(&gone);
  }
  scope.count_down_aside();
}

inline void scope_state::count_down_aside() noexcept {
  claimed_list woken;
  {
    const std::lock_guard lock(lock_);
    line_.left_aside();
    wake_if_over(woken);
  }
  woken.complete(wait_state::done);
}

inline task* scope_state::take_ready() noexcept {
  for (context* c = contexts().front(); c != nullptr; c = contexts().next(*c)) {
    const bool begun = is_cover(*c) || slot_of(*c) != nullptr;
    if (!begun && tree_->threads.take_back(static_cast<task&>(*c)))
      return &static_cast<task&>(*c);
  }
  return nullptr;
}

inline void scope_state::run_here_what_is_ready() noexcept {
  for (;;) {
    task* t = nullptr;
    {
      const std::lock_guard lock(lock_);
      t = take_ready();
    }
    if (t == nullptr)
      return;
    work_here(*t);
  }
}

// The next in line, if any, begins in the place of one that has ended on this thread.
inline void scope_state::begin_next(seat& here, claimed_list& woken) noexcept {
  if (here.runs != nullptr && !here.is_listed())
    erase(*here.runs); // it was in the list itself
  here.runs = stop_requested() ? nullptr : line_.take_first(woken);
  if (here.runs != nullptr)
    line_.begin_in_place();
  if (here.runs == nullptr && here.is_listed())
    erase(here);
  if (here.runs != nullptr && !here.is_listed())
    contexts().push_back(here);
}

// Before a thread leaves it lets those that may be about to spawn have the processor, and looks
// again: for it to leave and to be woken again costs them more. With a processor to itself it takes
// as long as any wait spins. Whoever waits for the end shuts the door: then nobody looks again.
inline void scope_state::look_again(seat& here) noexcept {
  constexpr int times = 12;
  for (int i = 0; i < times && here.runs == nullptr && line_.may_come_by_door(); ++i) {
    std::this_thread::yield();
    if (!line_.someone_came())
      continue;
    claimed_list woken;
    {
      const std::lock_guard lock(lock_);
      begin_next(here, woken);
    }
    woken.complete(wait_state::done);
  }
}

// What runs next on this thread; null if nothing of this scope does, which may be gone then. The
// task is let go of before it is counted down: with it goes what its user left in it.
inline task* scope_state::finish(seat& here, block_cache::returns& gone) noexcept {
  claimed_list woken;
  task& ended = *here.runs;
  {
    const std::lock_guard lock(lock_);
    begin_next(here, woken);
  }
  woken.complete(wait_state::done);
  ended.release(&gone);
  if (here.runs == nullptr) {
    gone.flush();
    look_again(here);
  }
  return here.runs != nullptr ? here.runs : depart(here);
}

// The thread leaves, unless it finds something to run at the last moment.
inline task* scope_state::depart(seat& here) noexcept {
  claimed_list woken;
  drop_line();
  crew* const idle = outermost() ? &tree_->threads : nullptr;
  bool over = false;
  {
    const std::lock_guard lock(lock_);
    line_.shut_door();
    begin_next(here, woken);
    if (here.runs == nullptr) {
      line_.left();
      wake_if_over(woken);
    }
    over = closed_;
  }
  woken.complete(wait_state::done);
  if (over && idle != nullptr)
    idle->dismiss_idle(); // they exit while the owner wakes
  return here.runs;
}

template <class End, class Finally>
void scope_state::empty_line(End end, Finally finally) noexcept {
  for (;;) {
    claimed_list woken;
    task* t = nullptr;
    {
      const std::lock_guard lock(lock_);
      line_.shut_door();
      t = line_.take_first(woken);
      if (t != nullptr)
        line_.begin_aside();
      else
        finally(woken);
    }
    woken.complete(wait_state::done);
    if (t == nullptr)
      return;
    end(*t);
    {
      block_cache::returns gone(blocks_);
      t->release(&gone);
    }
    count_down_aside();
  }
}

// The scope was stopped before they could run. Their callables are destroyed here, and by whoever
// else finds them: the one that stops, tasks that end, and whoever waits for the end.
inline void scope_state::drop_line() noexcept {
  if (!stop_requested())
    return;
  empty_line(
      [this](task& t) {
        t.stopped_by = cause();
        complete(t, task::outcome::stopped);
      },
      [](claimed_list&) {});
}

// What a callable's destructor does must not hold up, or end in, the thread that keeps the time.
inline void scope_state::stop_told() noexcept {
  if (this_thread.timekeeper == nullptr) {
    drop_line();
    return;
  }
  {
    const std::lock_guard lock(lock_);
    if (line_.front() == nullptr)
      return;
    line_.begin_aside();
  }
  try {
    tree_->threads.start(dropping_);
  } catch (...) { // no thread
    dropping_.run_on_crew();
  }
}

inline void scope_state::dropping::run_on_crew() noexcept {
  scope_.drop_line();
  scope_.count_down_aside();
}

} // namespace roost::inline v0::detail
