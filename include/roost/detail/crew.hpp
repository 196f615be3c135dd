// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/hardware_threads.hpp>
#include <roost/detail/intrusive_list.hpp>
#include <roost/detail/parker.hpp>
#include <roost/detail/spin_lock.hpp>
#include <roost/detail/start_thread.hpp>
#include <roost/detail/wait_record.hpp>

#include <chrono>
#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>

namespace roost::inline v0::detail {

/// What a thread of a crew runs. Whoever starts it keeps it alive until it runs.
class job : public list_node<job> {
 public:
  virtual ~job() = default;

  /// The last touch of the job by the crew is this call.
  virtual void run_on_crew() noexcept = 0;
};

/// The threads of an outermost scope and of all that is made inside it. A job gets a thread to
/// itself: an idle one, or else a new one. A thread whose job is over takes the next job, or is
/// idle for a while; of idle ones a bounded number is kept, each for a bounded time. The destructor
/// joins all; no job is left by then.
///
/// INVARIANT, under the lock: there are at least as many threads, idle or on their way to look for
/// a job, as jobs are ready; and if jobs are ready, one is on its way or about to be. Who starts a
/// job makes it ready where there is such a thread for it, and makes a new thread where there is
/// none. Not all are woken at once, only as many as can get a processor soon; each who arrives
/// wakes the next one, if there are more jobs than threads on their way. An idle thread whose time
/// is over looks for a job before it exits. So no job waits for another one to end; but a thread
/// that comes free meanwhile may take it before.
///
/// Threads: any may start jobs. Cost: of a start, one lock; with few threads on their way, also the
/// wake of an idle one; with no thread for it, the creation of a new one.
class crew {
 public:
  /// Threads that become idle while so many are idle exit.
  static constexpr std::size_t most_idle = 64;

  explicit crew(clock::duration idle_time = std::chrono::seconds(10),
                std::size_t woken_at_once = worth_waking()) noexcept
      : idle_time_(idle_time),
        woken_at_once_(woken_at_once) {}
  ~crew();
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;

  /// Runs `j` on a thread. Throws std::system_error if there is none; then nothing has changed.
  void start(job& j);

  /// True if no thread has taken `j` so far, and none will.
  bool take_back(job& j) noexcept;

  /// From now on no idle thread is kept: those that are idle exit, and so does whoever becomes it.
  void dismiss_idle() noexcept;

 private:
  friend struct probe;

  // One thread. In members_ until it is about to exit, then among the finished; whoever takes it
  // from either joins the thread and destroys the member.
  struct member : list_node<member> {
    member(crew& c, job& j) noexcept : home(c), first(j) {}
    member(const member&) = delete;
    member& operator=(const member&) = delete;
    ~member() {
      if (thread.joinable())
        thread.join();
      parker_pool::instance().give_back(sleeps_on);
    }

    crew& home;
    job& first; // what it is made for
    parker& sleeps_on = parker_pool::instance().take();
    spin_lock starting; // held until `thread` is set
    std::jthread thread;
  };

  bool start_on_existing(job& j) noexcept;
  void work(member& self) noexcept;
  job* next_job(member& self) noexcept;
  bool be_idle(member& self) noexcept;
  void retire(member& self) noexcept;

  enum class coming_from { a_job, idleness };
  job* look(coming_from where) noexcept;

  // The caller holds lock_.
  job* pop_ready() noexcept;
  wait_record* call_next() noexcept;
  intrusive_list<member> take_finished() noexcept;

