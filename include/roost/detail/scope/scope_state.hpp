// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/scope/block_cache.hpp>
#include <roost/detail/scope/failure_log.hpp>
#include <roost/detail/scope/failure_record.hpp>
#include <roost/detail/scope/owner_frame.hpp>
#include <roost/detail/scope/run_queue.hpp>
#include <roost/detail/scope/spawn_buffer.hpp>
#include <roost/detail/scope/stall_watch.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/scope/worker.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/stop/tree_ptr.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/threads/scope_tree.hpp>
#include <roost/detail/threads/thread_pool.hpp>
#include <roost/detail/threads/timekeeper.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace roost::inline v0::detail {

/// Everything of a task_scope but its type. Its parts are members: each does one thing, takes no
/// lock of the scope, and knows no other part.
///
///     queue_    which tasks run, which are queued, which spawns wait for a place
///     buffer_   tasks that were spawned while the limit was reached
///     log_      what failed, and what the owner was told of it
///     frame_    the owner's thread
///     worker    a thread while it runs tasks of the scope: on its own stack
///
///     phase     what may happen in it
///     open      tasks are spawned, run and end
///     ending    the owner waits for the end. As in open; closes once nothing is counted or queued
///     closed    spawn() throws. Nothing runs, and no stop changes anything any more
///     ended     one call of end() unlinks the scope from its parent and its thread; others may
///               return before that is done. The log needs no lock
///
/// INVARIANT: end() returns only when nothing is counted. A thread that lets a task in, or that
/// counts one down, touches nothing of the scope afterwards: the scope may be gone, unless the
/// thread, its caller or something else that is counted keeps it.
///
/// Order of locks: a task's, or those of the roots and of the domains around; this one; those of
/// the domains inside; then one of these: the buffer's, a thread slot's, the pool's, the
/// timekeeper's mutex, that of a shard of observers.
///
/// The bodies are in headers of their own, by subject; scope.hpp includes them all.
///
///     scope_launch.hpp   how a task gets in
///     scope_run.hpp      how tasks run, and how their threads leave
///     scope_end.hpp      where stops come from, how the scope ends, and what the owner is told
///     scope_reporter.hpp what a thread that waits for the tasks reports
///     scope_survey.hpp   what a report tells of the scope and its tasks
///     verdict.hpp        whether anything can go on there
class scope_state final : public stop_domain {
 public:
  scope_state(const scope_options& options, site where);
  scope_state(const scope_state&) = delete;
  scope_state& operator=(const scope_state&) = delete;
  ROOST_BODY ~scope_state() override; // `inline` here: a key function would cost every includer

  const std::string& name() const noexcept { return name_; }
  const site& where() const noexcept { return where_; }
  std::uint64_t id() const noexcept { return id_; } // no other scope has it, and no task
  std::string name_and_line() const {
    return detail::name_and_line("scope", name_, "made", where_);
  }
  const owner_frame& frame() const noexcept { return frame_; }
  block_cache& blocks() noexcept { return blocks_; }
  auto thread_started() const noexcept { return thread_started_; }

  // --- how a task gets in -------------------------------------------------------

  /// What to do where the queue is full.
  enum class when_full { wait, exceed };

  /// Starts `t`; or queues it, and may have to wait for a place; or drops it if the scope was
  /// stopped, even if the stop came while no thread was to be had. Throws scope_closed, what a wait
  /// throws, or std::system_error or std::bad_alloc if there is no thread; then `t` has not run and
  /// never will.
  void launch(task& t, const blocked_call& call, when_full full = when_full::wait);

  /// Looks for a place. True if launch() would neither wait nor drop. Throws scope_closed.
  bool find_place_at_once(const site& where);

  /// Like launch(), but runs `t` on the calling thread, as a thread of the pool would.
  /// Precondition: the scope has no limit.
  void run_here(task& t);

  // --- how tasks run ------------------------------------------------------------

  // The four calls of a worker, on its thread. The worker passes itself: the scope writes which
  // task it runs, null for none.

  /// Its first task is about to be called. True if the task is to be dropped: a stop was faster.
  bool started(worker& w) noexcept;

