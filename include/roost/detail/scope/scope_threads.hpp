// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/scope/block_cache.hpp>
#include <roost/detail/scope/scope_runner.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/scope/task_line.hpp>
#include <roost/detail/scope/worker.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/stop/task_domain.hpp>
#include <roost/detail/sync/yield.hpp>
#include <roost/detail/threads/thread_pool.hpp>
#include <roost/detail/threads/tree.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace roost::inline v0::detail {

/// A scope as the threads see it that work for it: what each of them runs, one task after another,
/// and how it leaves.
///
///     work()    runs a task, and then those in line
///     run()     its call; then, in this order: a failure is kept and the others are stopped, the
///               callable is destroyed, and the handle goes on
///     finish()  the scope lets go of it, and takes the next in line or counts it down
///
/// INVARIANT: a thread that counts a task down, or lets it into the line, touches nothing of the
/// scope afterwards: it may be gone. (Unless something else that is counted, or the caller, keeps
/// it.)
class scope_threads : public scope_runner {
 public:
  scope_threads(const scope_threads&) = delete;
  scope_threads& operator=(const scope_threads&) = delete;

  /// Runs `t` on the calling thread if it is in line and that thread is in its scope: the caller is
  /// about to wait for it, and may be what keeps it in line.
  static void run_here_if_in_line(task& t) noexcept;

  /// Stops `t` but none of its siblings. Where it has not begun it never will; it is dropped here
  /// if it is in line, else by its thread. False if it has ended, or was stopped before.
  static bool stop_alone(task& t, stop_cause cause);

  /// Runs here what was to run and has no thread yet: the caller is about to wait for it.
  void run_here_what_is_ready() noexcept;

  /// While it lives, the owner waits for what still runs: forks may have its processor.
  class absence;

  /// Runs `first` on its thread, and then those in line. Where there is `no_thread`, it fails on
  /// the calling one instead of being called.
  void work(task& first, const std::exception_ptr& no_thread = nullptr) noexcept;

  /// Where the memory of tasks comes from and goes to.
  block_cache& blocks() noexcept { return blocks_; }

 protected:
  scope_threads(const scope_options& options, site where) : scope_runner(options, where) {}
  ~scope_threads() override = default;

  /// Runs `t`, which is counted, on the calling thread.
  void work_here(task& t) noexcept;

  /// Calls `end(t)` with tasks that will never run, those whose spawn still waits included, until
  /// there is none; and then, holding lock_, `finally(woken)`.
  template <class End, class Finally>
  void empty_line(End end, Finally finally) noexcept;

  /// Once it is stopped: ends a task that was in line, or all that are.
  void drop(task& t) noexcept;
  void drop_line() noexcept;

 private:
  // These run on the task's thread, with no lock held.
  bool arrive(worker& here) noexcept;
  void run_aside(worker& here) noexcept;
  task* finish(worker& here, block_cache::returns& gone) noexcept;
  void linger(worker& here) noexcept;
  task* depart(worker& here) noexcept;

  // No lock is held.
  void count_down_aside() noexcept;
  void leave_aside(task& t) noexcept;

  // The caller holds lock_.
  void begin_next(worker& here, claimed_list& woken) noexcept;
  task* take_ready() noexcept;

  inline void stop_told() noexcept override; // see ~scope_state

  class dropping final : public job {
   public:
    explicit dropping(scope_threads& s) noexcept : scope_(s) {}
    inline void run_on_pool() noexcept override;
    void fail_on_pool(const std::exception_ptr&) noexcept override { run_on_pool(); }

   private:
    scope_threads& scope_;
  };

  dropping dropping_{*this};
  block_cache blocks_;
};

class scope_threads::absence {
 public:
  explicit absence(scope_threads& scope) noexcept {
    {
      const std::lock_guard lock(scope.lock_);
      if (scope.line_.idle())
        return;
    }
    tree_ = scope.tree_;
    tree_->threads.begin_absence();
  }
  ~absence() {
    if (tree_ != nullptr)
      tree_->threads.end_absence();
  }
  absence(const absence&) = delete;
  absence& operator=(const absence&) = delete;

 private:
  std::shared_ptr<tree> tree_; // the scope may let go of it meanwhile
};

// --- implementation ---------------------------------------------------------

inline void task::run_on_pool() noexcept {
  static_cast<scope_threads&>(scope()).work(*this);
}

// True if the task is to be dropped: a stop was faster than its thread.
inline bool scope_threads::arrive(worker& here) noexcept {
  const std::lock_guard lock(lock_);
  bind(*here.runs, this_thread);
  if (line_.limited()) { // others follow on this thread
    erase(*here.runs);
    contexts().push_back(here);
    bind(here, this_thread);
  }
  return stop_requested() || here.runs->domain().stop_requested();
}

inline void task::fail_on_pool(const std::exception_ptr& no_thread) noexcept {
  const contexts_set_aside aside; // of the thread that offers another fork
  static_cast<scope_threads&>(scope()).work(*this, no_thread);
}

inline void scope_threads::work(task& first, const std::exception_ptr& no_thread) noexcept {
  block_cache::returns gone(blocks_); // empty when nothing of the scope runs here any more
  worker here(*this, first);
  run(first, arrive(here), no_thread);
  while (task* const t = finish(here, gone))
    run(*t, false);
}

