// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/marking.hpp>
#include <roost/detail/stop/tree_ptr.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <stop_token>
#include <string_view>
#include <utility>

// How a stop reaches a blocked thread.
//
// A stop_domain is what can be stopped as a whole: a scope, the extent of a stop_when or a shield,
// or one task alone. Domains form a tree: each is a child of the domain in which it was made. A
// context ties a domain to one thread that it covers: a task, or the owner of a scope. A thread's
// contexts are stacked in its thread_slot, and the innermost alone decides; a stop of another one
// reaches the thread through the tree.
//
// A stop goes through three loops, each over the whole tree below:
//
//     1 mark     each domain is marked, and the waiters that are blocked in it are claimed
//     2 wake     all claimed waiters are woken
//     3 tell     each domain runs its users' std::stop_callbacks, children before their parents
//
// So a thread that is woken finds all domains of the tree marked, and does not mistake an effect of
// the stop on other threads for something else; and no callback delays a mark or a wake. No code of
// users runs in the first two loops. (A thread that polls its domain may see the mark while the
// first loop still runs: see marking.hpp.) A stop that meets an earlier one, of the same domain or
// of one below, takes part in that one's third loop, whose thread may be in a callback that waits
// for what the later stop is to end.
//
// Order of locks: that of the roots, a domain's, its children's, the slot of a thread that it
// covers. The first loop holds the lock of each domain while it marks the domain's children. A
// report takes locks in the same way, see survey().
//
// INVARIANT: once a domain is marked and its lock is free, all domains below it are marked, except
// those below a shield that hides the stop, and those that refuse_stops(). A child is linked and
// unlinked under its parent's lock: so the first loop finds it, or the child finds its parent
// marked, and is marked under that same lock (follow()). A stop that meets another one waits for
// the lock of the first domain that both cover, and then for nothing else: all below is marked by
// then.
//
// INVARIANT: no wait outlasts a stop of its innermost domain. The waiter publishes its record in
// its slot, under the slot's lock, and then reads the domain's mark (block()); the stop sets the
// mark and then looks for a record in each slot, under the same lock (claim_blocked()). One of the
// two holds the lock second, and sees what the other did before. (The domain of a task may change
// once: see task_domain.hpp.)

namespace roost::inline v0::detail {

class stop_wave;
class tree_notes;

/// A cause whose texts are left out if there is no memory for them.
stop_cause describe_stop(stop_reason reason,
                         std::string_view message,
                         std::string_view task,
                         site where,
                         std::exception_ptr error = nullptr) noexcept;

/// The task in which a domain was made, if in one: tells which scope runs inside which task.
struct birthplace {
  counted_ptr<stop_domain> scope;
  std::uint64_t task = 0;
  bool is_ended_there = false; // so the task cannot end before the domain
};

/// See the top of this file.
///
/// Threads: any may stop and query. Lifetime: shared, because a stop may come from a thread that
/// does not know when the domain ends. Its owner makes it a child of another domain, and calls
/// unfollow() before it lets go of it: so a domain that has a parent is alive.
// The base has no virtual destructor, of which -Weffc++ warns; no domain is deleted through it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class stop_domain : public counted_object, public list_node<stop_domain> {
 public:
  stop_domain(clock::time_point deadline, const tree_ptr& shared, birthplace made_in = {})
      : tree_(shared),
        deadline_(deadline),
        made_in_(std::move(made_in)) {}
  ~stop_domain() override = default;
  stop_domain(const stop_domain&) = delete;
  stop_domain& operator=(const stop_domain&) = delete;

  bool stop_requested() const noexcept {
    // acquire: sees the cause; pairs with release in mark()
    return stopped_.load(std::memory_order_acquire);
  }

  counted_ptr<stop_domain> shared_from_this() noexcept { return counted_ptr<stop_domain>(*this); }

  /// Precondition: stop_requested(). The cause never changes after that.
  const counted_ptr<const kept_cause>& cause() const noexcept { return cause_; }

  std::stop_token token() const noexcept { return source_.get_token(); }
  clock::time_point deadline() const noexcept { return deadline_; }
  const tree_ptr& shared() const noexcept { return tree_; }
  const birthplace& made_in() const noexcept { return made_in_; }

  /// Stops this domain and all below: waiters wake, std::stop_callbacks run on the calling thread.
  /// False if it was stopped before, or refuses stops. If it was stopped before, tell_rest().
  /// Does not allocate.
  bool stop(stop_cause cause) noexcept;