  const clock::duration idle_time_;
  const std::size_t woken_at_once_;
  spin_lock lock_; // guards all below
  intrusive_list<job> ready_;
  std::size_t ready_count_ = 0;
  std::size_t looking_ = 0; // threads that are idle no more and have not looked for a job since
  wait_list idle_;          // whoever was busy last is in front
  std::size_t idle_count_ = 0;
  bool keeps_idle_ = true;
  intrusive_list<member> members_;
  intrusive_list<member> finished_;
  std::size_t finished_count_ = 0;
};

// --- implementation ---------------------------------------------------------

inline crew::~crew() {
  dismiss_idle();
  for (;;) {
    member* one = nullptr;
    {
      const std::lock_guard guard(lock_);
      one = finished_.empty() ? members_.pop_front() : finished_.pop_front();
    }
    if (one == nullptr)
      return;
    delete one; // joins its thread
  }
}

inline job* crew::pop_ready() noexcept {
  job* const j = ready_.pop_front();
  if (j != nullptr)
    --ready_count_;
  return j;
}

inline bool crew::take_back(job& j) noexcept {
  const std::lock_guard guard(lock_);
  const list_node<job>& place = j;
  if (!place.linked())
    return false;
  ready_.erase(j);
  --ready_count_;
  return true;
}

inline void crew::start(job& j) {
  if (start_on_existing(j))
    return;
  member& self = *new member(*this, j); // not std::unique_ptr, which takes long to compile
  {
    const std::lock_guard guard(lock_);
    members_.push_back(self);
  }
  try {
    const std::lock_guard starting(self.starting);
    self.thread = start_thread(
        [](void* m) {
          auto& member_of_it = *static_cast<member*>(m);
          member_of_it.home.work(member_of_it);
        },
        &self);
    // From the unlock on it may run, end and be destroyed.
  } catch (...) {
    {
      const std::lock_guard guard(lock_);
      members_.erase(self);
    }
    delete &self;
    if (!start_on_existing(j)) // one may have come free meanwhile
      throw;
  }
}

inline bool crew::start_on_existing(job& j) noexcept {
  wait_record* woken = nullptr;
  {
    const std::lock_guard guard(lock_);
    if (ready_count_ >= looking_ + idle_count_)
      return false;
    ready_.push_back(j);
    ++ready_count_;
    woken = call_next();
  }
  if (woken != nullptr)
    woken->complete(wait_state::done);
  return true;
}

// An idle thread to be woken; null if there are enough on their way. One whose time is over cannot
// be, but is about to look.
inline wait_record* crew::call_next() noexcept {
  if (ready_count_ <= looking_ || looking_ >= woken_at_once_)
    return nullptr;
  const wait_node* const idle = idle_.claim_first();
  if (idle == nullptr)
    return nullptr;
  --idle_count_;
  ++looking_;
  return idle->record;
}

inline void crew::dismiss_idle() noexcept {
  claimed_list woken;
  {
    const std::lock_guard guard(lock_);
    keeps_idle_ = false;
    while (const wait_node* const idle = idle_.claim_first()) {
      --idle_count_;
      ++looking_;
      woken.push(*idle->record);
    }
  }
  woken.complete(wait_state::closed);
}

inline void crew::work(member& self) noexcept {
  { const std::lock_guard started(self.starting); }
  for (job* j = &self.first; j != nullptr; j = next_job(self))
    j->run_on_crew();
  retire(self);
}

inline job* crew::next_job(member& self) noexcept {
  job* found = look(coming_from::a_job);
  for (bool stays = true; found == nullptr && stays;) {
    stays = be_idle(self);
    found = look(coming_from::idleness);
  }
  return found;
}

inline job* crew::look(coming_from where) noexcept {
  job* found = nullptr;
  wait_record* woken = nullptr;
  {
    const std::lock_guard guard(lock_);
    if (where == coming_from::idleness)
      --looking_;
    found = pop_ready();
    woken = call_next();
  }
  if (woken != nullptr)
    woken->complete(wait_state::done);
  return found;
}

// Afterwards it is on its way to look for a job; false if it is for the last time. It spins before
// it sleeps, as every wait does, and who finds it spinning need not wake it.
inline bool crew::be_idle(member& self) noexcept {
  wait_record record(self.sleeps_on);
  wait_node place(nullptr);
  {
    const std::lock_guard guard(lock_);
    if (!keeps_idle_ || idle_count_ == most_idle) {
      ++looking_;
      return false;
    }
    ++idle_count_;
    idle_.push_front(place, record);
  }
  const wait_state end = record.await(clock::now() + idle_time_);
  if (end == wait_state::timed_out) {
    const std::lock_guard guard(lock_);
    idle_.remove(place);
    --idle_count_;
    ++looking_;
  }
  return end == wait_state::done;
}

inline intrusive_list<crew::member> crew::take_finished() noexcept {
  finished_count_ = 0;
  return std::exchange(finished_, {});
}

// When there are many that have exited, or are about to, one joins the others: most are gone by
// then and are not waited for.
inline void crew::retire(member& self) noexcept {
  constexpr std::size_t many = 32;
  intrusive_list<member> to_join;
  {
    const std::lock_guard guard(lock_);
    if (!self.linked()) // the destructor has it already
      return;
    members_.erase(self);
    if (finished_count_ == many)
      to_join = take_finished();
    finished_.push_back(self);
    ++finished_count_;
  }
  while (const member* const one = to_join.pop_front())
    delete one; // joined here
}

} // namespace roost::inline v0::detail