inline void scope_threads::work_here(task& t) noexcept {
  block_cache::returns gone(blocks_);
  worker here(*this, t);
  run_aside(here);
  (void)finish(here, gone); // there is no line
}

inline void scope_threads::run_aside(worker& here) noexcept {
  const contexts_set_aside aside;
  run(*here.runs, arrive(here));
}

inline void scope_threads::run_here_if_in_line(task& t) noexcept {
  // In this order: what is not ready has a scope.
  if (this_thread_is_stopped() || t.ready() || !runs_inside(t.scope()))
    return;
  auto& scope = static_cast<scope_threads&>(t.scope());
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
    worker here(scope, t);
    scope.run_aside(here);
    {
      const std::lock_guard lock(scope.lock_);
      scope.erase(here);
    }
    t.release(&gone);
  }
  scope.count_down_aside();
}

// The task's own domain is made before the locks are taken, and stopped before it can be seen.
inline bool scope_threads::stop_alone(task& t, stop_cause cause) {
  const std::shared_ptr<stop_domain> kept = t.scope_unless_ended();
  if (kept == nullptr)
    return false;
  auto& scope = static_cast<scope_threads&>(*kept);
  const auto stopped = std::make_shared<task_domain>(scope.deadline());
  stopped->stop(std::move(cause));

  std::shared_ptr<task_domain> own;
  bool never_runs = false;
  claimed_list woken;
  claimed_list let_in;
  const bool lasts = t.unless_ended([&] {
    const std::lock_guard lock(scope.lock_);
    if (scope.stop_requested())
      return false;
    own = t.stop_alone(stopped, slot_of(t), woken);
    if (t.in_line) {
      scope.line_.take(t, let_in);
      scope.line_.begin_aside();
      never_runs = true;
    }
    return true;
  });
  woken.complete(wait_state::stopped);
  let_in.complete(wait_state::done);
  if (never_runs) {
    scope.drop(t);
    scope.leave_aside(t);
  }
  return lasts && (own == stopped || own->stop(stopped->cause()));
}

inline void scope_threads::count_down_aside() noexcept {
  claimed_list woken;
  {
    const std::lock_guard lock(lock_);
    line_.left_aside();
    wake_if_over(woken);
  }
  woken.complete(wait_state::done);
}

inline task* scope_threads::take_ready() noexcept {
  for (context* c = contexts().front(); c != nullptr; c = contexts().next(*c)) {
    const bool begun = is_cover(*c) || slot_of(*c) != nullptr;
    if (!begun && tree_->threads.take_back(static_cast<task&>(*c)))
      return &static_cast<task&>(*c);
  }
  return nullptr;
}

inline void scope_threads::run_here_what_is_ready() noexcept {
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
inline void scope_threads::begin_next(worker& here, claimed_list& woken) noexcept {
  if (here.runs != nullptr && !here.is_listed())
    erase(*here.runs); // it was in the list itself
  here.runs = stop_requested() ? nullptr : line_.take_first(woken);
  if (here.runs != nullptr) {
    line_.begin_in_place();
    bind(*here.runs, this_thread);
  }
  if (here.runs == nullptr && here.is_listed())
    erase(here);
  if (here.runs != nullptr && !here.is_listed())
    contexts().push_back(here);
}

// Before a thread leaves it lets those that may be about to spawn have the processor, and looks
// again: for it to leave and to be woken again costs them more. With a processor to itself it takes
// as long as any wait spins. A thread that waits for the end shuts the door: then no thread looks
// again.
inline void scope_threads::linger(worker& here) noexcept {
  constexpr int times = 12;
  for (int i = 0; i < times && here.runs == nullptr && line_.may_come_by_door(); ++i) {
    sync::yield();
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
inline task* scope_threads::finish(worker& here, block_cache::returns& gone) noexcept {
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
    linger(here);
  }
  return here.runs != nullptr ? here.runs : depart(here);
}

// The thread leaves, unless it finds something to run at the last moment.
inline task* scope_threads::depart(worker& here) noexcept {
  claimed_list woken;
  drop_line();
  thread_pool* const idle = outermost() ? &tree_->threads : nullptr;
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
void scope_threads::empty_line(End end, Finally finally) noexcept {
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
    leave_aside(*t);
  }
}

inline void scope_threads::leave_aside(task& t) noexcept {
  {
    block_cache::returns gone(blocks_);
    t.release(&gone);
  }
  count_down_aside();
}

inline void scope_threads::drop(task& t) noexcept {
  t.stopped_by = t.domain().cause();
  complete(t, task::outcome::stopped);
}

// The scope was stopped before they could run. Their callables are destroyed here, or by another
// thread that finds them: the one that stops, one whose task ends, or one that waits for the end.
inline void scope_threads::drop_line() noexcept {
  if (!stop_requested())
    return;
  empty_line([this](task& t) { drop(t); }, [](claimed_list&) {});
}

// What a callable's destructor does must not hold up, or end in, the thread that keeps the time.
inline void scope_threads::stop_told() noexcept {
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
    dropping_.run_on_pool();
  }
}

inline void scope_threads::dropping::run_on_pool() noexcept {
  scope_.drop_line();
  scope_.count_down_aside();
}

} // namespace roost::inline v0::detail
