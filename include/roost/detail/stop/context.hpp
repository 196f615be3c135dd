// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/pause.hpp>
#include <roost/detail/sync/yield.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

// How a stop reaches a blocked thread.
//
// A stop_domain is what can be stopped as a whole: a scope, or the extent of a stop_when or a
// shield. Domains form a tree: each follows the one in which it was made, by a std::stop_callback.
// A context ties a domain to one thread that it covers: a task, or the owner of a scope. A
// thread's contexts are stacked in its thread_slot, and the innermost alone decides; the others
// reach the thread through its domain, which follows theirs.
//
// INVARIANT: no wait outlasts a stop of its innermost domain. The waiter publishes its record in
// its slot, under the slot's lock, and then reads the domain's flag (block()); the stop raises the
// flag and then looks for a record in each slot, under the same lock (claim_blocked()). One of the
// two holds the lock second, and sees what the other has done before. (The domain of a task may
// change once: see task_domain.hpp.)
//
// A stop goes through the tree as a wave: first it marks all domains that follow and claims the
// waiters there, then it wakes them, and only then it calls the users' callbacks. So no thread that
// it wakes finds a domain of the tree that has not heard of it, and takes what others do because of
// the stop for something else; and no callback holds up the stop. (A thread that polls may be ahead
// of the wave by as long as the marks take.)

namespace roost::inline v0::detail {

class stop_domain;
class task_context;
struct tree;

/// A cause whose texts are left out if there is no memory for them.
stop_cause describe_stop(stop_reason reason,
                         std::string_view message,
                         std::string_view task,
                         site where,
                         std::exception_ptr error = nullptr) noexcept;

/// One layer of what can stop a thread. Made and used by that thread; a task's is registered before
/// its thread runs.
class context : public list_node<context> {
 public:
  explicit context(stop_domain& d) noexcept : domain_(&d) {}
  virtual ~context() = default;

  stop_domain& domain() const noexcept {
    // acquire: sees the domain as it was made; pairs with release in change_domain()
    return *domain_.load(std::memory_order_acquire);
  }
  context* outer() const noexcept { return outer_; }

  /// What a domain follows that the calling thread makes, and whose token it hands out: the domain,
  /// or one that takes its place and can be stopped more precisely. Called for the innermost
  /// context of the calling thread. May throw bad_alloc.
  virtual stop_domain& domain_to_follow() { return domain(); }

  /// What the scopes around share; null if it knows none.
  inline virtual const std::shared_ptr<tree>& shared() const noexcept;

  /// Throws what a wait throws here once the domain has stopped.
  [[noreturn]] virtual void raise() = 0;

  /// What a `stopped` tells that is thrown here once the domain has stopped: the cause as it is
  /// known furthest out on this thread.
  inline virtual const std::shared_ptr<const stop_cause>& told_cause() const noexcept;

  /// The task that it is, or stands for; null if none.
  virtual task_context* shown_task() noexcept { return nullptr; }

  /// Of a stop_when: its token, and those around it. Null for others.
  virtual std::shared_ptr<const token_state> tokens() const noexcept { return nullptr; }

  /// Makes this the innermost context of the calling thread.
  void enter() noexcept;

  /// Takes this from the calling thread's stack, from wherever it is in there.
  void leave() noexcept;

  /// The same for a context that is not a task's: registers it with its domain, too. What was made
  /// under it and outlives it follows from then on what this one followed.
  void cover_this_thread() noexcept;
  void uncover() noexcept;

  /// True if it is among the calling thread's contexts.
  bool covers_this_thread() const noexcept {
    const context* c = this_thread.top;
    while (c != nullptr && c != this)
      c = c->outer_;
    return c != nullptr;
  }

 protected:
  /// The caller holds the lock of its thread's slot; or no thread has come for it.
  void change_domain(stop_domain& d) noexcept {
    // release: publishes the domain; pairs with acquire in domain()
    domain_.store(&d, std::memory_order_release);
  }