  /// The same with a cause that another domain has.
  bool stop(counted_ptr<const kept_cause> cause) noexcept;

  /// Runs the callbacks on the token of this domain, and first those on the tokens below that an
  /// earlier stop has not come to, children before their parents. By the time this returns all
  /// these tokens tell of the stop. Does nothing if this domain was not stopped.
  void tell_rest() noexcept;

  /// Becomes a child of `outer` and of no other domain: stops when `outer` does, at once if it has
  /// stopped. Called by its owner alone.
  void follow(counted_ptr<stop_domain> outer) noexcept;

  /// Becomes a root: it has no parent, and reports find it. Called by its owner alone, which calls
  /// unfollow() in the end.
  void become_root() noexcept;

  /// Takes notes for a report: of this domain if it is a scope, of the scopes below, and of their
  /// tasks. Goes the way of a stop's first loop, and holds the lock of each scope until everything
  /// below it is noted. `around` is the number of the scope around, 0 for none.
  void survey(tree_notes& notes, std::uint64_t around) noexcept;

  /// Calls `visit` with each root. Roots that begin or end meanwhile wait. (If this thread kept
  /// pointers to the roots, and visited them later, it might destroy one, and an owner relies on
  /// having the last pointer.)
  template <class Visit>
  static void for_each_root(Visit visit) noexcept;

  /// True if something other than a thread of roost may stop this domain or one below: a token from
  /// outside, or the time. Locks as survey().
  bool may_end_by_itself() noexcept;

  /// For a root: blocks its owner until `record` has ended or until `deadline`, whichever inner
  /// scope or task the owner is in.
  virtual wait_state await_as_owner(wait_record& record, clock::time_point deadline) noexcept {
    return record.await(deadline);
  }

  /// True if something is to be done where nothing goes on in this root.
  virtual bool wants_verdict() const noexcept { return false; }

  /// Called when nothing in this root goes on, nor below it; see scope/verdict.hpp. No lock is
  /// held.
  virtual void nothing_goes_on() noexcept {}

  /// Called when this domain has outlived its parent, before it gets another one: what the old one
  /// has left behind is void. No lock is held. On the owner's thread.
  virtual void outer_is_gone() noexcept {}

  /// Afterwards it has no parent, and is no root. A stop that has marked it may still be telling
  /// it. Called by its owner alone.
  void unfollow() noexcept;

  /// The owner's last call, instead of unfollow(), for a domain that may have children which
  /// outlive it. It stays between them and its parent, so that stops reach them; the last child
  /// that leaves takes it out. True if there are such children.
  bool retire() noexcept;
  const counted_ptr<stop_domain>& outer() const noexcept { return outer_; }

  /// Registers a context of the calling thread.
  void add(context& c) noexcept;
  void remove(context& c) noexcept;

 protected:
  /// The parent was marked with `cause`: marks this domain, too, unless overridden. The caller
  /// holds the parent's lock and lock_.
  virtual void outer_stopped(const counted_ptr<const kept_cause>& cause, stop_wave& wave) noexcept {
    mark(cause, wave);
  }

  /// Called once, just before the mark can be seen: nothing has ended because of the stop so far.
  /// Puts claimed waiters into `woken`. The caller holds lock_.
  virtual void on_stop(const stop_cause& cause, claimed_list& woken) noexcept {
    (void)cause;
    (void)woken;
  }

  /// Called in the third loop of each stop in whose wave this domain is, or before it where this
  /// domain hides the stop. No lock is held.
  virtual void stop_told() noexcept {}

  /// may_end_by_itself() for this domain alone. The caller holds lock_.
  virtual bool has_token_or_timer() const noexcept { return false; }

  /// Takes the notes of this domain alone, and returns the number of the scope around those below
  /// it. The caller holds lock_.
  virtual std::uint64_t note(tree_notes& notes, std::uint64_t around) noexcept {
    (void)notes;
    return around;
  }

  /// Marks this domain and all below; false if it was marked before. The caller holds lock_, and
  /// delivers the wave without it.
  bool mark(counted_ptr<const kept_cause> cause, stop_wave& wave) noexcept;

  /// The same with a cause that is moved into an object made beforehand: a stop does not allocate.
  bool mark(stop_cause&& cause, stop_wave& wave) noexcept;

  /// True once retire() has left it to its children. The caller holds lock_.
  bool is_retired() const noexcept { return is_retired_; }