  /// A task has failed, or its callable's destructor has. `moment` is moment_of_caught().
  void failed(task& t, const std::exception_ptr& error, std::uint64_t moment) noexcept;

  /// Its task has ended: gives it the next one, if any is queued.
  void next(worker& w) noexcept;

  /// It has nothing to run, and refers to no task. Either gives it one that has come at the last
  /// moment, or counts it down; then the scope may be gone.
  void left(worker& w) noexcept;

  /// Runs `t` on the calling thread if `t` is queued and the thread runs inside its scope: the
  /// caller is about to wait for `t`, and may itself be what keeps it queued.
  static void run_here_if_queued(task& t, const blocked_call& call) noexcept;

  /// Runs on the calling thread the tasks that have no thread yet: the caller is about to wait for
  /// them.
  void run_here_what_is_ready() noexcept;

  /// Stops `t` but none of its siblings. Where it has not begun it never will; it is dropped here
  /// if it is queued, else by its thread. False if it has ended, or was stopped before.
  static bool stop_alone(task& t, stop_cause cause);

  /// While it lives, the owner waits for what still runs: forks may have its processor.
  class absence;

  // --- the owner's side ---------------------------------------------------------

  /// Makes the scope a child of the domain around, sets its deadline, and covers the owner.
  void open();

  /// The owner leaves the scope's block: asks the tasks to stop if it leaves by an exception, or if
  /// the policy says so.
  void leave(bool unwinding) noexcept;

  /// Waits, uninterrupted, until nothing runs; false when `deadline` passed first.
  bool wait_idle(clock::time_point deadline, const blocked_call& call) {
    return wait_idle(deadline, call, activity_here);
  }

  /// Waits like that, ends `waits` if there is one, and takes the owner out of the scope. False if
  /// another call does that, which may still be at it, or has done it.
  bool end(const blocked_call& call, absence* waits = nullptr);

  /// Where the threads of its tree are counted; null once it has ended.
  counted_ptr<activity> counted() const noexcept {
    const std::lock_guard lock(lock_);
    return phase_ != phase::ended ? tree_->counted : nullptr;
  }

  bool closed() const noexcept {
    const std::lock_guard lock(lock_);
    return is_closed();
  }

  /// True if a wait for the end here would last for ever: in one of the tasks or inside one, or in
  /// a std::stop_callback that a deadline runs.
  bool would_deadlock() const noexcept {
    return holds_up(*this) || this_thread.timekeeper == timekeeper_;
  }

  /// From now on the owner's waits throw `stopped`, whatever the cause: the end reports the cause.
  void report_at_end_only() noexcept { reports_at_end_only_ = true; }

  /// What ends the body of a with_scope, if it does not return.
  enum class body_end { failed, stopped, stopped_by_token };

  /// Stops the tasks because `error` left the body of a with_scope. It is kept as a failure of the
  /// body, unless it came from the scope itself.
  body_end body_failed(const std::exception_ptr& error);

  std::vector<failure> failures() const {
    const std::lock_guard lock(lock_);
    return log_.show_all();
  }

  bool stopped_by(stop_reason reason) const noexcept {
    return stop_requested() && cause()->told.reason == reason;
  }

  // Only after the end:

  /// What the owner has to be told at the end, once; null if nothing. If there is no memory for the
  /// exception, returns std::bad_alloc, and leaves the failures to the hook.
  std::exception_ptr take_outcome() noexcept;

  /// True if a stop from around cut work short. If the scope ended normally then, the owner, which
  /// is to stop as well, would go on with half-done work. False under on_exit::stop: such tasks are
  /// there to be stopped in the end.
  bool cut_short_from_outside() const noexcept {
    return exit_ == on_exit::join && stopped_by(stop_reason::parent) && log_.was_cut_short();
  }

  /// `error` left the body and is thrown to the owner itself.
  void reported(const std::exception_ptr& error) noexcept { log_.report(error); }

  /// The owner leaves by an exception.
  void left_by_exception() noexcept { log_.report_thrown(); }

  /// The owner's last call: shows the hook what is unreported, and destroys the users' exceptions
  /// and handlers on this thread, not with the last reference to the scope.
  void take_leave() noexcept;

