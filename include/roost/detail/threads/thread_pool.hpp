// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/bubble_thread.hpp>
#include <roost/detail/sync/hardware_threads.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/start_thread.hpp>
#include <roost/detail/sync/thread_number.hpp>
#include <roost/detail/threads/fork_watch.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/parker.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <utility>

namespace roost::inline v0::detail {

/// What a thread of a pool runs. Its starter keeps it alive until it runs.
class job : public list_node<job> {
 public:
  virtual ~job() = default;

  /// This call is the thread pool's last touch of the job.
  virtual void run_on_pool() noexcept = 0;

  /// Called in its place for a job that was offered, where no thread can be had.
  virtual void fail_on_pool(const std::exception_ptr& no_thread) noexcept = 0;

  /// Its starter is going to wait for it and may take it back. Set before it is started.
  bool is_fork = false;

 private:
  friend class thread_pool;
  friend struct pool_probe;
  fork_watch::stamp offered_ = fork_watch::none; // guarded by the pool's lock; `none`: started
};

/// The threads of an outermost scope and of all that is made inside it. A job gets a thread to
/// itself: an idle one, or else a new one. A thread whose job is over takes the next job, or is
/// idle for a while; a bounded number of idle threads is kept, each for a bounded time. The
/// destructor joins all threads; no job is left by then.
///
/// INVARIANT, under the lock: there are at least as many threads, idle or on their way to look for
/// a job, as jobs are ready; and if jobs are ready, one is on its way or about to be. The starter
/// of a job makes the job ready if there is such a thread for it, and makes a new thread if there
/// is none. A thread that is still to be made does not count there: the system may refuse it. Not
/// all idle threads are woken at once, only as many as can get a processor soon; each that arrives
/// wakes the next one, if there are more jobs than threads on their way. A thread is on its way
/// once it is called, or once it announces the end of its job by expect_this_thread(): so a job
/// that is started next, as in one parallel loop after another, wakes no thread. An idle thread
/// whose time is over looks for a job before it exits. So no job waits for another one to end; but
/// a thread that comes free meanwhile may take it first.
///
/// More forks may be offered than are worth a thread each: most are taken back before a thread
/// arrives. While a processor is free for one more thread, one is called for them. Beyond that, one
/// idle thread, the lookout, waits a little while and asks the fork_watch whether the oldest fork
/// is due.
///
/// INVARIANT, under the lock: if forks are ready, there is a lookout, or a thread is on its way or
/// about to be. The thread that offers a fork sees to that, and so does each thread before it
/// begins a job, in which it may block: it calls an idle thread or makes a new one. A thread that
/// arrives and takes no job becomes the lookout if there is none. So every fork gets a thread,
/// whatever the threads at work, its starter included, wait for; the fork_watch says how soon.
/// Where no new thread can be had, the forks that lack one fail.
///
/// Threads: any may start jobs. Cost: a start takes one lock; with few threads on their way it also
/// wakes an idle one; with no thread for the job it creates one. An offer takes one lock, and does
/// the rest only while a processor is free, or where there is no lookout.
class thread_pool {
 public:
  /// A thread that becomes idle while so many are idle exits.
  static constexpr std::size_t most_idle = 64;

  explicit thread_pool(clock::duration idle_time = std::chrono::seconds(10),
                       std::size_t woken_at_once = worth_waking(),
                       std::size_t helpers = threads_at_work() - 1,
                       activity* tree = nullptr) noexcept
      : tree_(tree),
        idle_time_(idle_time),
        woken_at_once_(woken_at_once),
        helpers_(helpers) {}
  explicit thread_pool(activity* tree) noexcept
      : thread_pool(std::chrono::seconds(10), worth_waking(), threads_at_work() - 1, tree) {}
  ~thread_pool();
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  /// Runs `j` on a thread. Throws std::system_error if none can be had, std::bad_alloc if there is
  /// no memory for one; then nothing has changed.
  void start(job& j);

  /// The same if a thread is idle, or is about to be; false if none is.
  bool start_on_idle(job& j) noexcept;

  /// As start() for a fork; but it may have to wait while as many threads are at work as have a
  /// processor.
  void offer(job& j) noexcept;

  /// The calling thread waits until forks have ended: meanwhile one more thread may be at work.
  void begin_absence() noexcept;
  void end_absence() noexcept;