  /// Called when nothing is left to stop: later stops change nothing. The caller holds lock_.
  void refuse_stops() noexcept { refuses_ = true; }

  // The caller holds lock_.
  void bind(context& c, thread_slot& slot) noexcept { c.slot_ = &slot; }
  void erase(context& c) noexcept { contexts_.erase(c); }
  intrusive_list<context>& contexts() noexcept { return contexts_; }
  static thread_slot* slot_of(const context& c) noexcept { return c.slot_; }

  /// Claims the wait of the thread if this is its innermost domain. The caller holds the slot's
  /// lock.
  void claim_in(const thread_slot& slot, claimed_list& woken) const noexcept;

  mutable spin_lock lock_;
  tree_ptr tree_; // the owner's alone

 private:
  friend stop_wave;

  // Its lock comes before those of all domains.
  struct root_list {
    spin_lock lock;
    intrusive_list<stop_domain> domains; // guarded by lock
  };

  // One list in the whole program, also where shared libraries hide their symbols.
  [[gnu::visibility("default")]] static root_list& roots() noexcept {
    static constinit root_list all;
    return all;
  }

  template <class Cause>
  bool stop_with(Cause cause) noexcept;
  bool can_be_marked() const noexcept { return !stop_requested() && !refuses_; }
  void claim_blocked(const context& c, claimed_list& woken) noexcept;

  /// Calls the callbacks that users have put on its token.
  void call_users() noexcept {
    const sync::turn_kept kept;
    source_.request_stop();
  }

  /// The domain whose callbacks are the next to be called in a stop of this one; null if no
  /// callbacks are left.
  counted_ptr<stop_domain> first_untold() noexcept;

  const clock::time_point deadline_;
  const birthplace made_in_;
  bool refuses_ = false;                // guarded by lock_
  bool is_retired_ = false;             // likewise
  sync::atomic<bool> stopped_{false};   // the mark; written under lock_; true for ever once it is
  counted_ptr<const kept_cause> cause_; // written under lock_ before stopped_ is set
  counted_ptr<kept_cause> preallocated_ = make_counted<kept_cause>(); // guarded by lock_
  emptied_list<context> contexts_;                                    // guarded by lock_
  emptied_list<stop_domain> children_;                                // guarded by lock_
  std::stop_source source_;                                           // for the users
  counted_ptr<stop_domain> next_in_wave_;                             // the wave's
  counted_ptr<stop_domain> outer_; // the parent: the owner's alone. Its lock guards list_node
};
#pragma GCC diagnostic pop

/// True if the calling thread owns `scope`, and its contexts are not set aside.
bool is_owned_here(const stop_domain& scope) noexcept;

/// Of the root scopes that cover the calling thread the one furthest out; null if none does.
stop_domain* root_here() noexcept;

/// A stop on its way: keeps what the first loop has found, for the two others. It holds pointers to
/// the domains, as their owners may let go of them once they are marked.
class stop_wave {
 public:
  stop_wave() = default;
  ~stop_wave() { deliver(); }
  stop_wave(const stop_wave&) = delete;
  stop_wave& operator=(const stop_wave&) = delete;

  /// Called before the first mark can be seen. Then deliver() must be called, also if nothing was
  /// marked.
  void begins_to_mark() noexcept {
    if (!std::exchange(marks_, true))
      marking::begin();
  }

  /// Has `d` told in the third loop, after those that were added before. A domain is in one wave at
  /// a time.
  void add(stop_domain& d) noexcept { marked_.add(d); }

  /// Has the shield `d`, which hides the stop, told before the third loop: its time limit must not
  /// wait for callbacks of users.
  void add_hiding(stop_domain& d) noexcept { hiding_.add(d); }

  /// The second and the third loop. No lock is held.
  void deliver() noexcept;

  claimed_list woken;

 private:
  class list {
   public:
    void add(stop_domain& d) noexcept;
    counted_ptr<stop_domain> pop() noexcept; // null if it is empty

   private:
    counted_ptr<stop_domain> first_;
    stop_domain* last_ = nullptr;
  };

  list marked_;
  list hiding_;
  bool marks_ = false;
};

// --- implementation ---------------------------------------------------------

template <class Visit>
void stop_domain::for_each_root(Visit visit) noexcept {
  const std::lock_guard guard(roots().lock);
  for (stop_domain* d = roots().domains.front(); d != nullptr; d = roots().domains.next(*d))
    visit(*d);
}