 private:
  friend struct scope_probe;

  enum class phase { open, ending, closed, ended };

  // The context by which a stop of the scope reaches its owner.
  class cover final : public owner_frame {
   public:
    cover(scope_state& s, bool covers) noexcept : owner_frame(s, covers), scope_(s) {}
    [[noreturn]] void raise() override { scope_.throw_to_owner(); }
    ROOST_BODY wait_state sleep(wait_record& record,
                                clock::time_point deadline,
                                watcher* meanwhile) noexcept override;

   private:
    scope_state& scope_;
  };

  class deadline_timer final : public timer {
   public:
    explicit deadline_timer(scope_state& s) noexcept : scope_(s) {}

   private:
    void expired() noexcept override { scope_.stop_at_deadline(); }

    scope_state& scope_;
  };

  // A failure that is no task's. It lies in the scope: so it needs no memory when it happens.
  struct own_failure final : failure_record {
    explicit own_failure(const scope_state& s) noexcept : scope(s) {}
    failure describe() const noexcept override {
      return describe_failure(error, scope.name_, scope.where_);
    }
    void let_go() noexcept override { error = nullptr; }
    const scope_state& scope;
  };

  // Drops what is queued, on a thread of the pool.
  class dropping final : public job {
   public:
    explicit dropping(scope_state& s) noexcept : scope_(s) {}
    ROOST_BODY void run_on_pool() noexcept override;
    void fail_on_pool(const std::exception_ptr&) noexcept override { run_on_pool(); }

   private:
    scope_state& scope_;
  };

  class reporter;
  class owner_watch;
  class verdict_watch;
  class entrance;

  scope_state(const scope_options& options, clock::time_point own_deadline, site where);

  // --- how a task gets in: scope_launch.hpp

  enum class admission { none, to_run, queued, dropped, closed };
  static bool is_in(admission a) noexcept {
    return a == admission::to_run || a == admission::queued;
  }
  admission admit(task& t, const blocked_call& call, when_full full);
  admission start(task& t, counted_ptr<stop_domain>& kept);
  bool leave_to_others(task& t) noexcept;
  void take_back(task& t);
  void turn_away(task& t, admission got, const std::exception_ptr& error);
  [[noreturn]] void refuse(const site& where) const;

  // The caller holds lock_.
  admission try_admit(task& t, when_full full) noexcept;
  bool find_place() noexcept;
  void enqueue(task& t) noexcept;
  void close_buffer() noexcept;
  void drain_buffer() noexcept;
  task* dequeue(claimed_list& woken) noexcept;

  // --- how tasks run: scope_run.hpp

  void drop(task& t) noexcept;
  void drop_queue() noexcept {
    if (stop_requested())
      drop_what_is_queued();
  }
  void drop_what_is_queued() noexcept;
  task* take_unrun(claimed_list& woken) noexcept;
  void release_uncounted(task& t) noexcept;
  void ended_uncounted() noexcept;
  bool give_to_handler(const failure& failed) noexcept;
  ROOST_BODY void stop_told() noexcept override;
  ROOST_BODY void on_stop(const stop_cause& cause, claimed_list& woken) noexcept override;

  // The caller holds lock_.
  void run_next(worker& w, claimed_list& woken) noexcept;
  void take_uncounted(task& t, claimed_list& woken) noexcept;
  task* take_ready() noexcept;
  bool is_closed() const noexcept { return phase_ >= phase::closed; }
  bool close_if_over() noexcept;
  void wake_if_over(claimed_list& woken) noexcept;

  // --- the owner's side: scope_end.hpp

  stop_domain& parent_in(context& around) const;
  void set_deadline(bool is_outers);
  void release_owner() noexcept;
  ROOST_BODY void outer_stopped(const counted_ptr<const kept_cause>& cause,
                                stop_wave& wave) noexcept override;
  void stop_at_deadline() noexcept;
  std::string deadline_passed() const noexcept;
  std::string whose_deadline_passed() const;
  std::exception_ptr make_timeout() const;
  bool keep(failure_record& failed, std::uint64_t moment, stop_cause cause, bool stops) noexcept;
  bool wait_idle(clock::time_point deadline, const blocked_call& call, activity* counted);
  [[noreturn]] void throw_to_owner();
  std::exception_ptr take_thrown();