  /// The calling thread, which runs a job of this pool, counts as on its way to look for the next
  /// one. Precondition: the rest of the job neither blocks nor runs users' code. At most once in a
  /// job.
  void expect_this_thread() noexcept;

  /// True if no thread has taken `j` so far, and none will.
  bool take_back(job& j) noexcept;

  /// From now on no idle thread is kept: those that are idle exit, and so does each that becomes
  /// idle.
  void dismiss_idle() noexcept;

  /// How many threads it has, without those that are about to exit.
  std::size_t size() const noexcept;

  /// Calls `visit` with the number of each thread that size() counts and that has begun.
  template <class Visit>
  void for_each_thread(Visit visit) const noexcept;

 private:
  friend struct pool_probe;

  // One thread. In threads_ until it is about to exit, then among the finished; the thread that
  // takes it from either joins its thread and destroys it.
  struct pool_thread : list_node<pool_thread> {
    // Throws if there is no memory for a parker.
    pool_thread(thread_pool& pool, job* j)
        : home(pool),
          first(j),
          runs_fork(j != nullptr && j->is_fork) {}
    pool_thread(const pool_thread&) = delete;
    pool_thread& operator=(const pool_thread&) = delete;
    ~pool_thread() {
      if (thread.joinable())
        thread.join();
      parker_pool::instance().give_back(sleeps_on);
    }

    thread_pool& home;
    job* first;     // what it is made for; null: for whatever it finds
    bool runs_fork; // the thread's own
    parker& sleeps_on = parker_pool::instance().take();
    spin_lock starting;                    // held until `thread` is set
    sync::atomic<std::uint64_t> number{0}; // the system's, once the thread has begun
    sync::thread thread;
  };

  // How a thread comes to look for a job. All but from_a_job count as on their way before; so a
  // thread that was expected comes as `called`.
  enum class coming { from_a_job, called, from_lookout, for_the_last_time };

  // Called when a job is given to the pool, and when it has been run or taken back.
  void count_in() noexcept {
    if (tree_ != nullptr && tree_->is_watched())
      tree_->one_more();
  }
  void count_out() noexcept {
    if (tree_ != nullptr && tree_->is_watched())
      tree_->one_less();
  }

  bool start_on_existing(job& j) noexcept;
  void add_thread(job* j);
  void add_looking() noexcept;
  job* pop_fork_without_thread() noexcept;
  void work(pool_thread& self) noexcept;
  job* next_job(pool_thread& self, coming from) noexcept;
  coming be_idle(pool_thread& self, coming from) noexcept;
  void retire(pool_thread& self) noexcept;

  struct finding {
    job* found;
    bool may_exit;
  };
  finding look(pool_thread& self, coming from) noexcept;

  // The caller holds lock_.
  job* pop_ready() noexcept;
  job* pop_fork() noexcept;
  job* choose(coming from) noexcept;
  bool fork_is_due(coming from) noexcept;
  bool has_free_processor() const noexcept { return at_forks_ < helpers_ + absent_; }
  bool has_thread_for_one_more() const noexcept {
    return ready_count_ + being_made_ < looking_ + idle_count_ + (lookout_ != nullptr ? 1 : 0);
  }
  bool lacks_lookout() const noexcept {
    return !forks_.empty() && lookout_ == nullptr && looking_ == 0;
  }
  bool expect_new_thread() noexcept;
  wait_record* call_next() noexcept;
  wait_record* call_lookout() noexcept;
  intrusive_list<pool_thread> take_finished() noexcept;

  // True if the calling thread has called expect_this_thread() in the job that it runs.
  [[gnu::visibility("default")]] static bool& was_expected() noexcept {
    static constinit thread_local bool expected = false;
    return expected;
  }