#if ROOST_HAS_BODIES

ROOST_COLD_BODY stop_cause describe_stop(stop_reason reason,
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

ROOST_BODY const counted_ptr<const kept_cause>& context::told_cause() const noexcept {
  return domain().cause();
}

ROOST_BODY const tree_ptr& context::shared() const noexcept {
  return domain().shared();
}

ROOST_BODY wait_state context::sleep(wait_record& record,
                                     clock::time_point deadline,
                                     watcher* meanwhile) noexcept {
  if (outer_ != nullptr)
    return outer_->sleep(record, deadline, meanwhile);
  stop_domain* const root = meanwhile == nullptr ? this_thread.root : nullptr;
  return root != nullptr ? root->await_as_owner(record, deadline)
                         : record.await(deadline, meanwhile);
}

ROOST_BODY void context::cover_this_thread() noexcept {
  domain().add(*this);
  enter();
}

ROOST_BODY stop_domain* root_here() noexcept {
  stop_domain* root = nullptr;
  for (context* c = this_thread.top; c != nullptr; c = c->outer()) {
    if (stop_domain* const s = c->owned_scope(); s != nullptr && s->outer() == nullptr)
      root = s;
  }
  return root;
}

ROOST_BODY bool is_owned_here(const stop_domain& scope) noexcept {
  context* c = this_thread.top;
  while (c != nullptr && c->owned_scope() != &scope)
    c = c->outer();
  return c != nullptr;
}

ROOST_BODY void context::uncover() noexcept {
  for (context* c = this_thread.top; c != nullptr && c != this; c = c->outer_) {
    stop_domain& inner = c->domain();
    if (inner.outer().get() != &domain())
      continue;
    inner.unfollow();
    inner.outer_is_gone();
    if (domain().outer() != nullptr)
      inner.follow(domain().outer());
    else
      inner.become_root();
  }
  leave();
  domain().remove(*this);
  if (domain().outer() != nullptr)
    return;
  // A root has left, and what followed it is one now. Where contexts are set aside, the thread's
  // root may be one of those: then it stays.
  stop_domain* const root = this_thread.root;
  if (root == nullptr || root == &domain() || is_owned_here(*root))
    this_thread.root = root_here();
}

ROOST_BODY void stop_domain::add(context& c) noexcept {
  this_thread.know_number();
  const std::lock_guard lock(lock_);
  c.slot_ = &this_thread;
  contexts_.push_back(c);
}

ROOST_BODY void stop_domain::remove(context& c) noexcept {
  const std::lock_guard lock(lock_);
  contexts_.erase(c);
}

ROOST_BODY void stop_domain::follow(counted_ptr<stop_domain> outer) noexcept {
  unfollow();
  outer_ = std::move(outer);
  if (outer_ == nullptr)
    return;
  stop_wave wave;
  {
    const std::lock_guard guard(outer_->lock_);
    outer_->children_.push_back(*this);
    if (outer_->stop_requested()) {
      const std::lock_guard own(lock_);
      outer_stopped(outer_->cause(), wave);
    }
  }
  wave.deliver();
}

ROOST_BODY void stop_domain::become_root() noexcept {
  unfollow();
  const std::lock_guard guard(roots().lock);
  roots().domains.push_back(*this);
}

ROOST_BODY void stop_domain::unfollow() noexcept {
  if (outer_ != nullptr) {
    bool is_last = false;
    {
      const std::lock_guard guard(outer_->lock_);
      outer_->children_.erase(*this);
      is_last = outer_->is_retired_ && outer_->children_.empty();
    }
    if (is_last) // it stands in for the owner, which has left: no other child is left to do so
      outer_->unfollow();
  } else if (linked()) { // its owner's alone, where it has no parent
    const std::lock_guard guard(roots().lock);
    roots().domains.erase(*this);
  }
  outer_.reset();
}

// Only the owner adds children, so none comes once it has retired the domain.
ROOST_BODY bool stop_domain::retire() noexcept {
  {
    const std::lock_guard guard(lock_);
    is_retired_ = !children_.empty();
    if (is_retired_)
      return true;
  }
  unfollow();
  return false;
}

ROOST_COLD_BODY void stop_domain::survey(tree_notes& notes, std::uint64_t around) noexcept {
  const std::lock_guard guard(lock_);
  const std::uint64_t inside = note(notes, around);
  for (stop_domain* child = children_.front(); child != nullptr; child = children_.next(*child))
    child->survey(notes, inside);
}

ROOST_COLD_BODY bool stop_domain::may_end_by_itself() noexcept {
  const std::lock_guard guard(lock_);
  bool found = has_token_or_timer();
  for (stop_domain* d = children_.front(); d != nullptr && !found; d = children_.next(*d))
    found = d->may_end_by_itself();
  return found;
}

ROOST_COLD_BODY bool stop_domain::stop(stop_cause cause) noexcept {
  return stop_with(std::move(cause));
}

ROOST_COLD_BODY bool stop_domain::stop(counted_ptr<const kept_cause> cause) noexcept {
  return stop_with(std::move(cause));
}

template <class Cause>
bool stop_domain::stop_with(Cause cause) noexcept {
  stop_wave wave;
  bool first = false;
  {
    const std::lock_guard guard(lock_);
    first = mark(std::move(cause), wave);
  }
  wave.deliver();
  if (!first)
    tell_rest();
  return first;
}

// The thread of the earlier stop may not have come to its third loop so far. Or it is in this loop,
// and in a callback that waits for what this call stops: so that thread would not come to the rest.
ROOST_COLD_BODY void stop_domain::tell_rest() noexcept {
  while (const counted_ptr<stop_domain> untold = first_untold())
    untold->call_users();
}

ROOST_COLD_BODY counted_ptr<stop_domain> stop_domain::first_untold() noexcept {
  if (source_.stop_requested()) // and so were those below that were marked by then, before this one
    return nullptr;
  const std::lock_guard guard(lock_);
  if (!stop_requested()) // so the stop has not come to what is below either
    return nullptr;
  for (stop_domain* child = children_.front(); child != nullptr; child = children_.next(*child)) {
    if (counted_ptr<stop_domain> found = child->first_untold())
      return found;
  }
  return shared_from_this();
}

ROOST_COLD_BODY bool stop_domain::mark(stop_cause&& cause, stop_wave& wave) noexcept {
  if (!can_be_marked())
    return false;
  preallocated_->told = std::move(cause);
  return mark(preallocated_, wave);
}

// The first loop.
ROOST_COLD_BODY bool stop_domain::mark(counted_ptr<const kept_cause> cause,
                                       stop_wave& wave) noexcept {
  if (!can_be_marked())
    return false;
  wave.begins_to_mark();
  cause_ = std::move(cause);
  on_stop(cause_->told, wave.woken);
  // release: publishes cause_; pairs with acquire in stop_requested()
  stopped_.store(true, std::memory_order_release);
  for (const context* c = contexts_.front(); c != nullptr; c = contexts_.next(*c))
    claim_blocked(*c, wave.woken);
  for (stop_domain* child = children_.front(); child != nullptr; child = children_.next(*child)) {
    const std::lock_guard guard(child->lock_);
    child->outer_stopped(cause_, wave);
  }
  wave.add(*this);
  return true;
}

ROOST_COLD_BODY void stop_wave::list::add(stop_domain& d) noexcept {
  (first_ != nullptr ? last_->next_in_wave_ : first_) = d.shared_from_this();
  last_ = &d;
}

ROOST_COLD_BODY counted_ptr<stop_domain> stop_wave::list::pop() noexcept {
  counted_ptr<stop_domain> popped = std::move(first_);
  if (popped != nullptr)
    first_ = std::move(popped->next_in_wave_);
  return popped;
}

ROOST_BODY void stop_wave::deliver() noexcept {
  if (std::exchange(marks_, false))
    marking::end();
  woken.complete(wait_state::stopped);
  while (const counted_ptr<stop_domain> hiding = hiding_.pop())
    hiding->stop_told();
  while (const counted_ptr<stop_domain> told = marked_.pop()) {
    told->tell_rest();
    told->stop_told();
  }
}

ROOST_COLD_BODY void stop_domain::claim_blocked(const context& c, claimed_list& woken) noexcept {
  if (c.slot_ == nullptr)
    return;
  const std::lock_guard guard(c.slot_->lock);
  claim_in(*c.slot_, woken);
}

ROOST_BODY void stop_domain::claim_in(const thread_slot& slot, claimed_list& woken) const noexcept {
  wait_record* const record = slot.record;
  if (record == nullptr) // it runs, and may be changing its top at this moment
    return;
  const context* const top = slot.top;
  const bool is_innermost = top != nullptr && &top->domain() == this;
  if (is_innermost && record->try_claim())
    woken.push(*record);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