 private:
  friend stop_domain;

  sync::atomic<stop_domain*> domain_;
  context* outer_ = nullptr;    // the owner's alone
  thread_slot* slot_ = nullptr; // guarded by the domain's lock; null until the thread runs
};

/// The task in which a domain was made, if in one: tells which scope runs inside which task.
struct birthplace {
  std::shared_ptr<stop_domain> scope;
  std::uint64_t task = 0;
};

/// See the top of this file.
///
/// Threads: any may stop and query. Lifetime: shared, because a stop may come from a thread that
/// knows nothing of when the domain ends; but it is over, and follows nothing, once its owner says
/// so. No user code runs under its lock.
// The base has no virtual destructor, of which -Weffc++ warns; nobody deletes a domain through it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class stop_domain : public std::enable_shared_from_this<stop_domain> {
 public:
  stop_domain(clock::time_point deadline, std::shared_ptr<tree> shared, birthplace made_in = {})
      : tree_(std::move(shared)),
        deadline_(deadline),
        made_in_(std::move(made_in)) {}
  virtual ~stop_domain() = default;
  stop_domain(const stop_domain&) = delete;
  stop_domain& operator=(const stop_domain&) = delete;

  bool stop_requested() const noexcept {
    // acquire: sees the cause; pairs with release in mark_stopped()
    return stopped_.load(std::memory_order_acquire);
  }

  /// Only once stop_requested(): then it never changes any more.
  const std::shared_ptr<const stop_cause>& cause() const noexcept { return cause_; }

  std::stop_token token() const noexcept { return source_.get_token(); }
  clock::time_point deadline() const noexcept { return deadline_; }
  const std::shared_ptr<tree>& shared() const noexcept { return tree_; }
  const birthplace& made_in() const noexcept { return made_in_; }

  /// Stops everything below: waiters wake, following domains stop, std::stop_callbacks run on this
  /// thread. False when it had been stopped before.
  bool stop(stop_cause cause) noexcept;

  /// Stops when `outer` does, at once if it has; no more with what it followed before.
  void follow(std::shared_ptr<stop_domain> outer) noexcept;

  /// Waits for a stop that is being passed on at this moment.
  void unfollow() noexcept {
    link_.reset();
    outer_.reset();
  }
  const std::shared_ptr<stop_domain>& outer() const noexcept { return outer_; }

  /// Registers a context of the calling thread.
  void add(context& c) noexcept;
  void remove(context& c) noexcept;

 protected:
  /// What to do when the domain that this one follows stops: take over its cause, unless
  /// overridden.
  virtual void outer_stopped(stop_domain& outer) noexcept { stop(outer.cause()); }

  /// Called once, just before the stop can be seen: nothing has ended because of it. Caller holds
  /// lock_. Claimed waiters are put into `woken`.
  virtual void on_stop(const stop_cause& cause, claimed_list& woken) noexcept {
    (void)cause;
    (void)woken;
  }

  /// Called once, when all have been told of the stop, on the thread that stopped it.
  virtual void stop_told() noexcept {}

  bool stop(std::shared_ptr<const stop_cause> cause) noexcept;

  /// Nothing is left to stop: later stops change nothing. Caller holds lock_.
  void refuse_stops() noexcept { refuses_ = true; }

  // The two halves of stop(): the caller of the first holds lock_, that of the second does not.
  // Claimed waiters go to the wave.
  bool mark_stopped(stop_cause&& cause, claimed_list& woken) noexcept;
  bool mark_stopped(std::shared_ptr<const stop_cause> cause, claimed_list& woken) noexcept;
  void spread(stop_wave& wave) noexcept;
  void await_other_stop() noexcept;

  // The caller holds lock_.
  void bind(context& c, thread_slot& slot) noexcept { c.slot_ = &slot; }
  void erase(context& c) noexcept { contexts_.erase(c); }
  intrusive_list<context>& contexts() noexcept { return contexts_; }
  static thread_slot* slot_of(const context& c) noexcept { return c.slot_; }