  /// True if a stop for this reason must not pass for a normal end where there was work.
  static bool cuts_work_short(stop_reason reason) noexcept {
    return reason == stop_reason::deadline || reason == stop_reason::parent;
  }

  // --- reports: scope_reporter.hpp, scope_survey.hpp

  // The caller holds lock_.
  ROOST_BODY std::uint64_t note(tree_notes& notes, std::uint64_t around) noexcept override;
  template <class Visit>
  void for_each_running(Visit visit) const {
    const auto& all = const_cast<scope_state*>(this)->contexts();
    for (context* c = all.front(); c != nullptr; c = all.next(*c)) {
      if (task_context* const t = c->shown_task())
        visit(static_cast<task&>(*t), slot_of(*c));
    }
  }
  bool has_work() const noexcept;
  on_deadlock wanted_verdict() const noexcept;
  void act_on_verdict(standstill what) noexcept;
  ROOST_BODY void nothing_goes_on() noexcept override;
  ROOST_BODY wait_state await_as_owner(wait_record& record,
                                       clock::time_point deadline) noexcept override;
  bool wants_verdict() const noexcept override {
    return telling_ != telling::done && wanted_verdict() != on_deadlock::ignore;
  }
  // Of the scopes that share a tree only the first answers. It may lie inside another tree.
  bool has_token_or_timer() const noexcept override {
    return outermost_ && !tree_->keeper.is_idle();
  }
  bool fail_in_deadlock() noexcept;
  bool is_only_root() const noexcept;
  bool all_are_blocked() const noexcept;
  clock::time_point next_report(stall_watch& watch) noexcept;

  // Constant.
  const clock::time_point own_deadline_;
  const std::string name_;
  const site where_;
  const on_exit exit_;
  const on_error errors_;
  const on_deadlock on_deadlock_;
  const bool inherit_;
  const bool outermost_ = tree_.is_the_only_one(); // the first of those that share a tree
  // Whether a verdict is told. Not constant. seq_cst, the default: one thread tells it.
  enum class telling : std::uint8_t { not_yet, under_way, done };
  sync::atomic<telling> telling_{telling::not_yet};
  bool reports_at_end_only_ = false;              // not constant; the owner's alone
  const void* const timekeeper_ = &tree_->keeper; // compared, not looked at
  const std::uint64_t id_ = next_id();
  const clock::duration stall_after_;
  std::function<void(const failure&)> on_failure_; // constant until the owner takes leave

  cover frame_;
  deadline_timer deadline_timer_{*this};
  own_failure body_{*this};     // that of a with_scope's body
  own_failure deadlock_{*this}; // that nothing can go on
  dropping dropping_{*this};
  block_cache blocks_;

  // Guarded by lock_.
  phase phase_ = phase::open;
  clock::time_point stopped_at_ = no_deadline;
  wait_list joiners_; // they wait for the moment when nothing is counted
  failure_log log_;
  // First the members that the end of each task writes; then a cache line's length of members that
  // are seldom written; then those that each spawn writes. To align them instead would cost more,
  // because general allocators are slow with aligned and with large objects.
  run_queue queue_;
  const clock::time_point made_at_ = sync::now_roughly();
  void (*const thread_started_)(std::string_view task); // null for none
  spawn_buffer buffer_;                                 // has a lock of its own, too
};

// --- implementation ---------------------------------------------------------

class scope_state::absence {
 public:
  explicit absence(scope_state& scope) noexcept {
    {
      const std::lock_guard lock(scope.lock_);
      if (scope.queue_.idle())
        return;
    }
    tree_ = scope.tree_;
    tree_->threads.begin_absence();
  }
  ~absence() { end(); }
  absence(const absence&) = delete;
  absence& operator=(const absence&) = delete;

  void end() noexcept {
    if (tree_)
      tree_->threads.end_absence();
    tree_.reset();
  }

 private:
  tree_ptr tree_; // the scope may let go of it meanwhile
};

} // namespace roost::inline v0::detail