  activity* const tree_; // null in tests
  const clock::duration idle_time_;
  const std::size_t woken_at_once_;
  const std::size_t helpers_; // so many have a processor beside the thread that offers forks
  mutable spin_lock lock_;    // guards all below
  intrusive_list<job> ready_;
  std::size_t ready_count_ = 0;
  std::size_t looking_ = 0;    // threads that are idle no more and have not looked for a job since
  std::size_t being_made_ = 0; // of those, as long as it is not known whether the system has one
  wait_list idle_;             // the one that was busy last is in front
  std::size_t idle_count_ = 0;
  intrusive_list<job> forks_; // those that were offered
  fork_watch watch_;
  wait_record* lookout_ = nullptr; // an idle thread that is not in idle_
  std::size_t at_forks_ = 0;       // threads that run forks
  std::size_t absent_ = 0;         // begin_absence()
  bool keeps_idle_ = true;
  intrusive_list<pool_thread> threads_;
  intrusive_list<pool_thread> finished_;
  std::size_t finished_count_ = 0;
};

// --- implementation ---------------------------------------------------------

template <class Visit>
void thread_pool::for_each_thread(Visit visit) const noexcept {
  const std::lock_guard guard(lock_);
  for (const pool_thread* t = threads_.front(); t != nullptr; t = threads_.next(*t)) {
    // relaxed: a number, which publishes nothing
    if (const std::uint64_t number = t->number.load(std::memory_order_relaxed); number != 0)
      visit(number);
  }
}

#if ROOST_HAS_BODIES

ROOST_COLD_BODY thread_pool::~thread_pool() {
  dismiss_idle();
  for (;;) {
    pool_thread* one = nullptr;
    {
      const std::lock_guard guard(lock_);
      one = finished_.empty() ? threads_.pop_front() : finished_.pop_front();
    }
    if (one == nullptr)
      return;
    delete one; // joins its thread
  }
}

ROOST_BODY job* thread_pool::pop_ready() noexcept {
  job* const j = ready_.pop_front();
  if (j != nullptr)
    --ready_count_;
  return j;
}

ROOST_BODY bool thread_pool::take_back(job& j) noexcept {
  {
    const std::lock_guard guard(lock_);
    const list_node<job>& place = j;
    if (!place.linked())
      return false;
    if (std::exchange(j.offered_, fork_watch::none) != fork_watch::none) {
      forks_.erase(j);
      watch_.got_on();
    } else {
      ready_.erase(j);
      --ready_count_;
    }
  }
  count_out();
  return true;
}

ROOST_BODY void thread_pool::start(job& j) {
  count_in();
  if (start_on_existing(j))
    return;
  try {
    add_thread(&j);
  } catch (...) {
    if (!start_on_existing(j)) { // one may have come free meanwhile
      count_out();
      throw;
    }
  }
}

ROOST_COLD_BODY bool thread_pool::start_on_idle(job& j) noexcept {
  count_in();
  const bool started = start_on_existing(j);
  if (!started)
    count_out();
  return started;
}

ROOST_BODY void thread_pool::offer(job& j) noexcept {
  wait_record* woken = nullptr;
  bool needs_new = false;
  count_in();
  {
    const std::lock_guard guard(lock_);
    j.offered_ = watch_.offered();
    forks_.push_back(j);
    woken = call_next();
    needs_new = expect_new_thread();
  }
  if (woken != nullptr)
    woken->complete(wait_state::done);
  if (needs_new)
    add_looking();
}

// Not where threads are counted: count_out() may find a deadlock, and that calls users' functions.
ROOST_BODY void thread_pool::expect_this_thread() noexcept {
  if (tree_ != nullptr && tree_->is_watched())
    return;
  was_expected() = true;
  const std::lock_guard guard(lock_);
  ++looking_;
}

ROOST_BODY void thread_pool::begin_absence() noexcept {
  wait_record* woken = nullptr;
  {
    const std::lock_guard guard(lock_);
    ++absent_;
    woken = call_next();
  }
  if (woken != nullptr)
    woken->complete(wait_state::done);
}

ROOST_BODY void thread_pool::end_absence() noexcept {
  const std::lock_guard guard(lock_);
  --absent_;
}

// Makes a thread that is counted as on its way already. If the system refuses it, others may have
// counted on it: wakes an idle one instead, and fails the forks that have no thread then.
ROOST_COLD_BODY void thread_pool::add_looking() noexcept {
  std::exception_ptr error;
  try {
    add_thread(nullptr);
  } catch (...) {
    error = std::current_exception();
  }
  wait_record* woken = nullptr;
  {
    const std::lock_guard guard(lock_);
    --being_made_;
    if (!error)
      return;
    --looking_;
    woken = call_next(); // one may have come free meanwhile
  }
  if (woken != nullptr)
    woken->complete(wait_state::done);
  while (job* const j = pop_fork_without_thread()) {
    j->fail_on_pool(error);
    count_out();
  }
}

ROOST_COLD_BODY job* thread_pool::pop_fork_without_thread() noexcept {
  const std::lock_guard guard(lock_);
  return lacks_lookout() ? pop_fork() : nullptr;
}

// Makes a thread for `j`; or, if that is null, one that is counted as on its way already.
ROOST_COLD_BODY void thread_pool::add_thread(job* j) {
  // Not a std::unique_ptr, which takes long to compile.
  pool_thread& self = *new pool_thread(*this, j);
  {
    const std::lock_guard guard(lock_);
    threads_.push_back(self);
    at_forks_ += self.runs_fork ? 1 : 0;
  }
  try {
    const std::lock_guard starting(self.starting);
    self.thread = start_thread(
        [](void* t) {
          auto& started = *static_cast<pool_thread*>(t);
          started.home.work(started);
        },
        &self,
        tree_ != nullptr ? tree_->in_bubble() : sync::bubble_here);
    // From the unlock on, it may run, end and be destroyed.
  } catch (...) {
    {
      const std::lock_guard guard(lock_);
      threads_.erase(self);
      at_forks_ -= self.runs_fork ? 1 : 0;
    }
    delete &self;
    throw;
  }
}

ROOST_BODY bool thread_pool::start_on_existing(job& j) noexcept {
  wait_record* woken = nullptr;
  {
    const std::lock_guard guard(lock_);
    if (!has_thread_for_one_more())
      return false;
    ready_.push_back(j);
    ++ready_count_;
    woken = call_next();
  }
  if (woken != nullptr)
    woken->complete(wait_state::done);
  return true;
}

// True if the forks need a new thread. It counts as on its way, and add_looking() has to make it.
ROOST_BODY bool thread_pool::expect_new_thread() noexcept {
  if (!lacks_lookout())
    return false;
  ++looking_;
  ++being_made_;
  return true;
}

// Claims an idle thread to be woken; null if enough threads are on their way. A thread whose time
// is over cannot be claimed, but is about to look by itself. The lookout comes last, because it may
// have to find a successor.
ROOST_BODY wait_record* thread_pool::call_next() noexcept {
  const bool for_fork = !forks_.empty() && (lookout_ == nullptr || has_free_processor());
  if (ready_count_ + (for_fork ? 1 : 0) <= looking_ || looking_ >= woken_at_once_)
    return nullptr;
  const wait_node* const idle = idle_.claim_first();
  if (idle == nullptr)
    return call_lookout();
  --idle_count_;
  ++looking_;
  return idle->record;
}

ROOST_BODY wait_record* thread_pool::call_lookout() noexcept {
  if (lookout_ == nullptr || !lookout_->try_claim())
    return nullptr;
  ++looking_;
  return std::exchange(lookout_, nullptr);
}

ROOST_COLD_BODY std::size_t thread_pool::size() const noexcept {
  const std::lock_guard guard(lock_);
  std::size_t count = 0;
  for (const pool_thread* t = threads_.front(); t != nullptr; t = threads_.next(*t))
    ++count;
  return count;
}

ROOST_COLD_BODY void thread_pool::dismiss_idle() noexcept {
  claimed_list woken;
  {
    const std::lock_guard guard(lock_);
    keeps_idle_ = false;
    while (const wait_node* const idle = idle_.claim_first()) {
      --idle_count_;
      ++looking_;
      woken.push(*idle->record);
    }
    if (wait_record* const lookout = call_lookout())
      woken.push(*lookout);
  }
  woken.complete(wait_state::closed);
}

ROOST_BODY void thread_pool::work(pool_thread& self) noexcept {
  { const std::lock_guard started(self.starting); }
  self.number.store(sync::thread_number(), std::memory_order_relaxed); // relaxed: see its reader
  activity_here = tree_;
  job* j = self.first;
  if (j == nullptr)
    j = next_job(self, coming::called);
  while (j != nullptr) {
    j->run_on_pool();
    count_out();
    this_actor.task = 0;
    j = next_job(self, std::exchange(was_expected(), false) ? coming::called : coming::from_a_job);
  }
  retire(self);
}

ROOST_BODY job* thread_pool::next_job(pool_thread& self, coming from) noexcept {
  for (;; from = be_idle(self, from)) {
    const finding here = look(self, from);
    if (here.found != nullptr || here.may_exit)
      return here.found;
  }
}

ROOST_BODY thread_pool::finding thread_pool::look(pool_thread& self, coming from) noexcept {
  finding here{};
  wait_record* woken = nullptr;
  bool needs_new = false;
  {
    const std::lock_guard guard(lock_);
    if (from != coming::from_a_job)
      --looking_;
    if (std::exchange(self.runs_fork, false)) {
      --at_forks_;
      watch_.got_on();
    }
    here.found = choose(from);
    if (here.found != nullptr && here.found->is_fork) {
      self.runs_fork = true;
      ++at_forks_;
    }
    woken = call_next();
    needs_new = here.found != nullptr && expect_new_thread();
    here.may_exit = from == coming::for_the_last_time && !lacks_lookout();
  }
  if (woken != nullptr)
    woken->complete(wait_state::done);
  if (needs_new)
    add_looking();
  return here;
}

ROOST_BODY job* thread_pool::pop_fork() noexcept {
  job* const j = forks_.pop_front();
  j->offered_ = fork_watch::none;
  return j;
}

ROOST_BODY job* thread_pool::choose(coming from) noexcept {
  job* const j = pop_ready();
  if (j != nullptr)
    return j;
  return fork_is_due(from) ? pop_fork() : nullptr;
}

ROOST_BODY bool thread_pool::fork_is_due(coming from) noexcept {
  const fork_watch::stamp oldest = forks_.empty() ? fork_watch::none : forks_.front()->offered_;
  const bool free = has_free_processor();
  const std::size_t surplus = free ? 0 : at_forks_ - helpers_ - absent_;
  const bool due = from == coming::from_lookout && watch_.is_due(oldest, surplus, sync::now());
  return oldest != fork_watch::none && (due || free || watch_.stands_still(oldest));
}

// Afterwards the thread is on its way to look for a job. It spins before it sleeps, as every wait
// does; while it spins, no starter need wake it.
ROOST_BODY thread_pool::coming thread_pool::be_idle(pool_thread& self, coming from) noexcept {
  wait_record record(self.sleeps_on);
  wait_node place(nullptr);
  clock::duration pause = clock::duration::zero();
  {
    const std::lock_guard guard(lock_);
    const bool stays_lookout = from == coming::from_lookout && keeps_idle_ && watch_.is_busy();
    if (lookout_ == nullptr && (!forks_.empty() || stays_lookout)) {
      lookout_ = &record;
      pause = watch_.begin_pause();
    } else if (!keeps_idle_ || idle_count_ == most_idle) {
      ++looking_;
      return coming::for_the_last_time;
    } else {
      ++idle_count_;
      idle_.push_front(place, record);
    }
  }
  const bool is_lookout = pause != clock::duration::zero();
  // The time of a bubble does not go on for the sake of an idle thread.
  const bool for_ever = !is_lookout && sync::is_in_bubble();
  const wait_state end =
      record.await(for_ever ? no_deadline : sync::now() + (is_lookout ? pause : idle_time_));
  if (end != wait_state::timed_out)
    return end == wait_state::done ? coming::called : coming::for_the_last_time;
  const std::lock_guard guard(lock_);
  ++looking_;
  if (is_lookout) {
    lookout_ = nullptr;
    return coming::from_lookout;
  }
  idle_.remove(place);
  --idle_count_;
  return coming::for_the_last_time;
}

ROOST_COLD_BODY intrusive_list<thread_pool::pool_thread> thread_pool::take_finished() noexcept {
  finished_count_ = 0;
  return std::exchange(finished_, {});
}

// When many threads have exited or are about to, one of them joins the others: most have ended by
// then, so it hardly waits.
ROOST_COLD_BODY void thread_pool::retire(pool_thread& self) noexcept {
  constexpr std::size_t many = 32;
  intrusive_list<pool_thread> to_join;
  {
    const std::lock_guard guard(lock_);
    if (!self.linked()) // the destructor has it already
      return;
    threads_.erase(self);
    if (finished_count_ == many)
      to_join = take_finished();
    finished_.push_back(self);
    ++finished_count_;
  }
  while (const pool_thread* const one = to_join.pop_front())
    delete one; // joined here
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