  /// Claims the wait of the thread if this is its innermost domain. The caller holds the slot's
  /// lock.
  void claim_in(const thread_slot& slot, claimed_list& woken) const noexcept;

  mutable spin_lock lock_;
  std::shared_ptr<tree> tree_; // the owner's alone

 private:
  friend stop_wave;

  struct outer_stop {
    stop_domain* self;
    void operator()() const noexcept {
      // libc++ 19 calls this for a source that was stopped before without acquiring what came with
      // that stop; to see the flag does. It was raised first, so it is there in no time.
      while (!self->outer_->stop_requested())
        pause();
      self->outer_stopped(*self->outer_);
    }
  };

  template <class Cause>
  bool stop_with(Cause cause) noexcept;
  void claim_blocked(const context& c, claimed_list& woken) noexcept;

  const clock::time_point deadline_;
  const birthplace made_in_;
  bool refuses_ = false;              // guarded by lock_
  sync::atomic<bool> stopped_{false}; // written under lock_; true for ever once the stop is marked
  std::shared_ptr<const stop_cause> cause_; // written under lock_ before stopped_ is set
  std::shared_ptr<stop_cause> preallocated_ = std::make_shared<stop_cause>(); // guarded by lock_
  intrusive_list<context> contexts_;                                          // guarded by lock_
  std::stop_source followers_;                // for outer_stop: no user's callback is among those
  std::stop_source source_;                   // for the users
  std::shared_ptr<stop_domain> next_in_wave_; // the wave's
  sync::atomic<bool> has_spread_{false};      // all that follow are marked
  std::shared_ptr<stop_domain> outer_;        // the owner's alone; what it follows
  std::optional<std::stop_callback<outer_stop>> link_; // the owner's alone; gone before outer_
};
#pragma GCC diagnostic pop

/// A stop on its way through the domains; see the top of this file. A stop that one of them brings
/// about in those that follow it joins the wave that its thread spreads. The end of the wave wakes
/// all claimed waiters, and then tells all domains, those that follow first.
class stop_wave {
 public:
  stop_wave() = default;
  ~stop_wave() { deliver(); }
  stop_wave(const stop_wave&) = delete;
  stop_wave& operator=(const stop_wave&) = delete;

  /// The wave that the calling thread spreads, or else `own`.
  static stop_wave& here_or(stop_wave& own) noexcept {
    return this_thread.wave != nullptr ? *this_thread.wave : own;
  }

  claimed_list woken;

 private:
  friend stop_domain;

  void add(std::shared_ptr<stop_domain> marked) noexcept;
  void deliver() noexcept;

  std::shared_ptr<stop_domain> first_;
  stop_domain* last_ = nullptr;
};

[[gnu::always_inline]] inline bool this_thread_is_stopped() noexcept {
  return this_thread.top != nullptr && this_thread.top->domain().stop_requested();
}

/// Throws if the calling thread was asked to stop. The shortest paths begin with it: those that may
/// turn out to need no wait.
[[gnu::always_inline]] inline void throw_if_stopped_already() {
  if (this_thread_is_stopped())
    this_thread.top->raise();
}

/// The same, and counts a call that may block; see thread_slot::waits. Every blocking operation
/// begins with one of the two, and one that begins with the other counts once it needs a wait.
[[gnu::always_inline]] inline void throw_if_stopped() {
  ++this_thread.waits;
  throw_if_stopped_already();
}

/// What the scopes around the calling thread share; null outside of scopes.
std::shared_ptr<tree> tree_around() noexcept;

/// Blocks the calling thread until `record` has ended, the thread is asked to stop, or `deadline`.
wait_state
block(wait_record& record, const blocked_call& call, clock::time_point deadline) noexcept;

/// The tokens of the stop_whens around the calling thread; null if there are none.
std::shared_ptr<const token_state> tokens_around() noexcept;

/// The exception for a wait of the calling thread that `cause` ends.
stopped make_stopped(std::shared_ptr<const stop_cause> cause) noexcept;

/// Throws for a wait() that ended as stopped.
[[noreturn]] inline void raise_stop() {
  this_thread.top->raise();
  std::terminate(); // not reached: compilers do not see that a virtual function never returns
}

// --- implementation ---------------------------------------------------------

inline stop_cause describe_stop(stop_reason reason,
                                std::string_view message,
                                std::string_view task,
                                site where,
                                std::exception_ptr error) noexcept {
  stop_cause cause;
  cause.reason = reason;
  cause.error = std::move(error);
  cause.where = where;
  try {
    cause.message = message;
    cause.task = task;
  } catch (const std::bad_alloc&) { // a stop matters more than its description
  }
  return cause;
}

inline const std::shared_ptr<const stop_cause>& context::told_cause() const noexcept {
  return domain().cause();
}

inline const std::shared_ptr<tree>& context::shared() const noexcept {
  return domain().shared();
}

inline void context::enter() noexcept {
  outer_ = std::exchange(this_thread.top, this);
}

inline void context::leave() noexcept {
  thread_slot& slot = this_thread;
  context* inner = nullptr;
  for (context* c = slot.top; c != nullptr && c != this; c = c->outer_)
    inner = c;
  if ((inner != nullptr ? inner->outer_ : slot.top) != this)
    die("a shield or stop_when must end on the thread that made it");
  (inner != nullptr ? inner->outer_ : slot.top) = outer_;
}

inline void context::cover_this_thread() noexcept {
  domain().add(*this);
  enter();
}

inline void context::uncover() noexcept {
  for (context* c = this_thread.top; c != nullptr && c != this; c = c->outer_) {
    if (c->domain().outer().get() == &domain())
      c->domain().follow(domain().outer());
  }
  leave();
  domain().remove(*this);
}

inline void stop_domain::add(context& c) noexcept {
  const std::lock_guard lock(lock_);
  c.slot_ = &this_thread;
  contexts_.push_back(c);
}

inline void stop_domain::remove(context& c) noexcept {
  const std::lock_guard lock(lock_);
  contexts_.erase(c);
}

inline void stop_domain::follow(std::shared_ptr<stop_domain> outer) noexcept {
  unfollow();
  outer_ = std::move(outer);
  if (!outer_)
    return;
  link_.emplace(outer_->followers_.get_token(), outer_stop{this});
  if (outer_->stop_requested()) // its wave may not have come to its followers so far
    outer_stopped(*outer_);
}

inline bool stop_domain::stop(stop_cause cause) noexcept {
  return stop_with(std::move(cause));
}

inline bool stop_domain::stop(std::shared_ptr<const stop_cause> cause) noexcept {
  return stop_with(std::move(cause));
}

template <class Cause>
bool stop_domain::stop_with(Cause cause) noexcept {
  stop_wave own;
  stop_wave& wave = stop_wave::here_or(own);
  bool first = false;
  {
    const std::lock_guard lock(lock_);
    first = mark_stopped(std::move(cause), wave.woken);
  }
  if (first) {
    spread(wave);
  } else if (stop_requested()) {
    await_other_stop();
  }
  return first;
}

// A wave that meets another one counts on all being marked that the other marks, and it waits only
// for what is further in, where no user's code runs. A thread that asks for a stop that is on its
// way counts on the callbacks: it may be in one that is called before them.
inline void stop_domain::await_other_stop() noexcept {
  if (this_thread.wave == nullptr) {
    source_.request_stop();
    return;
  }
  // acquire: sees what the other wave has marked; pairs with release in spread()
  while (!has_spread_.load(std::memory_order_acquire))
    sync::yield();
}

// Into an object made beforehand: a stop does not allocate.
inline bool stop_domain::mark_stopped(stop_cause&& cause, claimed_list& woken) noexcept {
  if (stop_requested() || refuses_)
    return false;
  *preallocated_ = std::move(cause);
  return mark_stopped(std::shared_ptr<const stop_cause>(preallocated_), woken);
}

inline bool stop_domain::mark_stopped(std::shared_ptr<const stop_cause> cause,
                                      claimed_list& woken) noexcept {
  if (stop_requested() || refuses_)
    return false;
  cause_ = std::move(cause);
  on_stop(*cause_, woken);
  // release: publishes cause_; pairs with acquire in stop_requested()
  stopped_.store(true, std::memory_order_release);
  for (const context* c = contexts_.front(); c != nullptr; c = contexts_.next(*c)) {
    claim_blocked(*c, woken);
  }
  return true;
}

inline void stop_domain::spread(stop_wave& wave) noexcept {
  stop_wave* const around = std::exchange(this_thread.wave, &wave);
  followers_.request_stop();
  this_thread.wave = around;
  // release: publishes the marks; pairs with acquire in await_other_stop()
  has_spread_.store(true, std::memory_order_release);
  wave.add(weak_from_this().lock());
}

// It keeps the domains: they may end as soon as they are marked, and callbacks may end them.
inline void stop_wave::add(std::shared_ptr<stop_domain> marked) noexcept {
  stop_domain* const domain = marked.get();
  (last_ != nullptr ? last_->next_in_wave_ : first_) = std::move(marked);
  last_ = domain;
}

inline void stop_wave::deliver() noexcept {
  woken.complete(wait_state::stopped);
  while (first_ != nullptr) {
    const std::shared_ptr<stop_domain> told = std::move(first_);
    first_ = std::move(told->next_in_wave_);
    told->source_.request_stop();
    told->stop_told();
  }
}

inline void stop_domain::claim_blocked(const context& c, claimed_list& woken) noexcept {
  if (c.slot_ == nullptr)
    return;
  const std::lock_guard guard(c.slot_->lock);
  claim_in(*c.slot_, woken);
}

inline void stop_domain::claim_in(const thread_slot& slot, claimed_list& woken) const noexcept {
  wait_record* const record = slot.record;
  if (record == nullptr) // it runs, and may be changing its top at this moment
    return;
  const context* const top = slot.top;
  const bool is_innermost = top != nullptr && &top->domain() == this;
  if (is_innermost && record->try_claim())
    woken.push(*record);
}

inline wait_state
block(wait_record& record, const blocked_call& call, clock::time_point deadline) noexcept {
  const context* const top = this_thread.top;
  if (top == nullptr)
    return record.await(deadline, call.meanwhile); // a plain thread: nobody stops it
  this_thread.publish(&record, call, deadline);
  if (top->domain().stop_requested() && record.try_claim())
    record.complete(wait_state::stopped);
  const wait_state end = record.await(deadline, call.meanwhile);
  this_thread.publish(nullptr, {}); // under the lock under which a stop claims: none has it now
  return end;
}

inline std::shared_ptr<tree> tree_around() noexcept {
  for (const context* c = this_thread.top; c != nullptr; c = c->outer()) {
    const std::shared_ptr<tree>& shared = c->shared();
    if (shared == nullptr)
      continue;
    // What is made in a task ends before it, and the task's scope keeps the tree. Not to count
    // spares what all threads would count with.
    return this_thread.task != nullptr
               ? std::shared_ptr<tree>(std::shared_ptr<tree>(), shared.get())
               : shared;
  }
  return nullptr;
}

inline std::shared_ptr<const token_state> tokens_around() noexcept {
  std::shared_ptr<const token_state> tokens;
  for (const context* c = this_thread.top; c != nullptr && !tokens; c = c->outer())
    tokens = c->tokens();
  return tokens;
}

inline stopped make_stopped(std::shared_ptr<const stop_cause> cause) noexcept {
  ++this_thread.waits; // what is thrown later may be due to it; see detail/unwinding.hpp
  return stopped(std::move(cause), tokens_around());
}

} // namespace roost::inline v0::detail
